package importer

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/agrichat/agrichat/producers"
)

// namedNow is what the cursor of a file would be called now.
func namedNow(t *testing.T, path string, o producers.Options, stream time.Time) string {
	t.Helper()
	f, err := find([]string{path}, "jsonl")
	if err != nil || len(f.Files) != 1 {
		t.Fatalf("found %+v, %v", f, err)
	}
	name := cursorName(f.Files[0], o, stream)
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	return name
}

// TestCursorName holds that a changed file, or one read with other options, has another cursor: such a reading must begin at its
// start, because what lies before the cursor would be lost.
func TestCursorName(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a.jsonl")
	line := `{"channel":"c","author":"a","text":"x","sent":"2024-05-01T10:00:00Z"}` + "\n"
	text := strings.Repeat(line, 5000) // more than the head and the tail
	write(t, path, text)
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	old := func() {
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
	}
	old()
	first := namedNow(t, path, producers.Options{Account: "me"}, at)
	if again := namedNow(t, path, producers.Options{Account: "me"}, at); again != first {
		t.Error("the same file has two names")
	}
	relative, err := filepath.Rel(mustGetwd(t), path)
	if err == nil && namedNow(t, relative, producers.Options{Account: "me"}, at) != first {
		t.Error("the same file by another path has another name")
	}
	differs := func(what string, o producers.Options, stream time.Time) {
		t.Helper()
		if namedNow(t, path, o, stream) == first {
			t.Errorf("%s has the same name", what)
		}
	}
	differs("another account", producers.Options{Account: "you"}, at)
	differs("another zone", producers.Options{Account: "me", Zone: time.FixedZone("X", 3600)}, at)
	differs("another charset", producers.Options{Account: "me", Charset: "koi8-r"}, at)
	differs("another stream", producers.Options{Account: "me"}, at.Add(1))
	middle, end := len(text)/2, len(text)-20
	for what, changed := range map[string]string{
		"one with more at its end": text + line, "one with another start": "\n" + text[1:], "one with another end": text[:end] + "_" + text[end+1:],
	} {
		write(t, path, changed)
		old()
		differs(what, producers.Options{Account: "me"}, at)
	}
	write(t, path, text[:middle]+"_"+text[middle+1:])
	differs("one that was written anew", producers.Options{Account: "me"}, at)
}

func mustGetwd(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestCursorName_zip holds the same of a file in a zip, by its checksum.
func TestCursorName_zip(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "a.zip")
	var names []string
	for _, text := range []string{"x", "y"} {
		write(t, filepath.Join(dir, "one"), strings.Repeat(`{"channel":"c","author":"a","text":"`+"x"+`","sent":"2024-05-01T10:00:00Z"}`+"\n", 2000)+
			strings.Repeat(`{"channel":"c","author":"a","text":"`+text+`","sent":"2024-05-01T10:00:00Z"}`+"\n", 2000))
		zipped(t, path, oneFile(filepath.Join(dir, "one")), "one.jsonl")
		names = append(names, namedNow(t, path, producers.Options{}, time.Time{}))
	}
	if names[0] == names[1] {
		t.Error("two contents have one name")
	}
}

// TestFind_namedSource holds that a zip of a named source is opened, and not read as a log itself.
func TestFind_namedSource(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "one"), `{"channel":"c","author":"a","text":"x","sent":"2024-05-01T10:00:00Z"}`+"\n")
	zipped(t, filepath.Join(dir, "a.zip"), oneFile(filepath.Join(dir, "one")), "one.jsonl")
	f, err := find([]string{filepath.Join(dir, "a.zip")}, "jsonl")
	if err != nil || len(f.Files) != 1 || !strings.HasSuffix(f.Files[0].File.Path, "a.zip/one.jsonl") {
		t.Fatalf("found %+v, %v", f, err)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
}

func TestFind_duplicatePath(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "a.jsonl"), `{"channel":"c","author":"a","text":"x","sent":"2024-05-01T10:00:00Z"}`+"\n")
	f, err := find([]string{dir, filepath.Join(dir, "a.jsonl"), dir + "/./"}, "")
	if err != nil || len(f.Files) != 1 || len(skipped(f)) != 2 || skipped(f)[0].Why != "named twice" {
		t.Fatalf("found %+v, %v", f, err)
	}
}

func TestDecodeCursor(t *testing.T) {
	t.Parallel()
	at, c, err := decodeCursor(encodeCursor(position{7, 1 << 40}, producers.Cursor("a b\nc")))
	if err != nil || at != (position{7, 1 << 40}) || string(c) != "a b\nc" {
		t.Errorf("%+v, %q, %v", at, c, err)
	}
	for _, odd := range []string{"", "x", "1\n", `{"offset":7}`, "1 x\nc"} {
		if _, _, err := decodeCursor(producers.Cursor(odd)); err == nil {
			t.Errorf("%q is taken for a cursor", odd)
		}
	}
}
