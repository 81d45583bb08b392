package discord

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// decoder reads JSON values. It is used by one session, one value after the other.
type decoder struct {
	json *jsontext.Decoder
	buf  bytes.Buffer
}

func newDecoder() *decoder { return &decoder{json: jsontext.NewDecoder(new(bytes.Buffer))} }

func (d *decoder) reset(raw []byte) {
	d.buf = *bytes.NewBuffer(raw)
	d.json.Reset(&d.buf, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
}

// text reads a value that stands alone; empty if it is no plain value.
func (d *decoder) text(raw []byte) string {
	d.reset(validUTF8(raw))
	s, _ := d.str() // what cannot be read is not known
	return s
}

var (
	errNoID   = errors.New("the record has no id")
	errTrails = errors.New("something follows the record")
)

// record reads a message.
func (d *decoder) record(raw []byte) (*record, error) {
	d.reset(validUTF8(raw))
	r := new(record)
	if err := d.object(func(key []byte) error { return d.field(r, key) }); err != nil {
		return nil, fmt.Errorf("reading a message: %w", err)
	}
	if d.json.InputOffset() != int64(len(raw)) && d.json.PeekKind() != 0 {
		return nil, errTrails
	}
	if r.id == "" {
		return nil, errNoID
	}
	return r, nil
}

// object calls member for each name, which must read the value.
func (d *decoder) object(member func(key []byte) error) error {
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

// array calls element for each element, which must read it.
func (d *decoder) array(element func() error) error {
	if d.json.PeekKind() != '[' {
		return d.json.SkipValue()
	}
	if _, err := d.json.ReadToken(); err != nil {
		return err
	}
	for d.json.PeekKind() != ']' {
		if err := element(); err != nil {
			return err
		}
	}
	_, err := d.json.ReadToken()
	return err
}

// str reads a plain value as text; anything else, and null, is empty.
func (d *decoder) str() (string, error) {
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
			b = validUTF8(b)
		}
		return string(b), nil
	case '0', 't', 'f':
		return string(v), nil
	}
	return "", nil
}

func (d *decoder) into(s *string) (err error) {
	*s, err = d.str()
	return err
}

func (d *decoder) truth(b *bool) error {
	v, err := d.str()
	*b = v == "true"
	return err
}

func (d *decoder) number(n *int64) error {
	v, err := d.str()
	if err != nil {
		return err
	}
	if i, err := strconv.ParseInt(v, 10, 64); err == nil {
		*n = i
	}
	return nil
}

func validUTF8(b []byte) []byte {
	if utf8.Valid(b) {
		return b
	}
	return bytes.ToValidUTF8(b, []byte("\uFFFD"))
}
