package files

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/encoding/unicode"

	"github.com/agrichat/agrichat/producers"
)

// anything is a source that recognises every file with a header row anywhere in its beginning.
func anything() []producers.Definition {
	return []producers.Definition{{Name: "rows", Title: "Rows", Recognise: func(f producers.File) producers.Confidence {
		if bytes.Contains(f.Head, []byte("id,text\n")) {
			return producers.Certain
		}
		return producers.No
	}}}
}

// A container whose members are not compressed has their text in its beginning. No source sees it.
func TestFind_containersBeforeSources(t *testing.T) {
	t.Parallel()
	const rows = "id,text\n1,beans\n"
	zipped := zipOf(t, member{name: "a.csv", data: rows, store: true}, member{name: "b.csv", data: rows, store: true})
	wide := encoded(t, unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM), strings.Repeat(rows, 500))
	tar := make([]byte, 512)
	copy(tar, "a.csv")
	copy(tar[257:], "ustar\x0000")
	tar = append(tar, rows...)
	for name, c := range map[string]struct {
		data    []byte
		want    []string
		skipped string
	}{
		"a zip":                    {data: zipped, want: []string{"x/a.csv", "x/b.csv"}},
		"the first part of a zip":  {data: append([]byte("PK00"), zipped...), want: []string{"x/a.csv", "x/b.csv"}},
		"a zip that was split":     {data: append([]byte("PK\x07\x08"), zipped...), want: []string{"x/a.csv", "x/b.csv"}},
		"a zip packed once more":   {data: gzipped(t, zipped), skipped: "packed once more"},
		"a zip of UTF-16":          {data: zipOf(t, member{name: "a.csv", data: string(wide), store: true}), want: []string{"x/a.csv"}},
		"the end of a split zip":   {data: []byte("PK\x07\x08" + rows), skipped: "damaged"},
		"rows of a cab":            {data: []byte("MSCF\x00\x00\x00\x00" + rows), skipped: "a cab archive"},
		"rows that begin like one": {data: []byte("MSCF," + rows), want: []string{"x"}},
		"an empty zip":             {data: []byte("PK\x05\x06" + rows), skipped: "an empty zip"},
		"tar":                      {data: tar, skipped: "a tar archive"},
		"tar in gzip":              {data: gzipped(t, tar), skipped: "a tar archive"},
		"7z":                       {data: []byte("7z\xbc\xaf\x27\x1c\x00\x04" + rows), skipped: "a 7z archive"},
		"rar":                      {data: []byte("Rar!\x1a\x07\x01\x00" + rows), skipped: "a rar archive"},
		"gzip in gzip":             {data: gzipped(t, gzipped(t, []byte(rows))), skipped: "packed with gzip twice"},
		"rows with a mark in them": {data: []byte(rows + "2,PK\x03\x04\n"), want: []string{"x"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			put(t, dir+"/x", c.data)
			f, err := Find([]string{dir}, anything(), false)
			if err != nil {
				t.Fatal(err)
			}
			defer func() {
				if err := f.Close(); err != nil {
					t.Error(err)
				}
			}()
			var got []string
			for _, found := range f.Files {
				got = append(got, strings.TrimPrefix(found.File.Path, dir+"/"))
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
			if s := skipped(f); c.skipped != "" && (len(s) != 1 || !strings.Contains(s[0].Why, c.skipped)) {
				t.Errorf("left out: %v, want %q", s, c.skipped)
			}
		})
	}
}
