package cli

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// ran runs a command of the program and returns what it prints.
func ran(t *testing.T, args ...string) string {
	t.Helper()
	var out, errOut bytes.Buffer
	if status := Main(context.Background(), args, []string{"HOME=" + t.TempDir()}, strings.NewReader(""), &out, &errOut); status != 0 {
		t.Fatalf("%q ended with %d: %s", args, status, errOut.String())
	}
	return out.String()
}

// TestManual holds that there is a page for each command, and that groff has nothing against it.
func TestManual(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "man", "man1")
	if out := ran(t, "man", dir); !strings.Contains(out, "pages in "+dir) {
		t.Error(out)
	}
	page, err := os.ReadFile(filepath.Join(dir, "agrichat-import.1"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{".TH AGRICHAT-IMPORT 1", `\-\-dry\-run`, "agrichat import result.json", `\fBagrichat\fR(1)`, ".SH EXAMPLES"} {
		if !strings.Contains(string(page), want) {
			t.Errorf("the page of import has no %q:\n%s", want, page)
		}
	}
	for _, name := range []string{"agrichat.1", "agrichat-dlq-requeue.1", "agrichat-completion-bash.1"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			t.Error(err)
		}
	}
	for _, name := range []string{"agrichat-engine.1", "agrichat-man.1"} {
		if _, err := os.Stat(filepath.Join(dir, name)); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s is there: %v", name, err)
		}
	}
	t.Run("groff", func(t *testing.T) { checkPages(t, dir) })
}

func checkPages(t *testing.T, dir string) {
	if _, err := exec.LookPath("groff"); err != nil {
		t.Skip("groff is not here:", err)
	}
	pages, err := filepath.Glob(filepath.Join(dir, "*.1"))
	if err != nil || len(pages) < 15 {
		t.Fatalf("%d pages: %v", len(pages), err)
	}
	var complaints bytes.Buffer
	cmd := exec.CommandContext(t.Context(), "groff", append([]string{"-man", "-Tutf8", "-ww", "-z"}, pages...)...)
	cmd.Stderr = &complaints
	if err := cmd.Run(); err != nil || complaints.Len() > 0 {
		t.Errorf("%v: %s", err, complaints.String())
	}
}

// TestCompletion holds that shells complete the value of a flag.
func TestCompletion(t *testing.T) {
	t.Parallel()
	if out := ran(t, "__complete", "import", "--source", ""); !strings.Contains(out, "telegram\t") || !strings.Contains(out, "irc\t") {
		t.Error(out)
	}
	for _, shell := range []string{"bash", "zsh", "fish"} {
		if out := ran(t, "completion", shell); !strings.Contains(out, "agrichat") {
			t.Errorf("%s: %q", shell, out)
		}
	}
}
