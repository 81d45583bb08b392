package cli_test

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// noticed is what a script reads of an import's report.
type noticed struct {
	Stored      int `json:"stored"`
	Overlapping int `json:"overlapping"`
	Notices     []struct {
		Code   string `json:"code"`
		Count  int    `json:"count"`
		Option string `json:"option"`
	} `json:"notices"`
}

func (n noticed) counts() map[string]int {
	out := map[string]int{}
	for _, one := range n.Notices {
		out[one.Code] += one.Count
	}
	return out
}

func (w *world) noticed(args ...string) noticed {
	w.t.Helper()
	var n noticed
	r := w.run(append([]string{"import", "--output", "json"}, args...)...)
	r.want(0)
	if err := json.Unmarshal([]byte(r.out), &n); err != nil {
		w.t.Fatalf("%v in %s", err, r.out)
	}
	return n
}

// chatText is a WhatsApp export of lines, each a minute after the other.
func chatText(hour int, lines ...string) string {
	var b strings.Builder
	for i, l := range lines {
		fmt.Fprintf(&b, "25.01.24, %02d:%02d - %s\n", hour, i, l)
	}
	return b.String()
}

// TestImport_Overlaps holds that an import says which messages seem to stand twice, whether both exports come at once or one after the other.
func TestImport_Overlaps(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name          string
		first, second map[string]string
		code          string
		count, stored int
	}{
		{"renamed contact", map[string]string{"a/WhatsApp Chat with Farm.txt": chatText(10, "Bob: one", "Ann: two", "Bob: three", "Ann: four")},
			map[string]string{"b/WhatsApp Chat with Farm.txt": chatText(10, "Bobby: one", "Ann: two", "Bobby: three", "Ann: four")}, "overlap-authors", 2, 6},
		{"edited message", map[string]string{"a/WhatsApp Chat with Farm.txt": chatText(10, "Bob: one", "Ann: two", "Bob: three")},
			map[string]string{"b/WhatsApp Chat with Farm.txt": chatText(10, "Bob: one", "Ann: two, no, five", "Bob: three")}, "overlap-differs", 1, 4},
		{"another zone", map[string]string{"a/WhatsApp Chat with Farm.txt": chatText(10, "Bob: one", "Ann: two", "Bob: three", "Ann: four")},
			map[string]string{"b/WhatsApp Chat with Farm.txt": chatText(16, "Bob: one", "Ann: two", "Bob: three", "Ann: four", "Bob: five")}, "overlap-zones", 4, 9},
		{"meeting in a minute", map[string]string{"a/WhatsApp Chat with Farm.txt": chatText(10, "Bob: one", "Ann: two", "Bob: ok")},
			map[string]string{"b/WhatsApp Chat with Farm.txt": "25.01.24, 10:02 - Bob: ok\n25.01.24, 10:02 - Ann: so\n25.01.24, 10:03 - Ann: ok\n"}, "overlap-edge", 1, 5},
		{"another name of the chat", map[string]string{"a/WhatsApp Chat with Farm.txt": chatText(10, "Bob: one", "Ann: two", "Bob: three", "Ann: four")},
			map[string]string{"b/summer/_chat.txt": chatText(10, "Bob: one", "Ann: two", "Bob: three", "Ann: four")}, "overlap-ids", 4, 8},
		{"two chats of one name", map[string]string{"a/WhatsApp Chat with Farm.txt": chatText(10, "Bob: one", "Ann: two", "Bob: three", "Ann: four")},
			map[string]string{"b/WhatsApp Chat with Farm.txt": chatText(10, "Eve: a", "Dan: b", "Eve: c", "Dan: d")}, "overlap-none", 4, 8},
		{"one chat in two parts", map[string]string{"a/WhatsApp Chat with Farm.txt": chatText(10, "Bob: one", "Ann: two", "Bob: three", "Ann: four")},
			map[string]string{"b/WhatsApp Chat with Farm.txt": chatText(11, "Bob: a", "Ann: b", "Bob: c", "Ann: d")}, "", 0, 8},
		{"no overlap", map[string]string{"a/WhatsApp Chat with Farm.txt": chatText(10, "Bob: one", "Ann: two", "Bob: three", "Ann: four")},
			map[string]string{"b/WhatsApp Chat with Farm.txt": chatText(10, "Bob: one", "Ann: two", "Bob: three", "Ann: four", "Bob: five")}, "", 0, 5},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			for _, once := range []bool{true, false} {
				w, dir := newOutside(t), t.TempDir()
				for _, files := range []map[string]string{c.first, c.second} {
					for name, text := range files {
						write(t, filepath.Join(dir, name), text)
					}
				}
				var n noticed
				if once {
					n = w.noticed(dir, "--account", "me")
				} else {
					w.run("import", filepath.Join(dir, "a"), "--account", "me").want(0)
					n = w.noticed(filepath.Join(dir, "b"), "--account", "me")
				}
				if stored := w.ask("SELECT count(*)::text FROM agrichat.v_messages WHERE kind = 'message'")[0]; stored != fmt.Sprint(c.stored) {
					t.Errorf("at once %v: %s messages are stored, want %d", once, stored, c.stored)
				}
				if c.code == "" {
					if n.Overlapping != 0 || n.counts()["overlap-none"] != 0 {
						t.Errorf("at once %v: overlapping %+v", once, n)
					}
					continue
				}
				if got := n.counts()[c.code]; got < c.count || n.Overlapping < c.count && c.code != "overlap-edge" && c.code != "overlap-none" {
					t.Errorf("at once %v: %d of %s, want %d: %+v", once, got, c.code, c.count, n)
				}
			}
		})
	}
}

