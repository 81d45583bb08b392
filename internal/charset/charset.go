// Package charset turns text of any character set into UTF-8: one decoder for every source that reads files.
//
// UTF-8 is taken as it is. What is not UTF-8 is read in the charset that the user named or, without one, in the charset
// that the file's own words look most like; the decoder says which, so that the guess can be reported and put right later.
// Key gives the form that content keys are made of: it does not depend on any charset, so that reading the same bytes
// in another one gives the same ids.
package charset

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/ianaindex"
)

// Damaged is the label of text that is UTF-8 but for single bytes, which became U+FFFD.
const Damaged = "utf-8"

// Lookup finds a charset by its IANA name or an everyday one, such as cp1251. The returned name is the IANA one, in lower case.
func Lookup(name string) (encoding.Encoding, string, error) {
	unknown := fmt.Errorf("charset %q is not known: name it as IANA does, for example windows-1251 or KOI8-R", name)
	e, err := htmlindex.Get(codePage(name))
	if err != nil {
		if e, err = ianaindex.IANA.Encoding(name); err != nil || e == nil {
			return nil, "", unknown
		}
	}
	full, err := htmlindex.Name(e)
	if err != nil {
		if full, err = ianaindex.IANA.Name(e); err != nil {
			full = name
		}
	}
	return e, strings.ToLower(full), nil
}

// codePage gives code pages of Windows that have no name of their own in the index the name that they have there.
func codePage(name string) string {
	switch strings.ToLower(name) {
	case "cp932":
		return "shift_jis"
	case "cp936":
		return "gbk"
	case "cp949":
		return "euc-kr"
	case "cp950":
		return "big5"
	}
	return name
}

// Decoder decodes the text of one file. It may be used by one goroutine at a time.
type Decoder struct {
	encoding encoding.Encoding
	label    string
	named    bool
	guess    func() (encoding.Encoding, string)
}

// NewDecoder returns a decoder of one file. name is the charset that the user named, as Lookup takes it; empty: nobody did. Then the
// file is read through open when the first text comes that is not UTF-8, to guess from all of it; a nil open, or one that fails,
// leaves windows-1252.
func NewDecoder(name string, open func() (io.ReadCloser, error)) (*Decoder, error) {
	if name == "" {
		return &Decoder{guess: sync.OnceValues(func() (encoding.Encoding, string) { return guessFile(open) })}, nil
	}
	e, label, err := Lookup(name)
	if err != nil {
		return nil, err
	}
	return &Decoder{encoding: e, label: label, named: true}, nil
}

// Named reports whether the user named the charset.
func (d *Decoder) Named() bool { return d.named }

// Decode returns b as UTF-8. The label is empty if it was UTF-8; otherwise it is the charset in which b was read, or Damaged.
func (d *Decoder) Decode(b []byte) (text, label string) {
	if utf8.Valid(b) {
		return string(b), ""
	}
	if mostlyUTF8(b) {
		return strings.ToValidUTF8(string(b), string(utf8.RuneError)), Damaged
	}
	e, label := d.encoding, d.label
	if e == nil {
		e, label = d.guess()
		d.encoding, d.label = e, label
	}
	return In(e, b), label
}

// In decodes b from e; bytes that e does not have become U+FFFD.
func In(e encoding.Encoding, b []byte) string {
	out, err := e.NewDecoder().Bytes(b)
	if err != nil {
		out = b
	}
	return strings.ToValidUTF8(string(out), string(utf8.RuneError))
}

// Key returns b as content keys take it: as it is if it is UTF-8, else with a character of windows-1252 for each byte.
func Key(b []byte) string {
	if utf8.Valid(b) {
		return string(b)
	}
	if mostlyUTF8(b) {
		return strings.ToValidUTF8(string(b), string(utf8.RuneError))
	}
	return In(charmap.Windows1252, b)
}

// IsASCII reports whether s is the same in every charset that keeps ASCII.
func IsASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// mostlyUTF8 reports whether b is UTF-8 of which single bytes are broken, as where a limit of bytes cut a character: more of its
// characters beyond ASCII are whole than bytes are broken. In another charset nearly all are broken.
func mostlyUTF8(b []byte) bool {
	whole, broken := 0, 0
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		if r == utf8.RuneError && n == 1 {
			broken++
		} else if n > 1 {
			whole++
		}
		b = b[n:]
	}
	return whole > broken
}
