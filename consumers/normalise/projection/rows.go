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

// The rows are the one declaration of their columns: how they are copied into PostgreSQL, read for facts, turned into facts and compared is
// generated (internal/codegen) from two tags:
//
//	pg    the column; of an instant also those of its precision, zone and assumption
//	fact  the field of the fact that it fills; "-": it is read along with those, for code by hand

type MessageRow struct {
	ChannelRef
	Thing       event.ThingID   `pg:"thing_id" fact:"Thing"`
	ExternalID  string          `pg:"external_id" fact:"ExternalID"`
	Kind        *string         `pg:"kind" fact:"Kind"` // nil: a stub
	AuthorKey   *[16]byte       `pg:"author_key" fact:"AuthorKey"`
	Author      string          `pg:"author" fact:"Author"`
	AuthorName  string          `pg:"author_name" fact:"AuthorName"`
	Sent        event.Instant   `pg:"sent_at,precision,zone,zone_assumed" fact:"SentAt,Precision,Assumed"`
	reading     event.Reading   // of sent, while versions are folded
	Text        *string         `pg:"text" fact:"-"`
	Revision    string          `pg:"revision" fact:"Revision"`
	Edited      event.Instant   `pg:"edited_at" fact:"EditedAt"`
	Deleted     bool            `pg:"deleted" fact:"Deleted"`
	DeletedAt   event.Instant   `pg:"deleted_at" fact:"DeletedAt"`
	ReplyTo     *string         `pg:"reply_to" fact:"ReplyTo"`
	Thread      *string         `pg:"thread" fact:"Thread"`
	Action      *string         `pg:"action" fact:"Action"`
	Links       []string        `pg:"links" fact:"Links"`
	Hashtags    []string        `pg:"hashtags" fact:"Hashtags"`
	Mentions    []string        `pg:"mentions" fact:"Mentions"`
	Attachments json.RawMessage `pg:"attachments" fact:"-"`
	Body        json.RawMessage `pg:"body"`
	Accounts    []string        `pg:"accounts" fact:"Accounts"`
	Incarnation int32           `pg:"incarnation"`
	Position    event.Position  `pg:"position" fact:"Position"`
	Erased      bool            `pg:"erased" fact:"-"`
	Media       []string        `fact:"Media"` // derived from attachments, for the fact
	Forwarded   bool            `fact:"Forwarded"`
}

// Fact of the message; a stub has none.
func (r *MessageRow) Fact() fact.Message {
	f := r.factFields()
	if !r.Erased {
		f.Text = deref(r.Text)
	}
	return f
}

type ReactionRow struct {
	ChannelRef
	Thing      event.ThingID `pg:"thing_id" fact:"Thing"`
	Message    event.ThingID `pg:"message_id" fact:"Message"`
	Target     string        `pg:"target" fact:"Target"`
	PersonKey  *[16]byte     `pg:"person_key" fact:"PersonKey"`
	Person     string        `pg:"person" fact:"Person"`
	PersonName string        `pg:"person_name" fact:"PersonName"`
	Emoji      string        `pg:"emoji" fact:"Emoji"`
	Count      int32         `pg:"count" fact:"Count"`
	At         event.Instant `pg:"at" fact:"At"`
	Removed    bool          `pg:"removed" fact:"Removed"`
}

type MembershipRow struct {
	ChannelRef
	Thing    event.ThingID `pg:"thing_id" fact:"Thing"`
	Identity event.Key     `pg:"identity_key" fact:"IdentityKey"`
	ID       string        `pg:"identity" fact:"Identity"`
	Name     string        `pg:"name" fact:"Name"`
	State    string        `pg:"state" fact:"State"`
	At       *time.Time    `pg:"at" fact:"At"`
}

// TimeOrNil returns the time of an instant as a column holds it.
func TimeOrNil(i event.Instant) *time.Time {
	if i.IsZero() {
		return nil
	}
	t := i.At
	return &t
}

// keyText is the key of an identity in a fact; empty if there is none.
func keyText(key *[16]byte) string {
	if key == nil {
		return ""
	}
	return event.Key(*key).String()
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
