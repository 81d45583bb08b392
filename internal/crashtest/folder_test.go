package crashtest

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// There is one `up` on a folder; whatever else is called joins it.
func TestOneUpAFolder(t *testing.T) {
	t.Parallel()
	h := newEmptyHouse(t)
	u := h.up()
	second := h.start("", "up")
	second.ends(1)
	for _, word := range []string{"another agrichat runs on this folder", h.data, "--data"} {
		if !bytes.Contains(second.err.text(), []byte(word)) {
			t.Errorf("the second one does not say %q:\n%s", word, second.err.text())
		}
	}
	if lines := bytes.Count(second.err.text(), []byte("\n")); lines != 1 {
		t.Errorf("the second one needs %d lines:\n%s", lines, second.err.text())
	}
	before := h.child(postmaster()...)
	h.imports(input(t).files)
	if !h.status().Up {
		t.Error("status does not see that somebody is up")
	}
	h.proves()
	if h.child(postmaster()...) != before {
		t.Error("a command that joined has started PostgreSQL again")
	}
	u.stop()
	if _, err := os.Stat(filepath.Join(h.data, "agrichat.run.json")); !os.IsNotExist(err) {
		t.Errorf("addresses of nobody are left: %v", err)
	}
}
