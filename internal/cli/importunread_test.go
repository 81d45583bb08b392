package cli_test

import (
	"path/filepath"
	"strings"
	"testing"
)

// TestImport_Unread holds that an import says what of that which was named could not be read, and exits with 1, and that files which lack an
// option are named before anything is read.
func TestImport_Unread(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "chats", "WhatsApp Chat with Farm.txt"), chatText(10, "Bob: one"))
	write(t, filepath.Join(dir, "notes", "notes.bin"), "something")
	write(t, filepath.Join(dir, "broken", "broken.zip"), "PK\x03\x04 and nothing more")
	write(t, filepath.Join(dir, "broken", "WhatsApp Chat with Field.txt"), chatText(10, "Bob: one"))
	for name, c := range map[string]struct {
		paths  []string
		status int
		says   string
	}{
		"all is read":      {[]string{"chats"}, 0, ""},
		"a folder":         {[]string{"chats", "notes"}, 1, "notes.bin was not read"},
		"a file":           {[]string{"chats", "notes/notes.bin"}, 1, "notes.bin was not read"},
		"within a folder":  {[]string{"broken"}, 1, "broken.zip was not read: a zip that is damaged"},
		"nothing at all":   {[]string{"notes"}, 1, "nothing to import"},
		"beside the notes": {[]string{"."}, 1, "broken.zip was not read"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			args := []string{"import", "--dry-run", "--account", "me"}
			for _, p := range c.paths {
				args = append(args, filepath.Join(dir, p))
			}
			if r := newWorld(t).run(args...).want(c.status); !strings.Contains(r.err, c.says) {
				t.Errorf("says %q", r.err)
			}
		})
	}
	r := newWorld(t).run("import", "--dry-run", filepath.Join(dir, "chats")).want(1)
	first, _, _ := strings.Cut(r.err, "\n")
	if !strings.HasPrefix(first, "will not be imported: ") || !strings.Contains(first, "Farm.txt") || !strings.Contains(first, "--account") {
		t.Errorf("first says %q of %q", first, r.err)
	}
}
