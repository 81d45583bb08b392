package bus

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/agrichat/agrichat/internal/event"
)

// The headers of our own.
const (
	// EventIDHeader carries the event's id, or those of a bundle; Nats-Msg-Id would make the server refuse whole batches and
	// remember millions.
	EventIDHeader = "Agrichat-Event-Id"
	// TrimmedHeader says what was taken out of an event because it was too large for the server.
	TrimmedHeader = "Agrichat-Trimmed"
	// EncodingHeader is "gzip" on facts that fit in no other way.
	EncodingHeader = "Agrichat-Encoding"
)

// headerReserve is what the headers of a message and those of an atomic batch take of the server's maximal payload, and what an
// operator's own may add. The ids of a bundle are not in it; they count with its data.
const headerReserve = 4 << 10

// measureFrom is the size of a text or a raw form below which no event is encoded only to be measured: JSON makes at most six
// bytes of one, and a server's maximal payload is a megabyte by default.
const measureFrom = 64 << 10

// Fit changes an event that is too large for the server until it fits, and returns what it did; empty if it fitted. Publishers
// need not call it: it is for callers that must know the final id of the event before.
func (p *Publisher) Fit(e *event.Event) string {
	text := 0
	if m, ok := e.Body.(*event.Message); ok {
		text = len(m.Text)
	}
	if len(e.Raw)+text < measureFrom && e.Kind != event.KindReactions && e.Kind != event.KindPoll {
		return ""
	}
	data, err := event.Encode(e)
	if most := p.c.maxPayload(); err != nil || len(data) > most {
		return shrink(e, data, err, most)
	}
	return ""
}

// shrink makes e, which encodes to data, fit into most bytes: without its raw form, or else as an unparsed event that holds
// as much of it as fits. The unparsed event is named after what it replaces, so that it has the same id every time.
func shrink(e *event.Event, data []byte, failed error, most int) (change string) {
	raw := e.Raw
	if e.Kind != event.KindUnparsed {
		e.Raw = nil
		if slim, err := event.Encode(e); err == nil && len(slim) <= most {
			return "raw form of " + strconv.Itoa(len(raw)) + " bytes left out"
		}
	}
	why := fmt.Sprintf("%s %s takes %d bytes and the server bears %d: raise max_payload and import again; only the beginning is kept",
		e.Kind, e.ID, len(data), most)
	if failed != nil {
		why, data = fmt.Sprintf("%s %s cannot be written: %v", e.Kind, e.ID, failed), raw
	}
	short := event.Unparsed{Reason: why}
	if u, ok := e.Body.(*event.Unparsed); ok {
		short = *u
		short.Reason = why + ". " + cut(u.Reason, min(len(u.Reason), 1000))
		data = raw
	}
	replaceByUnparsed(e, &short)
	e.Raw = bytes.Clone(data[:min(len(data), most/8)]) // a byte may grow to six
	if err := e.Seal(); err != nil {                   // impossible: replaceByUnparsed leaves nothing empty
		return err.Error()
	}
	return short.Reason
}

// maxName is longer than any name a network gives.
const maxName = 4 << 10

// replaceByUnparsed makes e an unparsed event and leaves nothing in it that could be large.
func replaceByUnparsed(e *event.Event, body *event.Unparsed) {
	if e.Kind != event.KindUnparsed || len(e.NativeID) > maxName {
		e.NativeID = event.NativeID("oversize-" + e.ID.String())
	}
	if len(e.Channel) > maxName {
		e.Channel = ""
	}
	if len(e.Namespace) > maxName {
		e.Namespace = event.Namespace(hash(string(e.Namespace)))
	}
	if len(e.Account) > maxName {
		e.Account = event.Account(hash(string(e.Account)))
	}
	if len(body.File) > maxName {
		body.File = cut(body.File, maxName)
	}
	e.Kind, e.Revision, e.Body, e.Author, e.Sent = event.KindUnparsed, event.Unedited, body, event.Person{}, event.Instant{}
}

// ChatSubject is where an event goes: chat.<source>.<account>.<channel>.
func ChatSubject(e *event.Event) string {
	return "chat." + token(string(e.Source)) + "." + token(string(e.Account)) + "." + token(string(e.Channel))
}

// FactSubject is where facts about a channel go: fact.<source>.<namespace>.<channel>.
func FactSubject(source, namespace, channel string) string {
	return "fact." + token(source) + "." + token(namespace) + "." + token(channel)
}

// maxToken bounds a token: a subject of three of them stays far below the limits of servers and file names.
const maxToken = 96

// token makes one token of a subject out of any bytes, and different tokens out of different ones. Letters and digits of every
// script and "-" stand for themselves, so that subjects can be read and filtered; any other byte is "_" and two hexadecimal
// digits; nothing at all is "_" alone. What would be longer than maxToken is cut, and "__" and a hash of the whole follow:
// "__" cannot come about otherwise.
func token(s string) string {
	return escape(s, func(r rune) bool { return r == '-' || unicode.IsLetter(r) || unicode.IsDigit(r) })
}

// key makes a key of a bucket out of any bytes: as token does, but keys of buckets are ASCII.
func key(s string) string {
	return escape(s, func(r rune) bool {
		return r == '-' || r < utf8.RuneSelf && (unicode.IsLetter(r) || unicode.IsDigit(r))
	})
}

func escape(s string, stands func(rune) bool) string {
	if s == "" {
		return "_"
	}
	if len(s) <= maxToken && !strings.ContainsFunc(s, func(r rune) bool { return r == utf8.RuneError || !stands(r) }) {
		return s // the common case, on the way of every message
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		splitAt := s[i : i+n]
		i += n
		if r != utf8.RuneError && stands(r) {
			b.WriteString(splitAt)
			continue
		}
		for j := range len(splitAt) {
			fmt.Fprintf(&b, "_%02x", splitAt[j])
		}
	}
	if b.Len() <= maxToken {
		return b.String()
	}
	return cut(b.String(), maxToken/2) + "__" + hash(s)
}

// cut returns the first n bytes or less: no rune is halved.
func cut(s string, n int) string {
	for n > 0 && n < len(s) && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

func hash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:16])
}
