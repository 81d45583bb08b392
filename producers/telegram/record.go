package telegram

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// record is a message as the exporter writes it. What has no field here is in details, if it is a plain value.
type record struct {
	id, kind                 string // kind: message, service, unsupported
	date, unix               string
	edited, editedUnix       string
	from, fromID             string
	text                     string
	links                    []string
	mentions                 []mention
	replyTo, replyPeer       string
	forwarded                bool
	forwardFrom, forwardID   string
	photo, file, fileName    string
	mediaType, mime          string
	photoBytes, fileBytes    int64
	width, height            int
	seconds                  float64
	poll                     *poll
	reactions                []reaction
	action, target           string
	title, newTitle          string
	members                  []string
	details                  map[string]string
	hasText, hasPhoto, isBot bool
}

type mention struct{ id, name string }

type poll struct {
	question string
	closed   bool
	voters   int
	options  []pollOption
}

type pollOption struct {
	text  string
	votes int
}

type reaction struct {
	kind, emoji, document string
	count                 int
	recent                []recent
}

type recent struct{ from, fromID, date string }

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
	if bytes.Contains(raw, []byte(`\x`)) {
		raw = repairEscapes(raw)
	}
	d.reset(validUTF8(raw))
	s, _ := d.str() // what cannot be read is not known
	return s
}

// member reads one member of an object that stands alone.
func (d *decoder) member(raw []byte, name string) (value string, err error) {
	d.reset(validUTF8(raw))
	err = d.object(func(key []byte) error {
		if string(key) != name {
			return d.json.SkipValue()
		}
		value, err = d.str()
		return err
	})
	return value, err
}

var errNoID = errors.New("the record has neither an id nor a date")

// record reads a message. Repairs are tried only on what needs them: nearly nothing does.
func (d *decoder) record(raw []byte) (*record, error) {
	raw = validUTF8(raw)
	if bytes.Contains(raw, []byte(`\x`)) {
		raw = repairEscapes(raw)
	}
	r, err := d.try(raw)
	if err != nil {
		if repaired := repairPaths(raw); !bytes.Equal(repaired, raw) {
			r, err = d.try(repaired)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("reading a message: %w", err)
	}
	if r.id == "" && r.date == "" && r.unix == "" {
		return nil, errNoID
	}
	return r, nil
}

func (d *decoder) try(raw []byte) (*record, error) {
	d.reset(raw)
	r := new(record)
	if err := d.object(func(key []byte) error { return d.field(r, key) }); err != nil {
		return nil, err
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

func (d *decoder) number(n *int) error {
	v, err := d.str()
	if err != nil {
		return err
	}
	if i, err := strconv.Atoi(v); err == nil {
		*n = i
	}
	return nil
}

func (d *decoder) long(n *int64) error {
	v, err := d.str()
	if err != nil {
		return err
	}
	if i, err := strconv.ParseInt(v, 10, 64); err == nil {
		*n = i
	}
	return nil
}

// isNumber reports whether s is all digits, at least one.
func isNumber(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}
