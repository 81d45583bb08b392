package files

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/unicode"

	"github.com/agrichat/agrichat/producers"
)

// chats is a source whose exports begin with "chat".
func chats() []producers.Definition {
	return []producers.Definition{{Name: "chats", Title: "Chats", Recognise: func(f producers.File) producers.Confidence {
		if bytes.HasPrefix(f.Head, []byte("chat")) {
			return producers.Certain
		}
		return producers.No
	}}}
}

func put(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

func find(t *testing.T, insist bool, paths ...string) *Findings {
	t.Helper()
	f, err := Find(paths, chats(), insist)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
	return f
}

func skipped(f *Findings) []Skipped {
	list, _ := f.Skipped()
	return list
}

func content(t *testing.T, open func() (io.ReadCloser, error)) string {
	t.Helper()
	r, err := open()
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func gzipped(t *testing.T, data []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	_, err := z.Write(data)
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func encoded(t *testing.T, e encoding.Encoding, text string) []byte {
	t.Helper()
	b, err := e.NewEncoder().Bytes([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// member is a file of a zip.
type member struct {
	name  string
	data  string
	extra []byte
	store bool
}

func zipOf(t *testing.T, members ...member) []byte {
	t.Helper()
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for _, m := range members {
		h := &zip.FileHeader{Name: m.name, Method: zip.Deflate, Extra: m.extra}
		if m.store {
			h.Method = zip.Store
		}
		w, err := z.CreateHeader(h)
		if err == nil {
			_, err = io.WriteString(w, m.data)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestFind_plain(t *testing.T) {
	t.Parallel()
	text := "chat: hello\n" + strings.Repeat("и ещё строка\n", 20_000)
	little := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM)
	forms := map[string][]byte{
		"plain.txt":        []byte(text),
		"little.txt":       encoded(t, little, text),
		"big.txt":          encoded(t, unicode.UTF16(unicode.BigEndian, unicode.UseBOM), text),
		"packed.log.gz":    gzipped(t, []byte(text)),
		"little.log.gz":    gzipped(t, encoded(t, little, text)),
		"parts.log.gz":     append(gzipped(t, []byte(text[:100])), gzipped(t, []byte(text[100:]))...),
		"padded.log.gz":    append(gzipped(t, []byte(text)), make([]byte, 512)...),
		"withoutname":      gzipped(t, []byte(text)),
		"latin-little.txt": encoded(t, unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM), text[:12]+strings.Repeat("and another line\n", 20_000)),
		"latin-big.txt":    encoded(t, unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM), text[:12]+strings.Repeat("and another line\n", 20_000)),
	}
	dir := t.TempDir()
	var members []member
	for name, data := range forms {
		put(t, filepath.Join(dir, "folder", name), data)
		members = append(members, member{name: name, data: string(data)})
	}
	put(t, filepath.Join(dir, "all.zip"), zipOf(t, members...))
	for _, root := range []string{"folder", "all.zip"} {
		f := find(t, false, filepath.Join(dir, root))
		if len(f.Files) != len(forms) || len(skipped(f)) > 0 {
			t.Fatalf("%s: %d files, skipped %v", root, len(f.Files), skipped(f))
		}
		for _, one := range f.Files {
			got, base := content(t, one.File.Open), filepath.Base(one.File.Path)
			want := text
			if strings.HasPrefix(base, "latin") {
				want = text[:12] + strings.Repeat("and another line\n", 20_000)
			}
			if got != want || one.File.Size != int64(len(want)) || !strings.HasPrefix(want, string(one.File.Head)) {
				t.Errorf("%s: %d bytes are read, the size is %d, want %d; it begins %q", one.File.Path, len(got), one.File.Size, len(want), got[:20])
			}
			if strings.HasSuffix(base, ".gz") {
				t.Errorf("%s keeps the ending of what it was packed with", base)
			}
			if err := one.Damage(); err != nil {
				t.Errorf("%s: %v", base, err)
			}
		}
	}
	t.Run("damaged", func(t *testing.T) {
		whole := gzipped(t, []byte(text+strings.Repeat("some more ", 100)))
		wrong := bytes.Clone(whole)
		wrong[len(wrong)-6] ^= 1
		dir := t.TempDir()
		put(t, filepath.Join(dir, "cut.log.gz"), whole[:len(whole)-60])
		put(t, filepath.Join(dir, "sum.log.gz"), wrong)
		put(t, filepath.Join(dir, "nothing.log.gz"), whole[:6])
		f := find(t, false, dir)
		if len(f.Files) != 2 || len(skipped(f)) != 1 || !strings.Contains(skipped(f)[0].Why, "damaged") {
			t.Fatalf("%v, %v", f.Files, skipped(f))
		}
		for _, one := range f.Files {
			got := content(t, one.File.Open)
			if err := one.Damage(); err == nil || !strings.Contains(err.Error(), "damaged") || one.File.Size != int64(len(got)) || !strings.HasPrefix(got, "chat: hello\nи ещё") {
				t.Errorf("%s: %v; %d bytes, size %d", one.File.Path, err, len(got), one.File.Size)
			}
		}
	})
}

// Pages and lists of an export are read as the export is; an attachment's hash is that of what was sent.
func TestFile_Beside(t *testing.T) {
	t.Parallel()
	utf16 := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM)
	wide := string(encoded(t, utf16, "wide"))
	packed := string(gzipped(t, []byte("packed")))
	in := []member{
		{name: "export/chat.json", data: "chat"}, {name: "export/chat.txt", data: "chat"}, {name: "export/day/1.json", data: "chat"},
		{name: "export/users.json", data: wide}, {name: "export/list.json.gz", data: packed}, {name: "export/note.csv", data: wide},
		{name: "export/files/note.json", data: wide}, {name: "export/photo.gz", data: packed}, {name: "export/lists/all.html", data: wide},
	}
	dir := t.TempDir()
	for _, m := range in {
		put(t, filepath.Join(dir, "folder", m.name), []byte(m.data))
	}
	put(t, filepath.Join(dir, "all.zip"), zipOf(t, in...))
	for _, root := range []string{"folder", "all.zip"} {
		f := find(t, false, filepath.Join(dir, root))
		got := map[string]string{}
		for _, c := range []struct{ file, rel string }{
			{"chat.json", "users.json"}, {"chat.json", "list.json"}, {"1.json", "../users.json"}, {"1.json", "../lists/all.html"},
			{"chat.json", "files/note.json"}, {"chat.txt", "note.csv"}, {"chat.json", "photo.gz"},
		} {
			for _, one := range f.Files {
				if filepath.Base(one.File.Path) == c.file {
					got[c.file+" "+c.rel] = content(t, func() (io.ReadCloser, error) { return one.File.Beside(c.rel) })
				}
			}
		}
		if diff := cmp.Diff(map[string]string{
			"chat.json users.json": "wide", "chat.json list.json": "packed", "1.json ../users.json": "wide", "1.json ../lists/all.html": "wide",
			"chat.json files/note.json": wide, "chat.txt note.csv": wide, "chat.json photo.gz": packed,
		}, got); diff != "" {
			t.Errorf("%s: %s", root, diff)
		}
		if r, err := f.Files[0].File.Beside("../../../outside"); err == nil {
			t.Errorf("%s: opened what is outside: %v", root, r.Close())
		}
	}
}

func TestFind_order(t *testing.T) {
	t.Parallel()
	want := []string{
		"a/1.csv", "a/2.csv", "a/10.csv", "b [part 2]/x.json", "b [part 10]/x.json", "farm.json", "farm [part 2].json", "farm [part 10].json",
		"messages.html", "messages2.html", "messages10.html",
	}
	dir := t.TempDir()
	var members []member
	for i := range want {
		name := want[len(want)-1-i]
		put(t, filepath.Join(dir, "folder", name), []byte("chat"))
		members = append(members, member{name: name, data: "chat"})
	}
	put(t, filepath.Join(dir, "all.zip"), zipOf(t, members...))
	for _, root := range []string{"folder", "all.zip"} {
		var got []string
		for _, one := range find(t, false, filepath.Join(dir, root)).Files {
			rel, err := filepath.Rel(filepath.Join(dir, root), one.File.Path)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, filepath.ToSlash(rel))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", root, diff)
		}
	}
}

func TestFind_zipNames(t *testing.T) {
	t.Parallel()
	extra := func(short, full string) []byte {
		out := binary.LittleEndian.AppendUint16(nil, 0x7075)
		out = binary.LittleEndian.AppendUint16(out, uint16(5+len(full)))
		out = binary.LittleEndian.AppendUint32(append(out, 1), crc32.ChecksumIEEE([]byte(short)))
		return append(out, full...)
	}
	for name, c := range map[string]struct {
		members []member
		want    []string
		notices int
	}{
		"866": {[]member{{name: string(encoded(t, charmap.CodePage866, "Чат с Амбаром.txt")), data: "chat"}, {name: "plain.txt", data: "chat"}},
			[]string{"plain.txt", "Чат с Амбаром.txt"}, 1},
		"one charset for all": {[]member{{name: string(encoded(t, charmap.CodePage866, "Дневник наблюдений за посевами.txt")), data: "chat"},
			{name: string(encoded(t, charmap.CodePage866, "Эй.txt")), data: "chat"}}, []string{"Дневник наблюдений за посевами.txt", "Эй.txt"}, 2},
		"a list in the zip decides": {[]member{{name: "channels.json", data: `[{"name":"稲"}]`}, {name: string(encoded(t, japanese.ShiftJIS, "稲/2024-05-01.json")), data: "chat"}},
			[]string{"稲/2024-05-01.json"}, 1},
		"a list in ASCII decides": {[]member{{name: "channels.json", data: `[{"name":"\u7a32"}]`}, {name: string(encoded(t, japanese.ShiftJIS, "稲/2024-05-01.json")), data: "chat"}},
			[]string{"稲/2024-05-01.json"}, 1},
		"the field of the right name": {[]member{{name: "\xff\xfe.txt", data: "chat", extra: extra("\xff\xfe.txt", "Колос.txt")}}, []string{"Колос.txt"}, 0},
		"the field of another name":   {[]member{{name: string(encoded(t, charmap.CodePage866, "Зерно и солома.txt")), data: "chat", extra: extra("other", "Колос.txt")}}, []string{"Зерно и солома.txt"}, 1},
		"UTF-8 without saying so":     {[]member{{name: "Чат.txt", data: "chat"}}, []string{"Чат.txt"}, 0},
		"backslashes and dots":        {[]member{{name: `win\a.txt`, data: "chat"}, {name: "../../up.txt", data: "chat"}, {name: "/abs.txt", data: "chat"}}, []string{"abs.txt", "up.txt", "win/a.txt"}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "a.zip")
			put(t, path, zipOf(t, c.members...))
			f := find(t, false, path)
			var got []string
			for _, one := range f.Files {
				got = append(got, strings.TrimPrefix(one.File.Path, filepath.ToSlash(path)+"/"))
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
			notices := 0
			for _, n := range f.Notices {
				if n.Notice.Code != "zip-names-guessed" || n.Path != path {
					t.Errorf("%+v", n)
				}
				notices += n.Notice.Count
			}
			if notices != c.notices {
				t.Errorf("%d guessed names, want %d", notices, c.notices)
			}
		})
	}
}

// What can be read of a damaged zip is read, and the rest is named.
func TestFind_damagedZip(t *testing.T) {
	t.Parallel()
	random := make([]byte, 200_000) // does not get smaller
	for i, x := 0, uint32(1); i < len(random); i++ {
		x = x*1664525 + 1013904223
		random[i] = byte(x >> 24)
	}
	first, last := "chat: first", "chat: last"+string(random)
	whole := zipOf(t, member{name: "1.txt", data: first}, member{name: "2.txt", data: last})
	stored := zipOf(t, member{name: "1.txt", data: first, store: true}, member{name: "2.txt", data: last, store: true})
	list := bytes.LastIndex(whole, []byte("PK\x01\x02\x14"))
	list = bytes.LastIndex(whole[:list], []byte("PK\x01\x02\x14"))
	bad := bytes.Clone(whole)
	bad[len(whole)/2] ^= 0xff
	moved := append(bytes.Clone(whole[:40]), whole[50:]...)
	nolist := bytes.Clone(whole)
	copy(nolist[list:], make([]byte, 40))
	for name, c := range map[string]struct {
		data    []byte
		first   bool
		skipped int
		damaged int
	}{
		"a damaged member":     {bad, true, 0, 1},
		"cut in a member":      {whole[:len(whole)/2], true, 1, 1},
		"cut in a stored one":  {stored[:len(stored)/2], true, 1, 1},
		"cut in the list":      {whole[:list+20], true, 1, 0},
		"a damaged list":       {nolist, true, 1, 0},
		"bytes that are gone":  {moved, false, 1, 1},
		"stored, without list": {stored[:bytes.LastIndex(stored, []byte("PK\x01\x02"))-60], true, 1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "a.zip")
			put(t, path, c.data)
			f := find(t, false, path)
			if len(f.Files) == 0 {
				t.Fatalf("nothing is found: %v", skipped(f))
			}
			damaged := 0
			for _, one := range f.Files {
				got := content(t, one.File.Open)
				if one.Damage() != nil {
					damaged++
				}
				if strings.HasSuffix(one.File.Path, "1.txt") && c.first && got != first || strings.HasSuffix(one.File.Path, "2.txt") && len(got) < len(last)/3 {
					t.Errorf("%s: %d bytes: %.20q", one.File.Path, len(got), got)
				}
			}
			if damaged != c.damaged || len(skipped(f)) != c.skipped {
				t.Errorf("%d are damaged, skipped %v", damaged, skipped(f))
			}
		})
	}
}

func TestFind_containers(t *testing.T) {
	t.Parallel()
	tar := make([]byte, 1024)
	copy(tar, "a.txt")
	copy(tar[257:], "ustar\x0000")
	secret := zipOf(t, member{name: "a.txt", data: "chat"}, member{name: "b.txt", data: "chat"})
	for at := 0; at < len(secret)-10; at++ { // the flag of the first file, in both its headers
		switch string(secret[at : at+4]) {
		case "PK\x03\x04":
			secret[at+6] |= 1
		case "PK\x01\x02":
			secret[at+8] |= 1
		}
	}
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"a.tar":     {tar, "a tar archive"},
		"a.tar.gz":  {gzipped(t, tar), "a tar archive"},
		"a.7z":      {[]byte("7z\xbc\xaf\x27\x1c\x00\x04 and more"), "a 7z archive"},
		"a.rar":     {[]byte("Rar!\x1a\x07\x01\x00 and more"), "a rar archive"},
		"empty.zip": {zipOf(t), "an empty zip"},
		"nest.zip":  {zipOf(t, member{name: "in.zip", data: string(zipOf(t, member{name: "a", data: "chat"}))}), "a zip within a zip"},
		"pass.zip":  {secret, "encrypted"},
		"zip.gz":    {gzipped(t, zipOf(t, member{name: "a", data: "chat"})), "a zip that was packed once more"},
		"bad.zip":   {[]byte("PK\x03\x04 and nothing more"), "damaged"},
	} {
		for _, insist := range []bool{false, true} {
			path := filepath.Join(t.TempDir(), name)
			put(t, path, c.data)
			f := find(t, insist, path)
			if len(f.Files) > 0 || len(skipped(f)) != 1 || !strings.Contains(skipped(f)[0].Why, c.want) {
				t.Errorf("%s: %+v, %+v", name, f.Files, skipped(f))
			}
		}
	}
	t.Run("one name twice", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "a.zip")
		put(t, path, zipOf(t, member{name: "a.txt", data: "chat old"}, member{name: "a.txt", data: "chat new"}))
		f := find(t, false, path)
		if len(f.Files) != 1 || len(skipped(f)) != 1 || content(t, f.Files[0].File.Open) != "chat new" {
			t.Errorf("%+v, %+v", f.Files, skipped(f))
		}
	})
}

