package cli_test

import (
	"path/filepath"
	"testing"
)

// TestImport_LaterZone holds that a zone which is named later moves messages whose day and month another import was told, and that they keep
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
