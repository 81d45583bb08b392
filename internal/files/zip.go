package files

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/agrichat/agrichat/producers"
)

// isZip reports whether a file is a zip that has something in it, or the first part of one.
func isZip(head []byte) bool {
	return bytes.HasPrefix(head, []byte("PK\x03\x04")) || bytes.HasPrefix(head, []byte("PK\x07\x08")) || bytes.HasPrefix(head, []byte("PK00PK\x03\x04"))
}

// lookInto walks a zip without unpacking it. One within a zip cannot be read that way.
func (f *Findings) addZip(c *candidate) error {
	if c.tree.zip != nil {
		f.skip(c.shown, "a zip within a zip: unpack the outer one, and import the folder")
		return nil
	}
	r, err := c.plain.raw()
	if err != nil {
		f.addUnreadable(c.shown, "%v", err)
		return nil
	}
	f.zips = append(f.zips, r)
	at, ok := r.(io.ReaderAt)
	if !ok {
		f.skip(c.shown, "a zip that can only be read from its start: unpack it, and import the folder")
		return nil
	}
	z, err := openZip(at, c.info.Size())
	if err != nil {
		f.addUnreadable(c.shown, "a zip that is damaged so that nothing in it can be read (%v): get it anew", err)
		return nil
	}
	for _, n := range z.notices {
		f.Notices = append(f.Notices, Notice{Path: c.shown, Notice: n})
	}
	for _, s := range z.unreadable(c.shown) {
		f.addSkip(skip{Skipped: s.Skipped, tree: c.tree, name: c.name, lost: s.lost})
	}
	return f.walk(&tree{FS: z, shown: c.shown, zip: z, outer: c.tree, outerName: c.name}, ".")
}

// zipFS is what is in a zip, by names that are UTF-8.
type zipFS struct {
	files      map[string]*zip.File
	dirs       map[string][]fs.DirEntry // by path; the root is "."
	refused    map[string]error         // what cannot be read, and why
	duplicates []string                 // names with a later entry
	rescued    error                    // why the zip's list of files could not be used; nil: it was
	notices    []producers.Notice
}

// Why an entry, or the directory of a zip, cannot be read.
var (
	errEncrypted = errors.New("encrypted")
	errMethod    = errors.New("packed by a method that is not supported")
	errWrongList = errors.New("files are not where the list says")
)

// openZip lists a zip. One whose list of files is damaged is searched for the files themselves.
func openZip(at io.ReaderAt, size int64) (*zipFS, error) {
	z, err := zip.NewReader(at, size)
	if err == nil {
		err = reachable(z)
	}
	if err != nil {
		if found, lost := rescue(at, size); lost == nil {
			index := indexZip(found.File)
			index.rescued = err
			return index, nil
		}
		if z == nil {
			return nil, err
		}
	}
	return indexZip(z.File), nil
}

// reachable reports an entry that is not where the zip's list says.
func reachable(z *zip.Reader) error {
	for _, e := range z.File {
		if _, err := e.DataOffset(); err != nil {
			return errWrongList
		}
	}
	return nil
}

func indexZip(entries []*zip.File) *zipFS {
	z := &zipFS{files: map[string]*zip.File{}, dirs: map[string][]fs.DirEntry{".": nil}, refused: map[string]error{}}
	names, notice := zipNames(entries)
	if notice.Count > 0 {
		z.notices = append(z.notices, notice)
	}
	for i, e := range entries {
		name := zipPath(names[i])
		switch {
		case strings.HasSuffix(names[i], "/"):
			z.folder(name)
			continue
		case name == ".":
			continue
		}
		if z.files[name] != nil { // the later one is what unpacking leaves
			z.duplicates = append(z.duplicates, name)
			delete(z.refused, name)
		}
		z.files[name] = e
		switch {
		case e.Flags&1 != 0:
			z.refused[name] = errEncrypted
		case e.Method != zip.Store && e.Method != zip.Deflate:
			z.refused[name] = errMethod
		}
	}
	z.list(names)
	return z
}

// list lists the files that can be read, in the order of the zip.
func (z *zipFS) list(names []string) {
	listed := map[string]bool{}
	for _, n := range names {
		name := zipPath(n)
		if e := z.files[name]; e != nil && z.refused[name] == nil && !listed[name] {
			listed[name] = true
			dir := path.Dir(name)
			z.folder(dir)
			z.dirs[dir] = append(z.dirs[dir], &zipEntry{name: path.Base(name), file: e})
		}
	}
}

