package event

import "crypto/sha256"

// Content is what an event says, provenance aside, written as in an envelope.
type Content struct {
	Author []byte // JSON; nil if nobody is named
	Body   []byte // JSON
	lines  []byte // author, time and body: JSON has no line breaks of its own
}

// contentRoom is what author, time and an ordinary body take.
const contentRoom = 512

// ContentOf writes what an event says.
func ContentOf(e *Event) (c Content, err error) {
	b := make([]byte, 0, contentRoom)
	if !e.Author.IsZero() {
		b = appendPerson(b, &e.Author)
	}
	author := len(b)
	b = append(b, '\n')
	if !e.Sent.IsZero() {
		sent := e.Sent
		sent.At = sent.At.UTC()
		if b, err = appendInstant(b, sent); err != nil {
			return Content{}, err
		}
	}
	b = append(b, '\n')
	body := len(b)
	if b, err = AppendBody(b, e.Body); err != nil {
		return Content{}, err
	}
	c = Content{Body: b[body:], lines: b}
	if author > 0 {
		c.Author = b[:author]
	}
	return c, nil
}

// Digest is 128 bits of the SHA-256 of the content: copies of one event that have it in common say the same.
func (c *Content) Digest() [16]byte {
	sum := sha256.Sum256(c.lines)
	return [16]byte(sum[:16])
}
