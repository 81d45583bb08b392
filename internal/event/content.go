package event

import "crypto/sha256"

// Content is the content of an event without its provenance, encoded as in an envelope. It can be reused.
type Content struct {
	Author []byte // JSON; nil if no author is named
	Body   []byte // JSON
	lines  []byte // author, time and body: JSON has no line breaks of its own
}

// Read encodes the content of an event, and drops what was there.
func (c *Content) Read(e *Event) (err error) {
	b := c.lines[:0]
	if !e.Author.IsZero() {
		b = appendPerson(b, &e.Author)
	}
	author := len(b)
	b = append(b, '\n')
	if !e.Sent.IsZero() {
		sent := e.Sent
		sent.At = sent.At.UTC()
		if b, err = appendInstant(b, &sent); err != nil {
			return err
		}
	}
	b = append(b, '\n')
	body := len(b)
	if b, err = AppendBody(b, e.Body); err != nil {
		return err
	}
	*c = Content{Body: b[body:], lines: b}
	if author > 0 {
		c.Author = b[:author]
	}
	return nil
}

// Digest is 128 bits of the SHA-256 of the content: copies of one event with equal digests have equal content.
func (c *Content) Digest() [16]byte {
	sum := sha256.Sum256(c.lines)
	return [16]byte(sum[:16])
}