// zipPath brings an entry's name to the form of a path within the zip. Some programs separate folders by a backslash. Nothing is
// written under these names; of one that leads outside, the leading dots are dropped.
func zipPath(name string) string {
	name = path.Clean(strings.ReplaceAll(name, `\`, "/"))
	name = strings.TrimLeft(name, "/")
	for strings.HasPrefix(name, "../") {
		name = strings.TrimLeft(name[len("../"):], "/")
	}
	if name == "" || name == ".." {
		return "."
	}
	return name
}

// folder lists a folder in the one that it lies in.
func (z *zipFS) folder(dir string) {
	if _, ok := z.dirs[dir]; ok || dir == "." {
		return
	}
	z.dirs[dir] = nil
	parent := path.Dir(dir)
	z.folder(parent)
	z.dirs[parent] = append(z.dirs[parent], &zipEntry{name: path.Base(dir)})
}

// unreadable is what of the zip cannot be read, a line for each reason.
func (z *zipFS) unreadable(shown string) (out []skip) {
	add := func(lost bool, format string, args ...any) {
		out = append(out, skip{Skipped: Skipped{shown, fmt.Sprintf(format, args...)}, lost: lost})
	}
	if z.rescued != nil {
		add(true, "a damaged zip (%v): its list of files is lost or wrong; files found by searching are read as far as they go, here %d; get it anew",
			z.rescued, len(z.files))
	}
	for _, reason := range []error{errEncrypted, errMethod} {
		var names []string
		for name, err := range z.refused {
			if errors.Is(err, reason) {
				names = append(names, name)
			}
		}
		slices.Sort(names)
		what := "unpack it with its password, and import the folder"
		if reason == errMethod {
			what = "unpack it, and import the folder"
		}
		if len(names) > 0 {
			add(true, "a zip with %d of %d files %v, such as %q: %s", len(names), len(z.files), reason, names[0], what)
		}
	}
	if len(z.duplicates) > 0 {
		add(false, "a zip with %d names that stand in it more than once, such as %q: the last one of each is read", len(z.duplicates), z.duplicates[0])
	}
	return out
}

// Open implements fs.FS.
func (z *zipFS) Open(name string) (fs.File, error) {
	fail := func(err error) (fs.File, error) { return nil, &fs.PathError{Op: "open", Path: name, Err: err} }
	if !fs.ValidPath(name) {
		return fail(fs.ErrInvalid)
	}
	if err := z.refused[name]; err != nil {
		return fail(err)
	}
	e := z.files[name]
	if e == nil {
		return fail(fs.ErrNotExist)
	}
	r, err := e.Open()
	if err != nil {
		return fail(err)
	}
	return &zipFile{ReadCloser: r, file: e}, nil
}

// ReadDir implements fs.ReadDirFS.
func (z *zipFS) ReadDir(name string) ([]fs.DirEntry, error) {
	list, ok := z.dirs[name]
	if !ok {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: fs.ErrNotExist}
	}
	return list, nil
}

// Stat implements fs.StatFS.
func (z *zipFS) Stat(name string) (fs.FileInfo, error) {
	if e := z.files[name]; e != nil {
		return e.FileInfo(), nil
	}
	return nil, &fs.PathError{Op: "stat", Path: name, Err: fs.ErrNotExist}
}

// zipFile is an open file of a zip.
type zipFile struct {
	io.ReadCloser
	file *zip.File
}

// Stat implements fs.File.
func (f *zipFile) Stat() (fs.FileInfo, error) { return f.file.FileInfo(), nil }

// zipEntry is a file, or a folder, as a listing shows it.
type zipEntry struct {
	name string
	file *zip.File // nil: a folder
}

// Name, IsDir, Type and Info implement fs.DirEntry.
func (e *zipEntry) Name() string { return e.name }

// IsDir implements fs.DirEntry.
func (e *zipEntry) IsDir() bool { return e.file == nil }

// Type implements fs.DirEntry.
func (e *zipEntry) Type() fs.FileMode {
	if e.file == nil {
		return fs.ModeDir
	}
	return 0
}

// Info implements fs.DirEntry.
func (e *zipEntry) Info() (fs.FileInfo, error) {
	if e.file == nil {
		return folderInfo(e.name), nil
	}
	return e.file.FileInfo(), nil
}

// folderInfo describes a folder in a zip, which need not have an entry.
type folderInfo string

func (f folderInfo) Name() string     { return string(f) }
func (folderInfo) Size() int64        { return 0 }
func (folderInfo) Mode() fs.FileMode  { return fs.ModeDir }
func (folderInfo) ModTime() time.Time { return time.Time{} }
func (folderInfo) IsDir() bool        { return true }
func (folderInfo) Sys() any           { return nil }
