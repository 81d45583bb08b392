package cli_test

import (
	"encoding/json"
	"path/filepath"
	"testing"
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
	write(t, filepath.Join(dir, "csv", "Guild - text - garden [123456789012345678].csv"),
		"AuthorID,Author,Date,Content,Attachments,Reactions\n\"223456789012345678\",\"Ann\",\"25-Jan-24 10:00 AM\",\"hello\",\"\",\"\"\n")
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
	w.equal()
}
