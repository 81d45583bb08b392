package cli_test

import (
	"encoding/json"
	"fmt"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestImport_AnotherZone holds that importing files again with another zone stores nothing new, and that the counts of all chats add up to
// those of the import, which the stores' rows bear out.
func TestImport_AnotherZone(t *testing.T) {
	t.Parallel()
	w, dir := newOutside(t), t.TempDir()
	write(t, filepath.Join(dir, "WhatsApp Chat with Farm.txt"), chatText(10, "Bob: one", "Ann: two"))
	write(t, filepath.Join(dir, "json", "result.json"), telegramText("   \"id\": 1,\n   \"type\": \"message\",\n   \"date\": \"2024-01-25T10:00:00\",\n   \"from\": \"Bob\",\n   \"from_id\": \"user7\",\n   \"text\": \"hi\"", "Field"))
	write(t, filepath.Join(dir, "html", "messages.html"), "<html><body><div class=\"page_header\"><div class=\"text bold\">Pond</div></div><div class=\"history\">"+
		"<div class=\"message default clearfix\" id=\"message1\"><div class=\"body\"><div class=\"pull_right date details\" title=\"25.01.2024 10:00:00\">10:00</div>"+
		"<div class=\"from_name\">Ann</div><div class=\"text\">hello</div></div></div></div></body></html>")
	write(t, filepath.Join(dir, "csv", "Guild - text - garden [123456789012345679].csv"),
		"AuthorID,Author,Date,Content,Attachments,Reactions\n\"223456789012345678\",\"Ann\",\"25-Jan-24 10:00 AM\",\"hello\",\"\",\"👍 (1)\"\n")
	write(t, filepath.Join(dir, "edited", "result.json"), `{"name": "Barn", "type": "private_group", "id": 78, "messages": [
  {"id": 1, "type": "message", "date": "2024-01-25T10:00:00", "edited": "2024-01-25T10:05:00", "from": "Bob", "from_id": "user7", "text": "hi",
   "reactions": [{"type": "emoji", "count": 1, "emoji": "👍", "recent": [{"from": "Ann", "from_id": "user8", "date": "2024-01-25T10:06:00"}]}]},
  {"id": 2, "type": "message", "date": "2024-01-25T10:01:00", "from": "Bob", "from_id": "user7", "text": "",
   "poll": {"question": "When?", "closed": false, "total_voters": 1, "answers": [{"text": "now", "voters": 1, "chosen": false}, {"text": "later", "voters": 0, "chosen": false}]}}]}`)
	write(t, filepath.Join(dir, "export.json"), `{"guild": {"id": "0", "name": "Direct Messages", "iconUrl": ""}, "channel": {"id": "123456789012345678", "type": "DirectTextChat", "name": "Ann"},
  "messages": [{"id": "1200000000000000001", "type": "Default", "timestamp": "2024-01-25T10:00:00", "timestampEdited": "2024-01-25T10:05:00", "isPinned": false, "content": "hi",
  "author": {"id": "223456789012345678", "name": "Ann", "discriminator": "0000", "nickname": "Ann", "isBot": false}, "attachments": [], "embeds": [],
  "reactions": [{"emoji": {"id": "", "name": "👍", "code": "+1", "isAnimated": false, "imageUrl": ""}, "count": 1}], "mentions": []}], "messageCount": 1}`)
	write(t, filepath.Join(dir, "shed.jsonl"), `{"channel": "shed", "id": "1", "author": "Ann", "sent": "2024-01-25 10:00", "edited": "2024-01-25T10:05:00", "text": "hi"}
{"kind": "edit", "channel": "shed", "id": "1", "author": "Ann", "sent": "2024-01-25 10:00", "edited": "2024-01-25T10:06:00", "text": "ho"}
{"kind": "reaction", "channel": "shed", "target": "1", "author": "Bob", "emoji": "👍", "sent": "2024-01-25T10:07:00"}
{"kind": "reactions", "channel": "shed", "target": "1", "counts": {"👎": 2}, "sent": "2024-01-25T10:08:00"}
{"kind": "poll", "channel": "shed", "target": "1", "poll": {"question": "When?", "options": [{"text": "now", "votes": 1}]}, "sent": "2024-01-25T10:08:00"}
{"kind": "membership", "channel": "shed", "author": "Bob", "state": "joined", "sent": "2024-01-25T10:09:00"}
{"kind": "channel", "channel": "shed", "name": "Shed", "sent": "2024-01-25T10:09:00"}
{"kind": "identity", "author": "Bob", "username": "bob1", "sent": "2024-01-25T10:09:00"}
{"kind": "delete", "channel": "shed", "id": "2", "sent": "2024-01-25T10:10:00"}
`)
	write(t, filepath.Join(dir, "irclogs", "net", "#go.2024-01-25.log"), "[10:00:00] <bob> hi\n[10:01:00] *** ann sets topic: weeds\n")
	type counts struct {
		Read, Events, Published, Known, Stored, Updated, Unparsed, Ambiguous int64
	}
	for n, zone := range []string{"UTC", "Europe/Moscow", "America/New_York", "America/New_York"} {
		r := w.run("import", dir, "--account", "me", "--zone", zone, "--output", "json").want(0)
		var report struct {
			counts
			PerChat []struct {
				Channel string
				counts
			} `json:"per_chat"`
		}
		if err := json.Unmarshal([]byte(r.out), &report); err != nil {
			t.Fatal(err)
		}
		var sum counts
		for _, c := range report.PerChat {
			sum.Events += c.Events
			sum.Published += c.Published
			sum.Known += c.Known
			sum.Stored += c.Stored
			sum.Updated += c.Updated
			sum.Unparsed += c.Unparsed
			sum.Ambiguous += c.Ambiguous
			if n > 0 && c.Stored > 0 {
				t.Errorf("%s: of %s %d events are stored that were not before", zone, c.Channel, c.Stored)
			}
		}
		sum.Read = report.Read
		if sum != report.counts {
			t.Errorf("%s: the chats add up to %+v, of %+v", zone, sum, report.counts)
		}
		if n == 3 && report.Published > 0 || n < 3 && report.Known+report.Published != report.Events {
			t.Errorf("%s: %+v", zone, report.counts)
		}
	}
	for _, edits := range w.ask("SELECT external_id || ' of ' || channel || ': ' || count(*) FROM agrichat.v_versions WHERE edited_at IS NOT NULL GROUP BY channel, external_id, text HAVING count(*) > 1") {
		t.Errorf("versions of one edit: %s", edits)
	}
	w.equal()
}

// TestImport_EditZones holds that an edit whose time has no zone is one version whatever zone is named and wherever, that it is where the zone
// named last has it, and that edits of an export with absolute times stand before and after it, in whichever order all are imported.
func TestImport_EditZones(t *testing.T) {
	t.Parallel()
	// Printed in Moscow: 10:05 there is 07:05 UTC.
	export := func(chat int, edited, unix, text string) string {
		if unix != "" {
			unix = fmt.Sprintf(`, "date_unixtime": "1706166000", "edited_unixtime": "%s"`, unix)
		}
		return fmt.Sprintf(`{"name": "Barn %d", "type": "private_group", "id": %d, "messages": [`+
			`{"id": 1, "type": "message", "date": "2024-01-25T10:00:00", "edited": "%s"%s, "from": "Bob", "from_id": "user7", "text": "%s"}]}`, chat, chat, edited, unix, text)
	}
	files := map[string][3]string{
		"old":   {"2024-01-25T10:05:00", "", "second"},
		"same":  {"2024-01-25T10:05:00", "1706166300", "second"},
		"first": {"2024-01-25T10:02:00", "1706166120", "first"},
		"third": {"2024-01-25T10:30:00", "1706167800", "third"},
	}
	all := []string{"07:02 first", "07:05 second", "07:30 third *"}
	cases := []struct {
		name  string
		steps []string // a file, with the zone to name, or the zone of a reread
		want  []string
	}{
		{"named later", []string{"old", "old Europe/Moscow"}, []string{"07:05 second *"}},
		{"named before", []string{"old Europe/Moscow", "old", "old America/New_York"}, []string{"15:05 second *"}},
		{"read again", []string{"old", "reread Europe/Moscow", "old"}, []string{"07:05 second *"}},
		{"with its own zone", []string{"old Europe/Moscow", "same"}, []string{"07:05 second *"}},
		{"after its own zone", []string{"same", "old Europe/Moscow"}, []string{"07:05 second *"}},
		{"the zone comes last", []string{"same", "old", "reread Europe/Moscow"}, []string{"07:05 second *"}},
		{"edited again", []string{"old Europe/Moscow", "third", "first"}, all},
		{"edited before", []string{"third", "first", "old Europe/Moscow"}, all},
		{"edited, then zoned", []string{"first", "old", "third", "old Europe/Moscow"}, all},
		{"edited, then reread", []string{"old", "third", "first", "reread Europe/Moscow"}, all},
	}
	w, dir := newOutside(t), t.TempDir()
	for step := range 4 {
		for _, zone := range []string{"", "Europe/Moscow", "America/New_York"} {
			from, any := filepath.Join(dir, fmt.Sprint(step), "zone"+path.Base(zone)), false
			for i, c := range cases {
				if step >= len(c.steps) {
					continue
				}
				what, in, _ := strings.Cut(c.steps[step], " ")
				switch f := files[what]; {
				case in != zone:
				case what == "reread":
					w.run("reread", "--channel", fmt.Sprint("chat", i+1), "--zone", zone).want(0)
				default:
					write(t, filepath.Join(from, fmt.Sprint(i+1), "result.json"), export(i+1, f[0], f[1], f[2]))
					any = true
				}
			}
			switch {
			case any && zone != "":
				w.run("import", from, "--account", "me", "--zone", zone).want(0)
			case any:
				w.run("import", from, "--account", "me").want(0)
			}
		}
	}
	for i, c := range cases {
		got := w.ask("SELECT to_char(edited_at AT TIME ZONE 'UTC', 'HH24:MI ') || text || CASE WHEN current THEN ' *' ELSE '' END FROM agrichat.v_versions " +
			fmt.Sprintf("WHERE channel = 'chat%d' ORDER BY edited_at", i+1))
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: -want +got:\n%s", c.name, diff)
		}
	}
	w.equal()
}
