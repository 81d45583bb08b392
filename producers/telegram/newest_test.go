package telegram

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/producers"
)

func TestNewest(t *testing.T) {
	long := strings.Repeat("x", 3*tailRead-7)
	for name, c := range map[string]struct {
		text  string
		chats bool
		want  int64
	}{
		"the last":               {`{"date_unixtime": "1700000000"}, {"date_unixtime": "1700000009"}`, false, 1700000009},
		"an edit":                {`{"date_unixtime": "1700000000", "edited_unixtime":"1700000020"}, {"date_unixtime":1700000009}`, false, 1700000020},
		"far from the end":       {`{"date_unixtime": "1700000000"}` + long, false, 0},
		"in one of many chats":   {`{"date_unixtime": "1700000000"}` + long + `{"date_unixtime": "1600000000"}`, true, 1700000000},
		"in a text":              {`{"date_unixtime": "1700000000", "text": "\"date_unixtime\": \"1800000000\""}`, false, 1700000000},
		"no number":              {`{"date_unixtime": "", "edited_unixtime": "99999999999999999999", "x_unixtime": `, false, 0},
		"before times were told": {`{"date": "2020-01-01T00:00:00"}`, false, 0},
	} {
		f := producers.File{Size: int64(len(c.text)), Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(c.text)), nil }}
		if got := newest(f, c.chats); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
	for cut := range 60 { // wherever a block ends
		text := strings.Repeat(" ", tailRead-cut) + `{"date_unixtime": "1700000000"}` + strings.Repeat(" ", 80)
		if got, err := latestUnix(strings.NewReader(text)); err != nil || got != 1700000000 {
			t.Errorf("cut %d: %d, %v", cut, got, err)
		}
	}
}

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
