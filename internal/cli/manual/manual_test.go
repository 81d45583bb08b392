package manual

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// TestWrite holds that each command that people call has a page, and that names, flags and examples are in it.
func TestWrite(t *testing.T) {
	t.Parallel()
	root := &cobra.Command{Use: "tool", Short: "Does things", Long: "Does things.\n\n.It does them twice."}
	run := func(*cobra.Command, []string) {}
	sub := &cobra.Command{Use: "sub FILE", Short: "Does one thing", Example: "  tool sub --fast x", Run: run}
	sub.Flags().Int("fast-mode", 3, "how `fast`")
	root.AddCommand(sub, &cobra.Command{Use: "secret", Short: "Not for people", Hidden: true, Run: run})
	dir := filepath.Join(t.TempDir(), "man1")
	n, err := Write(root, dir)
	if err != nil {
		t.Fatal(err)
	}
	pages, err := filepath.Glob(filepath.Join(dir, "*.1"))
	if err != nil || len(pages) != n {
		t.Fatalf("%d pages, %d files: %v", n, len(pages), err)
	}
	for name, want := range map[string][]string{
		"tool.1":     {".TH TOOL 1", `\&.It does them twice.`, `\fBtool\-sub\fR(1)`},
		"tool-sub.1": {".SH EXAMPLES", `tool sub \-\-fast x`, `\fB\-\-fast\-mode\fR \fIfast\fR`, "(default 3)", `\fBtool\fR(1)`},
	} {
		page, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range want {
			if !strings.Contains(string(page), w) {
				t.Errorf("%s has no %q:\n%s", name, w, page)
			}
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "tool-secret.1")); err == nil {
		t.Error("a hidden command has a page")
	}
}

// TestRoffLines holds that no line is taken for a command of the language.
func TestRoffLines(t *testing.T) {
	t.Parallel()
	if got, want := roffLines(".SH x\n'y\na\\b --c\n\nd"), "\\&.SH x\n\\&'y\na\\eb \\-\\-c\n\nd"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
