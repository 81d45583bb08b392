package slack

import (
	"testing"

	"golang.org/x/text/encoding/japanese"

	"github.com/agrichat/agrichat/internal/event"
)

func TestReader_DoubleBytes(t *testing.T) {
	c := day(dayOf(said1("1714550400.000100", "これは時刻表"), said1("1714550401.000100", "能\\nソ")))
	want := readCase(t, c)
	stored, err := japanese.ShiftJIS.NewEncoder().Bytes(c.Data)
	if err != nil {
		t.Fatal(err)
	}
	c.Data = stored
	for _, c.Options.Charset = range []string{"cp932", ""} {
		got := readCase(t, c)
		if len(got) != len(want) {
			t.Fatalf("as %q: %d events, want %d", c.Options.Charset, len(got), len(want))
		}
		for i := range got {
			if got[i].ID != want[i].ID || got[i].Kind == event.KindMessage && got[i].Body.(*event.Message).Text != want[i].Body.(*event.Message).Text {
				t.Errorf("as %q: event %d is %+v, want %+v", c.Options.Charset, i, got[i], want[i])
			}
		}
	}
}
