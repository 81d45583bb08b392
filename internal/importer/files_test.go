package importer

import (
	"archive/zip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/files"
	"github.com/agrichat/agrichat/producers"
	"github.com/agrichat/agrichat/producers/all"
)

// TestFind_zip finds the same files in a zip as in the folder that it was made of.
func TestFind_zip(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	const line = `{"channel":"c","author":"a","text":"привет","sent":"2024-05-01T10:00:00Z"}` + "\n"
	write(t, filepath.Join(dir, "folder", "a", "one.jsonl"), line)
	write(t, filepath.Join(dir, "folder", "a", "beside.txt"), "here")
	write(t, filepath.Join(dir, "folder", "__MACOSX", "one.jsonl"), line)
	zipped(t, filepath.Join(dir, "folder.zip"), os.DirFS(filepath.Join(dir, "folder")).(interface {
		ReadFile(string) ([]byte, error)
	}), "a/one.jsonl", "a/beside.txt", "__MACOSX/one.jsonl")
	for _, root := range []string{"folder", "folder.zip"} {
		f, err := find([]string{filepath.Join(dir, root)}, "")
		if err != nil {
			t.Fatal(err)
		}
		if len(f.Files) != 1 || len(skipped(f)) != 1 {
			t.Fatalf("%s: %d files found, %d skipped", root, len(f.Files), len(skipped(f)))
		}
		one := f.Files[0]
		if got, want := one.File.Path, filepath.ToSlash(filepath.Join(dir, root, "a", "one.jsonl")); got != want {
			t.Errorf("%s: the file is called %s, want %s", root, got, want)
		}
		if diff := cmp.Diff([]string{line, "here"}, []string{read(t, one.File.Open), read(t, func() (io.ReadCloser, error) {
			return one.File.Beside("beside.txt")
		})}); diff != "" {
			t.Errorf("%s: %s", root, diff)
		}
		if r, err := one.File.Beside("../../outside.txt"); err == nil {
			t.Errorf("%s: opened what is outside: %v", root, r.Close())
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestFind_zipNames(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "one"), `{"channel":"c","author":"a","text":"x","sent":"2024-05-01T10:00:00Z"}`+"\n")
	zipped(t, filepath.Join(dir, "odd.zip"), oneFile(filepath.Join(dir, "one")), "\x87\xa0\xe2/a.jsonl", `win\b.jsonl`)
	f, err := find([]string{filepath.Join(dir, "odd.zip")}, "")
	if err != nil || len(f.Files) != 2 {
		t.Fatalf("found %+v, %v", f, err)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
}

// oneFile is a folder in which every name leads to one file.
type oneFile string

func (f oneFile) ReadFile(string) ([]byte, error) { return os.ReadFile(string(f)) }

func TestFind_damagedZip(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "broken.zip")
	write(t, path, "PK\x03\x04 and nothing more")
	f, err := find([]string{path}, "")
	if err != nil || len(f.Files) != 0 || len(skipped(f)) != 1 {
		t.Fatalf("%+v, %v", f, err)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
}

// find finds what is under the paths; source reads it, or whichever recognises it.
func find(paths []string, source string) (*files.Findings, error) {
	defs := all.Definitions()
	if source != "" {
		defs = slices.DeleteFunc(defs, func(d producers.Definition) bool { return string(d.Name) != source })
	}
	return files.Find(paths, defs, source != "")
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func zipped(t *testing.T, path string, from interface {
	ReadFile(string) ([]byte, error)
}, names ...string) {
	t.Helper()
	out, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	z := zip.NewWriter(out)
	for _, name := range names {
		data, err := from.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		w, err := z.Create(name)
		if err == nil {
			_, err = w.Write(data)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, open func() (io.ReadCloser, error)) string {
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

func skipped(f *files.Findings) []files.Skipped {
	list, _ := f.Skipped()
	return list
}

// TestArchive_attachmentsInZip holds that attachments in a zip have the same hash, size and mark of what is missing as in a folder, for each source.
func TestArchive_attachmentsInZip(t *testing.T) {
	t.Parallel()
	for name, texts := range map[string]map[string]string{
		"telegram": {"result.json": `{"name":"Field","type":"private_supergroup","id":4001000900,"messages":[` +
			`{"id":1,"type":"message","date":"2024-05-01T10:00:00","date_unixtime":"1714557600","from":"Vera","from_id":"user1","photo":"photos/a.jpg","text":"one"},` +
			`{"id":2,"type":"message","date":"2024-05-01T10:01:00","date_unixtime":"1714557660","from":"Vera","from_id":"user1","photo":"photos/gone.jpg","text":"two"}]}`,
			"photos/a.jpg": "\xff\xd8\xff picture"},
		"whatsapp": {"WhatsApp Chat with Field.txt": "01/05/2024, 10:00 - Vera: IMG-1.jpg (file attached)\n31/05/2024, 10:01 - Vera: IMG-2.jpg (file attached)\n",
			"IMG-1.jpg": "\xff\xd8\xff picture"},
		"discord": {"field.json": `{"guild":{"id":"1","name":"Farm"},"channel":{"id":"2","type":"GuildTextChat","name":"field"},"messages":[` +
			`{"id":"1235000000000000000","type":"Default","timestamp":"2024-05-01T10:00:00+00:00","content":"one","author":{"id":"3","name":"vera"},` +
			`"attachments":[{"id":"4","url":"field.json_Files/a.jpg","fileName":"a.jpg","fileSizeBytes":9},{"id":"5","url":"field.json_Files/gone.jpg","fileName":"gone.jpg","fileSizeBytes":9}]}],"messageCount":1}`,
			"field.json_Files/a.jpg": "\xff\xd8\xff picture"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			var names []string
			for file, text := range texts {
				write(t, filepath.Join(dir, "folder", file), text)
				names = append(names, file)
			}
			zipped(t, filepath.Join(dir, "all.zip"), os.DirFS(filepath.Join(dir, "folder")).(interface {
				ReadFile(string) ([]byte, error)
			}), names...)
			folder, zip := attachments(t, filepath.Join(dir, "folder")), attachments(t, filepath.Join(dir, "all.zip"))
			if diff := cmp.Diff(folder, zip); diff != "" {
				t.Error(diff)
			}
			if len(zip) != 2 || zip[0].SHA256 == "" || zip[0].Missing != "" || zip[1].Missing == "" {
				t.Errorf("%+v", zip)
			}
		})
	}
}

// attachments are those of the messages of the first file that is found.
func attachments(t *testing.T, root string) (out []event.Attachment) {
	t.Helper()
	f, err := find([]string{root}, "")
	if err != nil || len(f.Files) != 1 {
		t.Fatalf("found %+v, %v", f, err)
	}
	if list, belonging := f.Skipped(); len(list) > 0 || belonging != 1 {
		t.Errorf("%d belong, skipped %v", belonging, list)
	}
	src, err := f.Files[0].Def.Archive(f.Files[0].File, producers.Options{Account: "me"})
	if err != nil {
		t.Fatal(err)
	}
	s, err := src.Connect(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for {
		b, err := s.Next(t.Context())
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range b.Events {
			if m, ok := e.Body.(*event.Message); ok {
				out = append(out, m.Attachments...)
			}
		}
	}
	if err := errors.Join(s.Close(), f.Close()); err != nil {
		t.Error(err)
	}
	return out
}
