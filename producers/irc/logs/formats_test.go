package logs

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/producers"
	"github.com/agrichat/agrichat/producers/irc/irctest"
	"github.com/agrichat/agrichat/producers/producertest"
)

// readLog reads a log that holds text.
func readLog(t *testing.T, path, text string, o producers.Options) []producers.Batch {
	t.Helper()
	return producertest.Read(t, definition(), producertest.Case{Path: path, Data: []byte(text), Options: o}, nil)
}

// linesOf writes what the messages of batches say, without those of channels.
func linesOf(batches []producers.Batch) (out []string) {
	for _, e := range producertest.Events(batches) {
		if e.Kind != event.KindChannel {
			out = append(out, describe(&e))
		}
	}
	return out
}

func noticesOf(batches []producers.Batch) map[string]int {
	out := map[string]int{}
	for _, b := range batches {
		for _, n := range b.Notices {
			out[n.Code] += n.Count
		}
	}
	return out
}

func TestArchive_Charset(t *testing.T) {
	t.Parallel()
	const path = "libera/#поле.20191001.log"
	text := "[10:00] <\xc1\xee\xf0\xff> \xef\xf0\xe8\xe2\xe5\xf2 \xe2\xf1\xe5\xec\n[10:00] <\xc0\xed\xff> \xe8 \xf2\xe5\xe1\xe5\n" +
		"[10:01] <Ann> привет\n[10:02] *** \xc1\xee\xf0\xff is now known as \xc1\xee\xf0\xff2\n=== \xc1\xee\xf0\xff left\n"
	want := []string{
		"10-01 10:00:00? message <Боря> привет всем", "10-01 10:00:00? message <Аня> и тебе", "10-01 10:01:00? message <Ann> привет",
		"10-01 10:02:00? rename/nick <Боря> Боря2 -> Боря2", "10-01 10:02:00? day leave/part <Боря>",
	}
	ids := map[string][]event.ID{}
	for _, cs := range []string{"", "windows-1251", "koi8-r", "windows-1252"} {
		batches := readLog(t, path, text, producers.Options{Charset: cs})
		if got := linesOf(batches); cs == "" || cs == "windows-1251" {
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("charset %q: messages differ: %s", cs, diff)
			}
		}
		for i, e := range producertest.Events(batches)[1:6] {
			ids[cs] = append(ids[cs], e.ID)
			read := cs
			if cs == "" {
				read = "windows-1251"
			}
			if i == 2 {
				read = ""
			}
			if e.Reading.Charset != read || i == 0 && !strings.HasPrefix(string(e.Raw), "[10:00] <\xc1") {
				t.Errorf("charset %q: line %d was read in %q, kept as %q", cs, i+1, e.Reading.Charset, e.Raw)
			}
		}
	}
	for cs, got := range ids {
		if diff := cmp.Diff(ids[""], got); diff != "" {
			t.Errorf("read as %s, lines have other ids: %s", cs, diff)
		}
	}
	var k irctest.Keyed // as everything was read before charsets were guessed
	e := producertest.Events(readLog(t, path, text, producers.Options{}))[1]
	if want := k.Next("2019-10-01", "10:00", "Áîðÿ", "ïðèâåò âñåì"); e.NativeID != want {
		t.Errorf("the key is %s, want that of windows-1252", e.NativeID)
	}
}

// TestArchive_Charset_Mixed: lines are read one by one, and what does not look like the charset of the others is a notice.
func TestArchive_Charset_Mixed(t *testing.T) {
	t.Parallel()
	const path = "libera/#поле.20191001.log"
	text := "[10:00] <\xc1\xee\xf0\xff> \xef\xf0\xe8\xe2\xe5\xf2 \xe2\xf1\xe5\xec\n[10:01] <Ann> привет, José\n" +
		"[10:02] <jos\xe9> ma\xf1ana\n[10:03] <\xc0\xed\xff> \xe8 \xf2\xe5\xe1\xe5\n[10:04] <bj\xc3\xb8rn> g\xc3\xa5rd\n"
	batches := readLog(t, path, text, producers.Options{})
	got := linesOf(batches)
	for i, want := range map[int]string{0: "<Боря> привет всем", 1: "<Ann> привет, José", 3: "<Аня> и тебе", 4: "<bjørn> gård"} {
		if !strings.Contains(got[i], want) {
			t.Errorf("line %d is %q, want %q", i+1, got[i], want)
		}
	}
	if n := noticesOf(batches); n["charset-mixed"] != 1 {
		t.Errorf("notices are %v", n)
	}
	if n := noticesOf(readLog(t, path, text, producers.Options{Charset: "windows-1251"})); n["charset-mixed"] != 1 {
		t.Errorf("with a charset named, notices are %v", n)
	}
	if e := producertest.Events(batches)[3]; string(e.Raw) != "[10:02] <jos\xe9> ma\xf1ana" {
		t.Errorf("the line is kept as %q", e.Raw)
	}
}

