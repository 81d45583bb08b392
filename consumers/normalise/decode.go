package normalise

import (
	"bytes"
	"cmp"
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

// item is an event on its way into the record, or read back from it. One that was read back has no names of its place:
// Source, Namespace, Channel and NativeID are then empty, its ids stand beside it.
type item struct {
	*event.Event
	thing       event.ThingID
	target      event.ThingID // the message of a reaction or a poll; zero for all else
	channel     event.Key
	incarnation int32
	position    event.Position
	accounts    []string // who collected the copy at position; sorted, one unless the row is an old one
	others      []string // who collected other copies; sorted, none of accounts
}

// decode reads the batch. What cannot be read is named by its index, and will never be readable: poison. What a newer program wrote
// is readable for another one: then the batch is left as it is.
func decode(batch []consumers.Delivery) (items []item, failed map[int]error, err error) {
	items = make([]item, 0, len(batch))
	for i := range batch {
		whole, err := decodeMessage(items, &batch[i])
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

// decodeMessage adds the events of a message to the items: all, or none and an error.
func decodeMessage(items []item, d *consumers.Delivery) ([]item, error) {
	line := 0
	ids, named := d.EventIDs, d.EventIDs != ""
	for data := range d.Envelopes() {
		at := event.At(d.Sequence, d.Line+line)
		if line++; line > event.BundleMost {
			return nil, fmt.Errorf("%d: it has more than %d lines", d.Sequence, event.BundleMost)
		}
		it, err := decodeOne(data)
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
		it.position = at
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

func decodeOne(data []byte) (item, error) {
	e, thing, err := event.DecodeWithoutRaw(data) // the record keeps no raw form of what was parsed
	if err != nil {
		return item{}, err
	}
	it := newItem(e, thing)
	if bytes.Contains(data, []byte(`\u0000`)) {
		return it, withoutNUL(e)
	}
	return it, nil
}

// newItem takes the ids before anything is cleaned: they are those of the event as it was sent.
func newItem(e *event.Event, thing event.ThingID) item {
	it := item{Event: e, thing: thing, channel: e.ChannelKey()}
	if t := e.Target(); t != "" {
		it.target = event.Thing(e.Source, e.Namespace, e.Channel, t, event.ThingMessage)
	}
	if e.Account != "" {
		it.accounts = []string{clean(string(e.Account))}
	}
	e.Sent = e.Sent.Bounded()
	if m, ok := e.Body.(*event.Message); ok {
		m.Edited = m.Edited.Bounded()
	}
	return it
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
		m.Details = nil // decoding would add the cleaned keys to those that stand
	}
	if err := json.Unmarshal(cleanJSON(body), e.Body); err != nil {
		return fmt.Errorf("cleaning the body: %w", err)
	}
	if m != nil && details != nil {
		m.Details = cleanDetails(details)
	}
	e.Source = event.Source(clean(string(e.Source)))
	e.Namespace = event.Namespace(clean(string(e.Namespace)))
	e.Channel = event.Channel(clean(string(e.Channel)))
	e.Revision = event.Revision(clean(string(e.Revision)))
	e.Sent.Zone = clean(e.Sent.Zone)
	e.NativeID = event.NativeID(clean(string(e.NativeID)))
	e.Author.Namespace = event.Namespace(clean(string(e.Author.Namespace)))
	e.Author.ID = event.AuthorID(clean(string(e.Author.ID)))
	e.Author.Name = clean(e.Author.Name)
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
		out[key] = clean(value)
	}
	slices.Sort(dirty) // so that every copy of the event gives the same
	for _, key := range dirty {
		name := clean(key)
		for n := 2; ; n++ {
			if _, taken := out[name]; !taken {
				break
			}
			name = fmt.Sprintf("%s (%d)", clean(key), n)
		}
		out[name] = clean(details[key])
	}
	return out
}

func clean(s string) string { return strings.ReplaceAll(s, "\x00", "\uFFFD") }

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

// unique joins copies of one event, so that each is in the batch once, and sorts by event id: every transaction writes
// in the same order, so that two of them cannot wait for each other.
func unique(items []item) []item {
	out := slices.Clone(items)
	slices.SortFunc(out, func(a, b item) int {
		if c := bytes.Compare(a.ID[:], b.ID[:]); c != 0 {
			return c
		}
		return cmp.Compare(a.position, b.position)
	})
	w := 0
	for _, it := range out {
		if w > 0 && out[w-1].ID == it.ID {
			out[w-1] = join(out[w-1], it)
			continue
		}
		out[w] = it
		w++
	}
	return out[:w]
}

// join is the item that two copies of one event make.
func join(a, b item) item {
	a.Event = event.Merge(a.Event, b.Event)
	if b.position < a.position {
		a.position, a.accounts, b.accounts = b.position, b.accounts, a.accounts
	}
	a.others = without(union(union(a.others, b.others), b.accounts), a.accounts)
	return a
}

// union of two sorted lists, sorted.
func union(a, b []string) []string {
	if len(b) == 0 || slices.Equal(a, b) {
		return a
	}
	out := append(slices.Clone(a), b...)
	slices.Sort(out)
	return slices.Compact(out)
}

// without returns the strings of a that are not in b; both are sorted.
func without(a, b []string) []string {
	var out []string
	for _, s := range a {
		if _, found := slices.BinarySearch(b, s); !found {
			out = append(out, s)
		}
	}
	return out
}
