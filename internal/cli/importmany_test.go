package cli_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// TestImport_ManySmallFiles holds that small files share messages of the bus, as lines of one file do, that each is counted by
// itself, and that a person is not shown a line for each.
func TestImport_ManySmallFiles(t *testing.T) {
	t.Parallel()
	const files, broken = 400, 7
	w, dir := newOutside(t), t.TempDir()
	for i := range files {
		text := fmt.Sprintf(`{"channel":"c%d","id":"%d","author":"a","text":"%d","sent":"2024-01-02T03:04:05Z"}`+"\n", i%2, i, i)
		if i == broken {
			text += "this is no JSON, and somebody's\n"
		}
		write(t, filepath.Join(dir, fmt.Sprintf("%03d.jsonl", i)), text)
	}
	first := w.run("import", dir).want(0)
	first.prints(fmt.Sprintf("%d files: %d records read as", files, files+1), "unparsed: ")
	if n := strings.Count(first.out+first.err, "\n"); n > 40 {
		t.Errorf("%d lines are printed:\n%s%s", n, first.out, first.err)
	}
	if last := w.equal().Sequence; last > files/4 {
		t.Errorf("%d files take %d messages of the bus", files, last)
	}
	var again imported
	w.run("import", dir, "--output", "json").want(0).into(&again)
	if again.Published != 0 || again.Known != files+1 || len(again.PerFile) != files {
		t.Errorf("the second import says %d published, %d known, %d files", again.Published, again.Known, len(again.PerFile))
	}
	for i, f := range again.PerFile {
		unparsed := 0
		if i == broken {
			unparsed = 1
		}
		if filepath.Base(f.Path) != fmt.Sprintf("%03d.jsonl", i) || f.Read != 1+unparsed || f.Unparsed != unparsed || f.Error != "" {
			t.Errorf("file %d: %+v", i, f)
		}
	}
}
