// Package files finds the files of exports under the paths that a user names, and which source reads each.
//
// It promises that every file is either read or listed with a reason. Zips are walked as folders. A file that is compressed with gzip, or is
// UTF-16, is passed to its source decompressed and as UTF-8. A file that no source reads is listed with its kind, and with what to do about it.
package files

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	pathpkg "path"
	"path/filepath"
	"strings"
	"sync"

	"github.com/agrichat/agrichat/producers"
)

// Found is a file that a source reads.
type Found struct {
	File  producers.File
	Def   producers.Definition
	Stamp string // changes with the content, as far as that can be seen without reading it

	damage *damage // nil: it was not unpacked
	tree   *tree
	name   string // in its tree
}

// Damage is why the file could not be decompressed to its end, as far as it was read; nil: it was.
func (f Found) Damage() error { return f.damage.err() }

// Skipped is a file that no source reads, and why.
type Skipped struct {
	Path string `json:"path"`
	Why  string `json:"why"`
}

// Notice is something about a path that a user should know.
type Notice struct {
	Path   string
	Notice producers.Notice
}

// Findings is what is under the paths. It holds zip files open: close it.
type Findings struct {
	Files   []Found
	Notices []Notice

	skipped []skip
	zips    []io.Closer
	seen    map[string]bool // by absolute path
	root    int             // which of the named paths is looked at
	bare    map[int]bool    // named paths under which no source reads anything
	defs    []producers.Definition
}

// Close closes the zips: no file can be read any more.
func (f *Findings) Close() error {
	var errs []error
	for _, z := range f.zips {
		errs = append(errs, z.Close())
	}
	return errors.Join(errs...)
}

func (f *Findings) skip(path, format string, args ...any) {
	f.addSkip(skip{Skipped: Skipped{path, fmt.Sprintf(format, args...)}})
}

// addUnreadable lists a file that should have been read and cannot be.
func (f *Findings) addUnreadable(path, format string, args ...any) {
	f.addSkip(skip{Skipped: Skipped{path, fmt.Sprintf(format, args...)}, lost: true})
}

func (f *Findings) addSkip(s skip) {
	s.root = f.root
	f.skipped = append(f.skipped, s)
}

// Find walks the paths and recognises what is there by defs. With insist a file that is named itself is read by the first of defs whatever it
// looks like. A path that does not exist is an error; a file that no source reads is not.
func Find(paths []string, defs []producers.Definition, insist bool) (_ *Findings, err error) {
	f := &Findings{seen: map[string]bool{}, bare: map[int]bool{}, defs: defs}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.Close())
		}
	}()
	for n, root := range paths {
		f.root = n
		before := len(f.Files)
		named, err := os.Stat(root)
		if err != nil {
			return nil, &PathError{Path: root, Err: err}
		}
		if named.IsDir() {
			err = f.walk(&tree{FS: os.DirFS(root), shown: root}, ".")
		} else {
			err = f.add(&tree{FS: os.DirFS(filepath.Dir(root)), shown: filepath.Dir(root)}, filepath.Base(root), root, insist)
		}
		if err != nil {
			return nil, fmt.Errorf("walking %s: %w", root, err)
		}
		f.bare[n] = len(f.Files) == before
	}
	return f, nil
}

// PathError says that a named path cannot be looked at.
type PathError struct {
	Path string
	Err  error
}

func (e *PathError) Error() string { return e.Path + ": " + e.Err.Error() }

// Unwrap returns the cause.
func (e *PathError) Unwrap() error { return e.Err }

// tree is a folder, or a zip, that is walked.
type tree struct {
	fs.FS
	shown     string // its own path
	zip       *zipFS // nil: it is a folder
	outer     *tree  // that a zip lies in
	outerName string // there

	mu   sync.Mutex // covers all below
	used map[string]bool
}

