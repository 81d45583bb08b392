package logs

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/producers"
	"github.com/agrichat/agrichat/producers/irc/chatline"
	"github.com/agrichat/agrichat/producers/irc/irctest"
	"github.com/agrichat/agrichat/producers/producertest"
)

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatalf("loading a zone: %v", err)
	}
	return z
}

// describe writes an event of a log: when, to which precision, and what.
func describe(e *event.Event) string {
	when := "-"
	if !e.Sent.IsZero() {
		when = e.Sent.At.Format("01-02 15:04:05.999999")
		if e.Sent.Assumed {
			when += "?"
		}
		if e.Sent.Precision == event.PrecisionDay {
			when += " day"
		}
	}
	return when + " " + irctest.Show(e)
}

func read(t *testing.T, path string, o producers.Options) []event.Event {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("reading the fixture: %v", err)
	}
	return producertest.Events(producertest.Read(t, definition(), producertest.Case{Path: path, Data: data, Options: o}, nil))
}

func compare(t *testing.T, events []event.Event, want string) {
	t.Helper()
	var got []string
	for i := range events {
		got = append(got, describe(&events[i]))
	}
	if diff := cmp.Diff(strings.Split(strings.TrimSpace(want), "\n"), got); diff != "" {
		t.Errorf("events differ: %s", diff)
	}
}

// definition reads logs alone.
func definition() producers.Definition {
	seen := &Folders{}
	return producers.Definition{
		Name: chatline.Source, Can: producers.Abilities{Archive: true}, Recognise: seen.Recognise, Archive: seen.Archive, Unreadable: Unreadable,
	}
}

func TestFolders_Archive(t *testing.T) {
	t.Parallel()
	for _, c := range []producertest.Case{
		{Path: "../testdata/irclogs/agronet/#поле.log", Options: producers.Options{Zone: zone(t, "Europe/Kyiv")}, Events: 23, Unparsed: 1, Cuts: 400},
		{Path: "../testdata/irc.agronet.#farm.weechatlog", Events: 13, Cuts: 200},
		{Path: "../testdata/networks/agronet/moddata/log/#поле/2019-10-01.log", Events: 13, Cuts: 200},
		{Path: "../testdata/agronet/#ubuntu-farm/2008-12-11.txt", Events: 12, Cuts: 200},
		{Path: "../testdata/eggdrop/farm.log.20191001", Events: 13, Cuts: 200},
		{Path: "../testdata/energymech/farm_20191001.log", Events: 8, Cuts: 100},
		{Path: "../testdata/mirc/#farm.log", Options: producers.Options{Charset: "windows-1251"}, Events: 9, Cuts: 200},
		{Path: "long.log", Data: longLog(), Events: 1200, Cuts: 12},
		{Path: "undated.log", Data: []byte(strings.Repeat("[10:00] <a> same\n[09:00] <b> same\n", 700)), Events: 1400, Cuts: 8},
	} {
		t.Run(c.Path, func(t *testing.T) {
			t.Parallel()
			producertest.Archive(t, definition(), c)
		})
	}
}

// longLog spans several batches, and days that come back, as where logs were joined in the wrong order.
func longLog() []byte {
	var b strings.Builder
	for i := range 1200 {
		if i%100 == 0 {
			fmt.Fprintf(&b, "--- Day changed Tue Oct %02d 2019\n", []int{1, 2, 1, 3, 2, 4}[i/100%6])
		}
		fmt.Fprintf(&b, "%02d:%02d <n%d> line %d\n", i%100/5, i%7, i%3, i)
		if i%9 == 0 {
			fmt.Fprintf(&b, "%02d:%02d <n%d> line %d\n", i%100/5, i%7, i%3, i)
		}
	}
	return []byte(b.String())
}

