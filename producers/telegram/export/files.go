package export

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/producers"
	"github.com/agrichat/agrichat/producers/filekit"
)

// Folder is the one that the export is in. Files are read where they are, one piece at a time, and never outside
// of it, whatever path an export may name.
type Folder struct {
	root *os.Root // nil if the export is in no folder that can be read
	sums *filekit.Sidecars
}

// OpenFolder opens the folder of an export, or what is in the zip with it.
func OpenFolder(export producers.File) *Folder {
	root, err := os.OpenRoot(filepath.Dir(filepath.FromSlash(export.Path)))
	if err == nil {
		f := &Folder{root: root}
		f.sums = filekit.NewSidecars(f.open)
		return f
	}
	if export.Beside != nil {
		if self, err := export.Beside(path.Base(export.Path)); err == nil { // whoever opens that opens what is beside it
			_ = self.Close()
			return &Folder{sums: filekit.NewSidecars(export.Beside)}
		}
	}
	return &Folder{sums: filekit.NewSidecars(nil)}
}

// CloseWith returns what closes the folder and an open file of it.
func (f *Folder) CloseWith(file io.Closer) io.Closer { return closer{file, f} }

type closer struct {
	io.Closer
	folder *Folder
}

// Close closes both.
func (c closer) Close() error {
	if c.folder.root != nil {
		_ = c.folder.root.Close() // it was only read
	}
	return c.Closer.Close()
}

var errNoFile = errors.New("not a regular file")

// open looks before it opens: opening a pipe would wait for a writer.
func (f *Folder) open(name string) (io.ReadCloser, error) {
	info, err := f.root.Stat(filepath.FromSlash(name))
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, errNoFile
	}
	return f.root.Open(filepath.FromSlash(name))
}

// Locate says where an attachment's file is, or why it is not there: the exporter writes the reason in place of the path.
func (f *Folder) Locate(ctx context.Context, a *event.Attachment, where string) error {
	if where == "" {
		return nil
	}
	if strings.HasPrefix(where, "(") && strings.HasSuffix(where, ")") {
		a.Missing = strings.Trim(where, "()")
		return nil
	}
	a.Path = where
	if a.Name == "" {
		a.Name = path.Base(where)
	}
	sum, ok, err := f.sums.Sum(ctx, where)
	switch {
	case err != nil || !ok:
		a.Missing = ""
		return err
	case errors.Is(sum.Err, fs.ErrNotExist):
		a.Missing = "the export names this file but does not hold it"
	case errors.Is(sum.Err, errNoFile):
		a.Missing = "the export names something that is no file"
	case sum.Err != nil:
		a.Missing = "the file cannot be read from the export's folder"
	default:
		a.Missing, a.SHA256, a.Bytes = "", sum.SHA256, sum.Bytes
	}
	return nil
}
