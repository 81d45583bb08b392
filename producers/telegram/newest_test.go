package telegram

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/producers"
)

// A message without reactions says as of when, a list of reactions says so too; the newest message has nothing to say.
func TestSession_AsOf(t *testing.T) {
	var list []string
	for i := range 3 {
		more := ""
		if i == 1 {
			more = `, "reactions": [{"type": "emoji", "count": 2, "emoji": "👍"}]`
		}
		list = append(list, fmt.Sprintf(`{"id": %d, "type": "message", "date": "2024-05-01T10:00:00", "date_unixtime": "%d", "from": "Ann", "from_id": "user5", "text": "t"%s}`,
			i+1, 1714557600+i, more))
	}
	text := `{"name": "Farm", "type": "public_supergroup", "id": 4001, "messages": [` + strings.Join(list, ", ") + `]}`
	f := producers.File{Path: "result.json", Head: []byte(text), Size: int64(len(text)), Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil }}
	src, err := Definition().Archive(f, producers.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s, err := src.Connect(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	b, err := s.Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]int64{}
	for _, e := range b.Events {
		if e.Kind == event.KindMessage || e.Kind == event.KindReactions {
			got[string(e.Kind)+" "+string(e.NativeID)] = e.Reading.AsOf
		}
	}
	const asOf = 1714557602000
	for key, want := range map[string]int64{"message 1": asOf, "message 2": 0, "message 3": 0, "reactions 2": asOf} {
		if got[key] != want {
			t.Errorf("%s is as of %d, want %d", key, got[key], want)
		}
	}
}
