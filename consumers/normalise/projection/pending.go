// Package projection computes rows and facts from events: decoding, merging copies, folding states, names, and what a text refers to.
//
// It promises to be pure: the same events give the same rows, in whatever order and batches they come, and however often. It reads no
// database and no clock; the store reads what it needs and hands it over.
package projection

import (
	"bytes"
	"cmp"
	"encoding/json"
	"slices"
	"time"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/fact"
)

// PendingEvent is an event that is to be stored, or one that was read back. One that was read back has no names of its channel: Source,
// Namespace, Channel and NativeID are then empty, and the ids are in the fields here.
type PendingEvent struct {
	*event.Event
	ThingID       event.ThingID
	TargetID      event.ThingID // the message of a reaction or a poll; zero for all else
	ChannelID     event.Key
	Incarnation   int32
	Position      event.Position
	Accounts      []string // who collected the copy at position; sorted, one unless the row is an old one
	OtherAccounts []string // who collected other copies; sorted, none of accounts
}

// newPendingEvent takes the ids before anything is cleaned: they are those of the event as it was sent.
func newPendingEvent(e *event.Event, thing event.ThingID) PendingEvent {
	it := PendingEvent{Event: e, ThingID: thing, ChannelID: e.ChannelKey()}
	if t := e.Target(); t != "" {
		it.TargetID = event.Thing(e.Source, e.Namespace, e.Channel, t, event.ThingMessage)
	}
	if e.Account != "" {
		it.Accounts = []string{Clean(string(e.Account))}
	}
	e.Sent = e.Sent.Bounded()
	if m, ok := e.Body.(*event.Message); ok {
		m.Edited = m.Edited.Bounded()
	}
	return it
}

// Unique merges duplicates, so that each event is in the batch once, and sorts by event id: every transaction writes in the same order,
// so that two of them cannot deadlock.
func Unique(items []PendingEvent) []PendingEvent {
	out := slices.Clone(items)
	slices.SortFunc(out, func(a, b PendingEvent) int {
		if c := bytes.Compare(a.ID[:], b.ID[:]); c != 0 {
			return c
		}
		return cmp.Compare(a.Position, b.Position)
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
func join(a, b PendingEvent) PendingEvent {
	a.Event = event.Merge(a.Event, b.Event)
	if b.Position < a.Position {
		a.Position, a.Accounts, b.Accounts = b.Position, b.Accounts, a.Accounts
	}
	a.OtherAccounts = without(union(union(a.OtherAccounts, b.OtherAccounts), b.Accounts), a.Accounts)
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

// Merge merges a copy into the stored event; more reports whether that changes anything.
func Merge(stored, it PendingEvent) (both PendingEvent, more bool) {
	both = it // has the names of its place
	both.Event = event.Merge(it.Event, stored.Event)
	both.Incarnation, both.Position, both.Accounts = stored.Incarnation, stored.Position, stored.Accounts
	// Where the stream was created again, the position is the one in the newest incarnation.
	if it.Incarnation > stored.Incarnation || it.Incarnation == stored.Incarnation && it.Position < stored.Position {
		both.Incarnation, both.Position, both.Accounts = it.Incarnation, it.Position, it.Accounts
	}
	both.OtherAccounts = without(union(union(stored.Accounts, it.Accounts), it.OtherAccounts), both.Accounts)
	more = !sameContent(both.Event, stored.Event) || both.Position != stored.Position || both.Incarnation != stored.Incarnation
	return both, more
}

// Contains reports whether an event adds nothing to the stored one. It takes the event through its envelope, as it would come from the bus.
func Contains(stored PendingEvent, e *event.Event) (bool, error) {
	data, err := event.Encode(e)
	if err != nil {
		return false, err
	}
	it, err := decodeEnvelope(data)
	if err != nil {
		return false, err
	}
	it.Incarnation, it.Position = stored.Incarnation, stored.Position
	it.Reading.AsOf = min(it.Reading.AsOf, stored.Reading.AsOf) // saysUnreacted compares it
	keepNamingTime(&it, &stored)
	_, more := Merge(stored, it)
	return !more, nil
}

// keepNamingTime takes a stored zone or charset that a user has named again for named when it was named first: naming it once more adds
// nothing, also in a copy that has less than the stored event.
func keepNamingTime(it, stored *PendingEvent) {
	r, was := &it.Reading, &stored.Reading
	if r.ZoneNamed != 0 && was.ZoneNamed != 0 && it.Sent.Zone == stored.Sent.Zone {
		r.ZoneNamed = min(r.ZoneNamed, was.ZoneNamed)
	}
	if r.CharsetNamed != 0 && was.CharsetNamed != 0 && r.Charset == was.Charset {
		r.CharsetNamed = min(r.CharsetNamed, was.CharsetNamed)
	}
}

// MessageID returns the message that the event is about or hangs on; zero if none.
func (it *PendingEvent) MessageID() event.ThingID {
	switch it.Kind {
	case event.KindMessage, event.KindDeletion, event.KindUnparsed:
		return it.ThingID
	case event.KindReaction, event.KindReactions, event.KindPoll:
		return it.TargetID
	}
	return event.ThingID{}
}

// sameContent reports whether two copies of an event say the same, provenance aside.
func sameContent(a, b *event.Event) bool {
	if !sameInstant(a.Sent, b.Sent) || a.Author != b.Author || a.Reading != b.Reading {
		return false
	}
	x, errX := json.Marshal(a.Body)
	y, errY := json.Marshal(b.Body)
	return errX == nil && errY == nil && string(x) == string(y)
}

func sameInstant(a, b event.Instant) bool {
	at, bt := a.At, b.At
	a.At, b.At = time.Time{}, time.Time{}
	return a == b && at.Equal(bt)
}

// Fact is that the event is stored.
func (it *PendingEvent) Fact() fact.Edition {
	return fact.Edition{Event: it.ID.String(), Thing: it.ThingID.String(), Kind: string(it.Kind), Revision: string(it.Revision),
		SentAt: TimeOrNil(it.Sent), Position: uint64(it.Position)}
}
