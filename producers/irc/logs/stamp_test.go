package logs

import (
	cmp2 "cmp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/producers"
	"github.com/agrichat/agrichat/producers/irc/irctest"
	"github.com/agrichat/agrichat/producers/producertest"
)

func TestOtherStamp(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"[09:05pm] <a> x":                                "21:05 minute|<a> x",
		"[9:05 PM] <a> x":                                "21:05 minute|<a> x",
		"[12:05:07 a.m.] <a> x":                          "00:05 second|<a> x",
		"9:05pm <a> x":                                   "21:05 minute|<a> x",
		"(12:05:07 PM) a: x":                             "12:05 second|a: x",
		"[21:05 pm] <a> x":                               "21:05 minute|<a> x",
		"[31/12/2023 21:05:00] <a> x":                    "2023-12-31 21:05 second|<a> x",
		"[31.12.2023 21:05] <a> x":                       "2023-12-31 21:05 minute|<a> x",
		"31-12-23 21:05 <a> x":                           "2023-12-31 21:05 minute|<a> x",
		"12/31/23 9:05 PM <a> x":                         "2023-12-31 21:05 minute|<a> x",
		"[2023/12/31 21:05] <a> x":                       "2023-12-31 21:05 minute|<a> x",
		"2023.12.31 21:05:00\t<a>\tx":                    "2023-12-31 21:05 second|<a>\tx",
		"1704056700 <a> x":                               "2023-12-31 21:05 second UTC|<a> x",
		"[1704056700] <a> x":                             "2023-12-31 21:05 second UTC|<a> x",
		"1704056700123\t<a>\tx":                          "2023-12-31 21:05 milli UTC|<a>\tx",
		"[1704056700.5] <a> x":                           "2023-12-31 21:05 milli UTC|<a> x",
		"[Sunday 31 December 2023] [21:05:00 UTC] <a> x": "2023-12-31 21:05 second UTC|<a> x",
		"[Sun Dec 31 2023] [21:05:00] <a>\tx":            "2023-12-31 21:05 second|<a>\tx",
		"[2023-12-31] [21:05:00 CET] <a> x":              "2023-12-31 21:05 second|<a> x",
		"[31/12/2023][21:05] <a> x":                      "2023-12-31 21:05 minute|<a> x",
		"2023-12-31 [21:05:00] <a> x":                    "2023-12-31 21:05 second|<a> x",
		"[2023-12-31 21:05:00 +0100] <a> x":              "2023-12-31 21:05 second +0100|<a> x",
		"22.11.2024, 10:00 x":                            "",
		"[22.11.24, 10:00:00] x":                         "",
		"31/31/2023 10:00 x":                             "",
		"[25:00 pm] x":                                   "",
		"9:05pmx":                                        "",
		"170405670 <a> x":                                "",
		"9999999999 <a> x":                               "",
		"1/2 x":                                          "",
		"[]":                                             "",
	} {
		s, rest, ok := otherStamp(line)
		got := ""
		if ok {
			day, _ := s.printed.any()
			if s.day.isSet() {
				day = s.day
			}
			got = strings.TrimSpace(day.String() + " " + s.clock() + " " + s.precision.String())
			if s.zone != nil {
				got += " " + s.zone.String()
			}
			got += "|" + rest
		}
		if got != want {
			t.Errorf("%q is %q, want %q", line, got, want)
		}
	}
}

