package whatsapp

import (
	"encoding/json"
	"fmt"
	"testing"
)

// TestArchive_Connect_OlderCursor holds that a file whose cursor an older program saved is read from its start: its survey lacks what later ones
// found.
func TestArchive_Connect_OlderCursor(t *testing.T) {
	text := "25.01.24, 10:00 - Bob: one\n25.01.24, 10:01 - Ann: two\n25.01.24, 10:02 - Bob: three\n"
	whole, stops := pieces(t, text, nil)
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(stops[1].cursor, &fields); err != nil {
		t.Fatal(err)
	}
	for version, want := range map[int]int{1: len(whole), cursorVersion: len(whole) - stops[1].events} {
		fields["v"] = json.RawMessage(fmt.Sprint(version))
		cur, err := json.Marshal(fields)
		if err != nil {
			t.Fatal(err)
		}
		if rest, _ := pieces(t, text, cur); len(rest) != want {
			t.Errorf("version %d: %d events, want %d", version, len(rest), want)
		}
	}
}
