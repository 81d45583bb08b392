package normalise

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/fact"
	"github.com/agrichat/agrichat/internal/pg"
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

func (s stamp) put(c *pg.Copy) {
	c.Int64(s.counter)
	c.Int64(s.token)
}

// putInstant fills the columns sent_at, precision, zone and zone_assumed.
func putInstant(c *pg.Copy, i event.Instant) {
	c.TimeOrNull(at(i))
	c.Int16(int16(i.Precision))
	c.Text(i.Zone)
	c.Bool(i.Assumed)
}

// The rows, with their columns in the order in which they are written.

type messageRow struct {
	place
	thing       event.ThingID
	externalID  string
	kind        *string // nil: a stub
	authorKey   *[16]byte
	author      string
	authorName  string
	sent        event.Instant
	reading     event.Reading // of sent, while versions are folded
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
	position    event.Position
	erased      bool
	media       []string // derived from attachments, for the fact
	forwarded   bool
}

// messageColumns is how many columns put fills, in the order of queries/messages_copy.sql.
const messageColumns = 30

func (r *messageRow) put(c *pg.Copy, s stamp) {
	c.Row()
	c.UUID(r.thing)
	c.UUID(r.key)
	c.Text(r.externalID)
	c.TextOrNull(r.kind)
	c.UUIDOrNull(r.authorKey)
	c.Text(r.author)
	c.Text(r.authorName)
	putInstant(c, r.sent)
	c.TextOrNull(r.text)
	c.Text(r.revision)
	c.TimeOrNull(at(r.edited))
	c.Bool(r.deleted)
	c.TimeOrNull(at(r.deletedAt))
	c.Bool(r.erased)
	c.TextOrNull(r.replyTo)
	c.TextOrNull(r.thread)
	c.TextOrNull(r.action)
	c.Texts(r.links)
	c.Texts(r.hashtags)
	c.Texts(r.mentions)
	c.JSON(r.attachments)
	c.JSON(r.body)
	c.Texts(r.accounts)
	c.Int32(r.incarnation)
	c.Int64(int64(r.position))
	s.put(c)
}

// fact of the message; a stub has none.
func (r *messageRow) fact() fact.Message {
	f := fact.Message{Thing: r.thing.String(), ExternalID: r.externalID, Kind: *r.kind, Author: r.author, AuthorName: r.authorName,
		SentAt: at(r.sent), Precision: uint8(r.sent.Precision), Assumed: r.sent.Assumed, Revision: r.revision,
		EditedAt: at(r.edited), Deleted: r.deleted, DeletedAt: at(r.deletedAt), ReplyTo: deref(r.replyTo), Thread: deref(r.thread),
		Forwarded: r.forwarded, Action: deref(r.action), Media: r.media, Links: r.links, Hashtags: r.hashtags,
		Mentions: r.mentions, Accounts: r.accounts, Position: uint64(r.position)}
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

// reactionColumns is as messageColumns.
const reactionColumns = 13

func (r *reactionRow) put(c *pg.Copy, s stamp) {
	c.Row()
	c.UUID(r.thing)
	c.UUID(r.message)
	c.UUID(r.key)
	c.Text(r.target)
	c.UUIDOrNull(r.personKey)
	c.Text(r.person)
	c.Text(r.personName)
	c.Text(r.emoji)
	c.Int32(r.count)
	c.TimeOrNull(at(r.at))
	c.Bool(r.removed)
	s.put(c)
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

// membershipColumns is as messageColumns.
const membershipColumns = 9

func (r *membershipRow) put(c *pg.Copy, s stamp) {
	c.Row()
	c.UUID(r.thing)
	c.UUID(r.key)
	c.UUID(r.identity)
	c.Text(r.id)
	c.Text(r.name)
	c.Text(r.state)
	c.TimeOrNull(r.at)
	s.put(c)
}

func (r *membershipRow) fact() fact.Membership {
	return fact.Membership{Thing: r.thing.String(), IdentityKey: r.identity.String(), Identity: r.id, Name: r.name,
		State: r.state, At: r.at}
}

// eventColumns is as messageColumns.
const eventColumns = 21

func (it *item) put(c *pg.Copy, s stamp, said *event.Content) error {
	if err := said.Read(it.Event); err != nil {
		return fmt.Errorf("encoding event %s: %w", it.ID, err)
	}
	c.Row()
	c.UUID(it.ID)
	c.UUID(it.thing)
	if it.target == (event.ThingID{}) {
		c.Null()
	} else {
		c.UUID(it.target)
	}
	c.UUID(it.channel)
	c.Text(string(it.Kind))
	c.Text(string(it.Revision))
	c.JSON(said.Author)
	putInstant(c, it.Sent)
	c.JSON(event.AppendReading(nil, &it.Reading))
	if it.Seen.IsZero() {
		c.Null()
	} else {
		c.TimeOrNull(&it.Seen)
	}
	c.JSON(said.Body)
	c.UUID(said.Digest())
	if it.Kind == event.KindUnparsed {
		c.Bytes(it.Raw)
	} else {
		c.Null()
	}
	c.Texts(it.accounts)
	c.Int32(it.incarnation)
	c.Int64(int64(it.position))
	s.put(c)
	return nil
}

// fact that the record holds the event.
func (it *item) fact() fact.Edition {
	return fact.Edition{Event: it.ID.String(), Thing: it.thing.String(), Kind: string(it.Kind), Revision: string(it.Revision),
		SentAt: at(it.Sent), Position: uint64(it.position)}
}

// scanItem reads columns as queries/events_*.sql name them.
func scanItem(row pgx.CollectableRow) (item, error) {
	var (
		id, thing, channel [16]byte
		target             *[16]byte
		kind, revision     string
		zone               string
		author, body       []byte
		reading            []byte
		sentAt             *time.Time
		precision          int16
		assumed            bool
		position           int64
		it                 item
		raw                []byte
	)
	err := row.Scan(&id, &thing, &target, &channel, &kind, &revision, &author, &sentAt, &precision, &zone, &assumed, &reading, &body,
		&raw, &it.accounts, &it.incarnation, &position)
	if err != nil {
		return item{}, err
	}
	e := &event.Event{ID: id, Kind: event.Kind(kind), Revision: event.Revision(revision), Raw: raw}
	if sentAt != nil {
		e.Sent = event.Instant{At: sentAt.UTC(), Precision: event.Precision(precision), Zone: zone, Assumed: assumed}
	}
	if reading != nil {
		if err := json.Unmarshal(reading, &e.Reading); err != nil {
			return item{}, fmt.Errorf("reading how event %s was read: %w", e.ID, err)
		}
	}
	if author != nil {
		if err := json.Unmarshal(author, &e.Author); err != nil {
			return item{}, fmt.Errorf("reading the author of event %s: %w", e.ID, err)
		}
	}
	if e.Body, err = event.DecodeBody(e.Kind, body); err != nil {
		return item{}, err
	}
	it.Event, it.thing, it.channel, it.position = e, thing, channel, event.Position(position)
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