func TestArchive_NoChannel(t *testing.T) {
	t.Parallel()
	text := []byte("[10:00] <a> x\n")
	errs := map[string]bool{}
	for _, path := range []string{"x/irclogs/2021/03/01.txt", "x/irclogs/2021/03/02.txt", "x/irclogs/2021/04/2021-04-01.log"} {
		_, err := (&Folders{}).Archive(irctest.File(path, text), producers.Options{})
		if err == nil {
			t.Fatalf("%s is of some channel", path)
		}
		errs[err.Error()] = true
		if _, err := (&Folders{}).Archive(irctest.File(path, text), producers.Options{Channel: "#a"}); err != nil {
			t.Errorf("%s with a channel: %v", path, err)
		}
	}
	for err := range errs {
		if len(errs) > 1 || !strings.Contains(err, "x/irclogs") || !strings.Contains(err, "--channel") {
			t.Errorf("one of %d errors is %q", len(errs), err)
		}
	}
}

// TestArchive_AnyName: a log whose name says only that it is one is of no channel, which is reported once a folder.
func TestArchive_AnyName(t *testing.T) {
	t.Parallel()
	text := []byte("[10:00] <a> x\n")
	errs := map[string]bool{}
	for _, path := range []string{"/x/saved/log.txt", "/x/saved/chat.log", "/x/saved/channel log (2).txt"} {
		_, err := (&Folders{}).Archive(irctest.File(path, text), producers.Options{})
		if err == nil {
			t.Fatalf("%s is of some channel", path)
		}
		errs[err.Error()] = true
		if _, err := (&Folders{}).Archive(irctest.File(path, text), producers.Options{Channel: "#a"}); err != nil {
			t.Errorf("%s with a channel: %v", path, err)
		}
	}
	for err := range errs {
		if len(errs) > 1 || !strings.Contains(err, "/x/saved") || !strings.Contains(err, "--channel") || strings.Contains(err, "only dates") {
			t.Errorf("one of %d errors is %q", len(errs), err)
		}
	}
}

// TestArchive_Path: what the path names reaches every line, and what was assumed of it is a notice.
func TestArchive_Path(t *testing.T) {
	t.Parallel()
	text := "[10:00] *** ann joined\n[10:01] <bot> ping\n"
	for path, want := range map[string]string{
		"alpha/2021/2021-03-01":                 "irc alpha 2021-03-01 map[channel-from-path:2 network-unnamed:2]",
		"2021/libera/#two.03-01.log":            "libera #two 2021-03-01 map[network-from-path:2]",
		"beta/2021/03/01.txt":                   "irc beta 2021-03-01 map[channel-from-path:2 network-unnamed:2]",
		"networks/n/moddata/log/#a/2021-3.log":  "n #a 0001-01-01 map[]",
		"networks/n/moddata/log/#a/2021-03.log": "n #a 0001-01-01 map[]",
	} {
		batches := readLog(t, path, text, producers.Options{})
		for _, e := range producertest.Events(batches)[1:3] {
			if got := fmt.Sprintf("%s %s %s %v", e.Namespace, e.Channel, e.Sent.At.Format(time.DateOnly), noticesOf(batches)); got != want {
				t.Errorf("%s is %s, want %s", path, got, want)
			}
		}
	}
	for order, want := range map[producers.DateOrder]string{"": "2021-03-01 true", producers.MonthFirst: "2021-01-03 false", producers.DayFirst: "2021-03-01 false"} {
		e := producertest.Events(readLog(t, "#a.01-03-2021.log", text, producers.Options{DateOrder: order}))[1]
		if got := fmt.Sprint(e.Sent.At.Format(time.DateOnly), " ", e.Reading.DateGuessed); got != want {
			t.Errorf("order %q: the day is %s, want %s", order, got, want)
		}
	}
}

