package logs

import (
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/agrichat/agrichat/internal/charset"
	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/producers"
	"github.com/agrichat/agrichat/producers/irc/irctest"
)

func TestLocationOf(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"/home/u/.znc/users/u/networks/oftc/moddata/log/#a/2019-10-01.log": "oftc #a 2019-10-01",
		"znc/users/u/moddata/log/oftc/#a/2019-10-01.log":                   "oftc #a 2019-10-01",
		"/home/u/irclogs/LiberaChat/#Go-Nuts.log":                          "LiberaChat #Go-Nuts ",
		"irclogs/libera/2019/#go.2019-10-01.log":                           "libera #go 2019-10-01",
		"logs/irc.libera.#go.dev.weechatlog":                               "libera #go.dev ",
		"libera/#go/20191001.log":                                          "libera #go 2019-10-01",
		"irclogs.ubuntu.com/2004/11/15/%23ubuntu.txt":                      " #ubuntu 2004-11-15",
		"data/dev/2004-11-15_03.raw.txt":                                   " dev 2004-11-15",
		"2004-11-15.log":                                                   "  2004-11-15",
		"#chan_20041115.log":                                               " #chan 2004-11-15",
		`C:\logs\#farm.log`:                                                " #farm ",
		"#farm.2019-02-30.log":                                             " #farm.2019-02-30 ",
		"":                                                                 "  ",

		// Folders that are dates.
		"alpha/2021/2021-03-01":               " alpha 2021-03-01",
		"2021/libera/#two.03-01.log":          "libera #two 2021-03-01",
		"irclogs/2021/libera/#two.03-01.log":  "libera #two 2021-03-01",
		"irclogs/libera/2021/#two.03-01.log":  "libera #two 2021-03-01",
		"irclogs/2021/03/libera/#two.01.log":  "libera #two 2021-03-01",
		"irclogs/2021/libera/two.03-01.log":   "libera two 2021-03-01",
		"backup/2019/irclogs/libera/#two.log": "libera #two ",
		"chan/2021/03/01.txt":                 " chan 2021-03-01",
		"chan/2021/3/1.txt":                   " chan 2021-03-01",
		"chan/2021/03/2021-03-01.log":         " chan 2021-03-01",
		"chan/2021/03-March/01.log":           " chan 2021-03-01",
		"chan/2021/Mar/01.log":                " chan 2021-03-01",
		"chan/2021-03/01.log":                 " chan 2021-03-01",
		"chan/202103/20210301.log":            " chan 2021-03-01",
		"chan/2021/2021-W09/2021-03-01.txt":   " chan 2021-03-01",
		"2021-03/#two.log":                    " #two ",
		"2021/#two.log":                       " #two ",
		"libera/2021-03/#two.log":             "libera #two ",
		"libera/#two/2021/03/01.txt":          "libera #two 2021-03-01",
		"libera/#two/2021-03.log":             "libera #two ",
		"libera/2021/03/01/#two.txt":          "libera #two 2021-03-01",
		"may/2021-03-01.log":                  " may 2021-03-01",
		"42/2019-10-01.log":                   " 42 2019-10-01",
		"2021/03/01.txt":                      "  2021-03-01",
		"irclogs/2021/03/01.txt":              "  2021-03-01",
		"logs/2021-03-01.log":                 "  2021-03-01",

		// How loggers name their files.
		"znc/moddata/log/ann/libera/#two/2021-03-01.log":     "libera #two 2021-03-01",
		"znc/users/ann/moddata/log/libera_#two_20210301.log": "libera #two 2021-03-01",
		"znc/moddata/log/ann_libera_#two_20210301.log":       "libera #two 2021-03-01",
		"networks/libera/moddata/log/#two/2021-03-01.log.gz": "libera #two 2021-03-01",
		"alpha/#two_20210301.log":                            " #two 2021-03-01",
		"agronet/#two.log":                                   "agronet #two ",
		"logs/alpha/#two.log":                                "alpha #two ",
		"logs/#two/2021-03-01.log":                           "logs #two 2021-03-01",
		"hexchat/logs/libera/#two.log":                       "libera #two ",
		"alpha/#two.log":                                     " #two ",
		"/home/ann/#two.log":                                 " #two ",
		"logs/ann/libera/#two.log":                           "libera #two ",
		"mirc/logs/libera/#two.20210301.log":                 "libera #two 2021-03-01",
		"mirc/logs/#two.202103.log":                          " #two ",
		"ChannelLogger/libera/#two/#two.2021-03-01.log":      "libera #two 2021-03-01",
		"ChannelLogger/#two/#two.2021-03-01.log":             " #two 2021-03-01",
		"eggdrop/logs/#two.log.01Mar2021":                    " #two 2021-03-01",
		"#two.log.20210301":                                  " #two 2021-03-01",
		"#two.log-20210301.gz":                               " #two 2021-03-01",
		"#two.log.1":                                         " #two ",
		"#two.2021.log":                                      " #two ",
		"#two.2021-03.log":                                   " #two ",
		"#two.03-01.log":                                     " #two ",
		"#two_01-Mar-2021.log":                               " #two 2021-03-01",
		"#two.25-03-2021.log":                                " #two 2021-03-25",
		"#two.01-03-2021.log":                                " #two 2021-03-01 guessed",
		"#two.21-03-05.log":                                  " #two 2021-03-05 guessed",
		"irc.libera.#two.2021-03-01.weechatlog":              "libera #two 2021-03-01",
		"irc/libera/#two/2021-03-01.weechatlog":              "libera #two 2021-03-01",
		"2021/libera/#two/03-01.weechatlog":                  "libera #two 2021-03-01",
		"2021/irc.libera.#two.weechatlog":                    "libera #two ",
		"2021/libera/#go.dev.weechatlog":                     "libera #go.dev ",
		"irc.libera.#two/2021/03/01":                         "libera #two 2021-03-01",
		"irc.libera.#two/2021-03-01.log":                     "libera #two 2021-03-01",

		// Months.
		"2021/EFNet/#two.03.log":             "EFNet #two ",
		"2021/EFNet/#two.12.log":             "EFNet #two ",
		"EFNet/2021/#two.03.log":             "EFNet #two ",
		"EFNet/2021/#two_03.log":             "EFNet #two ",
		"EFNet/2021/#two-04.log":             "EFNet #two ",
		"EFNet/2021/#two.03.log.gz":          "EFNet #two ",
		"EFNet/2021/two.03.log":              " two ",
		"irclogs/EFNet/2021/two.03.log":      "EFNet two ",
		"irclogs/2021/EFNet/#two.dev.03.log": "EFNet #two.dev ",
		"2021/irc.EFNet.#two.03.weechatlog":  "EFNet #two ",
		"EFNet/2021/#two.13.log":             "EFNet #two.13 ",
		"EFNet/2021/#two.00.log":             "EFNet #two.00 ",
		"EFNet/2021/#two.3.log":              "EFNet #two.3 ",
		"EFNet/2021/#two03.log":              "EFNet #two03 ",
		"EFNet/2021/03/#two-04.log":          "EFNet #two-04 ",
		"EFNet/2019-2021/#two.03.log":        "EFNet #two.03 ",
		"EFNet/#two.03.log":                  "EFNet #two.03 ",
		"#two.03.log":                        " #two.03 ",

		// Copies.
		"EFNet/#two/2021-03-01 (1).log":        "EFNet #two 2021-03-01",
		"EFNet/#two/2021-03-01(2).log":         "EFNet #two 2021-03-01",
		"EFNet/#two/2021-03-01 - Copy.log":     "EFNet #two 2021-03-01",
		"EFNet/#two/2021-03-01 - Copy (2).log": "EFNet #two 2021-03-01",
		"EFNet/#two/2021-03-01 copy.log":       "EFNet #two 2021-03-01",
		"EFNet/#two/2021-03-01 copy 2.log":     "EFNet #two 2021-03-01",
		"EFNet/#two/2021-03-01 (copy).log":     "EFNet #two 2021-03-01",
		"EFNet/#two/2021-03-01.log (1).gz":     "EFNet #two 2021-03-01",
		"EFNet/#two/20210301 (1).log":          "EFNet #two 2021-03-01",
		"EFNet/#two (1).log":                   "EFNet #two ",
		"EFNet/#two (1)/2021-03-01.log":        "EFNet #two 2021-03-01",
		"EFNet/2021/#two.03 (1).log":           "EFNet #two ",
		"EFNet/2021/#two.03-01 (1).log":        "EFNet #two 2021-03-01",
		"EFNet/#two/2021/03/01 (1).log":        "EFNet #two 2021-03-01",
		"irc.EFNet.#two (1).weechatlog":        "EFNet #two ",
		"irc.EFNet.#two.weechatlog (1)":        "EFNet #two ",
		"EFNet/#copy.log":                      "EFNet #copy ",

		// Weeks.
		"libera/#two.2021-W09.log":            "libera #two ",
		"libera/#two.2021W09.log":             "libera #two ",
		"libera/#two_2021-w09.log":            "libera #two ",
		"libera/#two-2021-W09.log":            "libera #two ",
		"libera/#two.W09-2021.log":            "libera #two ",
		"libera/#two/2021-W09.log":            "libera #two ",
		"libera/#two/2021/W09.log":            "libera #two ",
		"libera/2021/#two.W09.log":            "libera #two ",
		"libera/2021-W09/#two.log":            "libera #two ",
		"libera/#two.2021-W09-1.log":          "libera #two 2021-03-01",
		"libera/#two/2021W091.log":            "libera #two 2021-03-01",
		"libera/#two.2020-W53-7.log":          "libera #two 2021-01-03",
		"libera/#two.log.2021-W09":            "libera #two ",
		"libera/#two.2021-Q1.log":             "libera #two ",
		"libera/#two.week09.2021.log":         "libera #two ",
		"libera/#two.2021-week-09.log":        "libera #two ",
		"libera/#two.2021-KW09.log":           "libera #two ",
		"irc.libera.#two.2021-W09.weechatlog": "libera #two ",
		"libera/#fosdem-W09.log":              "libera #fosdem-W09 ",

		// Names that any log may have.
		"log.txt":               "  ",
		"channel.log":           "  ",
		"Chat Log.txt":          "  ",
		"irc.log":               "  ",
		"irc_log_2.txt":         "  ",
		"libera/log.txt":        "  ",
		"ann/log (1).txt":       "  ",
		"log.20210301.txt":      "  2021-03-01",
		"irc-2021-03-01.log":    "  2021-03-01",
		"libera/#two/log.txt":   "libera #two ",
		"#two/chat.2021-03.log": " #two ",
		"#log.txt":              " #log ",
		"libera/irc/#irc.log":   " #irc ",
		"logs.weechatlog":       "  ",

		// What only looks like a date.
		"libera/#fosdem-2021.log": "libera #fosdem-2021 ",
		"libera/#python-3.log":    "libera #python-3 ",
		"libera/#go-1.22.log":     "libera #go-1.22 ",
		"march.log":               " march ",
		"123.log":                 " 123 ",
	} {
		p := locationOf(path, "")
		got := fmt.Sprintf("%s %s %s", p.network, p.channel, p.day)
		if p.guessed {
			got += " guessed"
		}
		if got != want {
			t.Errorf("%s is %q, want %q", path, got, want)
		}
	}
}

