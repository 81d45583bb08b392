package files

import (
	"io"
	"io/fs"
)

// folder is an open folder of an export, of which only the listing is read: a source may list the files next to its own.
type folder struct {
	fs.FileInfo
	name    string
	entries []fs.DirEntry
}

// openFolder lists a folder; ok is false if name is none.
func openFolder(in fs.FS, name string) (_ *folder, ok bool) {
	if !fs.ValidPath(name) {
		return nil, false
	}
	info, err := fs.Stat(in, name)
	if err == nil && !info.IsDir() {
		return nil, false
	}
	entries, err := fs.ReadDir(in, name)
	return &folder{info, name, entries}, err == nil
}

// Stat implements fs.File.
func (f *folder) Stat() (fs.FileInfo, error) {
	if f.FileInfo == nil { // a zip need not have entries for its folders
		return nil, f.fail("stat")
	}
	return f.FileInfo, nil
}

// Read implements fs.File.
func (f *folder) Read([]byte) (int, error) { return 0, f.fail("read") }

// Close implements fs.File.
func (f *folder) Close() error { return nil }

// ReadDir implements fs.ReadDirFile.
func (f *folder) ReadDir(n int) ([]fs.DirEntry, error) {
	out := f.entries
	if n > 0 && len(out) == 0 {
		return nil, io.EOF
	}
	if n > 0 {
		out = out[:min(n, len(out))]
	}
	f.entries = f.entries[len(out):]
	return out, nil
}

func (f *folder) fail(op string) error {
	return &fs.PathError{Op: op, Path: f.name, Err: fs.ErrInvalid}
}