// TestSeenLogs_Network: logs of one channel's name in several folders do not become one channel.
func TestSeenLogs_Network(t *testing.T) {
	t.Parallel()
	text := []byte("[10:00] <ann> ok\n")
	for name, want := range map[string]map[string]string{
		"one folder":     {"x/#a.log": "irc", "x/#b.log": "irc"},
		"two":            {"x/#a.log": "x", "y/#a.log": "y", "y/#b.log": "irc"},
		"far apart":      {"x/log/farm.log": "x/log", "y/log/farm.log": "y/log"},
		"no folder":      {"farm.log": "irc", "y/farm.log": "y"},
		"dates":          {"2019/farm.log": "irc", "2020/farm.log": "irc", "2020/01/farm.2020-01-02.log": "irc"},
		"days":           {"x/alpha/2021-03-01.log": "x", "y/alpha/2021-03-01.log": "y"},
		"named networks": {"libera/#a.log": "libera", "oftc/#a.log": "oftc"},
	} {
		def := definition()
		for path := range want {
			if def.Recognise(irctest.File(path, text)) == producers.No {
				t.Errorf("%s is not recognised", path)
			}
		}
		got := map[string]string{}
		for path := range want {
			src, err := def.Archive(irctest.File(path, text), producers.Options{})
			if err != nil {
				t.Fatal(err)
			}
			got[path] = string(src.(*archive).namespace)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: networks differ: %s", name, diff)
		}
	}
}

// TestArchive_LastLineCut: a log that somebody writes to, in three states, is read with a cursor and anew.
func TestArchive_LastLineCut(t *testing.T) {
	t.Parallel()
	states := []string{
		"[10:00:00] <ann> one\n[10:00:01] <ann> two\n",
		"[10:00:00] <ann> one\n[10:00:01] <ann> two\n[10:01:00] <ann> cut he",
		"[10:00:00] <ann> one\n[10:00:01] <ann> two\n[10:01:00] <ann> cut here no more\n",
	}
	path := filepath.Join(t.TempDir(), "#rot_20240501.log")
	archived := func(state string, age time.Duration) producers.Source {
		if err := os.WriteFile(path, []byte(state), 0o600); err != nil {
			t.Fatal(err)
		}
		at := time.Now().Add(-age)
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
		f := producertest.File(path, []byte(state))
		f.Open = func() (io.ReadCloser, error) { return os.Open(path) }
		src, err := (&Folders{}).Archive(f, producers.Options{})
		if err != nil {
			t.Fatal(err)
		}
		return src
	}
	for _, resumed := range []bool{true, false} {
		seen := map[event.ID]string{}
		var cursor producers.Cursor
		for n, state := range states {
			if !resumed {
				cursor = nil
			}
			batches := irctest.Drain(t, archived(state, time.Minute), cursor)
			cursor = batches[len(batches)-1].Cursor
			for _, e := range producertest.Events(batches) {
				if m, ok := e.Body.(*event.Message); ok {
					seen[e.ID] = m.Text
				}
			}
			if got := noticesOf(batches)["last-line-cut"]; got != map[bool]int{true: 1}[n == 1] {
				t.Errorf("state %d: %d lines are said to be cut", n+1, got)
			}
		}
		got := make([]string, 0, len(seen))
		for _, text := range seen {
			got = append(got, text)
		}
		slices.Sort(got)
		if diff := cmp.Diff([]string{"cut here no more", "one", "two"}, got); diff != "" {
			t.Errorf("with a cursor %v: lines differ: %s", resumed, diff)
		}
	}
	t.Run("finished", func(t *testing.T) {
		held := irctest.Drain(t, archived(states[1], time.Minute), nil)
		rest := irctest.Drain(t, archived(states[1], 2*restedFor), held[len(held)-1].Cursor)
		anew := irctest.Drain(t, archived(states[1], 2*restedFor), nil)
		unpacked := readLog(t, path, states[1], producers.Options{})
		for name, batches := range map[string][]producers.Batch{"rested": rest, "read anew": anew, "from a zip": unpacked} {
			lines := linesOf(batches)
			if lines[len(lines)-1] != "05-01 10:01:00? message <ann> cut he" || noticesOf(batches)["last-line-open"] != 1 {
				t.Errorf("%s: lines are %q, noticed %v", name, lines, noticesOf(batches))
			}
		}
	})
}

