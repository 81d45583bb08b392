// Package event is the envelope in which everything that happens in a chat travels, and the ids in it.
//
// It promises that ids are derived from the data of the network and from nothing else, that an envelope once written remains
// readable, and that merging two copies of an event gives the same result in any order. It does no I/O, reads no
// clock, and knows no network.
package event

import (
	"fmt"
	"time"
	"unicode/utf8"
)

// Kind is what happened; it determines the type of the body.
type Kind string

// The kinds of event.
const (
	KindMessage    Kind = "message"    // the state of a message at a revision; an edit is a higher revision
	KindDeletion   Kind = "deletion"   // the message with this native id was deleted
	KindReaction   Kind = "reaction"   // the author set or took back one reaction
	KindReactions  Kind = "reactions"  // the reactions to a message as an export shows them
	KindPoll       Kind = "poll"       // the results of a poll as an export shows them
	KindMembership Kind = "membership" // the author came, left, was invited or banned
	KindChannel    Kind = "channel"    // what a channel is called and is about
	KindIdentity   Kind = "identity"   // what an identity is called
	KindUnparsed   Kind = "unparsed"   // input that could not be read, kept as it is
)

// Thing returns the kind of thing that an event of this kind is about; empty for an unknown kind.
func (k Kind) Thing() ThingKind {
	switch k {
	case KindMessage, KindDeletion:
		return ThingMessage
	case KindReaction, KindReactions, KindPoll, KindMembership, KindChannel, KindIdentity, KindUnparsed:
		return ThingKind(k)
	}
	return ""
}

// Event is one thing that happened, as one collector saw it. The wire tags are the fields of its envelope as in a json tag; id, body and
// raw form are written by hand (wire).
type Event struct {
	ID        ID        // set by Seal
	Source    Source    `wire:"source"`
	Namespace Namespace `wire:"namespace"`
	Account   Account   `wire:"account,omitempty"` // who collected it; not part of any id
	Channel   Channel   `wire:"channel,omitempty"` // empty for an identity
	NativeID  NativeID  `wire:"native_id"`
	Author    Person    `wire:"author,omitzero"` // who did it; zero if the network does not name anyone
	Kind      Kind      `wire:"kind"`
	Revision  Revision  `wire:"revision"`
	Sent      Instant   `wire:"sent,omitzero"`    // the network's clock: when the thing came to be (message) or happened (all others)
	Seen      time.Time `wire:"seen,omitzero"`    // our clock, UTC; set by the runner that publishes
	Reading   Reading   `wire:"reading,omitzero"` // what the input left open; zero where it left nothing open
	Body      Body
	Raw       []byte // the record of the network, untouched; may be nil where the body holds all of it
}

// Reading records what of an event its input left open, and how that was settled: it decides between two readings of the same input.
// It is no part of any id.
type Reading struct {
	// ZoneNamed is when a user named the zone of an assumed time, in Unix milliseconds; zero: no zone was named, and the time was read as UTC.
	ZoneNamed int64 `json:"zone_named,omitempty"`
	// Printed is the time as read by the copy whose date is kept, where the zone that was named last comes from another copy.
	Printed Printed `json:"printed,omitzero"`
	// EditedNamed and ForwardNamed are as ZoneNamed, of the times in the body, where those were named at another time; -1: they were not named.
	EditedNamed  int64 `json:"edited_named,omitempty"`
	ForwardNamed int64 `json:"forward_named,omitempty"`
	// DateGuessed says that day and month could be either way round.
	DateGuessed bool `json:"date_guessed,omitempty"`
	// Charset in which bytes that are not UTF-8 were read (charset.Decoder); empty: there were none.
	Charset string `json:"charset,omitempty"`
	// CharsetNamed is when a user named it, in Unix milliseconds; zero: it was guessed.
	CharsetNamed int64 `json:"charset_named,omitempty"`
	// Unversioned says that the input shows the last version of a message and not whether it was edited.
	Unversioned bool `json:"unversioned,omitempty"`
	// Differs says that copies of the event, read as surely, had different texts: one of them is kept.
	Differs bool `json:"differs,omitempty"`
	// AsOf is the newest instant in an export that lists all reactions, in Unix milliseconds. Of a message it means that there were no
	// reactions to it as of then, of a list of reactions that it was true then too. Zero: the input does not say.
	AsOf int64 `json:"as_of,omitempty"`
	// Swapped says that copies of the event were sure of different dates, whose day and month are exchanged: one of them is kept, and there may
	// have been two messages.
	Swapped bool `json:"swapped,omitempty"`
}

// IsZero reports whether nothing was left open.
func (r Reading) IsZero() bool { return r == Reading{} }

// Person is an identity as an event mentions it.
type Person struct {
	// Namespace in which ID is unique; empty: the event's own.
	Namespace Namespace `json:"namespace,omitempty"`
	ID        AuthorID  `json:"id,omitempty"`
	// Name as shown at the time; may be empty for a deleted account.
	Name string `json:"name,omitempty"`
	Bot  bool   `json:"bot,omitempty"`
}

// IsZero reports whether the person is not named at all.
func (p Person) IsZero() bool { return p == Person{} }

// Key of the person's identity, seen from an event of the given source and namespace.
func (p Person) Key(s Source, n Namespace) Key {
	if p.Namespace != "" {
		n = p.Namespace
	}
	return IdentityKey(s, n, p.ID)
}

// Thing returns the id of the thing that the event is about.
func (e *Event) Thing() ThingID {
	return Thing(e.Source, e.Namespace, e.Channel, e.NativeID, e.Kind.Thing())
}

// Target returns which message a reaction or the results of a poll belong to; empty for all else.
func (e *Event) Target() NativeID {
	switch b := e.Body.(type) {
	case *Reaction:
		return b.Target
	case *Reactions:
		return b.Target
	case *PollResults:
		return b.Target
	}
	return ""
}

// ChannelKey returns the key of the event's channel.
func (e *Event) ChannelKey() Key { return ChannelKey(e.Source, e.Namespace, e.Channel) }

// Seal checks that nothing is missing and sets the id. It must be called once everything else is set, Seen excepted.
func (e *Event) Seal() error {
	_, err := e.seal()
	return err
}

func (e *Event) seal() (ThingID, error) {
	if err := e.check(); err != nil {
		return ThingID{}, err
	}
	t := e.Thing()
	e.ID = StateID(t, e.Revision)
	return t, nil
}

func (e *Event) check() error {
	for _, f := range [...]struct{ name, value string }{
		{"source", string(e.Source)},
		{"namespace", string(e.Namespace)},
		{"native id", string(e.NativeID)},
		{"revision", string(e.Revision)},
		{"channel", string(e.Channel)},
	} {
		if f.value == "" && f.name != "channel" {
			return fmt.Errorf("%w: %s is empty", ErrIncomplete, f.name)
		}
		if !utf8.ValidString(f.value) { // JSON would replace the bytes, and with them the id
			return fmt.Errorf("%w: %s %q is not UTF-8", ErrIncomplete, f.name, f.value)
		}
	}
	if e.Kind.Thing() == "" {
		return fmt.Errorf("%w: kind %q is not known", ErrIncomplete, e.Kind)
	}
	if e.Body == nil || e.Body.kind() != e.Kind {
		return fmt.Errorf("%w: a %s has a body of type %T", ErrIncomplete, e.Kind, e.Body)
	}
	if e.Channel == "" && e.Kind != KindIdentity && e.Kind != KindUnparsed {
		return fmt.Errorf("%w: channel is empty", ErrIncomplete)
	}
	return nil
}
