package files

import (
	"archive/zip"
	"bytes"
	"io"
	"testing"
)

// Of two entries of one name the later one counts, whether it can be read or not.
func TestIndexZip_duplicates(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		flags [2]uint16
		want  string
	}{
		"both can be read":  {[2]uint16{0, 0}, "second"},
		"the first cannot":  {[2]uint16{1, 0}, "second"},
		"the second cannot": {[2]uint16{0, 1}, ""},
		"neither can":       {[2]uint16{1, 1}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			data := zipOf(t, member{name: "a.txt", data: "first"}, member{name: "a.txt", data: "second"})
			r, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
			if err != nil {
				t.Fatal(err)
			}
			for i, f := range r.File {
				f.Flags |= c.flags[i]
			}
			z := indexZip(r.File)
			list, err := z.ReadDir(".")
			if err != nil || c.want != "" && len(list) != 1 {
				t.Fatalf("%d entries: %v", len(list), err)
			}
			f, err := z.Open("a.txt")
			if c.want == "" {
				if err == nil {
					t.Error("an encrypted entry is opened")
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			if got, err := io.ReadAll(f); err != nil || string(got) != c.want {
				t.Errorf("%q: %v", got, err)
			}
		})
	}
}
