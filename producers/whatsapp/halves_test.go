package whatsapp

import (
	"strings"
	"testing"
)

func TestArchive_Midnight(t *testing.T) {
	t.Parallel()
	events, notices, n := read(t, strings.Join([]string{
		"2024/1/1 中午12:30 - 小明: aa", "2024/1/1 晚上11:30 - 小红: bb", "2024/1/2 半夜12:10 - 小红: cc", "",
	}, "\n"), owner())
	compare(t, events, "2024-01-01 12:30 <小明> aa\n2024-01-01 23:30 <小红> bb\n2024-01-02 00:10 <小红> cc")
	if len(notices) > 0 || n.Unparsed > 0 {
		t.Errorf("notices are %v, %d unparsed", notices, n.Unparsed)
	}
}

// TestArchive_TimeNotUnderstood: what begins as a message of the file does never becomes text in silence.
func TestArchive_TimeNotUnderstood(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{
		"2024/1/1 中午12:30 - A: aa\n2024/1/1 子時12:10 - B: bb\n":                                    1,
		"[2024/1/1 中午12:30:00] A: aa\n[2024/1/1 子時12:10:00] B: bb\n[2024/1/1 子時12:10:00] B: bb\n": 2,
		"31/12/23, 9:05 pm - A: aa\n31/12/23, 9:05 zz - B: bb\n31/12/23, 9:06 zz - You left\n":    2,
		"31/12/23, 9:05 pm - A: aa\n31/12/23, at nine - B: bb\n":                                  0,
		"31/12/23, 9:05 pm - A: aa\n31/12/23: 9:05 is when - no: more\n":                          0,
		"31/12/23, 9:05 pm - A: aa\n31/12/23, 9:05 zz - nothing\n31.12.23, 9:05 zz - B: bb\n":     0,
	} {
		events, notices, _ := read(t, text, owner())
		if len(events) != 1 || notices["time-not-understood"].Count != want {
			t.Errorf("%q has %d messages, notices %v", text, len(events), notices)
		}
	}
	events, notices, _ := read(t, "18/6/24, 9:05 - A: aa\n18/6/1445, 9:05 - B: bb\n19/13/24, 9:05 - B: cc\n", owner())
	if n := notices["header-other-form"].Count; len(events) != 1 || n != 2 {
		t.Errorf("%d messages, notices %v", len(events), notices)
	}
}
