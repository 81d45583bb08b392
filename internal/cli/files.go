package cli

import (
	"errors"
	"fmt"
	"strings"

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

// unread is an error if something that was named could not be read, or no source reads anything of it.
func (f *findings) unread() error {
	var errs []error
	list := f.Unread()
	for n, s := range list {
		if n == shownPlaces {
			errs = append(errs, fmt.Errorf("and %d more could not be read; --output json lists them", len(list)-n))
			break
		}
		errs = append(errs, shown{fmt.Errorf("%s was not read: %s", s.Path, strings.Map(printable, s.Why))})
	}
	return errors.Join(errs...)
}

// tellHopeless says, before anything is read, which files lack an option. They are counted as failed later, with the others.
func (a *app) tellHopeless(in *findings) {
	cfg, _, err := a.config()
	if err != nil || in.quiet || cfg.Import.Account != "" {
		return
	}
	o, told := options(cfg.Import), 0
	for _, f := range in.Files {
		if _, err := f.Def.Archive(f.File, o); err == nil {
			continue
		} else if told++; told <= shownPlaces {
			a.note("will not be imported: %s\n", oneLine(err.Error()))
		}
	}
	if told > shownPlaces {
		a.note("... and %d more files will not be imported\n", told-shownPlaces)
	}
}