func TestArchive_LongLines(t *testing.T) {
	t.Parallel()
	text := "10:00 <a> x\n10:01 <a> " + strings.Repeat("z", 2*maxLine) + "\n10:02 <a> y\n"
	batches := producertest.Read(t, definition(), producertest.Case{Path: "a.log", Data: []byte(text)}, nil)
	events := producertest.Events(batches)
	total := 0
	for _, e := range events[2 : len(events)-1] {
		if e.Kind != event.KindUnparsed {
			t.Errorf("a piece of a long line is a %s", e.Kind)
		}
		total += len(e.Raw)
	}
	if want := len("10:01 <a> ") + 2*maxLine; total != want {
		t.Errorf("%d bytes are kept, want %d", total, want)
	}
	if last := events[len(events)-1]; irctest.Show(&last) != "message <a> y" {
		t.Errorf("after it comes %s", irctest.Show(&last))
	}
}

// TestLog_Replay: counting again from a cursor's place gives what was counted, in whatever order days come.
func TestLog_Replay(t *testing.T) {
	t.Parallel()
	cs := irctest.UTF8Only(t)
	rapid.Check(t, func(r *rapid.T) {
		var text strings.Builder
		for _, d := range rapid.SliceOfN(rapid.IntRange(0, 40), 1, 60).Draw(r, "lines") {
			fmt.Fprintf(&text, "[2019-10-%02d 10:00:00] <a> %d\n", 1+d%4, d/20)
		}
		run := func(at position, to int64) log {
			l, in := newLog(time.UTC, cs, at), newLines(strings.NewReader(text.String()[at.Offset:]))
			for l.at.Offset < to {
				line, err := in.next()
				if err != nil {
					r.Fatal(err)
				}
				l.read(line)
			}
			return l
		}
		cut := int64(text.Len() / strings.Count(text.String(), "\n") * rapid.IntRange(1, strings.Count(text.String(), "\n")).Draw(r, "cut"))
		first := run(position{}, cut)
		again := run(first.days.Anchor, cut)
		if diff := cmp.Diff(first.days.Tally, again.days.Tally); diff != "" {
			r.Fatalf("counting again from byte %d differs: %s", first.days.Anchor.Offset, diff)
		}
		if first.days.Anchor != again.days.Anchor {
			r.Fatalf("the next cursor would be another: %+v, %+v", first.days.Anchor, again.days.Anchor)
		}
	})
}

func TestRecognise_Foreign(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"chat.txt":    "[22.11.2024, 10:00:00] Иван: привет\n[22.11.2024, 10:00:05] Анна: да\n",
		"result.json": "{\n \"name\": \"x\",\n \"messages\": []\n}\n",
		"guide.adoc":  "=== Title\n\ntext\n\n=== Other\n=== More\n",
		"diary.txt":   "10:00 woke up\n11:00 slept again\n12:00 * see below\nend\n",
		"table.tsv":   "id\troom\t2015-01-01T00:00:00.000Z\tuser\n1\t2\t3\t4\n",
		"one.log":     "10:00 <a> this is IRC\nbut this\nand this are not\n",
	} {
		producertest.Foreign(t, definition(), producertest.File(name, []byte(text)))
	}
}

func TestArchive_Irssi(t *testing.T) {
	t.Parallel()
	events := read(t, "../testdata/irclogs/agronet/#поле.log", producers.Options{Zone: zone(t, "Europe/Berlin")})
	compare(t, events, `
- channel #поле
10-26 21:58:00? other/ <>  : Irssi: #поле: Total of 3 nicks [1 ops, 0 halfops, 0 voices, 2 normal]
10-26 21:58:00? join/join <Marta>
10-26 21:58:00? message <Ivan> добрый вечер
10-26 21:59:00? message <Marta> привет, Иван!
10-26 21:59:00? action <Marta> поливает грядки
10-26 22:01:00? message <Marta> уже воскресенье
10-26 23:30:00? message <Ivan> скоро переведут часы
10-27 00:10:00? message <Ivan> тик
10-27 00:10:00? message <Ivan> тик
10-27 00:50:00? message <Marta> последняя минута лета
10-27 01:10:00? message <Ivan> тик
10-27 01:40:00? notice/notice <Ivan>  : часы переведены
10-27 02:00:00? mode/mode <Ivan> +v Marta
10-27 02:01:00? topic/topic <Ivan> озимые — 2025
10-27 02:02:00? rename/nick <Marta> Marta|спит -> Marta|спит
10-27 02:03:00? kick/kick <Ivan> флуд -> bot
10-27 02:04:00? leave/part <guest> пока
10-27 02:05:00? leave/quit <Marta|спит> Ping timeout: 240 seconds
10-27 02:20:00? message <Marta> <b>не тег</b> > просто текст
- unparsed line has no time at its start
10-27 02:21:00? message <Ivan>
10-27 02:21:00? channel #поле`)
	var k irctest.Keyed
	for i, n := range []int{8, 9, 11} { // an hour shown twice goes on counting
		if want := k.Next("2024-10-27", "02:10", "ivan", "тик"); events[n].NativeID != want {
			t.Errorf("tick %d has another key", i)
		}
	}
	if u := events[20].Body.(*event.Unparsed); u.Line != 24 || !strings.HasSuffix(u.File, "#поле.log") || string(events[20].Raw) != "this line has no time" {
		t.Errorf("unparsed line is at %+v: %q", u, events[20].Raw)
	}
}

