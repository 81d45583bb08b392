package importer

import (
	"errors"
	"fmt"
	"strings"

	"github.com/agrichat/agrichat/internal/app"
	"github.com/agrichat/agrichat/internal/fault"
	"github.com/agrichat/agrichat/internal/files"
	"github.com/agrichat/agrichat/producers"
)

// failures are the files of an import that could not be read to their end.
type failures struct {
	err    error // of the first MaxListed, joined
	count  int
	shared map[string]*failure // by the reason, where that names no file
}

// failure is why files could not be read to their end.
type failure struct {
	path string // of the first
	more int    // files with the same reason
	err  error
}

// Error implements error.
func (f *failure) Error() string {
	switch f.more {
	case 0:
		return fmt.Sprintf("importing %s: %v", f.path, f.err)
	case 1:
		return fmt.Sprintf("importing %s and 1 more file: %v", f.path, f.err)
	}
	return fmt.Sprintf("importing %s and %d more files: %v", f.path, f.more, f.err)
}

// Unwrap gives the reason.
func (f *failure) Unwrap() error { return f.err }

// errMoreFailed replaces the reasons of files beyond the first MaxListed.
var errMoreFailed = errors.New("and more files could not be read; the list of rejected records names them all")

// add notes that a file could not be read to its end; nil is none. A reason that several files share and that names none is reported once, and so
// is what is missing for all files of one export.
func (s *failures) add(f files.Found, err error) {
	if err == nil {
		return
	}
	reason := err.Error()
	var shared *producers.SharedError
	if errors.As(err, &shared) {
		reason, err = shared.Export+": "+shared.Error(), fault.AsFatal(shared)
	}
	if shared != nil || !strings.Contains(reason, f.File.Path) {
		if before := s.shared[reason]; before != nil {
			before.more++
			return
		}
		if s.shared == nil {
			s.shared = map[string]*failure{}
		}
		same := &failure{path: f.File.Path, err: err}
		s.shared[reason], err = same, same
	}
	switch s.count++; {
	case s.count <= MaxListed:
		s.err = errors.Join(s.err, app.Redacted(err))
	case s.count == MaxListed+1:
		s.err = errors.Join(s.err, errMoreFailed)
	}
}
