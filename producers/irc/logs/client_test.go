package logs

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/producers"
	"github.com/agrichat/agrichat/producers/irc/irctest"
	"github.com/agrichat/agrichat/producers/producertest"
)

// checkLog reads a log that must be recognised, and compares its events.
func checkLog(t *testing.T, path, text string, o producers.Options, want ...string) []producers.Batch {
	t.Helper()
	if recognise(irctest.File(path, []byte(text))) == producers.No {
		t.Errorf("%s is not recognised", path)
	}
	batches := readLog(t, path, text, o)
	if diff := cmp.Diff(want, linesOf(batches)); diff != "" {
		t.Errorf("%s: messages differ: %s", path, diff)
	}
	return batches
}

// TestArchive_Prefixes: what is in a column for nicks and is none is nobody; its line keeps the id that it had.
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
	var k irctest.Keyed
	for i, e := range producertest.Events(batches)[1:5] {
		was := [][2]string{{"<elm>", "hi"}, {"<@oak>", "yes"}, {"<+ash>", "so"}, {"[info]", "Channel view for ``#barn'' opened."}}[i]
		minute := []string{"21:05", "21:05", "21:05", "21:06"}[i]
		if want := k.Next("2023-05-03", minute, event.AuthorID(was[0]), was[1]); e.NativeID != want {
			t.Errorf("line %d has the key %s, want %s", i+1, e.NativeID, want)
		}
	}
}

func TestArchive_HexChat(t *testing.T) {
	t.Parallel()
	const body = "Dec 31 21:05:00 *\tNow talking on #barn\nDec 31 21:05:10 <elm>\thi > there\nDec 31 21:05:20 *\toak (~o@h.example) has joined\n" +
		"Dec 31 21:05:30 *\toak waves\nDec 31 21:05:40 *\toak has quit (Quit: bye)\nDec 31 21:05:50 -elm-\tsoon\nDec 31 23:59:59 <@ash> no tab\n"
	want := []string{
		"12-31 21:05:00? other/ <>  : Now talking on #barn", "12-31 21:05:10? message <elm> hi > there", "12-31 21:05:20? join/join <oak>",
		"12-31 21:05:30? action <oak> waves", "12-31 21:05:40? leave/quit <oak> Quit: bye", "12-31 21:05:50? notice/notice <elm>  : soon",
		"12-31 23:59:59? message <ash> no tab",
	}
	years := func(batches []producers.Batch) (out []int) {
		for _, e := range producertest.Events(batches) {
			if e.Kind != event.KindChannel && !e.Sent.IsZero() && !slices.Contains(out, e.Sent.At.Year()) {
				out = append(out, e.Sent.At.Year())
			}
		}
		return out
	}
	t.Run("the year turns", func(t *testing.T) {
		text := "**** BEGIN LOGGING AT Sun Dec 31 21:04:58 2023\n\n" + body + "Jan  1 00:00:20 <oak>\tyo\nMar 02 10:00:00 <oak>\tspring\nJan 02 10:00:00 <oak>\twinter\n" +
			"**** ENDING LOGGING AT Thu Jan  2 10:00:01 2025\n\n**** BEGIN LOGGING AT Fri Jan  3 08:00:00 2025\n\nJan 03 08:00:10 *\telm has joined\n"
		batches := checkLog(t, "libera/#barn.log", text, producers.Options{}, append(slices.Clone(want), "01-01 00:00:20? message <oak> yo",
			"03-02 10:00:00? message <oak> spring", "01-02 10:00:00? message <oak> winter", "01-03 08:00:10? join/join <elm>")...)
		if got := years(batches); !slices.Equal(got, []int{2023, 2024, 2025}) {
			t.Errorf("the years are %v", got)
		}
		var k irctest.Keyed
		if e := producertest.Events(batches)[2]; e.NativeID != k.Next("2023-12-31", "21:05", "elm", "hi > there") {
			t.Errorf("the key is %s, not that of any other log", e.NativeID)
		}
	})
	t.Run("the path names the year", func(t *testing.T) {
		for _, path := range []string{"libera/#barn.2023.log", "2023/libera/#barn.log", "libera/#barn.2023-12.log", "libera/#barn.2023-12-31.log"} {
			batches := checkLog(t, path, body+"Jan 01 00:00:20 <oak>\tyo\n", producers.Options{}, append(slices.Clone(want), "01-01 00:00:20? message <oak> yo")...)
			if got := years(batches); !slices.Equal(got, []int{2023, 2024}) || noticesOf(batches)["year-unknown"] != 0 {
				t.Errorf("%s: the years are %v", path, got)
			}
		}
	})
	t.Run("nothing does", func(t *testing.T) {
		batches := checkLog(t, "libera/#barn.log", "Dec 31 21:05:00 <elm>\thi\nJan 01 21:05:00 <elm>\thi\n", producers.Options{}, "- message <elm> hi", "- message <elm> hi")
		if n := noticesOf(batches); n["year-unknown"] != 2 {
			t.Errorf("notices are %v", n)
		}
		if e := producertest.Events(batches); e[1].ID == e[2].ID || batches[0].Counts.Ambiguous != 2 {
			t.Errorf("ids are %s and %s, ambiguous %d", e[1].ID, e[2].ID, batches[0].Counts.Ambiguous)
		}
	})
	t.Run("other languages", func(t *testing.T) {
		text := "**** НАЧАЛО ЖУРНАЛА Sun Dec 31 21:04:58 2023\n\nдек 31 21:05:00 <ель>\tдек\n31. Dez 21:05:01 <elm>\tdez\ndéc. 31 21:05:02 <elm>\tdéc\n" +
			"gru 31 21:05:03 <elm>\tgru\n12月 31 21:05:04 <elm>\t12\nmar. 31 déc. 2023 21:05:05 <elm>\tmar\n"
		checkLog(t, "libera/#barn.log", text, producers.Options{}, "12-31 21:05:00? message <ель> дек", "12-31 21:05:01? message <elm> dez",
			"12-31 21:05:02? message <elm> déc", "12-31 21:05:03? message <elm> gru", "12-31 21:05:04? message <elm> 12", "12-31 21:05:05? message <elm> mar")
	})
	t.Run("another time", func(t *testing.T) {
		checkLog(t, "libera/#barn.20231231.log", "[21:05:00] <elm>\thi\n[21:05:10] *\toak waves\n21:05:20 <elm>\ta > b\n", producers.Options{},
			"12-31 21:05:00? message <elm> hi", "12-31 21:05:10? action <oak> waves", "12-31 21:05:20? message <elm> a > b")
	})
	producertest.Archive(t, definition(), producertest.Case{Path: "libera/#long.2023.log", Data: []byte(strings.Repeat(body, 200)), Events: 1400, Cuts: 40})
}
