package normalise

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/fact"
)

// place is a channel by its names.
type place struct {
	source    event.Source
	namespace event.Namespace
	channel   event.Channel
	key       event.Key
}

// stamp is the transaction that last changed a row.
type stamp struct{ counter, token int64 }

// The rows, with their columns in the order in which they are written and read.

type messageRow struct {
	place
	thing       event.ThingID
	externalID  string
	kind        *string // nil: a stub
	authorKey   *[16]byte
	author      string
	authorName  string
	sent        event.Instant
	text        *string
	revision    string
	edited      event.Instant
	deleted     bool
	deletedAt   event.Instant
	replyTo     *string
	thread      *string
	action      *string
	links       []string
	hashtags    []string
	mentions    []string
	attachments json.RawMessage
	body        json.RawMessage
	accounts    []string
	incarnation int32
	sequence    uint64
	erased      bool
	media       []string // derived from attachments, for the fact
	forwarded   bool
}

func messageColumns() []string {
	return []string{"thing_id", "channel_key", "external_id", "kind", "author_key", "author", "author_name", "sent_at",
		"precision", "zone", "zone_assumed", "text", "revision", "edited_at", "deleted", "deleted_at", "erased", "reply_to",
		"thread", "action", "links", "hashtags", "mentions", "attachments", "body", "accounts", "incarnation", "sequence",
		"changed", "token"}
}

func (r *messageRow) values(s stamp) []any {
	return []any{[16]byte(r.thing), [16]byte(r.key), r.externalID, r.kind, r.authorKey, r.author, r.authorName, at(r.sent),
		int16(r.sent.Precision), r.sent.Zone, r.sent.Assumed, r.text, r.revision, at(r.edited), r.deleted, at(r.deletedAt),
		r.erased, r.replyTo, r.thread, r.action, orEmpty(r.links), orEmpty(r.hashtags), orEmpty(r.mentions), r.attachments,
		r.body, orEmpty(r.accounts), r.incarnation, int64(r.sequence), s.counter, s.token}
}

// fact of the message; a stub has none.
func (r *messageRow) fact() fact.Message {
	f := fact.Message{Thing: r.thing.String(), ExternalID: r.externalID, Kind: *r.kind, Author: r.author, AuthorName: r.authorName,
		SentAt: at(r.sent), Precision: uint8(r.sent.Precision), Assumed: r.sent.Assumed, Revision: r.revision,
		EditedAt: at(r.edited), Deleted: r.deleted, DeletedAt: at(r.deletedAt), ReplyTo: deref(r.replyTo), Thread: deref(r.thread),
		Forwarded: r.forwarded, Action: deref(r.action), Media: r.media, Links: r.links, Hashtags: r.hashtags,
		Mentions: r.mentions, Accounts: r.accounts, Sequence: r.sequence}
	if r.authorKey != nil {
		f.AuthorKey = event.Key(*r.authorKey).String()
	}
	if !r.erased {
		f.Text = deref(r.text)
	}
	return f
}

type reactionRow struct {
	place
	thing      event.ThingID
	message    event.ThingID
	target     string
	personKey  *[16]byte
	person     string
	personName string
	emoji      string
	count      int32
	at         event.Instant
	removed    bool
}

func reactionColumns() []string {
	return []string{"thing_id", "message_id", "channel_key", "target", "person_key", "person", "person_name", "emoji", "count",
		"at", "removed", "changed", "token"}
}

func (r *reactionRow) values(s stamp) []any {
	return []any{[16]byte(r.thing), [16]byte(r.message), [16]byte(r.key), r.target, r.personKey, r.person, r.personName,
		r.emoji, r.count, at(r.at), r.removed, s.counter, s.token}
}

func (r *reactionRow) fact() fact.Reaction {
	f := fact.Reaction{Thing: r.thing.String(), Message: r.message.String(), Target: r.target, Person: r.person,
		PersonName: r.personName, Emoji: r.emoji, Count: uint32(r.count), At: at(r.at), Removed: r.removed}
	if r.personKey != nil {
		f.PersonKey = event.Key(*r.personKey).String()
	}
	return f
}

