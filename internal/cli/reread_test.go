package cli_test

import (
	"encoding/json"
	"path/filepath"
	"slices"
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

// TestReread_names holds that names which were read in a wrong charset are put right with the messages, by reread and by a second import.
func TestReread_names(t *testing.T) {
	t.Parallel()
	for name, again := range map[string][]string{
		"reread": {"reread", "--charset", "koi8-r"},
		"both":   {"reread", "--charset", "koi8-r", "--zone", "Europe/Moscow"},
		"import": {"import", "", "--account", "me", "--charset", "koi8-r", "--zone", "Europe/Moscow"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, dir := newOutside(t), t.TempDir()
			for file, text := range map[string]string{
				"result.json": telegramText("   \"id\": 1,\n   \"type\": \"message\",\n   \"date\": \"2024-01-25T10:00:00\",\n   \"from\": \"Боб\",\n   \"from_id\": \"user7\",\n   \"text\": \"привет, как дела\"", "Дачники"),
				"messages.html": "<html><body><div class=\"page_header\"><div class=\"text bold\">Соседи</div></div><div class=\"history\">" +
					"<div class=\"message default clearfix\" id=\"message1\"><div class=\"body\"><div class=\"pull_right date details\" title=\"25.01.2024 10:00:00\">10:00</div>" +
					"<div class=\"from_name\">Аня</div><div class=\"text\">привет, как дела</div></div></div></div></body></html>",
			} {
				line, err := charmap.KOI8R.NewEncoder().String(text)
				if err != nil {
					t.Fatal(err)
				}
				write(t, filepath.Join(dir, file+"d", file), line)
			}
			w.run("import", dir, "--account", "me", "--charset", "windows-1252").want(0)
			const names = "SELECT name FROM agrichat.channels UNION SELECT name FROM agrichat.identities WHERE name <> '' ORDER BY 1"
			if got := w.ask(names); len(got) < 3 || slices.Contains(got, "Боб") {
				t.Fatalf("imported as %q", got)
			}
			if again[0] == "import" {
				again[1] = dir
			}
			w.run(again...).want(0)
			got := w.ask("SELECT name FROM agrichat.channels ORDER BY 1")
			got = append(got, w.ask("SELECT name FROM agrichat.identities WHERE identity IN ('7', 'user7')")...)
			if diff := cmp.Diff([]string{"Дачники", "Соседи", "Боб"}, got); diff != "" {
				t.Errorf("names after %s: -want +got:\n%s\nall: %q", name, diff, w.ask("SELECT identity || '=' || name || ' ' || coalesce(as_of::text,'') FROM agrichat.identities"))
			}
			w.equal()
		})
	}
}

// telegramText is an export of a chat with one message.
func telegramText(message, chat string) string {
	return "{\n \"name\": \"" + chat + "\",\n \"type\": \"private_group\",\n \"id\": 77,\n \"messages\": [\n  {\n" + message + "\n  }\n ]\n}\n"
}
