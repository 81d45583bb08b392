package fact

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strconv"
	"time"
)

// Hash is 16 bytes of a hash of a fact's content: all fields, without the thing's id and the version. It is of
// the whole fact, even if the fact was truncated. The zero value means that there is none: the fact was made by an older program.
//
// The content is a text, so that both databases can make it from their columns (internal/verify/queries and
// internal/ch/queries, states_*.sql): the fields in the order below with a unit separator between them; the elements of a list with a
// record separator between them; a key as a UUID, none as the nil UUID; a time in microseconds since 1970; t or f. A change here
// needs a new column, for rows with the old hash remain.
type Hash [16]byte

// The seconds since 1970 between which a time is part of the content: those that ClickHouse can hold. Others count as no time.
const (
	FirstSecond = -2_208_988_800 // 1900-01-01
	EndSecond   = 9_214_646_400  // 2262-01-01
)

const (
	unitSeparator   = '\x1f'
	recordSeparator = '\x1e'
	noKey           = "00000000000000000000000000000000"
)

// hashLength is how long a hash is as text.
const hashLength = 22

// AppendText appends the hash in the form of JSON.
func (h Hash) AppendText(b []byte) ([]byte, error) {
	return base64.RawURLEncoding.AppendEncode(b, h[:]), nil
}

// MarshalText returns the hash in the form of JSON.
func (h Hash) MarshalText() ([]byte, error) { return h.AppendText(nil) }

// UnmarshalText reads what AppendText wrote.
func (h *Hash) UnmarshalText(text []byte) error {
	if len(text) != hashLength {
		return fmt.Errorf("the hash of a fact has %d characters, not %d", len(text), hashLength)
	}
	n, err := base64.RawURLEncoding.Decode(h[:], text)
	if err != nil {
		return fmt.Errorf("reading the hash of a fact: %w", err)
	}
	if n != len(h) { // it holds line ends
		return fmt.Errorf("the hash of a fact has %d bytes, not %d", n, len(h))
	}
	return nil
}

// IsZero reports whether there is no hash.
func (h Hash) IsZero() bool { return h == Hash{} }

// content builds the text that is hashed.
type content struct{ buf []byte }

func (c *content) begin(source string) *content {
	c.buf = append(c.buf[:0], source...)
	return c
}

func (c *content) sum() (h Hash) {
	sum := sha256.Sum256(c.buf)
	copy(h[:], sum[:])
	return h
}

func (c *content) text(values ...string) *content {
	for _, s := range values {
		c.buf = append(append(c.buf, unitSeparator), s...)
	}
	return c
}

func (c *content) list(values []string) *content {
	c.buf = append(c.buf, unitSeparator)
	for i, s := range values {
		if i > 0 {
			c.buf = append(c.buf, recordSeparator)
		}
		c.buf = append(c.buf, s...)
	}
	return c
}

func (c *content) number(n uint64) *content {
	c.buf = strconv.AppendUint(append(c.buf, unitSeparator), n, 10)
	return c
}

func (c *content) bool(v bool) *content {
	letter := byte('f')
	if v {
		letter = 't'
	}
	c.buf = append(c.buf, unitSeparator, letter)
	return c
}

func (c *content) time(t *time.Time) *content {
	c.buf = append(c.buf, unitSeparator)
	if t != nil && InRange(*t) {
		c.buf = strconv.AppendInt(c.buf, t.UnixMicro(), 10)
	}
	return c
}

// key writes 32 hexadecimal digits as a UUID.
func (c *content) key(digits string) *content {
	if digits == "" {
		digits = noKey
	}
	if len(digits) != len(noKey) { // no consumer takes such a fact
		return c.text(digits)
	}
	c.buf = append(append(c.buf, unitSeparator), digits[:8]...)
	for at := 8; at < 20; at += 4 {
		c.buf = append(append(c.buf, '-'), digits[at:at+4]...)
	}
	c.buf = append(append(c.buf, '-'), digits[20:]...)
	return c
}

// InRange reports whether a time is part of the content.
func InRange(t time.Time) bool { return t.Unix() >= FirstSecond && t.Unix() < EndSecond }
