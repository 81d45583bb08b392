package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/agrichat/agrichat/producers"
	"github.com/agrichat/agrichat/producers/all"
)

// found is a file that a source will read.
type found struct {
	file producers.File
	def  producers.Definition
}

// passed is a file that nobody will read, and why.
type passed struct {
	Path string `json:"path"`
	Why  string `json:"why"`
}

// findFiles walks the paths and recognises what is there. A path that is not there is an error; a file that nobody knows is
// not.
func findFiles(paths []string, forced string) (files []found, skipped []passed, err error) {
	defs := all.Definitions()
	if forced != "" {
		d, err := definition(forced)
		if err != nil {
			return nil, nil, err
		}
		if d.Archive == nil {
			return nil, nil, misuse{fmt.Errorf("--source %s: %s has no archives", forced, d.Title)}
		}
		defs = []producers.Definition{d}
	}
	for _, root := range paths {
		named, err := os.Stat(root)
		if err != nil {
			return nil, nil, looking(root, err)
		}
		err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				skipped = append(skipped, passed{path, err.Error()})
				return nil
			case path != root && strings.HasPrefix(d.Name(), "."):
				return skipHidden(d)
			case d.IsDir():
				return nil
			}
			f, why, err := recognise(path, defs, forced != "" && !named.IsDir())
			switch {
			case err != nil:
				skipped = append(skipped, passed{path, err.Error()})
			case why != "":
				skipped = append(skipped, passed{path, why})
			default:
				files = append(files, f)
			}
			return nil
		})
		if err != nil {
			return nil, nil, fmt.Errorf("walking %s: %w", root, err)
		}
	}
	return files, skipped, nil
}

// skipHidden leaves out what file managers and version control keep beside the user's files.
func skipHidden(d fs.DirEntry) error {
	if d.IsDir() {
		return fs.SkipDir
	}
	return nil
}

// recognise finds the surest source of a file. insist takes the only definition whatever it says.
func recognise(path string, defs []producers.Definition, insist bool) (f found, why string, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return found{}, "", err
	}
	if !info.Mode().IsRegular() {
		return found{}, "not a regular file", nil
	}
	if info.Size() == 0 {
		return found{}, "empty", nil
	}
	file := producers.File{Path: filepath.ToSlash(path), Size: info.Size(), Open: func() (io.ReadCloser, error) { return os.Open(path) }}
	if file.Head, err = readHead(path); err != nil {
		return found{}, "", err
	}
	best := producers.No
	for _, d := range defs {
		if d.Recognise == nil {
			continue
		}
		if c := d.Recognise(file); c > best {
			best, f = c, found{file: file, def: d}
		}
	}
	if best == producers.No && insist {
		return found{file: file, def: defs[0]}, "", nil
	}
	if best == producers.No {
		return found{}, "no source recognises it; --source says whose it is", nil
	}
	return f, "", nil
}

func readHead(path string) (_ []byte, err error) {
	r, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	head := make([]byte, producers.HeadSize)
	n, err := io.ReadFull(r, head)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = nil
	}
	return slices.Clip(head[:n]), err
}
