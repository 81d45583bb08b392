package report

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/agrichat/agrichat/internal/importer"
)

// TestImport_updated holds that what an import corrected has a column, and only where something was.
func TestImport_updated(t *testing.T) {
	t.Parallel()
	for updated, want := range map[int64]string{0: "STORED AGGREGATED", 3: "STORED UPDATED AGGREGATED"} {
		var out bytes.Buffer
		if err := printChats(&out, []importer.ChatReport{{Source: "irc", Namespace: "net", Channel: "#go", Read: 7, Published: 6, Known: 5, Stored: 4, Updated: updated, Facts: 2, Unparsed: 1}}); err != nil {
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

func TestLargestChats(t *testing.T) {
	t.Parallel()
	var chats []importer.ChatReport
	for n := range 200 {
		chats = append(chats, importer.ChatReport{Channel: fmt.Sprint(n), Read: 1 + n%4, Published: 1 + n%4})
	}
	shown, rest := largestChats(chats)
	sum := rest.Read
	for _, c := range shown {
		sum += c.Read
		if c.Read != 4 {
			t.Errorf("chat %s of %d events is shown", c.Channel, c.Read)
		}
	}
	if len(shown) != shownChats || sum != 500 || rest.Published != rest.Read {
		t.Errorf("%d are shown, with the rest %d events", len(shown), sum)
	}
	if shown, rest := largestChats(chats[:shownChats]); len(shown) != shownChats || rest.Read != 0 {
		t.Errorf("%d of %d are shown, the rest is %+v", len(shown), shownChats, rest)
	}
}
