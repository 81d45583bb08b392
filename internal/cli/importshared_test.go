package cli

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/agrichat/agrichat/internal/fault"
	"github.com/agrichat/agrichat/internal/files"
	"github.com/agrichat/agrichat/producers"
)

// TestImporting_Fail_SharedError: what all pages of an export lack is said once.
func TestImporting_Fail_SharedError(t *testing.T) {
	t.Parallel()
	i := &importing{}
	for _, path := range []string{"a/messages.html", "a/messages2.html", "b/messages.html", "a/result.json"} {
		dir, _, _ := strings.Cut(path, "/")
		shared := fault.AsFatal(&producers.SharedError{Export: dir, Err: errors.New("no account")})
		i.fail(files.Found{File: producers.File{Path: path}}, fmt.Errorf("reading %s, line 1: %w", path, shared))
	}
	if text := i.failed.Error(); strings.Count(text, "no account") != 2 || !strings.Contains(text, "a/messages.html") || !strings.Contains(text, "b/messages.html") {
		t.Errorf("told: %s", text)
	}
}
