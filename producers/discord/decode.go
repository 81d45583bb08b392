package discord

import (
	"errors"
	"fmt"

	"github.com/agrichat/agrichat/internal/jsonscan"
)

// decoder reads messages. It is used by one session, one value after the other.
type decoder struct {
	*jsonscan.Decoder
	tags bool // the four digits of names are wanted
}

func newDecoder() *decoder { return &decoder{Decoder: jsonscan.NewDecoder()} }

// text reads a value that stands alone; empty if it is no plain value.
func (d *decoder) text(raw []byte) string {
	d.Reset(jsonscan.ValidUTF8(raw))
	s, _ := d.Text() // what cannot be read is not known
	return s
}

var (
	errNoID   = errors.New("the record has no id")
	errTrails = errors.New("something follows the record")
)

// record reads a message, which is UTF-8.
func (d *decoder) record(raw []byte) (*record, error) {
	d.Reset(raw)
	r := new(record)
	if err := d.Object(func(key []byte) error { return d.field(r, key) }); err != nil {
		return nil, fmt.Errorf("reading a message: %w", err)
	}
	if d.Offset() != int64(len(raw)) && d.Kind() != 0 {
		return nil, errTrails
	}
	if r.id == "" {
		return nil, errNoID
	}
	return r, nil
}

func (d *decoder) truth(b *bool) error {
	v, err := d.Text()
	*b = v == "true"
	return err
}
