package irc

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/producers"
	"github.com/agrichat/agrichat/producers/producertest"
)

// checkLog reads a log that must be recognised, and compares what it tells.
func checkLog(t *testing.T, path, text string, o producers.Options, want ...string) []producers.Batch {
	t.Helper()
	if recognise(file(path, []byte(text))) == producers.No {
		t.Errorf("%s is not recognised", path)
	}
	batches := readLog(t, path, text, o)
	if diff := cmp.Diff(want, toldOf(batches)); diff != "" {
		t.Errorf("%s: messages differ: %s", path, diff)
	}
	return batches
}

// TestArchive_Prefixes: what stands in a column for nicks and is none is nobody; its line keeps the id that it had.
func TestArchive_Prefixes(t *testing.T) {
	t.Parallel()
	batches := checkLog(t, "libera/#barn.log", "2023-05-03 21:05:00\t<elm>\thi\n2023-05-03 21:05:10\t<@oak>\tyes\n2023-05-03 21:05:20\t@<+ash>\tso\n"+
		"[2023-05-03 21:06:00] [INFO]\tChannel view for ``#barn'' opened.\n[2023-05-03 21:06:10] -->|\toak (o@h) has joined #barn\n"+
		"[2023-05-03 21:06:20] =-=\tTopic for #barn is hay\n2023-05-03 21:07:00\t***\tash has quit (late)\n2023-05-03 21:08:00\t[elm]\tmy nick\n"+
		"2023-05-03 21:09:00\t|_|\tso is mine\n", producers.Options{},
		"05-03 21:05:00? message <elm> hi", "05-03 21:05:10? message <oak> yes", "05-03 21:05:20? message <ash> so",
		"05-03 21:06:00? other/ <>  : Channel view for ``#barn'' opened.", "05-03 21:06:10? join/join <oak>",
		"05-03 21:06:20? other/ <>  : Topic for #barn is hay", "05-03 21:07:00? leave/quit <ash> late", "05-03 21:08:00? message <[elm]> my nick",
		"05-03 21:09:00? message <|_|> so is mine")
	var k keyed
	for i, e := range producertest.Events(batches)[1:5] {
		was := [][2]string{{"<elm>", "hi"}, {"<@oak>", "yes"}, {"<+ash>", "so"}, {"[info]", "Channel view for ``#barn'' opened."}}[i]
		minute := []string{"21:05", "21:05", "21:05", "21:06"}[i]
		if want := k.next("2023-05-03", minute, event.AuthorID(was[0]), was[1]); e.NativeID != want {
			t.Errorf("line %d has the key %s, want %s", i+1, e.NativeID, want)
		}
	}
}
