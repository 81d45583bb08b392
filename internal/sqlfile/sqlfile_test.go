package sqlfile

import (
	"io/fs"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

func files() fs.FS {
	return fstest.MapFS{
		"queries/one.sql":  {Data: []byte("SELECT 1")},
		"queries/two.sql":  {Data: []byte("SELECT 2")},
		"queries/note.txt": {Data: []byte("not a statement")},
	}
}

func TestText(t *testing.T) {
	if got := Text(files(), "two"); got != "SELECT 2" {
		t.Errorf("got %q", got)
	}
	t.Run("a name without a file", func(t *testing.T) {
		defer func() {
			if recover() == nil {
				t.Error("no panic")
			}
		}()
		Text(files(), "three")
	})
}

func TestAll(t *testing.T) {
	if diff := cmp.Diff(map[string]string{"one": "SELECT 1", "two": "SELECT 2"}, All(files())); diff != "" {
		t.Error(diff)
	}
	t.Run("an empty folder", func(t *testing.T) {
		defer func() {
			if recover() == nil {
				t.Error("no panic")
			}
		}()
		All(fstest.MapFS{})
	})
}
