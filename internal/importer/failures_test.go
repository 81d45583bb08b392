package importer

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/agrichat/agrichat/internal/fault"
	"github.com/agrichat/agrichat/internal/files"
	"github.com/agrichat/agrichat/producers"
)

// TestFailures_add holds that a reason of several files is reported once.
func TestFailures_add(t *testing.T) {
	t.Parallel()
	var s failures
	for _, path := range []string{"a/1", "a/2", "b/1", "a/3"} {
		why := "no channel in a"
		if path == "b/1" {
			why = "b/1 is torn"
		}
		s.add(files.Found{File: producers.File{Path: path}}, errors.New(why))
	}
	if want := "importing a/1 and 2 more files: no channel in a\nb/1 is torn"; s.err.Error() != want {
		t.Errorf("failed with %q, want %q", s.err, want)
	}
}

// TestFailures_add_sharedError holds that what is missing for all pages of an export is reported once.
func TestFailures_add_sharedError(t *testing.T) {
	t.Parallel()
	var s failures
	for _, path := range []string{"a/messages.html", "a/messages2.html", "b/messages.html", "a/result.json"} {
		dir, _, _ := strings.Cut(path, "/")
		shared := fault.AsFatal(&producers.SharedError{Export: dir, Err: errors.New("no account")})
		s.add(files.Found{File: producers.File{Path: path}}, fmt.Errorf("reading %s, line 1: %w", path, shared))
	}
	if text := s.err.Error(); strings.Count(text, "no account") != 2 || !strings.Contains(text, "a/messages.html") || !strings.Contains(text, "b/messages.html") {
		t.Errorf("reported: %s", text)
	}
}
