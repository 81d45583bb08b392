package export

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/producers"
)

// Locate says where the file is, or why it is not there: the exporter writes the reason in place of the path.
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
	found, err := f.sum(ctx, where)
	if err != nil {
		return err
	}
	a.Missing = found.missing
	if found.hash != "" {
		a.SHA256, a.Bytes = found.hash, found.size
	}
	return nil
}

// Folder is the one that the export stands in. Files are read where they stand, one piece at a time, and never outside
// of it, whatever path an export may name.
type Folder struct {
	root   *os.Root                                // nil if the export stands in no folder that can be read
	beside func(rel string) (io.ReadCloser, error) // then: opens what is in the zip with it; nil: nothing does
	sums   map[string]digest
}

type digest struct {
	hash, missing string
	size          int64
}

// remembered is how many files' sums are kept: stickers come again and again.
const remembered = 4096

func OpenFolder(export producers.File) *Folder {
	f := &Folder{sums: map[string]digest{}}
	var err error
	if f.root, err = os.OpenRoot(filepath.Dir(filepath.FromSlash(export.Path))); err != nil { // an export in a zip
		f.root = nil
		if export.Beside == nil {
			return f
		}
		if self, err := export.Beside(path.Base(export.Path)); err == nil { // whoever opens that opens what is beside it
			_ = self.Close()
			f.beside = export.Beside
		}
	}
	return f
}

func (f *Folder) Close() {
	if f.root != nil {
		_ = f.root.Close() // it was only read
	}
}

// sum reads a file. That it cannot be read is something to note, and no reason to stop; only the end of ctx is.
func (f *Folder) sum(ctx context.Context, name string) (digest, error) {
	if f.root == nil && f.beside == nil {
		return digest{}, nil
	}
	if s, known := f.sums[name]; known {
		return s, nil
	}
	s := f.read(ctx, name)
	if err := ctx.Err(); err != nil {
		return digest{}, fmt.Errorf("reading the file %s: %w", name, err)
	}
	if len(f.sums) >= remembered {
		clear(f.sums)
	}
	f.sums[name] = s
	return s, nil
}

func (f *Folder) read(ctx context.Context, name string) digest {
	if f.root == nil {
		return f.readBeside(ctx, name)
	}
	info, err := f.root.Stat(filepath.FromSlash(name)) // before opening: opening a pipe would wait for a writer
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return digest{missing: notHeld}
	case err != nil:
		return digest{missing: unreadable}
	case !info.Mode().IsRegular():
		return digest{missing: "the export names something that is no file"}
	}
	file, err := f.root.Open(filepath.FromSlash(name))
	if err != nil {
		return digest{missing: unreadable}
	}
	return hash(ctx, file)
}

// Why a file is missing.
const (
	notHeld    = "the export names this file but does not hold it"
	unreadable = "the file cannot be read from the export's folder"
)

func (f *Folder) readBeside(ctx context.Context, name string) digest {
	file, err := f.beside(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return digest{missing: notHeld}
	case err != nil:
		return digest{missing: unreadable}
	}
	return hash(ctx, file)
}

func hash(ctx context.Context, file io.ReadCloser) digest {
	defer func() { _ = file.Close() }() // it was only read
	h := sha256.New()
	n, err := io.Copy(h, &ContextReader{Ctx: ctx, R: file})
	if err != nil {
		return digest{missing: unreadable}
	}
	return digest{hash: hex.EncodeToString(h.Sum(nil)), size: n}
}

// ContextReader reads until its context ends: a video may take longer than anyone wants to wait.
type ContextReader struct {
	Ctx context.Context
	R   io.Reader
}

func (p *ContextReader) Read(b []byte) (int, error) {
	if err := p.Ctx.Err(); err != nil {
		return 0, err
	}
	return p.R.Read(b)
}