func TestArchive_Weechat(t *testing.T) {
	t.Parallel()
	compare(t, read(t, "../testdata/irc.agronet.#farm.weechatlog", producers.Options{Zone: zone(t, "Europe/Berlin")}), `
- channel #farm
09-01 08:00:01? join/join <Marta>
09-01 08:00:05? message <Ivan> hello	world
09-01 08:00:09? action <Marta> waves
09-01 08:00:11? rename/nick <Marta> Marta2 -> Marta2
09-01 08:00:12? mode/mode <ChanServ> +o Marta2
09-01 08:00:13? topic/topic <Ivan> new
09-01 08:00:14? notice/notice <Ivan>  : tea
09-01 08:00:20? kick/kick <Ivan> flood -> bot
09-01 08:00:21? leave/quit <Marta2> Quit: bye
09-02 08:00:00.123456 message <Ivan> after the upgrade
09-02 08:00:00.123 join/join <Ann>
09-02 08:00:00.123456 channel #farm`)
}

func TestArchive_ZNC(t *testing.T) {
	t.Parallel()
	events := read(t, "../testdata/networks/agronet/moddata/log/#поле/2019-10-01.log", producers.Options{})
	compare(t, events, `
- channel #поле
10-01 00:00:03? join/join <Marta>
10-01 00:00:09? message <Ivan> раз
10-01 00:00:09? message <Ivan> раз
10-01 00:01:00? action <Marta> кивает
10-01 00:01:10? notice/notice <Ivan>  : объявление
10-01 00:02:00? mode/mode <Ivan> +v Marta
10-01 00:02:30? rename/nick <Marta> Marta_ -> Marta_
10-01 00:03:00? topic/topic <Ivan> хлеб
10-01 00:04:00? kick/kick <Ivan> спам (опять) -> bot
10-01 00:05:00? leave/part <Marta_> до завтра
10-01 23:59:59? leave/quit <Ivan> Quit: leaving
10-01 23:59:59? channel #поле`)
	if e := events[2]; e.Namespace != "agronet" || e.Channel != "#поле" || e.Author.ID != "ivan" || string(e.Raw) != "[00:00:09] <Ivan> раз" {
		t.Errorf("message is %s/%s by %+v: %q", e.Namespace, e.Channel, e.Author, e.Raw)
	}
}

func TestArchive_Ubuntu(t *testing.T) {
	t.Parallel()
	compare(t, read(t, "../testdata/agronet/#ubuntu-farm/2008-12-11.txt", producers.Options{}), `
- channel #ubuntu-farm
12-11 00:00:00? day join/join <early>
12-11 00:00:00? message <ann> which kernel?
12-11 00:00:00? message <bur[n] er> 2.6.27
12-11 00:01:00? action <ann> thanks
12-11 00:01:00? day join/join <bob>
12-11 00:01:00? day rename/nick <ann> ann_ -> ann_
12-11 00:01:00? day mode/mode <ChanServ> +o bob
12-11 00:01:00? day leave/part <bob>
12-11 00:01:00? day leave/quit <carl> Read error
12-11 00:01:00? day other/ <>  : dora waves
12-11 00:01:00? channel #ubuntu-farm`)
}