// TestArchive_DateOrder: the user settles the order of day and month, else the whole log, else it is a guess; ids are the same.
func TestArchive_DateOrder(t *testing.T) {
	t.Parallel()
	const text = "[03/04/2023 21:05:00] <elm> one\n[04/04/2023 21:05:00] <elm> two\n[05/04/2023 21:05:00] <elm> three\n"
	const month = "Conversation with #barn at 05/31/2023 09:00:00 PM on elm@irc.example (irc)\n[05/31/2023 21:05] <elm> four\n"
	ids := map[string][]event.ID{}
	for name, c := range map[string]struct {
		text  string
		order producers.DateOrder
		want  string
	}{
		"guess":      {text, "", "04-03? 04-04 04-05?"},
		"day":        {text, producers.DayFirst, "04-03 04-04 04-05"},
		"month":      {text, producers.MonthFirst, "03-04 04-04 05-04"},
		"log shows":  {text + month, "", "03-04 04-04 05-04 05-31"},
		"header too": {text + strings.SplitAfter(month, "\n")[0], "", "03-04 04-04 05-04"},
		"dots":       {strings.ReplaceAll(text, "/", "."), "", "04-03 04-04 04-05"},
	} {
		var got []string
		for _, e := range producertest.Events(readLog(t, "libera/#barn.log", c.text, producers.Options{DateOrder: c.order})) {
			if e.Kind != event.KindMessage {
				continue
			}
			day := e.Sent.At.Format("01-02")
			if e.Reading.DateGuessed {
				day += "?"
			}
			got = append(got, day)
			if len(got) <= 3 {
				ids[name] = append(ids[name], e.ID)
			}
			if !e.Sent.Assumed {
				t.Errorf("%s: the zone is taken for sure", name)
			}
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: days are %v, want %s", name, got, c.want)
		}
	}
	for name, got := range ids {
		if diff := cmp.Diff(ids["guess"], got); diff != "" {
			t.Errorf("%s: ids differ: %s", name, diff)
		}
	}
	e := producertest.Events(readLog(t, "libera/#barn.log", "23/12/31 21:05 <elm> x\n", producers.Options{DateOrder: producers.YearFirst}))[1]
	if got := e.Sent.At.Format("2006-01-02"); got != "2023-12-31" {
		t.Errorf("with the year first, the day is %s", got)
	}
	producertest.Archive(t, definition(), producertest.Case{Path: "libera/#long.log", Data: []byte(each(text+month, 200)), Events: 800, Cuts: 40})
}

func TestArchive_Konversation(t *testing.T) {
	t.Parallel()
	checkLog(t, "libera/#barn.log", "[Sunday 31 December 2023] [21:05:00 UTC] <elm> hi\n[Sun Dec 31 2023] [21:05:10] Join\toak (~o@h.example) has joined this channel.\n"+
		"[Sun Dec 31 2023] [21:05:20] *\toak waves\n[Sun Dec 31 2023] [21:05:30] Вход\tбот сделал что-то\n[Sun Dec 31 2023] [21:05:40] Quit\toak (~o@h.example) has left this server (Quit: bye).\n"+
		"[Sun Dec 31 2023] [21:05:50] Nick\telm is now known as ash.\n[Sun Dec 31 2023] [21:05:59] <ash>\tso\n", producers.Options{},
		"12-31 21:05:00 message <elm> hi", "12-31 21:05:10? join/join <oak>", "12-31 21:05:20? action <oak> waves",
		"12-31 21:05:30? other/ <>  : бот сделал что-то", "12-31 21:05:40? leave/quit <oak> Quit: bye", "12-31 21:05:50? rename/nick <elm> ash -> ash",
		"12-31 21:05:59? message <ash> so")
}

func TestArchive_Colons(t *testing.T) {
	t.Parallel()
	want := []string{
		"12-31 21:05:00? message <elm> hi: there", "12-31 21:05:10? message <oak> <b> yo", "12-31 21:05:20? action <oak> waves",
		"12-31 21:06:00? join/join <ash>", "12-31 21:06:10? leave/quit <ash> bye", "12-31 21:06:20? mode/mode <ChanServ> +o elm",
		"01-01 00:00:10? message <elm> late",
	}
	text := "(21:05:00) elm: hi: there\n(21:05:10) @oak: <b> yo\n(21:05:20) ***oak waves\n(21:06:00) ash [a@h.example] entered the room.\n" +
		"(21:06:10) ash left the room (quit: bye).\n(21:06:20) mode (+o elm) by ChanServ\n(00:00:10) elm: late\n"
	for _, header := range []string{
		"Conversation with #barn at Sun 31 Dec 2023 21:05:00 CET on elm@irc.example (irc)\n", "Conversation with #barn at 12/31/2023 09:05:00 PM on elm@irc.example (irc)\n",
		"Разговор с #barn в Вс 31 дек 2023 21:05:00 на elm@irc.example (irc)\n",
	} {
		checkLog(t, "irc/barn.txt", header+text, producers.Options{}, want...)
	}
	checkLog(t, "libera/#barn.20231231.txt", text, producers.Options{}, want...)
	t.Run("others", func(t *testing.T) {
		producertest.Foreign(t, definition(), producertest.File("notes.txt", []byte("21:05 todo: rake\n21:06 later: hoe\n")))
		mixed := "[21:05] <elm> hi\n[21:06] Warning: disk is full\n[21:07] <oak> so\n"
		checkLog(t, "libera/#barn.20231231.log", mixed, producers.Options{}, "12-31 21:05:00? message <elm> hi",
			"- unparsed line is of no known form", "12-31 21:07:00? message <oak> so")
	})
}