// TestImport_OverlapsAccounts holds that an import says that another account's export of a chat stands in the stores.
func TestImport_OverlapsAccounts(t *testing.T) {
	t.Parallel()
	w, dir := newOutside(t), t.TempDir()
	write(t, filepath.Join(dir, "WhatsApp Chat with Farm.txt"), chatText(10, "Bob: one", "Ann: two", "Bob: three", "Ann: four"))
	w.run("import", dir, "--account", "me").want(0)
	if n := w.noticed(dir, "--account", "you"); n.counts()["overlap-ids"] != 4 || n.Overlapping != 4 {
		t.Errorf("%+v", n)
	}
}

// TestImport_OverlapsMoved holds that exports of a phone that moved are noticed where each is read in its own zone.
func TestImport_OverlapsMoved(t *testing.T) {
	t.Parallel()
	w, dir := newOutside(t), t.TempDir()
	write(t, filepath.Join(dir, "a/WhatsApp Chat with Farm.txt"), chatText(10, "Bob: one", "Ann: two", "Bob: three", "Ann: four"))
	write(t, filepath.Join(dir, "b/WhatsApp Chat with Farm.txt"), chatText(4, "Bob: one", "Ann: two", "Bob: three", "Ann: four", "Ann: five"))
	w.run("import", filepath.Join(dir, "a"), "--account", "me", "--zone", "Europe/Berlin").want(0)
	n := w.noticed(filepath.Join(dir, "b"), "--account", "me", "--zone", "America/New_York")
	if counts := n.counts(); counts["overlap-zones"] != 4 || counts["overlap-none"] != 0 || n.Overlapping != 4 {
		t.Errorf("%+v", n)
	}
}

// TestImport_LaterWord holds that a zone which is named when the same file is imported again corrects what stands, and that the report says how much.
func TestImport_LaterWord(t *testing.T) {
	t.Parallel()
	w, dir := newOutside(t), t.TempDir()
	write(t, filepath.Join(dir, "WhatsApp Chat with Farm.txt"), chatText(10, "Bob: one", "Ann: two"))
	const times = "SELECT to_char(sent_at AT TIME ZONE 'UTC', 'HH24:MI') FROM agrichat.v_messages ORDER BY sent_at LIMIT 1"
	for i, c := range []struct {
		args    []string
		want    string
		updated int
		assumed int
	}{
		{nil, "10:00", 0, 2},
		{[]string{"--zone", "Europe/Moscow"}, "07:00", 2, 0},
		{[]string{"--zone", "Europe/Moscow"}, "07:00", 0, 0},
		{[]string{"--zone", "America/New_York"}, "15:00", 2, 0},
		{nil, "15:00", 0, 2},
	} {
		r := w.run(append([]string{"import", "--output", "json", dir, "--account", "me"}, c.args...)...).want(0)
		var report struct {
			Updated int
			Notices []struct {
				Code  string
				Count int
			}
		}
		if err := json.Unmarshal([]byte(r.out), &report); err != nil {
			t.Fatal(err)
		}
		assumed := 0
		for _, n := range report.Notices {
			if n.Code == "zone-assumed" {
				assumed += n.Count
			}
		}
		if report.Updated < c.updated || c.updated == 0 && report.Updated > 0 || assumed != c.assumed {
			t.Errorf("import %d: %s", i+1, r.out)
		}
		if got := w.ask(times); got[0] != c.want {
			t.Errorf("import %d: the first was sent at %s, want %s", i+1, got[0], c.want)
		}
	}
	w.equal()
}

