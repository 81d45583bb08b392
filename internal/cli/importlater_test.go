package cli_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// TestImport_LaterZone holds that a zone which is named later moves messages whose day and month another import was given, and that they keep
// their date: whether the files are imported again or the log is read again.
func TestImport_LaterZone(t *testing.T) {
	t.Parallel()
	w, dir := newOutside(t), t.TempDir()
	write(t, filepath.Join(dir, "WhatsApp Chat with Farm.txt"), "03/04/2024, 22:00 - Bob: one\n03/04/2024, 22:01 - Ann: two\n")
	const times = "SELECT to_char(sent_at AT TIME ZONE 'UTC', 'MM-DD HH24:MI') FROM agrichat.v_messages ORDER BY sent_at LIMIT 1"
	for i, c := range []struct {
		args []string
		want string
	}{
		{[]string{"import", dir, "--account", "me", "--date-order", "mdy"}, "03-04 22:00"},
		{[]string{"import", dir, "--account", "me", "--zone", "Europe/Moscow"}, "03-04 19:00"},
		{[]string{"import", dir, "--account", "me"}, "03-04 19:00"},
		{[]string{"reread", "--zone", "America/New_York"}, "03-05 03:00"},
		{[]string{"import", dir, "--account", "me", "--zone", "Europe/Berlin"}, "03-04 21:00"},
	} {
		w.run(c.args...).want(0)
		if got := w.ask(times); len(got) != 1 || got[0] != c.want {
			t.Errorf("step %d: %q, want %q", i+1, got, c.want)
		}
	}
	w.equal()
}

// TestImport_DatesSwapped holds that an import says where two exports, each sure of its dates, make one message of lines on two days.
func TestImport_DatesSwapped(t *testing.T) {
	t.Parallel()
	for _, once := range []bool{true, false} {
		w, dir := newOutside(t), t.TempDir()
		a, b := filepath.Join(dir, "a"), filepath.Join(dir, "b")
		write(t, filepath.Join(a, "WhatsApp Chat with Farm.txt"), "03/04/2024, 22:00 - Bob: ok\n25/04/2024, 22:01 - Ann: two\n")
		write(t, filepath.Join(b, "WhatsApp Chat with Farm.txt"), "03/04/2024, 22:00 - Bob: ok\n03/25/2024, 22:01 - Ann: three\n")
		var n noticed
		if once {
			n = w.noticed(dir, "--account", "me")
		} else {
			if n = w.noticed(a, "--account", "me"); n.counts()["dates-swapped"] != 0 {
				t.Errorf("of one export alone: %+v", n)
			}
			n = w.noticed(b, "--account", "me")
		}
		if n.counts()["dates-swapped"] != 1 {
			t.Errorf("at once %v: %+v", once, n)
		}
		if n = w.noticed(dir, "--account", "me"); n.counts()["dates-swapped"] != 0 || n.Stored != 0 {
			t.Errorf("imported again: %+v", n)
		}
		w.equal()
	}
}

// TestImport_ReactionsGone holds that reactions which a younger export does not show any more are gone as of its newest message, also where a
// message has none left, in whichever order the exports are imported; and that messages without reactions are not published again.
func TestImport_ReactionsGone(t *testing.T) {
	t.Parallel()
	export := func(messages int, reactions string) string {
		var list []string
		for i := range messages {
			more := ""
			if i == 0 {
				more = reactions
			}
			list = append(list, fmt.Sprintf(`{"id": %d, "type": "message", "date": "2024-05-01T10:00:00", "date_unixtime": "%d", "from": "Ann", "from_id": "user5", "text": "t%d"%s}`,
				i+1, 1714557600+60*i, i, more))
		}
		return `{"name": "Farm", "type": "public_supergroup", "id": 4001, "messages": [` + strings.Join(list, ", ") + `]}`
	}
	const three = `, "reactions": [{"type": "emoji", "count": 3, "emoji": "👍", "recent": [{"from": "Bob", "from_id": "user6", "date": "2024-05-01T10:01:00"}]}]`
	files := []string{export(3, three), export(5, ""), export(7, `, "reactions": [{"type": "emoji", "count": 1, "emoji": "🔥"}]`)}
	for _, c := range []struct {
		order []int
		want  string
	}{
		{[]int{0, 1}, "[]"}, {[]int{1, 0}, "[]"}, {[]int{1, 0, 2}, "[🔥 1]"}, {[]int{0, 2, 1}, "[🔥 1]"},
	} {
		w, dir := newOutside(t), t.TempDir()
		for step, which := range c.order {
			file := filepath.Join(dir, fmt.Sprint(step), "result.json")
			write(t, file, files[which])
			w.run("import", file).want(0)
		}
		got := w.ask("SELECT emoji || ' ' || sum(count) FROM agrichat.v_reactions GROUP BY emoji ORDER BY 1")
		if fmt.Sprint(got) != c.want {
			t.Errorf("imported in order %v: %v, want %s", c.order, got, c.want)
		}
		w.equal()
		if n := w.noticed(dir); n.Stored != 0 {
			t.Errorf("imported in order %v, and once more: %+v", c.order, n)
		}
	}
}

// TestImport_Unchanged holds that files which are imported again unchanged update nothing, also where one is less precise than another of the
// same chat and the zone and the charset are named each time.
func TestImport_Unchanged(t *testing.T) {
	t.Parallel()
	for name, flags := range map[string][]string{
		"nothing named": nil,
		"zone":          {"--zone", "Europe/Berlin"},
		"both":          {"--zone", "Europe/Berlin", "--charset", "windows-1251"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, dir := newOutside(t), t.TempDir()
			znc, irssi := filepath.Join(dir, "znc", "#go", "2024-05-01.log"), filepath.Join(dir, "irssi", "#go.log")
			write(t, znc, "[10:00:05] <ann> one\n[10:00:09] <bob> two\n[10:01:11] <ann> \xef\xf0\xe8\xe2\xe5\xf2\n[10:02:01] * ann waves\n")
			write(t, irssi, "--- Log opened Wed May 01 09:59:00 2024\n10:00 <ann> one\n10:00 <bob> two\n10:01 <ann> \xef\xf0\xe8\xe2\xe5\xf2\n10:02  * ann waves\n")
			flags = append([]string{"--account", "me", "--namespace", "net"}, flags...)
			w.run(append([]string{"import", dir}, flags...)...).want(0)
			for _, paths := range [][]string{{dir}, {irssi}, {znc, irssi}, {irssi, znc}} {
				var r struct{ Published, Stored, Updated int }
				w.run(append(append([]string{"import", "--output", "json"}, paths...), flags...)...).want(0).into(&r)
				if r.Published+r.Stored+r.Updated != 0 {
					t.Errorf("%v again: %+v", paths, r)
				}
			}
			w.equal()
		})
	}
}
