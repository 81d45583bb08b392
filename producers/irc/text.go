package irc

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/ianaindex"
)

// charset turns lines into UTF-8. IRC has no encoding, so each line is decided by itself.
type charset struct{ fallback encoding.Encoding }

// newCharset finds the encoding of lines that are not UTF-8. Unnamed it is windows-1252: it has a character for nearly every
// byte and holds Latin-1, the most common of them.
func newCharset(name string) (charset, error) {
	if name == "" {
		return charset{charmap.Windows1252}, nil
	}
	if e, err := htmlindex.Get(name); err == nil { // it knows the everyday names: cp1251, koi8-r
		return charset{e}, nil
	}
	e, err := ianaindex.IANA.Encoding(name)
	if err != nil || e == nil {
		return charset{}, fmt.Errorf("charset %q is not known: name it as IANA does, for example windows-1251 or KOI8-R", name)
	}
	return charset{e}, nil
}

func (c charset) decode(line []byte) string {
	if utf8.Valid(line) {
		return string(line)
	}
	if cutUTF8(line) {
		return strings.ToValidUTF8(string(line), string(utf8.RuneError))
	}
	out, err := c.fallback.NewDecoder().Bytes(line)
	if err != nil {
		return strings.ToValidUTF8(string(line), string(utf8.RuneError))
	}
	return strings.ToValidUTF8(string(out), string(utf8.RuneError))
}

// cutUTF8 reports whether a line is UTF-8 of which a server's limit of 512 bytes cut a character: more of its characters
// beyond ASCII are whole than bytes are broken. In another charset nearly all are broken.
func cutUTF8(line []byte) bool {
	whole, broken := 0, 0
	for len(line) > 0 {
		r, n := utf8.DecodeRune(line)
		if r == utf8.RuneError && n == 1 {
			broken++
		} else if n > 1 {
			whole++
		}
		line = line[n:]
	}
	return whole > broken
}

// strip takes out mIRC's formatting and every other control character but the tab; a NUL would not even pass Postgres.
func strip(s string) string {
	i := 0
	for i < len(s) && (s[i] >= ' ' && s[i] != 0x7f || s[i] == '\t') {
		i++
	}
	if i == len(s) {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	b.WriteString(s[:i])
	for i < len(s) {
		c := s[i]
		i++
		switch {
		case c == 0x03:
			i += colours(s[i:], 2, isDigit)
		case c == 0x04:
			i += colours(s[i:], 6, isHex)
		case c >= ' ' && c != 0x7f || c == '\t':
			b.WriteByte(c)
		}
	}
	return b.String()
}

// colours returns the length of what follows a colour code: a foreground, or both with a comma.
func colours(s string, width int, is func(byte) bool) int {
	n := run(s, width, is)
	if n == 0 || n >= len(s) || s[n] != ',' {
		return n
	}
	if m := run(s[n+1:], width, is); m > 0 {
		return n + 1 + m
	}
	return n
}

func run(s string, most int, is func(byte) bool) int {
	n := 0
	for n < len(s) && n < most && is(s[n]) {
		n++
	}
	return n
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isHex(c byte) bool { return isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'f' }