// What belongs to an export is counted, and what no source reads is listed with its kind.
func TestFindings_Skipped(t *testing.T) {
	t.Parallel()
	jpeg := "\xff\xd8\xff\xe0 and more"
	in := []member{
		{name: "export/chat.txt", data: "chat"}, {name: "export/photo", data: jpeg}, {name: "export/css/style.css", data: "a{}"}, {name: "export/notes.txt", data: "used"},
		{name: "export/sub/deep/list.json", data: "[]"}, {name: "export/sub/other.json", data: "[]"}, {name: "other/photo.jpg", data: jpeg}, {name: "other/msgstore.db", data: "SQLite format 3\x00"},
		{name: "other/msgstore.db.crypt14", data: "\x00\x01\x02"}, {name: "other/inbox.mbox", data: "From a@b\nSubject: x\n"}, {name: "other/letter.eml", data: "Received: x\nSubject: x\n"},
		{name: "other/facebook.json", data: `{"participants":[],"messages":[{"timestamp_ms":1}]}`}, {name: "other/page.html", data: `<div class="chatlog">`},
		{name: "other/text.txt", data: "who knows"}, {name: "other/key_datas", data: "TDF$\x00"}, {name: "other/blank.txt", data: " \n\n"},
	}
	want := map[string]string{
		"export/sub/other.json": "no source recognises", "other/photo.jpg": "a picture", "other/msgstore.db": "WhatsApp's own database", "other/msgstore.db.crypt14": "encrypted backup",
		"other/inbox.mbox": "mail", "other/letter.eml": "mail", "other/facebook.json": "Facebook", "other/page.html": "as JSON", "other/text.txt": "--source", "other/key_datas": "Telegram Desktop's own data",
		"other/blank.txt": "blanks",
	}
	dir := t.TempDir()
	for _, m := range in {
		put(t, filepath.Join(dir, "folder", m.name), []byte(m.data))
	}
	put(t, filepath.Join(dir, "all.zip"), zipOf(t, in...))
	defs := chats()
	defs[0].Belongs = func(rel string) bool { return rel == "sub/deep/list.json" }
	for _, root := range []string{"folder", "all.zip"} {
		f, err := Find([]string{filepath.Join(dir, root)}, defs, false)
		if err != nil || len(f.Files) != 1 {
			t.Fatalf("%+v, %v", f, err)
		}
		if got := content(t, func() (io.ReadCloser, error) { return f.Files[0].File.Beside("notes.txt") }); got != "used" {
			t.Errorf("%q", got)
		}
		list, belonging := f.Skipped()
		got := map[string]string{}
		for _, s := range list {
			rel := strings.TrimPrefix(filepath.ToSlash(s.Path), filepath.ToSlash(filepath.Join(dir, root))+"/")
			if got[rel] = s.Why; want[rel] != "" && strings.Contains(s.Why, want[rel]) {
				got[rel] = want[rel]
			}
		}
		if diff := cmp.Diff(want, got); diff != "" || belonging != 4 {
			t.Errorf("%s: %d belong; %s", root, belonging, diff)
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}
}
