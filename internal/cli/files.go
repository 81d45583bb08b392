package cli

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	pathpkg "path"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"

	"github.com/agrichat/agrichat/producers"
	"github.com/agrichat/agrichat/producers/all"
)

// found is a file that a source will read.
type found struct {
	file  producers.File
	def   producers.Definition
	stamp string // changes when the content does, as far as can be told without reading it
}

// passed is a file that nobody will read, and why.
type passed struct {
	Path string `json:"path"`
	Why  string `json:"why"`
}

// findings is what is under the paths that a user named. It holds zip files open: close it.
type findings struct {
	files   []found
	skipped []passed
	zips    []io.Closer
	looked  map[string]bool // by absolute path
	jobs    int             // files to be read at once
	quiet   bool            // nobody wants to hear how it goes
}

func (f *findings) close() error {
	var errs []error
	for _, z := range f.zips {
		errs = append(errs, z.Close())
	}
	return errors.Join(errs...)
}

// findFiles walks the paths, zip files as if they were folders, and recognises what is there. A path that is not there is an
// error; a file that nobody knows is not.
func findFiles(paths []string, forced string) (_ *findings, err error) {
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
	f := &findings{looked: map[string]bool{}}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.close())
		}
	}()
	for _, root := range paths {
		named, err := os.Stat(root)
		if err != nil {
			return nil, looking(root, err)
		}
		if named.IsDir() {
			err = f.walk(os.DirFS(root), ".", root, defs, false)
		} else {
			err = f.look(os.DirFS(filepath.Dir(root)), filepath.Base(root), root, defs, forced != "")
		}
		if err != nil {
			return nil, fmt.Errorf("walking %s: %w", root, err)
		}
	}
	return f, nil
}

// walk looks at every file of an export. shown is how its root is called.
func (f *findings) walk(export fs.FS, root, shown string, defs []producers.Definition, insist bool) error {
	return fs.WalkDir(export, root, func(name string, d fs.DirEntry, err error) error {
		path := filepath.Join(shown, filepath.FromSlash(name))
		switch {
		case err != nil:
			f.skipped = append(f.skipped, passed{path, err.Error()})
			return nil
		case name != root && hidden(d.Name()):
			return skipHidden(d)
		case d.IsDir():
			return nil
		}
		return f.look(export, name, path, defs, insist)
	})
}

// hidden files are what file managers and version control keep beside the user's.
func hidden(name string) bool { return strings.HasPrefix(name, ".") || name == "__MACOSX" }

func skipHidden(d fs.DirEntry) error {
	if d.IsDir() {
		return fs.SkipDir
	}
	return nil
}

// look takes one file, or what is in it if it is a zip. One that was named twice is taken once: two readings at once would
// share one cursor.
func (f *findings) look(export fs.FS, name, shown string, defs []producers.Definition, insist bool) error {
	path, err := filepath.Abs(shown)
	if err == nil && f.looked[path] {
		f.skipped = append(f.skipped, passed{shown, "named twice"})
		return nil
	}
	f.looked[path] = true
	one, why, err := recognise(export, name, shown, defs, insist)
	if err == nil && why != "" && isZip(one.file.Head) {
		return f.lookInto(one.file, shown, defs)
	}
	switch {
	case err != nil:
		f.skipped = append(f.skipped, passed{shown, err.Error()})
	case why != "":
		f.skipped = append(f.skipped, passed{shown, why})
	default:
		f.files = append(f.files, one)
	}
	return nil
}

func isZip(head []byte) bool { return bytes.HasPrefix(head, []byte("PK\x03\x04")) }

// lookInto walks a zip without unpacking it. One within a zip cannot be read that way.
func (f *findings) lookInto(file producers.File, shown string, defs []producers.Definition) error {
	r, err := file.Open()
	if err != nil {
		f.skipped = append(f.skipped, passed{shown, err.Error()})
		return nil
	}
	at, ok := r.(io.ReaderAt)
	if !ok {
		f.skipped = append(f.skipped, passed{shown, "a zip within a zip: unpack the outer one"})
		return r.Close()
	}
	z, err := zip.NewReader(at, file.Size)
	if err != nil {
		f.skipped = append(f.skipped, passed{shown, fmt.Sprintf("not a zip that can be read: %v", err)})
		return r.Close()
	}
	f.zips = append(f.zips, r)
	for _, e := range z.File {
		e.Name = zipName(e.Name)
	}
	return f.walk(z, ".", shown, defs, false)
}

// zipName brings an entry's name to the form of a path. Names that are not UTF-8 are in code page 437, says the format,
// and some programs part folders by a backslash; a walk stops at either.
func zipName(name string) string {
	if !utf8.ValidString(name) {
		if decoded, err := charmap.CodePage437.NewDecoder().String(name); err == nil {
			name = decoded
		}
	}
	return strings.ReplaceAll(name, `\`, "/")
}

// recognise finds the surest source of a file; why says that there is none. insist takes the only definition whatever it
// says.
func recognise(export fs.FS, name, shown string, defs []producers.Definition, insist bool) (f found, why string, err error) {
	info, err := fs.Stat(export, name)
	if err != nil {
		return found{}, "", err
	}
	if !info.Mode().IsRegular() {
		return found{}, "not a regular file", nil
	}
	if info.Size() == 0 {
		return found{}, "empty", nil
	}
	file := producers.File{
		Path: filepath.ToSlash(shown), Size: info.Size(), Open: func() (io.ReadCloser, error) { return export.Open(name) },
		Beside: func(rel string) (io.ReadCloser, error) { return export.Open(pathpkg.Join(pathpkg.Dir(name), rel)) },
	}
	if file.Head, err = readHead(file.Open); err != nil {
		return found{}, "", err
	}
	best := producers.No
	for _, d := range defs {
		if d.Recognise == nil {
			continue
		}
		if c := d.Recognise(file); c > best {
			best, f = c, found{file: file, def: d, stamp: stampOf(info)}
		}
	}
	if best == producers.No && insist && !isZip(file.Head) { // whose a zip's files are is said of a zip
		return found{file: file, def: defs[0], stamp: stampOf(info)}, "", nil
	}
	if best == producers.No {
		return found{file: file}, "no source recognises it; --source says whose it is", nil
	}
	return f, "", nil
}

func readHead(open func() (io.ReadCloser, error)) (_ []byte, err error) {
	r, err := open()
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