func TestArchive_SeveralLines(t *testing.T) {
	t.Parallel()
	text := "2023-06-20 18:03:11\t@flora\ttest of\nline two\n\n\tline \x02four\x02 with tab\n" +
		"2023-06-20 18:04:00\t-->\tbee (~b@host.example) has joined #sow\n" +
		"2023-06-20 18:04:10\t *\tbee waves\r\nwith both hands\r\n2023-06-20 18:05:00\tbee\tlast\nof all\n"
	batches := readLog(t, "irc.agronet.#sow.weechatlog", text, producers.Options{})
	want := []string{
		"06-20 18:03:11? message <flora> test of\nline two\n\n\tline four with tab", "06-20 18:04:00? join/join <bee>",
		"06-20 18:04:10? action <bee> waves\nwith both hands", "06-20 18:05:00? message <bee> last\nof all",
	}
	if diff := cmp.Diff(want, linesOf(batches)); diff != "" {
		t.Errorf("messages differ: %s", diff)
	}
	var k irctest.Keyed // the first line's
	events := producertest.Events(batches)
	if want := k.Next("2023-06-20", "18:03", "flora", "test of"); events[1].NativeID != want {
		t.Errorf("the key is %s", events[1].NativeID)
	}
	if raw := string(events[1].Raw); !strings.HasSuffix(raw, "\n\n\tline \x02four\x02 with tab") {
		t.Errorf("kept is %q", raw)
	}
	many := "2023-06-20 18:03:11\tann\tfirst\n" + strings.Repeat("more\n", 3*mostFurther)
	if n := noticesOf(readLog(t, "a.weechatlog", many, producers.Options{})); n["last-line-open"] != 0 {
		t.Errorf("noticed %v", n)
	}
	producertest.Archive(t, definition(), producertest.Case{
		Path: "irc.agronet.#long.weechatlog", Data: []byte(strings.Repeat(text, 200)), Events: 800, Cuts: 40,
	})
	long := "2023-06-20 18:03:11\tann\tfirst\nsecond\n" + strings.Repeat("z", maxLine+10) + "\n2023-06-20 18:05:00\tbee\tlast\n"
	kept := 0
	for _, e := range producertest.Events(readLog(t, "a.weechatlog", long, producers.Options{})) {
		kept += len(e.Raw)
	}
	if want := len(long) - 4 + 1; kept < want-2 || kept > want {
		t.Errorf("%d bytes are kept of %d", kept, len(long))
	}
}

func TestArchive_DayWentBack(t *testing.T) {
	t.Parallel()
	header := func(d string) string { return "--- Day changed " + d + " 2020\n" }
	for name, c := range map[string]struct {
		text    string
		days    string
		printed string
		notices int
	}{
		"back twice": {
			"--- Log opened Tue Mar 10 21:00:00 2020\n21:00 < a> x\n" + header("Sat Feb 01") + "08:00 < a> x\n" + header("Thu Mar 05") +
				"09:00 < a> x\n23:00 < a> x\n00:30 < a> x\n" + header("Sat Mar 14") + "10:00 < a> x\n",
			"10 11 12 12 13 14", " 2020-02-01 2020-03-05 2020-03-05 2020-03-06 ", 4,
		},
		"forward and back": {
			"--- Log opened Tue Mar 10 21:00:00 2020\n21:00 < a> x\n" + header("Sun Mar 29") + "08:00 < a> x\n" + header("Thu Mar 12") + "09:00 < a> x\n",
			"10 29 12", "  ", 0,
		},
		"opened anew": {
			"--- Log opened Tue Mar 10 21:00:00 2020\n21:00 < a> x\n--- Log opened Mon Mar 09 21:00:00 2020\n21:00 < a> x\n" + header("Tue Mar 10") +
				"08:00 < a> y\n", "10 09 10", "  ", 0,
		},
	} {
		batches := readLog(t, "irclogs/n/#days.log", c.text, producers.Options{})
		var days, printed []string
		for _, e := range producertest.Events(batches) {
			if m, ok := e.Body.(*event.Message); ok {
				days, printed = append(days, e.Sent.At.Format("02")), append(printed, m.Details["printed_day"])
			}
		}
		if got := strings.Join(days, " "); got != c.days || strings.Join(printed, " ") != c.printed || noticesOf(batches)["day-went-back"] != c.notices {
			t.Errorf("%s: days are %s, printed %q, noticed %v", name, got, printed, noticesOf(batches))
		}
	}
	var k irctest.Keyed
	k.Next("2020-03-10", "21:00", "a", "x")
	events := producertest.Events(readLog(t, "irclogs/n/#d.log", "--- Log opened Tue Mar 10 21:00:00 2020\n21:00 < a> x\n"+header("Sat Feb 01")+"08:00 < a> x\n", producers.Options{}))
	if want := k.Next("2020-02-01", "08:00", "a", "x"); events[2].NativeID != want {
		t.Errorf("the key is %s, want that of the printed day", events[2].NativeID)
	}
}