// TestImport_TextsDiffer holds that an import says where messages of one id came with different texts, at once or one after the other.
func TestImport_TextsDiffer(t *testing.T) {
	t.Parallel()
	export := func(text string) string {
		return fmt.Sprintf(`{"name": "Farm", "type": "public_supergroup", "id": 4001, "messages": [{"id": 1, "type": "message", `+
			`"date": "2024-05-01T10:00:00", "date_unixtime": "1714557600", "from": "Ann", "from_id": "user5", "text": %q}]}`, text)
	}
	for _, once := range []bool{true, false} {
		w, dir := newOutside(t), t.TempDir()
		write(t, filepath.Join(dir, "a", "result.json"), export("a longer text"))
		write(t, filepath.Join(dir, "b", "result.json"), export("new text"))
		var n noticed
		if once {
			n = w.noticed(dir)
		} else {
			w.run("import", filepath.Join(dir, "a")).want(0)
			n = w.noticed(filepath.Join(dir, "b"))
		}
		if n.counts()["texts-differ"] != 1 {
			t.Errorf("at once %v: %+v", once, n)
		}
		if n = w.noticed(dir); n.counts()["texts-differ"] != 0 || n.Stored != 0 {
			t.Errorf("imported again: %+v", n)
		}
		w.equal()
	}
}

// pageText is a page of a Telegram export in HTML of messages: each number is its message's id, and the minute in which it was sent.
func pageText(title string, numbers []int, text func(n int) string) string {
	var b strings.Builder
	fmt.Fprintf(&b, `<html><body><div class="page_header"><div class="text bold">%s</div></div><div class="history">`, title)
	for _, n := range numbers {
		fmt.Fprintf(&b, `<div class="message default clearfix" id="message%d"><div class="body"><div class="pull_right date details" title="25.01.2024 10:%02d:00">10:%02d</div>`+
			`<div class="from_name">Ann</div><div class="text">%s</div></div></div>`, n, n, n, text(n))
	}
	return b.String() + "</div></body></html>"
}

// TestImport_Namesakes holds that an import says of Telegram's pages, which do not say which chat they are of, that two chats of one title became
// one: where messages have the same ids and where they have not; and not of two exports of one chat.
func TestImport_Namesakes(t *testing.T) {
	t.Parallel()
	of := func(name string) func(int) string { return func(n int) string { return fmt.Sprintf("%s %d", name, n) } }
	w, dir := newOutside(t), t.TempDir()
	edited := func(n int) string { return of([]string{"farm", "edit"}[n/3%2])(n) } // three of six
	for i, c := range []struct {
		name          string
		first, second map[string]string // pages
		want          map[string]int
	}{
		{"equal ids", map[string]string{"x/messages.html": pageText("Farm", []int{1, 2, 3, 4, 5}, of("farm"))},
			map[string]string{"y/messages.html": pageText("Farm", []int{1, 2, 3, 4}, of("yard"))}, map[string]int{"overlap-none": 4}},
		{"other ids", map[string]string{"x/messages.html": pageText("Farm", []int{1, 3, 5, 7}, of("farm"))},
			map[string]string{"y/messages.html": pageText("Farm", []int{2, 4, 6, 8}, of("yard"))}, map[string]int{"overlap-none": 4}},
		{"one chat", map[string]string{"x/messages.html": pageText("Farm", []int{1, 2, 3, 4, 5, 6}, of("farm"))},
			map[string]string{"y/messages.html": pageText("Farm", []int{1, 2, 3, 4, 5, 6, 7, 8}, edited)}, map[string]int{"texts-differ": 3}},
		{"pages", map[string]string{"x/messages.html": pageText("Farm", []int{1, 2, 3, 4}, of("farm"))},
			map[string]string{"x/messages2.html": pageText("Farm", []int{5, 6, 7, 8}, of("farm"))}, nil},
		{"two titles", map[string]string{"x/messages.html": pageText("Farm", []int{1, 2, 3, 4, 5}, of("farm"))},
			map[string]string{"y/messages.html": pageText("Yard", []int{1, 2, 3, 4}, of("yard"))}, nil},
	} {
		for _, once := range []bool{true, false} {
			var n noticed
			account := fmt.Sprint("me", i, once)
			for step, pages := range []map[string]string{c.first, c.second} {
				from := filepath.Join(dir, account)
				if !once {
					from = filepath.Join(from, fmt.Sprint(step))
				}
				for name, text := range pages {
					write(t, filepath.Join(from, name), text)
				}
				if !once {
					n = w.noticed(from, "--account", account)
				}
			}
			if once {
				n = w.noticed(filepath.Join(dir, account), "--account", account)
			}
			for _, code := range []string{"overlap-none", "texts-differ"} {
				if got := n.counts()[code]; got != c.want[code] {
					t.Errorf("%s, at once %v: %d of %s, want %d: %+v", c.name, once, got, code, c.want[code], n)
				}
			}
		}
	}
}
