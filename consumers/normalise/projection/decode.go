package projection

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/agrichat/agrichat/consumers"
	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/fault"
)

// Decode reads the batch. What cannot be read is named by its index, and will never be readable: poison. What a newer program wrote
// is readable for another one: then the batch is left as it is.
func Decode(batch []consumers.Delivery) (items []PendingEvent, failed map[int]error, err error) {
	items = make([]PendingEvent, 0, len(batch))
	for i := range batch {
		whole, err := DecodeMessage(items, &batch[i])
		if errors.Is(err, event.ErrNewer) {
			return nil, nil, fault.AsFatal(fmt.Errorf("reading sequence %w", err))
		}
		if err != nil {
			if failed == nil {
				failed = map[int]error{}
			}
			failed[i] = fault.AsPoison(fmt.Errorf("reading sequence %w", err))
			continue
		}
		items = whole
	}
	return items, failed, nil
}

// DecodeMessage adds the events of a message to the items: all, or none and an error.
func DecodeMessage(items []PendingEvent, d *consumers.Delivery) ([]PendingEvent, error) {
	line := 0
	ids, named := d.EventIDs, d.EventIDs != ""
	for data := range d.Envelopes() {
		at := event.At(d.Sequence, d.Line+line)
		if line++; line > event.MaxBundle {
			return nil, fmt.Errorf("%d: it has more than %d lines", d.Sequence, event.MaxBundle)
		}
		it, err := decodeEnvelope(data)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", at, err)
		}
		if named {
			var id string
			id, ids, _ = strings.Cut(ids, event.IDSeparator)
			if !isNamed(it.ID, id) {
				return nil, fmt.Errorf("%s: its header names event %q, and the line is event %s", at, id, it.ID)
			}
		}
		it.Position = at
		items = append(items, it)
	}
	if line != d.Events() {
		return nil, fmt.Errorf("%d: its header names %d events, and it has %d lines", d.Sequence, d.Events(), line)
	}
	return items, nil
}

// isNamed is id.String() == s, without the string.
func isNamed(id event.ID, s string) bool {
	var digits [2 * len(event.ID{})]byte
	hex.Encode(digits[:], id[:])
	return string(digits[:]) == s
}

func decodeEnvelope(data []byte) (PendingEvent, error) {
	e, thing, err := event.DecodeWithoutRaw(data) // the raw form of what was parsed is not stored
	if err != nil {
		return PendingEvent{}, err
	}
	it := newPendingEvent(e, thing)
	if bytes.Contains(data, []byte(`\u0000`)) {
		return it, withoutNUL(e)
	}
	return it, nil
}

// withoutNUL replaces NUL, which PostgreSQL's text cannot hold, by the replacement character, wherever it is.
func withoutNUL(e *event.Event) error {
	var details map[string]string
	if m, ok := e.Body.(*event.Message); ok {
		details = m.Details
	}
	body, err := json.Marshal(e.Body)
	if err != nil {
		return fmt.Errorf("cleaning the body: %w", err)
	}
	m, _ := e.Body.(*event.Message)
	if m != nil {
		m.Details = nil // decoding would add the cleaned keys to the old ones
	}
	if err := json.Unmarshal(cleanJSON(body), e.Body); err != nil {
		return fmt.Errorf("cleaning the body: %w", err)
	}
	if m != nil && details != nil {
		m.Details = cleanDetails(details)
	}
	e.Source = event.Source(Clean(string(e.Source)))
	e.Namespace = event.Namespace(Clean(string(e.Namespace)))
	e.Channel = event.Channel(Clean(string(e.Channel)))
	e.Revision = event.Revision(Clean(string(e.Revision)))
	e.Sent.Zone = Clean(e.Sent.Zone)
	e.NativeID = event.NativeID(Clean(string(e.NativeID)))
	e.Author.Namespace = event.Namespace(Clean(string(e.Author.Namespace)))
	e.Author.ID = event.AuthorID(Clean(string(e.Author.ID)))
	e.Author.Name = Clean(e.Author.Name)
	return nil
}

// cleanDetails cleans keys and values. Keys that are equal when cleaned keep their values under numbered ones.
func cleanDetails(details map[string]string) map[string]string {
	out := make(map[string]string, len(details))
	var dirty []string
	for key, value := range details {
		if strings.Contains(key, "\x00") {
			dirty = append(dirty, key)
			continue
		}
		out[key] = Clean(value)
	}
	slices.Sort(dirty) // so that every copy of the event gives the same
	for _, key := range dirty {
		name := Clean(key)
		for n := 2; ; n++ {
			if _, taken := out[name]; !taken {
				break
			}
			name = fmt.Sprintf("%s (%d)", Clean(key), n)
		}
		out[name] = Clean(details[key])
	}
	return out
}

func Clean(s string) string { return strings.ReplaceAll(s, "\x00", "\uFFFD") }

// cleanJSON replaces the escape of NUL where it is one: where the backslash is not itself escaped.
func cleanJSON(b []byte) []byte {
	out := make([]byte, 0, len(b))
	for i := 0; i < len(b); i++ {
		switch {
		case b[i] != '\\' || i+1 == len(b):
			out = append(out, b[i])
		case bytes.HasPrefix(b[i:], []byte(`\u0000`)):
			out = append(out, "\uFFFD"...)
			i += len(`\u0000`) - 1
		default: // the escaped character belongs to this backslash
			out = append(out, b[i], b[i+1])
			i++
		}
	}
	return out
}