// TestArchive_Unmarked: what a client prints without a mark is known by its words, also where it is half of a short log.
func TestArchive_Unmarked(t *testing.T) {
	t.Parallel()
	checkLog(t, "libera/#barn.log", "[2023-12-31T21:05:00+0000] <elm> hi\n[2023-12-31T21:05:10+0000] oak joined the channel\n[2023-12-31T21:05:20+0000] oak (~o@h.example) left IRC. (Ping timeout)\n"+
		"[2023-12-31T21:05:30+0000] elm is now known as ash\n", producers.Options{},
		"12-31 21:05:00 message <elm> hi", "12-31 21:05:10 join/join <oak>", "12-31 21:05:20 leave/quit <oak> Ping timeout", "12-31 21:05:30 rename/nick <elm> ash -> ash")
	checkLog(t, "libera/#barn.20231231.log", "[21:05:00] <elm> hi\n[21:05:10] elm has joined #barn\n", producers.Options{},
		"12-31 21:05:00? message <elm> hi", "12-31 21:05:10? join/join <elm>")
	for line, want := range map[string]string{
		"oak left it to us":                            "",
		"oak joined us for tea":                        "",
		"oak has quit smoking":                         "",
		"the oak joined":                               "",
		"oak has left #barn (so long)":                 "part oak so long",
		"oak has kicked elm from #barn (rude)":         "kick oak rude -> elm",
		"oak gives channel operator status to elm":     "mode oak gives channel operator status to elm",
		"oak removes the leaves":                       "",
		"oak has changed the topic to: hay":            "topic oak hay",
		"oak gives elm to ash":                         "",
		"Users on #barn: elm oak":                      "other Users on #barn: elm oak",
		"oak [~o@h] has quit [Read error: reset (x)]":  "quit oak Read error: reset (x)",
		"oak kicked the bucket":                        "",
		"You are now known as ash":                     "other You are now known as ash",
		"elm was kicked from #barn by oak (loud)":      "kick oak loud -> elm",
		"oak is now known as somebody else altogether": "",
	} {
		s, ok := unmarked(line)
		got := ""
		if ok {
			got = strings.TrimSpace(strings.Join(strings.Fields(strings.Join([]string{cmp2.Or(s.Native, "other"), s.Nick, s.Note, s.Text}, " ")), " "))
			if s.Target != "" {
				got += " -> " + s.Target
			}
		}
		if got != want {
			t.Errorf("%q is %q, want %q", line, got, want)
		}
	}
}

// TestUnreadable: a log in a form that is not read is answered with the forms that are.
func TestUnreadable(t *testing.T) {
	t.Parallel()
	for path, c := range map[string]struct {
		text  string
		wants bool
	}{
		"x/#barn.log":   {"at 21:05 said elm, hi\nat 21:06 said oak, yo\n", true},
		"barn.txt":      {"21:05 elm: hi\n21:06 oak: yo\n", true},
		"#barn":         {"21:05|elm|hi\n", true},
		"notes.txt":     {"buy hay\nrake\n21:05 sleep\nmore\n", false},
		"chat.json":     {"21:05 elm: hi\n", false},
		"empty.log":     {"", false},
		"barn.mp3":      {"21:05 elm: hi\n", false},
		"binary.log":    {"21:05\x00\x01\x02\n", false},
		"x/chat.csv":    {"21:05,elm,hi\n", false},
		"x.y/notes.log": {"09:00 went out\n10:00 came in\n", true},
	} {
		got := definition().Unreadable(irctest.File(path, []byte(c.text)))
		if (got != "") != c.wants || c.wants && (!strings.Contains(got, ".map.yaml") || !strings.Contains(got, "--source irc")) {
			t.Errorf("%s is said to be %q", path, got)
		}
	}
}

// each repeats every line of text.
func each(text string, times int) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString(strings.Repeat(line, times))
	}
	return b.String()
}