func TestHeaderDate(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"Mon Sep 30 00:00:44 2019":      "2019-09-30",
		"Tue Oct 01 2019":               "2019-10-01",
		"Вт окт 01 2019":                "2019-10-01",
		"Пн 30 сентября 2019":           "2019-09-30",
		"Ср мая 08 2019":                "2019-05-08",
		"mar mar 05 2019":               "2019-03-05",
		"mar. déc. 03 2019":             "2019-12-03",
		"Di Mär 05 2019":                "2019-03-05",
		"2019-10-01 12:00":              "2019-10-01",
		"пт лют 29 2019":                "",
		"Mon Sep 30":                    "",
		"a bot joined on Monday, the 3": "",
	} {
		if d, _ := headerDate(text); d.String() != want {
			t.Errorf("%q is %q, want %q", text, d, want)
		}
	}
}

func TestStamp_Local(t *testing.T) {
	t.Parallel()
	berlin := zone(t, "Europe/Berlin")
	lord := zone(t, "Australia/Lord_Howe") // sets its clocks by half an hour
	for _, c := range []struct {
		in     *time.Location
		day    civil
		clock  string
		second bool
		want   string
	}{
		{berlin, civil{2024, 10, 27}, "01:59", true, "2024-10-26 23:59"},
		{berlin, civil{2024, 10, 27}, "02:00", false, "2024-10-27 00:00"},
		{berlin, civil{2024, 10, 27}, "02:00", true, "2024-10-27 01:00"},
		{berlin, civil{2024, 10, 27}, "02:59", true, "2024-10-27 01:59"},
		{berlin, civil{2024, 10, 27}, "03:00", true, "2024-10-27 02:00"},
		{berlin, civil{2024, 3, 31}, "03:00", true, "2024-03-31 01:00"},
		{lord, civil{2024, 4, 7}, "01:45", false, "2024-04-06 14:45"},
		{lord, civil{2024, 4, 7}, "01:45", true, "2024-04-06 15:15"},
		{lord, civil{2024, 4, 7}, "01:15", true, "2024-04-06 14:15"},
	} {
		s, _, _ := takeStamp(c.clock)
		at := s.local(c.day, c.in, c.second)
		if got := at.At.Format("2006-01-02 15:04"); got != c.want {
			t.Errorf("%s %s in %s (second %v) is %s, want %s", c.day, c.clock, c.in, c.second, got, c.want)
		}
	}
}

