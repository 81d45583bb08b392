package cli_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// TestImport_OverlapsEdges holds that an import of one export of a chat says what of its last and first messages stands twice where an earlier
// import brought another export, in either order, and says nothing where one only holds more than the other.
func TestImport_OverlapsEdges(t *testing.T) {
	t.Parallel()
	w, dir := newOutside(t), t.TempDir()
	base := []string{"Bob: one", "Ann: two", "Bob: three", "Ann: four"}
	text := func(from int, lines ...string) string {
		var b strings.Builder
		for i, l := range lines {
			fmt.Fprintf(&b, "DAY, %02d:%02d - %s\n", 10+(from+i)/120, (from+i)/2%60, l) // two of a minute
		}
		return b.String()
	}
	more := func(lines ...string) []string { return append(base[:len(base):len(base)], lines...) }
	chats := 0
	for name, c := range map[string]struct {
		one, two         string
		count, other     int // of the second import where two, and where one comes second
		zoneOne, zoneTwo string
	}{
		"last edited":               {one: text(0, more("Bob: five")...), two: text(0, more("Bob: six <This message was edited>")...), count: 1, other: 1},
		"last two edited, and more": {one: text(0, more("Bob: five", "Ann: so")...), two: text(0, more("Bob: six", "Ann: more", "Ann: and more")...), count: 2, other: 2},
		"last deleted":              {one: text(0, more("Bob: five")...), two: text(0, more("Bob: You deleted this message", "Ann: oh")...), count: 1, other: 1},
		"first edited":              {one: text(0, "Bob: one", "Ann: two", "Bob: three"), two: text(0, "Bob: 1", "Ann: two", "Bob: three"), count: 1, other: 1},
		"cut":                       {one: strings.TrimSuffix(text(0, more("Bob: a long sen")...), "\n"), two: text(0, more("Bob: a long sentence", "Ann: yes")...), count: 1, other: 1},
		"zone named later":          {one: text(0, more("Bob: five")...), two: text(0, more("Bob: six", "Ann: more")...), zoneTwo: "America/New_York", count: 1, other: 1},
		"other zone":                {one: text(0, more("Bob: five")...), two: text(0, more("Bob: six", "Ann: more")...), zoneOne: "Europe/Berlin", zoneTwo: "Asia/Kolkata", count: 1, other: 1},
		"grown":                     {one: text(0, more("Bob: five")...), two: text(0, more("Bob: five", "Ann: six", "Bob: seven")...)},
		"grown, zone named later":   {one: text(0, more("Bob: five")...), two: text(0, more("Bob: five", "Ann: six", "Bob: seven")...), zoneTwo: "America/New_York"},
		"the newest only": {one: text(0, more("Bob: five", "Ann: six")...),
			two: text(1, "Ann: two", "Bob: three", "Ann: four", "Bob: five", "Ann: six", "Bob: seven")},
		"the newest only, last edited":          {one: text(0, more("Bob: five")...), two: text(1, "Ann: two", "Bob: three", "Ann: four", "Bob: 5"), count: 1, other: 1},
		"last deleted for one only":             {one: text(0, more("Bob: five", "Bob: six")...), two: text(0, more("Bob: five")...)},
		"two parts that meet":                   {one: text(0, "Bob: one", "Ann: two", "Bob: three"), two: text(3, "Ann: four", "Bob: five")},
		"a piece of a busy day in another zone": {one: text(0, talk(300)...), two: text(120, talk(300)[120:180]...), zoneTwo: "Europe/Berlin"},
	} {
		for order, want := range []int{c.count, c.other} {
			channel := fmt.Sprintf("%s %d", name, order)
			texts, zones := []string{c.one, c.two}, []string{c.zoneOne, c.zoneTwo}
			if order == 1 {
				texts[0], texts[1], zones[0], zones[1] = texts[1], texts[0], zones[1], zones[0]
			}
			chats++
			day := fmt.Sprintf("%d.%02d.24", 13+chats%15, 1+chats/15) // so that no chat has the messages of another
			var n noticed
			for i := range texts {
				file := filepath.Join(dir, channel, fmt.Sprint(i), "WhatsApp Chat with Farm.txt")
				write(t, file, strings.ReplaceAll(texts[i], "DAY", day))
				args := []string{file, "--account", "me", "--channel", channel}
				if zones[i] != "" {
					args = append(args, "--zone", zones[i])
				}
				n = w.noticed(args...)
			}
			if got := n.counts(); got["overlap-differs"] != want || n.Overlapping != want || got["overlap-none"] != 0 {
				t.Errorf("%s: overlapping %d, notices %v, want %d", channel, n.Overlapping, n.Notices, want)
			}
		}
	}
}

func talk(n int) (out []string) {
	for i := range n {
		out = append(out, fmt.Sprintf("%s: word %d", []string{"Bob", "Ann", "Eve"}[i%3], i))
	}
	return out
}