func TestArchive_NoSpace(t *testing.T) {
	t.Parallel()
	text := "--- Log opened Tue Mar  3 00:00:12 2020\n09:12:45< oak> elm: words\n09:12:46<@elm> op words\n" +
		"09:14:00-!- ash [~a@host.example] has joined #tight\n09:15 * oak jumps\n09:16 <nick with space> odd\n[09:17]<oak> x\n09:18-09:20 <none> of these\n"
	want := []string{
		"03-03 09:12:45? message <oak> elm: words", "03-03 09:12:46? message <elm> op words", "03-03 09:14:00? join/join <ash>",
		"03-03 09:15:00? action <oak> jumps", "03-03 09:16:00? message <nick with space> odd", "03-03 09:17:00? message <oak> x",
		"- unparsed line has no time at its start",
	}
	path := "irclogs/agronet/#tight.log"
	if diff := cmp.Diff(want, linesOf(readLog(t, path, text, producers.Options{}))); diff != "" {
		t.Errorf("messages differ: %s", diff)
	}
	if c := recognise(irctest.File(path, []byte(text))); c != producers.Certain {
		t.Errorf("recognised with confidence %d", c)
	}
}

func TestArchive_SkippedHour(t *testing.T) {
	t.Parallel()
	text := "[01:59] <a> x\n[02:30] <a> y\n[03:30] <a> z\n"
	batches := readLog(t, "n/#a.20240331.log", text, producers.Options{Zone: zone(t, "Europe/Berlin")})
	want := []string{"03-31 00:59:00? message <a> x", "03-31 01:30:00? message <a> y", "03-31 01:30:00? message <a> z"}
	if diff := cmp.Diff(want, linesOf(batches)); diff != "" {
		t.Errorf("messages differ: %s", diff)
	}
	var marked []string
	for _, e := range producertest.Events(batches) {
		if m, ok := e.Body.(*event.Message); ok {
			marked = append(marked, m.Details[producers.DetailSkippedHour])
		}
	}
	if strings.Join(marked, ",") != ",true," || noticesOf(batches)["skipped-hour"] != 1 {
		t.Errorf("marked are %q, noticed %v", marked, noticesOf(batches))
	}
	for _, other := range []string{"Australia/Lord_Howe", "Pacific/Apia"} {
		in := zone(t, other)
		for day := range 120 { // in which Samoa left out one
			d := civilOf(time.Date(2011, 9, 10+day, 0, 0, 0, 0, time.UTC))
			for minute := 0; minute < 24*60; minute += 15 {
				s := stamp{hour: minute / 60, minute: minute % 60}
				at := s.local(d, in, false)
				shown := at.At.In(in)
				if same := civilOf(shown) == d && shown.Hour() == s.hour && shown.Minute() == s.minute; same == at.Skipped {
					t.Fatalf("%s %s in %s is %s, skipped %v", d, s.clock(), other, shown, at.Skipped)
				}
			}
		}
	}
}

// An hour that comes twice is placed by the order of the lines; the other reading is in each message's details.
func TestArchive_HourTwice(t *testing.T) {
	const text = "2024-10-27 02:50:00\tann\tone\n2024-10-27 02:10:00\tann\ttwo\n2024-10-27 03:10:00\tann\tthree\n"
	want := [][2]string{{"00:50", "2024-10-27T01:50:00Z"}, {"01:10", "2024-10-27T00:10:00Z"}, {"02:10", ""}}
	for _, b := range readLog(t, "irc.agronet.#sow.weechatlog", text, producers.Options{Zone: zone(t, "Europe/Berlin")}) {
		for _, e := range b.Events {
			m, ok := e.Body.(*event.Message)
			if !ok {
				continue
			}
			if got := [2]string{e.Sent.At.Format("15:04"), m.Details["sent_or"]}; got != want[0] {
				t.Errorf("%q: %v, want %v", m.Text, got, want[0])
			}
			want = want[1:]
		}
	}
	if len(want) > 0 {
		t.Errorf("%d messages are missing", len(want))
	}
}
