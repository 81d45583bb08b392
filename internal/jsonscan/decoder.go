package jsonscan

import (
	"bytes"
	"strconv"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// Decoder parses values, one after the other. Names may come twice in an object. What is of another type than the one
// asked for is skipped, and is no error: the errors are of what is no JSON.
type Decoder struct {
	json *jsontext.Decoder
	buf  bytes.Buffer
}

// NewDecoder returns a decoder that Reset gives something to do.
func NewDecoder() *Decoder { return &Decoder{json: jsontext.NewDecoder(new(bytes.Buffer))} }

// Reset begins with another value. raw belongs to the decoder until the next Reset, which does not change it.
func (d *Decoder) Reset(raw []byte) {
	d.buf = *bytes.NewBuffer(raw)
	d.json.Reset(&d.buf, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
}

// Kind is what the next value is: its first byte, '0' for every number; 0 if there is none or it is no JSON.
func (d *Decoder) Kind() jsontext.Kind { return d.json.PeekKind() }

// Skip passes the next value.
func (d *Decoder) Skip() error { return d.json.SkipValue() }

// Offset is how many bytes were read since Reset.
func (d *Decoder) Offset() int64 { return d.json.InputOffset() }

// Object calls member for each name, which must read the value. The name is as it is, without its quotation marks.
func (d *Decoder) Object(member func(key []byte) error) error {
	if d.json.PeekKind() != '{' {
		return d.json.SkipValue()
	}
	if _, err := d.json.ReadToken(); err != nil {
		return err
	}
	for d.json.PeekKind() != '}' {
		key, err := d.json.ReadValue()
		if err != nil {
			return err
		}
		if err := member(key[1 : len(key)-1]); err != nil {
			return err
		}
	}
	_, err := d.json.ReadToken()
	return err
}

// Array calls element for each element, which must read it.
func (d *Decoder) Array(element func() error) error { return Each(d.json, element) }

// Each calls element for each element of an array, which must read it. Anything else than an array has none.
func Each(d *jsontext.Decoder, element func() error) error {
	if d.PeekKind() != '[' {
		return d.SkipValue()
	}
	if _, err := d.ReadToken(); err != nil {
		return err
	}
	for d.PeekKind() != ']' {
		if err := element(); err != nil {
			return err
		}
	}
	_, err := d.ReadToken()
	return err
}

// Text reads a plain value as text; anything else, and null, is empty. So the digits of a number stay what they are.
func (d *Decoder) Text() (string, error) {
	v, err := d.json.ReadValue()
	if err != nil {
		return "", err
	}
	switch v.Kind() {
	case '"':
		if bytes.IndexByte(v, '\\') < 0 {
			return string(v[1 : len(v)-1]), nil
		}
		b, err := jsontext.AppendUnquote(nil, v)
		if err != nil { // half a surrogate pair: what it should have been is lost, and marked so
			b = ValidUTF8(b)
		}
		return string(b), nil
	case '0', 't', 'f':
		return string(v), nil
	}
	return "", nil
}

// Into reads a plain value into s.
func (d *Decoder) Into(s *string) (err error) {
	*s, err = d.Text()
	return err
}

// Number reads a whole number into n, which stays what it is if there is something else.
func (d *Decoder) Number(n *int64) error {
	v, err := d.Text()
	if err != nil {
		return err
	}
	if i, err := strconv.ParseInt(v, 10, 64); err == nil {
		*n = i
	}
	return nil
}

// ValidUTF8 returns b with what is no UTF-8 marked as such; b itself if there is nothing to mark.
func ValidUTF8(b []byte) []byte {
	if utf8.Valid(b) {
		return b
	}
	return bytes.ToValidUTF8(b, []byte("\uFFFD"))
}
