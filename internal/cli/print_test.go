package cli

import (
	"bytes"
	"strings"
	"testing"
)

// TestPrintChats holds that what an import corrected has a column, and only where something was.
func TestPrintChats(t *testing.T) {
	t.Parallel()
	for updated, want := range map[int64]string{0: "STORED AGGREGATED", 3: "STORED UPDATED AGGREGATED"} {
		var out bytes.Buffer
		if err := printChats(&out, []chatReport{{Source: "irc", Namespace: "net", Channel: "#go", Read: 7, Published: 6, Known: 5, Stored: 4, Updated: updated, Facts: 2, Unparsed: 1}}); err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(out.String(), "\n")
		if head := strings.Join(strings.Fields(lines[0]), " "); !strings.Contains(head, want) {
			t.Errorf("the heads are %q", head)
		}
		if got, heads := len(strings.Fields(lines[1])), len(strings.Fields(lines[0])); got != heads || (updated > 0) != strings.Contains(lines[1], "4       3        2") {
			t.Errorf("%d cells under %d heads: %q", got, heads, lines[1])
		}
	}
}

// TestLineNumber holds that JSON counts the lines of a bundle as the text does.
func TestLineNumber(t *testing.T) {
	t.Parallel()
	for line, want := range []int{0, 2, 3} {
		if got := lineNumber(line); got != want {
			t.Errorf("line %d is %d, want %d", line, got, want)
		}
	}
}