// walk looks at every file below a folder, in natural order.
func (f *Findings) walk(t *tree, dir string) error {
	entries, err := fs.ReadDir(t.FS, dir)
	if err != nil {
		f.addUnreadable(t.path(dir), "%v", err)
	}
	sortEntries(entries)
	for _, d := range entries {
		name := pathpkg.Join(dir, d.Name())
		switch {
		case hidden(d.Name()):
			continue
		case d.IsDir():
			err = f.walk(t, name)
		default:
			err = f.add(t, name, t.path(name), false)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (t *tree) path(name string) string { return filepath.Join(t.shown, filepath.FromSlash(name)) }

// hidden reports whether a file belongs to a file manager or to version control.
func hidden(name string) bool {
	switch strings.ToLower(name) {
	case "__macosx", "thumbs.db", "ehthumbs.db", "desktop.ini":
		return true
	}
	return strings.HasPrefix(name, ".")
}

// add adds one file, or those in it if it is a zip. A duplicate path is skipped: two readings at once would
// share one cursor.
func (f *Findings) add(t *tree, name, shown string, insist bool) error {
	path, err := filepath.Abs(shown)
	if err == nil && f.seen[path] {
		f.skip(shown, whyTwice)
		return nil
	}
	f.seen[path] = true
	info, err := fs.Stat(t.FS, name)
	switch {
	case err != nil:
		f.addUnreadable(shown, "%v", err)
	case !info.Mode().IsRegular():
		f.skip(shown, "not a regular file")
	case info.Size() == 0:
		f.skip(shown, "empty")
	default:
		return f.addCandidate(&candidate{tree: t, name: name, shown: shown, info: info}, insist)
	}
	return nil
}

// whyTwice is why a duplicate path is skipped.
const whyTwice = "named twice"

// candidate is a file that a source may read.
type candidate struct {
	tree  *tree
	name  string // in its tree
	shown string
	info  fs.FileInfo
	plain *plain
	head  []byte
}

func (f *Findings) addCandidate(c *candidate, insist bool) error {
	var err error
	if c.plain, c.head, err = openPlain(func() (fs.File, error) { return c.tree.Open(c.name) }); err != nil {
		f.addUnreadable(c.shown, "%v", err)
		return nil
	}
	// Containers are detected before sources see the file: uncompressed text in one would be recognised as an export.
	if isZip(c.head) && !c.plain.changed() {
		return f.addZip(c)
	}
	if kind := container(c.head); kind != "" {
		f.addSkip(skip{Skipped: Skipped{c.shown, kind}, tree: c.tree, name: c.name})
		return nil
	}
	file := c.file()
	def, sure := f.recognise(file)
	if sure == producers.No {
		if len(c.head) == 0 {
			f.addSkip(skip{Skipped: Skipped{c.shown, c.nothing()}, lost: c.plain.damage.err() != nil})
			return nil
		}
		if !insist {
			f.addSkip(skip{Skipped: Skipped{c.shown, f.unknown(file)}, tree: c.tree, name: c.name, head: c.head[:min(len(c.head), magicSize)]})
			return nil
		}
		def = f.defs[0]
	}
	if file.Size, err = c.plain.size(c.info); err != nil {
		f.addUnreadable(c.shown, "%v", err)
		return nil
	}
	f.Files = append(f.Files, Found{File: file, Def: def, Stamp: c.stamp(), damage: c.plain.damage, tree: c.tree, name: c.name})
	return nil
}

// nothing is why a file that is not empty has no content.
func (c *candidate) nothing() string {
	if err := c.plain.damage.err(); err != nil {
		return err.Error()
	}
	return "empty"
}

// file is the candidate as a source gets it. The size of a compressed one is unknown until it was read.
func (c *candidate) file() producers.File {
	path := filepath.ToSlash(c.shown)
	if c.plain.gzip {
		path = withoutGzip(path)
	}
	return producers.File{Path: path, Head: c.head, Size: c.info.Size(), Open: c.plain.open, Beside: c.beside}
}

// recognise finds the surest source of a file.
func (f *Findings) recognise(file producers.File) (def producers.Definition, best producers.Confidence) {
	for _, d := range f.defs {
		if d.Recognise == nil {
			continue
		}
		if c := d.Recognise(file); c > best {
			best, def = c, d
		}
	}
	return def, best
}

// beside opens another file of the export, or a folder to list it. Lists and pages of the export itself are decompressed and decoded; an
// attachment is not, for its hash is that of what was sent.
func (c *candidate) beside(rel string) (io.ReadCloser, error) {
	name := pathpkg.Join(pathpkg.Dir(c.name), rel)
	if f, ok := openFolder(c.tree.FS, name); ok {
		return f, nil
	}
	if info, err := fs.Stat(c.tree.FS, name); err == nil && !info.Mode().IsRegular() { // opening a pipe would wait for a writer
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrInvalid}
	}
	if !c.ofExport(rel) {
		r, err := c.tree.Open(name)
		if err == nil {
			c.tree.use(name)
		}
		return r, err
	}
	r, err := c.openUnpacked(name)
	if errors.Is(err, fs.ErrNotExist) {
		if packed, err := c.openUnpacked(name + ".gz"); err == nil {
			return packed, nil
		}
	}
	return r, err
}

func (c *candidate) openUnpacked(name string) (io.ReadCloser, error) {
	p, _, err := openPlain(func() (fs.File, error) { return c.tree.Open(name) })
	if err != nil {
		return nil, err
	}
	c.tree.use(name)
	return p.open()
}

// ofExport reports whether another file is a part of the export and no attachment: what exporters write is in the same
// folder or above it, and WhatsApp, whose attachments are there too, writes the chat only.
func (c *candidate) ofExport(rel string) bool {
	plain, above := rel, strings.HasPrefix(rel, "../")
	for strings.HasPrefix(plain, "../") {
		plain = plain[len("../"):]
	}
	if strings.Contains(plain, "/") && !above || strings.EqualFold(pathpkg.Ext(withoutGzip(c.name)), ".txt") {
		return false
	}
	switch strings.ToLower(pathpkg.Ext(rel)) {
	case ".json", ".jsonl", ".html", ".htm", ".yaml", ".yml", ".csv":
		return true
	}
	return false
}

// damage is why files could not be decompressed to their end. A nil one is none.
type damage struct {
	mu    sync.Mutex // covers all below
	cause error
	at    int64
}

func (d *damage) add(cause error, at int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.cause == nil || at < d.at {
		d.cause, d.at = cause, at
	}
}

func (d *damage) err() error {
	if d == nil {
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.cause == nil {
		return nil
	}
	if d.at == 0 {
		return fmt.Errorf("damaged: nothing of it can be unpacked (%w); get it anew", d.cause)
	}
	return fmt.Errorf("damaged: only its first %d bytes could be unpacked (%w) and were read; get it anew", d.at, d.cause)
}
