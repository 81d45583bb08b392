package discord

import (
	"strings"
	"testing"

	"golang.org/x/text/encoding/japanese"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/producers"
)

func TestMessages_DoubleBytes(t *testing.T) {
	text := string(export(typed(0, "Default", "これは時刻表"), typed(1, "Default", "能\\nソ")))
	text = strings.Replace(text, `"beans",`, `"表",`, 1)
	want := read(t, jsonPath, []byte(text), producers.Options{})
	stored, err := japanese.ShiftJIS.NewEncoder().Bytes([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	for _, named := range []string{"cp932", ""} {
		got := read(t, jsonPath, stored, producers.Options{Charset: named})
		if len(got) != len(want) {
			t.Fatalf("as %q: %d events, want %d", named, len(got), len(want))
		}
		for i := range got {
			if got[i].Kind == event.KindMessage && (got[i].ID != want[i].ID || got[i].Body.(*event.Message).Text != want[i].Body.(*event.Message).Text) {
				t.Errorf("as %q: event %d is %+v, want %+v", named, i, got[i], want[i])
			}
		}
	}
}