func TestTakeStamp(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"[10:00] x":                         "10:00 minute|x",
		"(10:00:01) x":                      "10:00 second|x",
		"10:00  * x":                        "10:00 minute| * x",
		"[2019-10-01 10:00:00] <a>":         "2019-10-01 10:00 second|<a>",
		"2019-10-01T10:00:00.5+05:30\tx\ty": "2019-10-01 10:00 milli +05:30|x\ty",
		"[24:00] x":                         "",
		"[10:00 x":                          "",
		"10:00x":                            "",
		"22.11.2024, 10:00 x":               "",
		"":                                  "",
	} {
		s, rest, ok := takeStamp(line)
		got := ""
		if ok {
			got = strings.TrimSpace(s.day.String() + " " + s.clock() + " " + s.precision.String())
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

func TestParseBody(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"*** ann joined":                             "join ann",
		"*** ann left":                               "leave/part ann",
		"*** ann <a@h> has joined #c":                "join ann",
		"*** ann left it to us":                      "other  ann left it to us",
		"=== carl left the room.":                    "leave/part carl",
		"=== mode/##c mode (+o ann ) by ChanServ":    "mode ChanServ +o ann",
		"-!- ServerMode/#c [+nt] by irc.example.net": "mode irc.example.net +nt",
		"-!- ann [a@h] has quit []":                  "leave/quit ann",
		"-!- ann was kicked from #c by op []":        "kick op -> ann",
		"* ann":                                      "action ann ",
		"* Joins: ann (a@h)":                         "join ann",
		"<ann>":                                      "message ann ",
		"< >":                                        "",
		"<ann":                                       "",
		"-ann(a@h)- x":                               "notice ann x",
		"- not a notice":                             "",
		"(ann/#c) x":                                 "",
		"Nick change: a":                             "",
		"":                                           "",
	} {
		s, ok := parseBody(line, false)
		got := ""
		if ok {
			got = string(s.Type) + " " + s.Nick + " " + s.Text
			if s.Type == event.TypeService {
				got = s.Action
				if s.Action == event.ActionLeave {
					got += "/" + s.Native
				}
				got = strings.TrimSpace(got + " " + s.Nick + " " + s.Note + s.Text)
			}
			if s.Target != "" {
				got += " -> " + s.Target
			}
		}
		if got != want {
			t.Errorf("%q is %q, want %q", line, got, want)
		}
	}
}

// FuzzLog: whatever the bytes, every one is accounted for, and what comes out is fit to be stored.
func FuzzLog(f *testing.F) {
	for _, seed := range []string{
		"--- Log opened Mon Sep 30 00:00:44 2019\n00:01 <@a> hi\n23:59 <a> hi\n00:00  * a b\n",
		"2025-09-02T08:00:00.123456Z\t-->\ta (a@h) has joined #c\n", "=== a [b@c] has quit [d]\n", "[10:00] \x0304<\xd0> \x00\r\n",
		"**** BEGIN LOGGING AT Sun Dec 31 21:04:58 2023\n\nDec 31 21:05:00 <@a>\thi\n*\tx\nJan  1 00:00 *\ta has quit (b)\n12月 31 21:05:04 *\t\n",
		"2025-01-01 10:00:00\t<@a>\tb\n[2025-01-01 10:00:00] [INFO]\tb\n[2025-01-01] [9:05 pm UTC] Join\ta (b) joined the channel.\n1704056700.5 ***a b\n",
		"[9:05 PM] <a> b\n03/04/23 21:05 <a> b\n[31.12.2023 21:05] Topic is b\n[03/04/2023] [12:00:00 a.m. CET] a gives voice to b\n",
		"Conversation with #a at 03/04/2023 09:05:00 PM on b@c (irc)\n(21:05:00) a: b\n(21:05) ***a b\n(21:06) a left the room (quit: b).\n",
		"[10:00] #a: mode change '+o' by b\n[10:00] a kicked from #b by c: d\n[10:00] * a ((b)(c@d)) has left #c ((e)\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		cs, err := charset.NewDecoder("cp1251", nil)
		if err != nil {
			t.Fatal(err)
		}
		l := newLog(time.UTC, cs, position{})
		l.forms = newConventions(irctest.File("#a.log", data), "")
		in := newLines(strings.NewReader(string(data)))
		for {
			line, err := in.next()
			if err != nil {
				break
			}
			e, ok := l.read(line)
			if !ok {
				continue
			}
			for _, s := range []string{e.parsed.Nick, e.parsed.Text, e.parsed.Note, e.parsed.Target} {
				if !utf8.ValidString(s) || strings.ContainsRune(s, 0) {
					t.Fatalf("%q gives %q", line.bytes, s)
				}
			}
			if e.id == "" || e.reason == "" && e.parsed.Type == "" {
				t.Fatalf("%q gives %+v", line.bytes, e)
			}
		}
		if l.at.Offset != int64(len(data)) {
			t.Fatalf("%d of %d bytes are accounted for", l.at.Offset, len(data))
		}
	})
}

