package whatsapp

import (
	"bytes"
	"io"
	"unicode"
	"unicode/utf8"

	"github.com/agrichat/agrichat/internal/charset"
	"github.com/agrichat/agrichat/producers/whatsapp/header"
)

// decoder decodes the text of one file.
type decoder struct{ *charset.Decoder }

func newDecoder(name string, open func() (io.ReadCloser, error)) (*decoder, error) {
	d, err := charset.NewDecoder(name, open)
	if err != nil {
		return nil, err
	}
	return &decoder{d}, nil
}

// decodedHeader is a header and its length in bytes; 0 if it was found in decoded text only.
type decodedHeader struct {
	header.Header
	length int
}

// parseHeader reads the start of a message. Most headers are ASCII and invisible marks whatever the rest is in, so that only what is no
// header as it is written is decoded.
func (d *decoder) parseHeader(line []byte) (decodedHeader, bool) {
	h, ok := header.Parse(string(line))
	if ok {
		return decodedHeader{h, len(line) - len(h.Rest)}, true
	}
	if utf8.Valid(line) {
		return decodedHeader{h, 0}, false
	}
	text, _ := d.Decode(line)
	h, ok = header.Parse(text)
	return decodedHeader{h, 0}, ok
}

// resembles reports whether a line that is no header begins as those of the style do, and goes on as a message does.
func (d *decoder) resembles(line []byte, s header.Style, p *phrases) bool {
	if r, _ := utf8.DecodeRune(line); r >= utf8.RuneSelf && !header.IsMark(r) && !unicode.IsDigit(r) {
		return false
	}
	text, _ := d.Decode(line)
	rest, ok := s.Resembles(text)
	return ok && p.follows(rest)
}

// head is the start of a file in UTF-8.
func (d *decoder) head(b []byte) []byte {
	if utf8.Valid(b) {
		return b
	}
	var out []byte
	for line := range bytes.SplitAfterSeq(b, []byte{lineEnd(b)}) {
		h, _ := d.parseHeader(line)
		text, _ := d.Decode(line[h.length:])
		out = append(append(out, line[:h.length]...), text...)
	}
	return out
}

// read takes the next line. What is not UTF-8 has its names in two forms: as they are read, and as content keys have them.
func (v *surveyor) read(line []byte, d *decoder) {
	h, ok := d.parseHeader(line)
	if !ok {
		return
	}
	valid := utf8.Valid(line)
	if !valid && h.length > 0 {
		h.Rest, _ = d.Decode(line[h.length:])
	}
	v.line(&h.Header)
	if valid || h.Style != v.style {
		return
	}
	if key := charset.Key(line[h.length:]); h.length > 0 && key != h.Rest {
		v.sender(key)
	} else if k, ok := header.Parse(key); ok && h.length == 0 {
		v.sender(k.Rest)
	}
}
