package importer

import (
	"bufio"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/agrichat/agrichat/internal/event"
)

func rejected(raw string) *event.Event {
	return &event.Event{Kind: event.KindUnparsed, Body: &event.Unparsed{Reason: "odd", Line: 3, Offset: 40}, Raw: []byte(raw)}
}

// TestRejects holds that the list has a line for each, quotes an excerpt only, and can be read by the user only.
func TestRejects(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "rejected")
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	var paths []string
	for range 2 {
		r := &rejects{dir: dir, now: func() time.Time { return at }}
		r.event("a", rejected("<привет>"))
		r.event("b", rejected("\xff\x00"))
		r.event("b", rejected("x"+strings.Repeat("я", excerpt)))
		r.unreadable("c", errors.New("torn"))
		path, n, err := r.close()
		if err != nil || n != 4 {
			t.Fatal(n, err)
		}
		paths = append(paths, path)
	}
	if diff := cmp.Diff([]string{filepath.Join(dir, "20260102T030405Z-1.jsonl"), filepath.Join(dir, "20260102T030405Z-2.jsonl")}, paths); diff != "" {
		t.Fatal(diff)
	}
	zero := event.ID{}.String()
	want := []rejection{
		{File: "a", Line: 3, Offset: 40, Reason: "odd", Event: zero, Raw: "<привет>"},
		{File: "b", Line: 3, Offset: 40, Reason: "odd", Event: zero, Base64: "/wA="},
		{File: "b", Line: 3, Offset: 40, Reason: "odd", Event: zero, Bytes: 1 + 2*excerpt, Raw: "x" + strings.Repeat("я", excerpt/2-1)},
		{File: "c", Reason: "torn"},
	}
	if diff := cmp.Diff(want, readRejects(t, paths[1])); diff != "" {
		t.Error(diff)
	}
	info, err := os.Stat(paths[0])
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Error(info.Mode(), err)
	}
	if info, err = os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Error(info.Mode(), err)
	}
}

func readRejects(t *testing.T, path string) (out []rejection) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	for s := bufio.NewScanner(f); s.Scan(); {
		var j rejection
		if err := json.Unmarshal(s.Bytes(), &j); err != nil {
			t.Fatal(err)
		}
		out = append(out, j)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return out
}

// TestRejects_close holds that there is no list without rejects, and that a list which cannot be written stops nothing.
func TestRejects_close(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "rejected")
	if path, n, err := (&rejects{dir: dir, now: time.Now}).close(); path != "" || n != 0 || err != nil {
		t.Error(path, n, err)
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Error("there is a folder for nothing")
	}
	write(t, dir, "a file")
	r := &rejects{dir: dir, now: time.Now}
	r.event("a", rejected("x"))
	r.event("a", rejected("y"))
	if path, n, err := r.close(); path != "" || n != 2 || err == nil {
		t.Error(path, n, err)
	}
}