func TestArchive_Eggdrop(t *testing.T) {
	t.Parallel()
	compare(t, read(t, "../testdata/eggdrop/farm.log.20191001", producers.Options{}), `
- channel farm
10-01 00:05:00? join/join <Marta>
10-01 00:06:00? message <Ivan> hi
10-01 00:07:00? action <Ivan> sows
10-01 00:08:00? rename/nick <Marta> Marta2 -> Marta2
10-01 00:09:00? topic/topic <Ivan> grain: sown
10-01 00:10:00? mode/mode <Ivan> +o Marta2
10-01 00:11:00? kick/kick <Ivan> flood -> bot
10-01 00:12:00? leave/part <Marta2>
10-01 00:13:00? leave/quit <Ivan> Quit: bye
10-01 02:59:00? notice/notice <Ivan>  : last
10-02 00:31:00? message <Ivan> next day
10-02 00:31:00? channel farm`)
}

func TestArchive_Energymech(t *testing.T) {
	t.Parallel()
	compare(t, read(t, "../testdata/energymech/farm_20191001.log", producers.Options{}), `
- channel farm
10-01 10:00:00? join/join <Marta>
10-01 10:00:01? message <Marta> hi
10-01 10:00:02? action <Marta> digs
10-01 10:00:03? action <Ivan> rests
10-01 10:00:04? leave/quit <Ivan> Ping timeout
10-01 10:00:05? leave/part <Marta>
10-01 10:00:05? channel farm`)
}

func TestArchive_MIRC(t *testing.T) {
	t.Parallel()
	compare(t, read(t, "../testdata/mirc/#farm.log", producers.Options{Charset: "windows-1251"}), `
- channel #farm
10-01 10:00:01? join/join <Marta>
10-01 10:00:02? message <Ivan> bold colour plain
10-01 10:00:03? action <Marta> nods (a lot)
10-01 10:00:04? leave/quit <Marta> Quit: bye
10-01 10:00:05? message <Ivan> nulbyte
10-01 10:00:06? message <Ivan> Привет
10-01 10:00:07? message <Ivan> привет `+"\uFFFD"+`
10-01 10:00:07? channel #farm`)
}

// TestArchive_Grown: a log that is still written to is imported again, and again with its last line cut.
func TestArchive_Grown(t *testing.T) {
	t.Parallel()
	text := "10:00 <a> x\n10:00 <a> x\n10:01 <a> y\n"
	for _, cut := range []int{12, 24, 20} {
		def, path := definition(), "#a_20191001.log"
		before := producertest.Read(t, def, producertest.Case{Path: path, Data: []byte(text[:cut])}, nil)
		whole := producertest.Case{Path: path, Data: []byte(text)}
		rest := producertest.Read(t, def, whole, before[len(before)-1].Cursor)
		seen := map[event.ID]bool{}
		for _, e := range append(producertest.Events(before), producertest.Events(rest)...) {
			seen[e.ID] = true
		}
		for _, e := range producertest.Events(producertest.Read(t, def, whole, nil)) {
			if !seen[e.ID] {
				t.Errorf("cut at %d, then grown: %s is missing", cut, irctest.Show(&e))
			}
		}
		if again := producertest.Read(t, def, whole, rest[len(rest)-1].Cursor); len(again) > 0 {
			t.Errorf("a file that has not grown is read on: %s", irctest.List(producertest.Events(again)))
		}
	}
}

func TestArchive_Undated(t *testing.T) {
	t.Parallel()
	c := producertest.Case{Path: "#farm.log", Data: []byte("10:00 <a> x\n10:00 <a> y\n")}
	batches := producertest.Read(t, definition(), c, nil)
	events := producertest.Events(batches)
	var k irctest.Keyed
	if !events[1].Sent.IsZero() || events[1].NativeID != k.Next("", "10:00", "a", "x") || events[1].Channel != "#farm" {
		t.Errorf("a line without a date is %s of %+v in %s", events[1].NativeID, events[1].Sent, events[1].Channel)
	}
	if n := batches[0].Counts; n.Read != 2 || n.Ambiguous != 2 {
		t.Errorf("counted %+v", n)
	}
}
