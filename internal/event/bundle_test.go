package event

import "testing"

// TestPosition pins what is in databases and on streams: a later version must read it.
func TestPosition(t *testing.T) {
	if LineEnd != "\n" || IDSeparator != "," {
		t.Errorf("bundles are parted by %q, and their ids by %q", LineEnd, IDSeparator)
	}
	for _, tt := range []struct {
		sequence uint64
		line     int
		want     Position
		text     string
	}{{1, 0, 1024, "1"}, {1, 1, 1025, "1, line 2"}, {5, 1023, 6143, "5, line 1024"}, {1 << 50, 7, 1<<60 + 7, "1125899906842624, line 8"}} {
		got := At(tt.sequence, tt.line)
		if got != tt.want || got.Sequence() != tt.sequence || got.Line() != tt.line || got.String() != tt.text {
			t.Errorf("line %d of %d stands at %d (%s), want %d (%s)", tt.line, tt.sequence, got, got, tt.want, tt.text)
		}
	}
	if got := At(5, 9999); got != At(5, 1023) || got >= At(6, 0) {
		t.Errorf("what is beyond the last line stands at %s", got)
	}
}
