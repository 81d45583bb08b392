package crashtest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/text/encoding/charmap"

	"github.com/agrichat/agrichat/internal/testenv"
)

// zoneless writes exports whose times have no zone and whose texts are KOI8-R.
func zoneless(t *testing.T) (folder string) {
	t.Helper()
	folder = t.TempDir()
	for chat := range 2 {
		var log strings.Builder
		for i := range 200 {
			_, _ = fmt.Fprintf(&log, "[%02d:%02d:00] <Боб%d> привет, это строка %d, как дела\n", 10+i/60, i%60, i%3, i)
		}
		text, err := charmap.KOI8R.NewEncoder().String(log.String())
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(folder, "irclogs", "net", fmt.Sprintf("#go%d.2024-01-25.log", chat))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

// TestDeathInReread holds that a reread that was killed and is run again ends as one that nothing happened to.
func TestDeathInReread(t *testing.T) {
	t.Parallel()
	folder := zoneless(t)
	again := []string{"reread", "--zone", "Europe/Moscow", "--charset", "koi8-r", "--output", "json"}
	imported := newHouse(t)
	imported.run("import", folder, "--account", owner, "--charset", "windows-1252", "--output", "json")
	copied := func(t *testing.T) *house {
		h := newEmptyHouse(t)
		if err := testenv.CopyData(imported.data, h.data); err != nil {
			t.Fatal(err)
		}
		return h
	}
	stands := func(h *house) map[string][]string {
		u := h.up()
		defer u.stop()
		h.start("", "verify").ends(0)
		return h.everything()
	}
	calm := copied(t)
	before := calm.everythingUp()
	calm.run(again...)
	want := stands(calm)
	if fmt.Sprint(before) == fmt.Sprint(want) {
		t.Fatal("a reread changes nothing")
	}
	for _, point := range points() {
		if point == "ingest.cursor" { // a reread keeps none: what it published is known by then
			continue
		}
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			h := copied(t)
			p := h.start(point+":1", again...)
			if !p.killed() {
				t.Fatalf("a reread that was to die at %s: %v\n%s%s", point, p.cmd.ProcessState, p.out.text(), p.err.text())
			}
			h.start(point+":2", again...).wait() // where so much is left to do, it dies once more
			h.run(again...)
			got := stands(h)
			for name := range want {
				h.same(name+", and the undisturbed reread", differences(counted(want[name]), counted(got[name])))
			}
		})
	}
}

// everythingUp is everything in a house where nobody is up.
func (h *house) everythingUp() map[string][]string {
	u := h.up()
	defer u.stop()
	return h.everything()
}
