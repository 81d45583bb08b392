package archtest

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestConnectors_House(t *testing.T) {
	findings, err := Connectors(os.DirFS("../.."))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range findings {
		t.Error(f)
	}
}

// Each part of a connector's folder is missed once.
func TestConnectors(t *testing.T) {
	const code = "// Package x reads x.\npackage x\n\nfunc Definition() producers.Definition {\n\treturn producers.Definition{Title: \"X\", Recognise: nil, " +
		"Archive: nil, Live: nil, Sample: sample}\n}\n"
	whole := map[string]string{
		"README.md": "| | what |\n|---|---|\n| X files | all |\n", "README.ru.md": "|---|---|\n| X, файлы | всё |\n",
		"producers/all/all.go":                  "package all\n\nimport \"example.org/m/producers/x\"\n",
		"producers/filekit/kit.go":              "package filekit\n",
		"producers/x/x.go":                      code,
		"producers/x/testdata/a.txt":            "a",
		"producers/x/testdata/bad/b.txt":        "b",
		"producers/x/deep/x_test.go":            "producertest.Archive(t, d, c)",
		"producers/x/x_test.go":                 "producertest.Definition(t, d)",
		"producers/template/template.go":        strings.ReplaceAll(code, "x", "template"),
		"producers/template/template_test.go":   "producertest.Archive(t, d, c); producertest.Definition(t, d)",
		"producers/template/testdata/a.txt":     "a",
		"producers/template/testdata/bad/b.txt": "b",
	}
	for name, c := range map[string]struct {
		change map[string]string // an empty one removes the file
		want   []string
	}{
		"whole":     {},
		"no rows":   {map[string]string{"README.md": "X\n"}, []string{`README.md has no row that begins with its title "X"`}},
		"no title":  {map[string]string{"producers/x/x.go": strings.ReplaceAll(code, `Title: "X", `, "")}, []string{`README.md has no row that begins with its title ""`, `README.ru.md has no row that begins with its title ""`}},
		"not there": {map[string]string{"producers/all/all.go": "package all\n"}, []string{"producers/all does not list it"}},
		"no sample": {map[string]string{"producers/x/x.go": strings.ReplaceAll(code, ", Sample: sample", "")}, []string{"its Definition has no Sample: a connector that runs live has a sample configuration"}},
		"no doc":    {map[string]string{"producers/x/x.go": strings.TrimPrefix(code, "// Package x reads x.\n")}, []string{"it has no package comment: what does it read, and what not?"}},
		"no tests":  {map[string]string{"producers/x/x_test.go": ""}, []string{"no test calls producertest.Definition(...)"}},
		"no conformance": {
			map[string]string{"producers/x/deep/x_test.go": ""}, []string{"no test calls producertest.Archive(...)"},
		},
		"no fixtures": {
			map[string]string{"producers/x/testdata/a.txt": "", "producers/x/testdata/bad/b.txt": ""},
			[]string{"it has no fixtures in testdata", "it has no damaged fixtures in testdata/bad"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			files := map[string]string{}
			for f, text := range whole {
				files[f] = text
			}
			for f, text := range c.change {
				if files[f] = text; text == "" {
					delete(files, f)
				}
			}
			findings, err := Connectors(tree(files))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, f := range findings {
				if f.File != "producers/x" {
					t.Errorf("a finding in %s", f.File)
				}
				got = append(got, f.Text)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
