package files

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestFindings_Unread holds that what a user named and could not be read is distinguished from what is no chat.
func TestFindings_Unread(t *testing.T) {
	t.Parallel()
	chat := []byte("chat: text")
	packed := zipOf(t, member{name: "1.txt", data: "chat: text"}, member{name: "2.txt", data: "chat: text"})
	encrypt := func(data []byte, n int) []byte { // sets the flag in n entries of the list
		data = bytes.Clone(data)
		for at, from := 0, 0; n > 0; n-- {
			at = bytes.Index(data[from:], []byte("PK\x01\x02")) + from
			data[at+8] |= 1
			from = at + 4
		}
		return data
	}
	none := []byte("PK\x03\x04 and nothing more")
	badGzip := append(gzipped(t, chat)[:10], "\xff\xff\xff\xff\xff\xff"...)
	for name, c := range map[string]struct {
		files map[string][]byte
		named []string // empty: the folder
		want  []string // files that are listed
	}{
		"all is read":                  {map[string][]byte{"a.txt": chat, "b.zip": packed}, nil, nil},
		"no chat beside one":           {map[string][]byte{"a.txt": chat, "b.bin": []byte("unknown")}, nil, nil},
		"no zip beside a chat":         {map[string][]byte{"a.txt": chat, "b.zip": none}, nil, []string{"b.zip"}},
		"a damaged gzip beside a chat": {map[string][]byte{"a.txt": chat, "b.txt.gz": badGzip}, nil, []string{"b.txt.gz"}},
		"an encrypted zip":             {map[string][]byte{"a.txt": chat, "b.zip": encrypt(packed, 2)}, nil, []string{"b.zip"}},
		"an encrypted file in a zip":   {map[string][]byte{"a.txt": chat, "b.zip": encrypt(packed, 1)}, nil, []string{"b.zip"}},
		"a named file that is no chat": {map[string][]byte{"a.txt": chat, "b.bin": []byte("unknown")}, []string{"a.txt", "b.bin"}, []string{"b.bin"}},
		"a named folder without chats": {map[string][]byte{"a.txt": chat, "b/c.bin": []byte("unknown")}, []string{"a.txt", "b"}, []string{"b/c.bin"}},
		"a chat that is named twice":   {map[string][]byte{"a.txt": chat}, []string{"a.txt", "a.txt"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			for file, data := range c.files {
				put(t, filepath.Join(dir, file), data)
			}
			paths := []string{dir}
			if c.named != nil {
				paths = nil
				for _, n := range c.named {
					paths = append(paths, filepath.Join(dir, n))
				}
			}
			f := find(t, false, paths...)
			var got []string
			for _, s := range f.Unread() {
				rel, err := filepath.Rel(dir, s.Path)
				if err != nil || s.Why == "" {
					t.Fatalf("%+v: %v", s, err)
				}
				got = append(got, filepath.ToSlash(rel))
			}
			if strings.Join(got, " ") != strings.Join(c.want, " ") {
				t.Errorf("unread are %q, want %q", got, c.want)
			}
		})
	}
}

// TestFindings_Unread_denied holds that what may not be opened is listed.
func TestFindings_Unread_denied(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	put(t, filepath.Join(dir, "a.txt"), []byte("chat: text"))
	if err := os.Symlink(filepath.Join(dir, "gone"), filepath.Join(dir, "b.txt")); err != nil {
		t.Fatal(err)
	}
	if got := find(t, false, dir).Unread(); len(got) != 1 || !strings.HasSuffix(got[0].Path, "b.txt") {
		t.Errorf("unread: %v", got)
	}
}
