package slack

import (
	"archive/zip"
	"bytes"
	"errors"
	"io"
	"io/fs"
	"path"
	"slices"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/producers"
	"github.com/agrichat/agrichat/producers/filekit"
	"github.com/agrichat/agrichat/producers/producertest"
)

func failing(string) (io.ReadCloser, error) { return nil, errors.New("the disk is on fire") }

// readExport reads every file of an export that is recognised, as an import does.
func readExport(t *testing.T, export fs.FS) (out []event.Event) {
	t.Helper()
	def := Definition()
	err := fs.WalkDir(export, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(export, name)
		if err != nil {
			return err
		}
		f := producertest.File("e/"+name, data)
		f.Beside = func(rel string) (io.ReadCloser, error) { return export.Open(path.Join(path.Dir(name), rel)) }
		if def.Recognise(f) < producers.Possible {
			return nil
		}
		out = append(out, drain(t, def, f)...)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func batchesOf(t testing.TB, def producers.Definition, f producers.File, o producers.Options) []producers.Batch {
	t.Helper()
	src, err := def.Archive(f, o)
	if err != nil {
		t.Fatal(err)
	}
	out, err := producertest.Drain(t.Context(), src, nil)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func drain(t testing.TB, def producers.Definition, f producers.File) []event.Event {
	t.Helper()
	return producertest.Events(batchesOf(t, def, f, producers.Options{}))
}

func whole() fstest.MapFS {
	return fstest.MapFS{
		"users.json":                            {Data: []byte(exportUsers)},
		"channels.json":                         {Data: []byte(exportChannels)},
		"dms.json":                              {Data: []byte(exportDMs)},
		"field/2024-05-01.json":                 {Data: mixed()},
		"оранжерея/2024-05-01.json":             {Data: dayOf(said1("1714550400.000100", "warm"))},
		"D000000001/2024-05-01.json":            {Data: dayOf(said1("1714550400.000100", "psst"))},
		"field/canvas_in_the_conversation.json": {Data: []byte("{}")},
	}
}

// A folder and a zip of it are the same export.
func TestArchive_FolderAndZip(t *testing.T) {
	folder := whole()
	var buf bytes.Buffer
	z := zip.NewWriter(&buf)
	for name, f := range folder {
		w, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(f.Data); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	zipped, err := zip.NewReader(bytes.NewReader(buf.Bytes()), int64(buf.Len()))
	if err != nil {
		t.Fatal(err)
	}
	a, b := readExport(t, folder), readExport(t, zipped)
	byID := func(x, y event.Event) int { return bytes.Compare(x.ID[:], y.ID[:]) }
	slices.SortFunc(a, byID)
	slices.SortFunc(b, byID)
	if diff := cmp.Diff(a, b); diff != "" || len(a) != 5+4+3+8+1+1 {
		t.Errorf("%d events of the folder, %d of the zip: %s", len(a), len(b), diff)
	}
	channels := map[event.Channel]int{}
	for _, e := range a {
		if e.Kind == event.KindMessage {
			channels[e.Channel]++
		}
	}
	if diff := cmp.Diff(map[event.Channel]int{"C0000FIELD": 5, "C0000EMPTY": 1, "D000000001": 1}, channels); diff != "" {
		t.Error(diff)
	}
}

// The lists beside are read once, not for every day, and again when they are others.
func TestWorkspaces_Of(t *testing.T) {
	export := whole()
	k := &workspaces{}
	connect := func() *workspace {
		f := producertest.File("e/field/2024-05-01.json", mixed())
		f.Beside = func(rel string) (io.ReadCloser, error) { return export.Open(path.Join("field", rel)) }
		w, err := k.of(&archive{Archive: filekit.Archive{File: f}, content: days})
		if err != nil {
			t.Fatal(err)
		}
		return w
	}
	first := connect()
	if second := connect(); second != first {
		t.Error("read again")
	}
	export["users.json"] = &fstest.MapFile{Data: []byte(`[]`)}
	if third := connect(); third == first || len(third.people) != 0 {
		t.Error("an old list is held on to")
	}
}

// A later export knows more of old messages. Ids are the same, what changed is a revision of its own.
func TestReader_Overlap(t *testing.T) {
	old := readCase(t, day(dayOf(
		said1("1714550400.000100", "same"),
		said1("1714550401.000100", "helo"),
		said1("1714550402.000100", "liked", `"reactions": [{"name": "+1", "count": 1, "users": ["U0000BORIS"]}]`),
	)))
	young := readCase(t, day(dayOf(
		said1("1714550400.000100", "same"),
		said1("1714550401.000100", "hello", `"edited": {"user": "U0000ANNA", "ts": "1714550900.000000"}`),
		said1("1714550402.000100", "liked", `"reactions": [{"name": "+1", "count": 2, "users": ["U0000BORIS", "U000ROBOT"]}]`),
		said1("1714550403.000100", "new"),
	)))
	if len(old) != 4 || len(young) != 5 {
		t.Fatalf("%d and %d events", len(old), len(young))
	}
	if diff := cmp.Diff(old[0], young[0]); diff != "" {
		t.Errorf("what did not change is another: %s", diff)
	}
	for _, i := range []int{1, 3} { // the edit, and the reactions
		a, b := &old[i], &young[i]
		if a.Thing() != b.Thing() || a.ID == b.ID || a.Revision >= b.Revision {
			t.Errorf("%s: revision %s, then %s", a.Kind, a.Revision, b.Revision)
		}
	}
	if old[2].ID != young[2].ID {
		t.Error("a reaction makes another message")
	}
}
