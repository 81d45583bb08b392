package cli_test

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/encoding/charmap"
)

// TestReread holds that a zone and a charset which were guessed are put right without the files, under the old ids, and that the later word counts.
func TestReread(t *testing.T) {
	t.Parallel()
	w, dir := newOutside(t), t.TempDir()
	write(t, filepath.Join(dir, "WhatsApp Chat with Farm.txt"), chatText(10, "Bob: one", "Ann: two"))
	line, err := charmap.KOI8R.NewEncoder().String("[10:00:00] <Боб> привет, как дела\n[10:01:00] <Аня> хорошо, спасибо большое\n")
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "irclogs", "net", "#go.2024-01-25.log"), line)
	w.run("import", dir, "--account", "me", "--charset", "windows-1252").want(0)
	const messages = "SELECT to_char(sent_at AT TIME ZONE 'UTC', 'HH24:MI ') || author || ': ' || text FROM agrichat.v_messages ORDER BY source, sent_at"
	ids := w.ask("SELECT thing_id::text FROM agrichat.messages ORDER BY 1")
	if got := w.ask(messages); !strings.HasPrefix(got[2], "10:00 Bob: one") || strings.Contains(got[0], "привет") {
		t.Fatalf("imported as %q", got)
	}
	for _, c := range []struct {
		args []string
		want []string
	}{
		{[]string{"--zone", "Europe/Moscow"}, []string{"07:00 ", "07:01 ", "07:00 Bob: one", "07:01 Ann: two"}},
		{[]string{"--charset", "koi8-r"}, []string{"07:00 боб: привет, как дела", "07:01 аня: хорошо, спасибо большое", "07:00 Bob: one", "07:01 Ann: two"}},
		{[]string{"--zone", "America/New_York", "--source", "whatsapp"}, []string{"07:00 боб", "07:01 аня", "15:00 Bob: one", "15:01 Ann: two"}},
		{[]string{"--zone", "UTC", "--charset", "koi8-r"}, []string{"10:00 боб", "10:01 аня", "10:00 Bob: one", "10:01 Ann: two"}},
	} {
		r := w.run(append([]string{"reread", "--output", "json"}, c.args...)...).want(0)
		var report struct{ Changed, Published int }
		if err := json.Unmarshal([]byte(r.out), &report); err != nil || report.Published == 0 {
			t.Errorf("%v: %v: %s", c.args, err, r.out)
		}
		got := w.ask(messages)
		for i := range c.want {
			if !strings.HasPrefix(strings.ToLower(got[i]), strings.ToLower(c.want[i])) {
				t.Errorf("%v: %q, want %q", c.args, got[i], c.want[i])
			}
		}
		w.equal()
	}
	if diff := cmp.Diff(ids, w.ask("SELECT thing_id::text FROM agrichat.messages ORDER BY 1")); diff != "" {
		t.Errorf("ids changed: %s", diff)
	}
	w.run("reread").want(2)
	w.run("reread", "--zone", "Mars/Olympus").want(2)
}
