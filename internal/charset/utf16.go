package charset

import (
	"bytes"
	"io"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// UTF16 returns the decoder of a file that begins with head, if that is UTF-16: by its byte order mark or, without one, because
// every other byte of plain text is zero. It returns nil for everything else.
func UTF16(head []byte) encoding.Encoding {
	switch {
	case bytes.HasPrefix(head, []byte{0xff, 0xfe}) && !bytes.HasPrefix(head, []byte{0xff, 0xfe, 0, 0}):
		return unicode.UTF16(unicode.LittleEndian, unicode.UseBOM)
	case bytes.HasPrefix(head, []byte{0xfe, 0xff}):
		return unicode.UTF16(unicode.BigEndian, unicode.UseBOM)
	}
	const least = 16
	if len(head) < least {
		return nil
	}
	var zero [2]int
	n := min(len(head), 4096) &^ 1
	for i, c := range head[:n] {
		if c == 0 {
			zero[i&1]++
		}
	}
	switch half := n / 2; {
	case zero[1]*4 >= half*3 && zero[0] == 0:
		return unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM)
	case zero[0]*4 >= half*3 && zero[1] == 0:
		return unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM)
	}
	return nil
}

// Reader returns r decoded from e into UTF-8, without a byte order mark of its own. Closing it closes r.
func Reader(r io.ReadCloser, e encoding.Encoding) io.ReadCloser {
	return struct {
		io.Reader
		io.Closer
	}{transform.NewReader(r, e.NewDecoder()), r}
}
