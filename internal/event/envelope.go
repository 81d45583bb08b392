package event

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// envelopeVersion is raised when an old reader would misunderstand a new envelope. New optional fields do not raise it.
const (
	envelopeVersion = 1
	// pollVersion is written for polls only: a program that does not know the kind stops at them, instead of dead-lettering them.
	pollVersion   = 2
	newestVersion = pollVersion
)

func (k Kind) version() int64 {
	if k == KindPoll {
		return pollVersion
	}
	return envelopeVersion
}

// wire is the JSON form of an event: schemas/event/envelope.schema.json describes it.
type wire struct {
	Version int    `json:"v"`
	ID      string `json:"id"`
	wireHeader
	Body      json.RawMessage `json:"body"`
	Raw       string          `json:"raw,omitempty"`     // where the bytes are UTF-8
	RawBase64 []byte          `json:"raw_b64,omitempty"` // where they are not
}

// Encode writes the envelope of a sealed event.
func Encode(e *Event) ([]byte, error) {
	return Append(make([]byte, 0, len(e.Raw)+len(e.Raw)/4+envelopeSize), e)
}

// Append writes the envelope of a sealed event behind b, and returns both.
func Append(b []byte, e *Event) ([]byte, error) {
	b, err := appendEnvelope(b, e)
	if err != nil {
		return nil, fmt.Errorf("encoding event %s: %w", e.ID, err)
	}
	return b, nil
}

// envelopeSize is what an envelope with an ordinary text takes in addition to its raw form, which grows by the escapes of quotes.
const envelopeSize = 640

// marshal leaves <, > and & as they are: chats are full of them, and nothing here is put into a page unescaped.
func marshal(v any) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(buf.Bytes(), []byte{'\n'}), nil
}

// Decode reads an envelope, and checks that its id is the one its content derives. The event shares no memory with b.
func Decode(b []byte) (*Event, error) {
	e, _, err := decode(b, true)
	return e, err
}

// DecodeWithoutRaw is Decode for those who need the raw form only of what could not be parsed: of all else it is left out, and
// what is wrong inside it may go unnoticed. It returns the thing that the event is about as well.
func DecodeWithoutRaw(b []byte) (*Event, ThingID, error) {
	return decode(b, false)
}

func decode(b []byte, raw bool) (*Event, ThingID, error) {
	e, id := decodeFast(b, raw)
	if e == nil {
		var err error
		if e, id, err = readAny(b); err != nil {
			return nil, ThingID{}, err
		}
		if !raw && e.Kind != KindUnparsed {
			e.Raw = nil
		}
	}
	thing, err := e.seal()
	if err != nil {
		return nil, ThingID{}, fmt.Errorf("decoding event %s: %w", id, err)
	}
	if e.ID.String() != id {
		return nil, ThingID{}, fmt.Errorf("event calls itself %s, its content says %s", id, e.ID)
	}
	return e, thing, nil
}

// readAny reads what encoding/json reads.
func readAny(b []byte) (e *Event, id string, err error) {
	var w wire
	if err := json.Unmarshal(b, &w); err != nil {
		if v := versionOf(b); v > newestVersion { // it may have changed the form of any field
			return nil, "", fmt.Errorf("%w: envelope version %d, and this program reads versions up to %d: upgrade this program", ErrNewer, v, newestVersion)
		}
		return nil, "", fmt.Errorf("decoding an envelope: %w", err)
	}
	if w.Version > newestVersion {
		return nil, "", fmt.Errorf("%w: envelope version %d, and this program reads versions up to %d: upgrade this program", ErrNewer, w.Version, newestVersion)
	}
	if w.Version < envelopeVersion {
		return nil, "", fmt.Errorf("envelope version %d is not known: this program reads versions %d to %d", w.Version, envelopeVersion, newestVersion)
	}
	if int64(w.Version) != w.Kind.version() {
		return nil, "", fmt.Errorf("an envelope of kind %q has version %d, not %d", w.Kind, w.Kind.version(), w.Version)
	}
	body, err := DecodeBody(w.Kind, w.Body)
	if err != nil {
		return nil, "", fmt.Errorf("decoding event %s: %w", w.ID, err)
	}
	e = w.event()
	e.Body, e.Raw = body, w.RawBase64
	if w.Raw != "" {
		e.Raw = []byte(w.Raw)
	}
	return e, w.ID, nil
}

// versionOf reads the version alone; zero if there is none.
func versionOf(b []byte) int {
	var v struct {
		Version int `json:"v"`
	}
	if json.Unmarshal(b, &v) != nil {
		return 0
	}
	return v.Version
}

// DecodeBody reads the body of an event of the kind, in the form of an envelope.
func DecodeBody(k Kind, b []byte) (Body, error) {
	body := newBody(k)
	if body == nil {
		return nil, fmt.Errorf("kind %q is not known", k)
	}
	if err := json.Unmarshal(b, body); err != nil {
		return nil, fmt.Errorf("decoding the body of a %s: %w", k, err)
	}
	return body, nil
}
