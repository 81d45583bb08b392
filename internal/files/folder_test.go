package files

import (
	"io/fs"
	"path/filepath"
	"slices"
	"testing"
)

// TestFile_Beside_folders: in a folder and in a zip a source can look which files an export has.
func TestFile_Beside_folders(t *testing.T) {
	t.Parallel()
	in := []member{
		{name: "export/day/1.json", data: "chat"}, {name: "export/day/2.json", data: "chat"}, {name: "export/night/1.json", data: "chat"},
	}
	dir := t.TempDir()
	for _, m := range in {
		put(t, filepath.Join(dir, "folder", m.name), []byte(m.data))
	}
	put(t, filepath.Join(dir, "all.zip"), zipOf(t, in...))
	for _, root := range []string{"folder", "all.zip"} {
		f := find(t, false, filepath.Join(dir, root))
		for rel, want := range map[string][]string{".": {"1.json", "2.json"}, "..": {"day", "night"}, "../night": {"1.json"}} {
			r, err := f.Files[0].File.Beside(rel)
			if err != nil {
				t.Fatalf("%s %s: %v", root, rel, err)
			}
			entries, err := r.(fs.ReadDirFile).ReadDir(-1)
			var got []string
			for _, e := range entries {
				got = append(got, e.Name())
			}
			slices.Sort(got)
			if err != nil || r.Close() != nil || !slices.Equal(got, want) {
				t.Errorf("%s %s: %q, %v; want %q", root, rel, got, err, want)
			}
			if _, err := r.Read(make([]byte, 1)); err == nil {
				t.Errorf("%s %s: a folder has content", root, rel)
			}
		}
		for _, rel := range []string{"../../../..", "../none"} {
			if r, err := f.Files[0].File.Beside(rel); err == nil {
				t.Errorf("%s: opened %s: %v", root, rel, r.Close())
			}
		}
	}
}