func FuzzLocationOf(f *testing.F) {
	f.Add("a/networks/b/moddata/log/#c/2019-10-01.log")
	f.Add("irc.a.#b.weechatlog")
	f.Fuzz(func(t *testing.T, path string) {
		if p := locationOf(path, ""); p.channel == "" && errNoChannel(path, p).Error() == "" {
			t.Fatalf("%q names no channel and no folder", path)
		}
	})
}

func BenchmarkLog(b *testing.B) {
	var text strings.Builder
	const lines = 20_000
	for i := range lines {
		minute := i / 20
		fmt.Fprintf(&text, "[%02d:%02d:%02d] <nick%d> сообщение номер %d about the harvest, as people write it\n", minute/60%24, minute%60, i%20*3, i%37, i)
	}
	data := []byte(text.String())
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		src, err := (&Folders{}).Archive(irctest.File("#a_20191001.log", data), producers.Options{})
		if err != nil {
			b.Fatal(err)
		}
		s, err := src.Connect(b.Context(), nil)
		if err != nil {
			b.Fatal(err)
		}
		for {
			if _, err := s.Next(b.Context()); err != nil {
				break
			}
		}
		_ = s.Close()
	}
	b.ReportMetric(float64(b.N)*lines/b.Elapsed().Seconds(), "lines/s")
}
