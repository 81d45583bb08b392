package files

import (
	"archive/zip"
	"bufio"
	"bytes"
	"compress/flate"
	"encoding/binary"
	"errors"
	"io"
	"unicode"
)

// rescue finds the files of a zip whose directory is lost, by the header before each. It builds a new directory, which
// archive/zip reads. A truncated file is listed as far as it is there.
func rescue(at io.ReaderAt, size int64) (*zip.Reader, error) {
	s := &search{at: at, size: size}
	for pos := s.next(0); pos >= 0; {
		end, ok := s.entry(pos)
		if !ok {
			end = pos + 1
		}
		pos = s.next(end)
	}
	if s.found == 0 {
		return nil, zip.ErrFormat
	}
	const endSize = 22
	end := make([]byte, endSize)
	copy(end, "PK\x05\x06")
	count := uint16(min(s.found, 0xfffe))
	binary.LittleEndian.PutUint16(end[8:], count)
	binary.LittleEndian.PutUint16(end[10:], count)
	binary.LittleEndian.PutUint32(end[12:], uint32(s.list.Len()))
	binary.LittleEndian.PutUint32(end[16:], uint32(size))
	s.list.Write(end)
	return zip.NewReader(&appended{at, size, s.list.Bytes()}, size+int64(s.list.Len()))
}

// search is the search for headers.
type search struct {
	at    io.ReaderAt
	size  int64
	list  bytes.Buffer // the list of files that is made anew
	found int

	window []byte // of the file, from here on
	from   int64
}

const (
	localMark  = "PK\x03\x04"
	localSize  = 30
	mostNames  = 1 << 10   // bytes of a name that is no nonsense
	mostRescue = 1<<32 - 1 // beyond it, offsets need another form of the list
	searchStep = 1 << 20
)

// next finds the next header from pos on; -1: there is none.
func (s *search) next(pos int64) int64 { return s.find(pos, min(s.size, mostRescue), localMark) }

// find finds a mark that begins from pos on and before end; -1: there is none.
func (s *search) find(pos, end int64, mark string) int64 {
	for pos < end {
		b := s.read(pos, len(mark))
		if i := int64(bytes.Index(b, []byte(mark))); i >= 0 && pos+i < end {
			return pos + i
		}
		if len(b) < len(mark) {
			return -1
		}
		pos += int64(len(b) - len(mark) + 1)
	}
	return -1
}

// read returns the bytes from pos on, at least so many unless the file ends. They are buffered, and not read twice.
func (s *search) read(pos int64, least int) []byte {
	if pos < s.from || pos+int64(least) > s.from+int64(len(s.window)) {
		if s.window == nil {
			s.window = make([]byte, min(searchStep, s.size))
		}
		n, _ := s.at.ReadAt(s.window[:min(int64(cap(s.window)), s.size-pos)], pos)
		s.window, s.from = s.window[:n], pos
	}
	return s.window[pos-s.from:]
}

// entry adds the file whose header is at pos, and returns where its content ends.
func (s *search) entry(pos int64) (end int64, ok bool) {
	h := make([]byte, localSize)
	if n, _ := s.at.ReadAt(h, pos); n < localSize || s.found == 0xfffe {
		return 0, false
	}
	flags, method := binary.LittleEndian.Uint16(h[6:]), binary.LittleEndian.Uint16(h[8:])
	nameSize, extraSize := int64(binary.LittleEndian.Uint16(h[26:])), int64(binary.LittleEndian.Uint16(h[28:]))
	name := make([]byte, nameSize)
	body := pos + localSize + nameSize + extraSize
	if n, _ := s.at.ReadAt(name, pos+localSize); n < len(name) || nameSize == 0 || nameSize > mostNames || h[4] > 63 || body > s.size ||
		bytes.ContainsFunc(name, unicode.IsControl) {
		return 0, false
	}
	packed, plain := int64(binary.LittleEndian.Uint32(h[18:])), int64(binary.LittleEndian.Uint32(h[22:]))
	sum := binary.LittleEndian.Uint32(h[14:])
	whole := flags&8 == 0 && packed != mostRescue && plain != mostRescue && body+packed <= s.size
	if !whole {
		sum = 0
		packed, plain = s.measure(body, method)
	}
	s.add(pos, flags, method, sum, packed, plain, name, h[10:14])
	if whole || flags&1 == 0 && method == zip.Deflate && packed > 0 {
		return body + packed, true
	}
	return body, true
}

// measure computes the length of a content whose header lacks it or exceeds the file. Without an end the length is one more than
// there is, so that reading it fails at the end.
func (s *search) measure(body int64, method uint16) (packed, plain int64) {
	if method != zip.Deflate {
		end := s.find(body, s.size, "PK\x07\x08")
		if end < 0 {
			return s.size - body, s.size - body + 1
		}
		return end - body, end - body
	}
	in := &counted{r: bufio.NewReader(io.NewSectionReader(s.at, body, s.size-body))}
	plain, err := io.Copy(io.Discard, flate.NewReader(in))
	if err != nil {
		return in.n, plain + 1
	}
	return in.n, plain
}

// add writes a line of the list.
func (s *search) add(pos int64, flags, method uint16, sum uint32, packed, plain int64, name, stamp []byte) {
	h := make([]byte, 46, 46+len(name))
	copy(h, "PK\x01\x02")
	h[4], h[6] = 20, 20
	binary.LittleEndian.PutUint16(h[8:], flags&^8)
	binary.LittleEndian.PutUint16(h[10:], method)
	copy(h[12:], stamp)
	binary.LittleEndian.PutUint32(h[16:], sum)
	binary.LittleEndian.PutUint32(h[20:], uint32(packed))
	binary.LittleEndian.PutUint32(h[24:], uint32(plain))
	binary.LittleEndian.PutUint16(h[28:], uint16(len(name)))
	binary.LittleEndian.PutUint32(h[42:], uint32(pos))
	s.list.Write(append(h, name...))
	s.found++
}

// counted counts what is read byte by byte, which flate does where it can.
type counted struct {
	r *bufio.Reader
	n int64
}

func (c *counted) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.n += int64(n)
	return n, err
}

func (c *counted) ReadByte() (byte, error) {
	b, err := c.r.ReadByte()
	if err == nil {
		c.n++
	}
	return b, err
}

// appended is a file with more after its end.
type appended struct {
	at   io.ReaderAt
	size int64
	more []byte
}

// ReadAt implements io.ReaderAt.
func (a *appended) ReadAt(b []byte, pos int64) (n int, err error) {
	if pos < a.size {
		n, err = a.at.ReadAt(b[:min(int64(len(b)), a.size-pos)], pos)
		if err != nil && !errors.Is(err, io.EOF) || n == len(b) || pos+int64(n) < a.size {
			return n, err
		}
	}
	rest := a.more[min(max(pos+int64(n)-a.size, 0), int64(len(a.more))):]
	m := copy(b[n:], rest)
	if n += m; n < len(b) {
		return n, io.EOF
	}
	return n, nil
}
