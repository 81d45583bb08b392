package filekit

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/agrichat/agrichat/producers"
)

// Sidecars hashes the files that an export names and that lie beside it.
type Sidecars struct {
	open func(name string) (io.ReadCloser, error)
	sums map[string]Sum
}

// Sum is what is known of a file's content.
type Sum struct {
	SHA256 string
	Bytes  int64
	Err    error // why the file could not be read; fs.ErrNotExist: it is not there
}

// maxSums is how many sums are cached: an export names its stickers again and again.
const maxSums = 4096

// NewSidecars returns the sidecars that open opens; nil where nothing lies beside the export.
func NewSidecars(open func(name string) (io.ReadCloser, error)) *Sidecars {
	return &Sidecars{open: open, sums: map[string]Sum{}}
}

// Sum hashes a file; ok is false if nothing lies beside the export. That a file cannot be read is in its Sum, and no reason to stop;
// only the end of ctx is an error.
func (s *Sidecars) Sum(ctx context.Context, name string) (sum Sum, ok bool, err error) {
	if s.open == nil {
		return Sum{}, false, nil
	}
	if sum, ok := s.sums[name]; ok {
		return sum, true, nil
	}
	sum = s.read(ctx, name)
	if err := ctx.Err(); err != nil {
		return Sum{}, false, fmt.Errorf("reading the file %s: %w", name, err)
	}
	if len(s.sums) >= maxSums {
		clear(s.sums)
	}
	s.sums[name] = sum
	return sum, true, nil
}

func (s *Sidecars) read(ctx context.Context, name string) Sum {
	file, err := s.open(name)
	if err != nil {
		return Sum{Err: err}
	}
	defer func() { _ = file.Close() }() // it was only read
	h := sha256.New()
	n, err := io.Copy(h, ContextReader(ctx, file))
	if err != nil {
		return Sum{Err: err}
	}
	return Sum{SHA256: hex.EncodeToString(h.Sum(nil)), Bytes: n}
}

// ContextReader returns a reader of r that fails once ctx ends: a video may take longer than anyone wants to wait.
func ContextReader(ctx context.Context, r io.Reader) io.Reader { return &contextReader{ctx: ctx, r: r} }

type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c *contextReader) Read(b []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(b)
}

// ListBeside lists a folder of the export, by its path from the file's; nil if it is none, or lies outside of the export. An empty folder
// is not nil.
func ListBeside(f producers.File, folder string) (list []fs.DirEntry, err error) {
	r, err := f.Beside(folder)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrInvalid) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("listing %s beside %s: %w", folder, f.Path, err)
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	d, ok := r.(fs.ReadDirFile)
	if !ok {
		return nil, nil
	}
	if list, err = d.ReadDir(-1); list == nil {
		list = []fs.DirEntry{}
	}
	return list, err
}
