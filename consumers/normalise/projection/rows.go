package projection

import (
	"encoding/json"
	"time"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/fact"
)

// ChannelRef is a channel by its names.
type ChannelRef struct {
	Source    event.Source
	Namespace event.Namespace
	Channel   event.Channel
	Key       event.Key
}

// The rows, with their columns in the order in which they are written.

type MessageRow struct {
	ChannelRef
	Thing       event.ThingID
	ExternalID  string
	Kind        *string // nil: a stub
	AuthorKey   *[16]byte
	Author      string
	AuthorName  string
	Sent        event.Instant
	reading     event.Reading // of sent, while versions are folded
	Text        *string
	Revision    string
	Edited      event.Instant
	Deleted     bool
	DeletedAt   event.Instant
	ReplyTo     *string
	Thread      *string
	Action      *string
	Links       []string
	Hashtags    []string
	Mentions    []string
	Attachments json.RawMessage
	Body        json.RawMessage
	Accounts    []string
	Incarnation int32
	Position    event.Position
	Erased      bool
	Media       []string // derived from attachments, for the fact
	Forwarded   bool
}

// Fact of the message; a stub has none.
func (r *MessageRow) Fact() fact.Message {
	f := fact.Message{Thing: r.Thing.String(), ExternalID: r.ExternalID, Kind: *r.Kind, Author: r.Author, AuthorName: r.AuthorName,
		SentAt: TimeOrNil(r.Sent), Precision: uint8(r.Sent.Precision), Assumed: r.Sent.Assumed, Revision: r.Revision,
		EditedAt: TimeOrNil(r.Edited), Deleted: r.Deleted, DeletedAt: TimeOrNil(r.DeletedAt), ReplyTo: deref(r.ReplyTo), Thread: deref(r.Thread),
		Forwarded: r.Forwarded, Action: deref(r.Action), Media: r.Media, Links: r.Links, Hashtags: r.Hashtags,
		Mentions: r.Mentions, Accounts: r.Accounts, Position: uint64(r.Position)}
	if r.AuthorKey != nil {
		f.AuthorKey = event.Key(*r.AuthorKey).String()
	}
	if !r.Erased {
		f.Text = deref(r.Text)
	}
	return f
}

type ReactionRow struct {
	ChannelRef
	Thing      event.ThingID
	Message    event.ThingID
	Target     string
	PersonKey  *[16]byte
	Person     string
	PersonName string
	Emoji      string
	Count      int32
	At         event.Instant
	Removed    bool
}

func (r *ReactionRow) Fact() fact.Reaction {
	f := fact.Reaction{Thing: r.Thing.String(), Message: r.Message.String(), Target: r.Target, Person: r.Person,
		PersonName: r.PersonName, Emoji: r.Emoji, Count: uint32(r.Count), At: TimeOrNil(r.At), Removed: r.Removed}
	if r.PersonKey != nil {
		f.PersonKey = event.Key(*r.PersonKey).String()
	}
	return f
}

type MembershipRow struct {
	ChannelRef
	Thing    event.ThingID
	Identity event.Key
	ID       string
	Name     string
	State    string
	At       *time.Time
}

func (r *MembershipRow) Fact() fact.Membership {
	return fact.Membership{Thing: r.Thing.String(), IdentityKey: r.Identity.String(), Identity: r.ID, Name: r.Name,
		State: r.State, At: r.At}
}

// TimeOrNil returns the time of an instant as a column holds it.
func TimeOrNil(i event.Instant) *time.Time {
	if i.IsZero() {
		return nil
	}
	t := i.At
	return &t
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// ptr returns nil for an empty string: NULL says that there is none.
func ptr(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func RefOf(it *PendingEvent) ChannelRef {
	return ChannelRef{Source: it.Source, Namespace: it.Namespace, Channel: it.Channel, Key: it.ChannelID}
}
