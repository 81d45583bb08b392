package files

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"

	"golang.org/x/text/encoding"

	"github.com/agrichat/agrichat/internal/charset"
	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/producers"
)

// plain opens a file unpacked and as UTF-8.
type plain struct {
	raw    func() (fs.File, error)
	gzip   bool
	utf16  encoding.Encoding // nil: it is not UTF-16
	damage *damage
}

// openPlain finds the plain form of a file, and its beginning.
func openPlain(raw func() (fs.File, error)) (_ *plain, head []byte, err error) {
	p := &plain{raw: raw, damage: &damage{}}
	if head, err = readHead(p.open); err != nil {
		return nil, nil, err
	}
	if isGzip(head) {
		p.gzip = true
		if head, err = readHead(p.open); err != nil {
			return nil, nil, err
		}
	}
	if container(head) != "" { // which may hold text that is UTF-16
		return p, head, nil
	}
	if p.utf16 = charset.UTF16(head); p.utf16 != nil {
		if head, err = readHead(p.open); err != nil {
			return nil, nil, err
		}
	}
	return p, head, nil
}

// changed reports whether the plain form is another than the file's own.
func (p *plain) changed() bool { return p.gzip || p.utf16 != nil }

// open opens the plain form. What is damaged ends where it cannot be unpacked any more.
func (p *plain) open() (io.ReadCloser, error) {
	raw, err := p.raw()
	if err != nil {
		return nil, err
	}
	if !p.changed() && !packed(raw) {
		return raw, nil
	}
	s := &truncatedFile{File: raw, from: raw, damage: p.damage}
	if p.gzip {
		s.from = &gunzip{packed: raw}
	}
	var r io.ReadCloser = s
	if p.utf16 != nil {
		r = charset.Reader(r, p.utf16)
	}
	return r, nil
}

// packed reports whether a file is decompressed while it is read.
func packed(f fs.File) bool {
	_, plain := f.(io.Seeker)
	return !plain
}

// size is the length of the plain form. A compressed file is read for it.
func (p *plain) size(info fs.FileInfo) (n int64, err error) {
	if !p.changed() {
		return info.Size(), nil
	}
	r, err := p.open()
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	return io.Copy(io.Discard, r)
}

func readHead(open func() (io.ReadCloser, error)) (_ []byte, err error) {
	r, err := open()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	head := make([]byte, producers.HeadSize)
	n, err := io.ReadFull(r, head)
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		err = nil
	}
	return slices.Clip(head[:n]), err
}

func isGzip(head []byte) bool { return bytes.HasPrefix(head, []byte{0x1f, 0x8b, 8}) }

// withoutGzip is the name that a file had before it was packed.
func withoutGzip(name string) string {
	if cut := len(name) - len(".gz"); cut > 0 && strings.EqualFold(name[cut:], ".gz") {
		return name[:cut]
	}
	return name
}

// gunzip reads the header when it is read first: opening a damaged file is no failure.
type gunzip struct {
	packed io.Reader
	z      *gzip.Reader
	any    bool // something was unpacked
}

func (g *gunzip) Read(b []byte) (n int, err error) {
	if g.z == nil {
		if g.z, err = gzip.NewReader(g.packed); err != nil {
			return 0, errors.Join(err, io.ErrUnexpectedEOF)
		}
	}
	n, err = g.z.Read(b)
	g.any = g.any || n > 0
	if g.any && errors.Is(err, gzip.ErrHeader) { // padding after the last member
		err = io.EOF
	}
	return n, err
}

// truncatedFile ends a file where it is damaged.
type truncatedFile struct {
	fs.File
	from   io.Reader
	damage *damage
	read   int64
}

func (s *truncatedFile) Read(b []byte) (int, error) {
	n, err := s.from.Read(b)
	s.read += int64(n)
	if err != nil && !errors.Is(err, io.EOF) && damaged(err) {
		s.damage.add(err, s.read)
		err = io.EOF
	}
	return n, err
}

// Close implements io.Closer. Damage was reported by Read.
func (s *truncatedFile) Close() error {
	err := s.File.Close()
	if err != nil && damaged(err) {
		return nil
	}
	return err
}

// damaged reports whether an error is about the packed content and not about reading it.
func damaged(err error) bool {
	var corrupt flate.CorruptInputError
	for _, e := range []error{io.ErrUnexpectedEOF, zip.ErrChecksum, zip.ErrFormat, gzip.ErrChecksum, gzip.ErrHeader} {
		if errors.Is(err, e) {
			return true
		}
	}
	return errors.As(err, &corrupt)
}

// tailSize is how much of a compressed file's end distinguishes it from another one of its size.
const tailSize = 64 << 10

// stamp identifies a file's content by what the file system or the zip has of it, without reading it. Of a compressed file the end
// is read too: it has gzip's checksum.
func (c *candidate) stamp() string {
	stamp := fmt.Sprint(c.info.Size(), c.info.ModTime().UnixNano())
	if h, ok := c.info.Sys().(*zip.FileHeader); ok {
		return stamp + fmt.Sprint(" crc ", h.CRC32)
	}
	if !c.plain.changed() {
		return stamp
	}
	raw, err := c.plain.raw()
	if err != nil {
		return stamp // reading the file will return the reason
	}
	defer func() { _ = raw.Close() }() // nothing was written
	if at, ok := raw.(io.ReaderAt); ok {
		end := make([]byte, min(tailSize, c.info.Size()))
		n, _ := at.ReadAt(end, c.info.Size()-int64(len(end)))
		stamp += " " + event.Digest(string(end[:n]))
	}
	return stamp
}