type membershipRow struct {
	place
	thing    event.ThingID
	identity event.Key
	id       string
	name     string
	state    string
	at       *time.Time
}

func membershipColumns() []string {
	return []string{"thing_id", "channel_key", "identity_key", "identity", "name", "state", "at", "changed", "token"}
}

func (r *membershipRow) values(s stamp) []any {
	return []any{[16]byte(r.thing), [16]byte(r.key), [16]byte(r.identity), r.id, r.name, r.state, r.at, s.counter, s.token}
}

func (r *membershipRow) fact() fact.Membership {
	return fact.Membership{Thing: r.thing.String(), IdentityKey: r.identity.String(), Identity: r.id, Name: r.name,
		State: r.state, At: r.at}
}

func eventColumns() []string {
	return []string{"event_id", "thing_id", "target_id", "channel_key", "kind", "revision", "author", "sent_at", "precision",
		"zone", "zone_assumed", "seen_at", "body", "raw", "accounts", "incarnation", "sequence", "changed", "token"}
}

func (it *item) values(s stamp) ([]any, error) {
	body, err := event.AppendBody(nil, it.Body)
	if err != nil {
		return nil, fmt.Errorf("encoding the body of event %s: %w", it.ID, err)
	}
	var author json.RawMessage
	if !it.Author.IsZero() {
		if author, err = json.Marshal(it.Author); err != nil {
			return nil, fmt.Errorf("encoding the author of event %s: %w", it.ID, err)
		}
	}
	var raw []byte
	if it.Kind == event.KindUnparsed {
		raw = it.Raw
	}
	var target *[16]byte
	if it.target != (event.ThingID{}) {
		target = (*[16]byte)(&it.target)
	}
	var seen *time.Time
	if !it.Seen.IsZero() {
		seen = &it.Seen
	}
	return []any{[16]byte(it.ID), [16]byte(it.thing), target, [16]byte(it.channel), string(it.Kind), string(it.Revision),
		author, at(it.Sent), int16(it.Sent.Precision), it.Sent.Zone, it.Sent.Assumed, seen, json.RawMessage(body), raw,
		orEmpty(it.accounts), it.incarnation, int64(it.sequence), s.counter, s.token}, nil
}

// fact that the record holds the event.
func (it *item) fact() fact.Edition {
	return fact.Edition{Event: it.ID.String(), Thing: it.thing.String(), Kind: string(it.Kind), Revision: string(it.Revision),
		SentAt: at(it.Sent), Sequence: it.sequence}
}

// scanItem reads columns as queries/events_*.sql name them.
func scanItem(row pgx.CollectableRow) (item, error) {
	var (
		id, thing, channel [16]byte
		target             *[16]byte
		kind, revision     string
		zone               string
		author, body       []byte
		sentAt             *time.Time
		precision          int16
		assumed            bool
		sequence           int64
		it                 item
		raw                []byte
	)
	err := row.Scan(&id, &thing, &target, &channel, &kind, &revision, &author, &sentAt, &precision, &zone, &assumed, &body,
		&raw, &it.accounts, &it.incarnation, &sequence)
	if err != nil {
		return item{}, err
	}
	e := &event.Event{ID: id, Kind: event.Kind(kind), Revision: event.Revision(revision), Raw: raw}
	if sentAt != nil {
		e.Sent = event.Instant{At: sentAt.UTC(), Precision: event.Precision(precision), Zone: zone, Assumed: assumed}
	}
	if author != nil {
		if err := json.Unmarshal(author, &e.Author); err != nil {
			return item{}, fmt.Errorf("reading the author of event %s: %w", e.ID, err)
		}
	}
	if e.Body, err = event.DecodeBody(e.Kind, body); err != nil {
		return item{}, err
	}
	it.Event, it.thing, it.channel, it.sequence = e, thing, channel, uint64(sequence)
	if target != nil {
		it.target = *target
	}
	return it, nil
}

// at returns the time of an instant as a column holds it.
func at(i event.Instant) *time.Time {
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

func orEmpty(s []string) []string {
	if s == nil {
		return []string{}
	}
	return s
}
