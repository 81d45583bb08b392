package bus

import (
	"bytes"
	"fmt"
	"strconv"

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

// headRoom is what the headers of a message and those of an atomic batch take of the server's maximal payload, and what an
// operator's own may add. The ids of a bundle are not in it; they count with its data.
const headRoom = 4 << 10

func (b *Bus) payloadMost() int { return int(b.nc.MaxPayload()) - headRoom }

// suspect is the size of a text or a raw form below which no event is encoded only to be measured: JSON makes at most six
// bytes of one, and a server's maximal payload is a megabyte by default.
const suspect = 64 << 10

// Fit changes an event that is too large for the server until it fits, and says what it did; empty if it fitted. Whoever
// publishes needs not call it: it is for those who must know the event's final id before.
func (b *Bus) Fit(e *event.Event) string {
	text := 0
	if m, ok := e.Body.(*event.Message); ok {
		text = len(m.Text)
	}
	if len(e.Raw)+text < suspect && e.Kind != event.KindReactions && e.Kind != event.KindPoll {
		return ""
	}
	data, err := event.Encode(e)
	if most := b.payloadMost(); err != nil || len(data) > most {
		return shrink(e, data, err, most)
	}
	return ""
}

// shrink makes e, which encodes to data, fit into most bytes: without its raw form, or else as an unparsed event that holds
// as much of it as fits. The unparsed event is named after what it stands for, so that it has the same id every time.
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
	stand(e, &short)
	e.Raw = bytes.Clone(data[:min(len(data), most/8)]) // a byte may grow to six
	if err := e.Seal(); err != nil {                   // impossible: stand leaves nothing empty
		return err.Error()
	}
	return short.Reason
}

// nameMost is longer than any name a network gives.
const nameMost = 4 << 10

// stand puts an unparsed event in the place of e and leaves nothing in it that could be large.
func stand(e *event.Event, body *event.Unparsed) {
	if e.Kind != event.KindUnparsed || len(e.NativeID) > nameMost {
		e.NativeID = event.NativeID("oversize-" + e.ID.String())
	}
	if len(e.Channel) > nameMost {
		e.Channel = ""
	}
	if len(e.Namespace) > nameMost {
		e.Namespace = event.Namespace(hash(string(e.Namespace)))
	}
	if len(e.Account) > nameMost {
		e.Account = event.Account(hash(string(e.Account)))
	}
	if len(body.File) > nameMost {
		body.File = cut(body.File, nameMost)
	}
	e.Kind, e.Revision, e.Body, e.Author, e.Sent = event.KindUnparsed, event.Unedited, body, event.Person{}, event.Instant{}
}
