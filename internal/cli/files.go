package cli

import (
	"errors"
	"fmt"

	"github.com/agrichat/agrichat/internal/files"
	"github.com/agrichat/agrichat/producers"
	"github.com/agrichat/agrichat/producers/all"
)

// findings is what is under the paths that a user named. It holds zip files open: close it.
type findings struct {
	*files.Findings
	jobs  int  // files to be read at once
	quiet bool // nobody wants to hear how it goes
}

// noFindings is what is found where nothing was named.
func noFindings() *findings { return &findings{Findings: &files.Findings{}} }

// findFiles finds the exports under the paths. forced is the source whose they are; empty: they are recognised.
func findFiles(paths []string, forced string) (*findings, error) {
	defs := all.Definitions()
	if forced != "" {
		d, err := definition(forced)
		if err != nil {
			return nil, err
		}
		if d.Archive == nil {
			return nil, misuse{fmt.Errorf("--source %s: %s has no archives", forced, d.Title)}
		}
		defs = []producers.Definition{d}
	}
	f, err := files.Find(paths, defs, forced != "")
	var at *files.PathError
	if errors.As(err, &at) {
		return nil, looking(at.Path, at.Err)
	}
	if err != nil {
		return nil, err
	}
	return &findings{Findings: f}, nil
}
