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

// ChannelRef is a channel by its names.
type ChannelRef struct {
	Source    event.Source
	Namespace event.Namespace
	Channel   event.Channel
	Key       event.Key
}

// rowVersion is the transaction that last changed a row.
type rowVersion struct{ counter, token int64 }

func (s rowVersion) put(c *pg.Copy) {
	c.Int64(s.counter)
	c.Int64(s.token)
}

// putInstant fills the columns sent_at, precision, zone and zone_assumed.
func putInstant(c *pg.Copy, i event.Instant) {
	c.TimeOrNull(TimeOrNil(i))
	c.Int16(int16(i.Precision))
	c.Text(i.Zone)
	c.Bool(i.Assumed)
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

// messageColumns is how many columns put fills, in the order of queries/messages_copy.sql.
const messageColumns = 30

func (r *MessageRow) put(c *pg.Copy, s rowVersion) {
	c.Row()
	c.UUID(r.Thing)
	c.UUID(r.Key)
	c.Text(r.ExternalID)
	c.TextOrNull(r.Kind)
	c.UUIDOrNull(r.AuthorKey)
	c.Text(r.Author)
	c.Text(r.AuthorName)
	putInstant(c, r.Sent)
	c.TextOrNull(r.Text)
	c.Text(r.Revision)
	c.TimeOrNull(TimeOrNil(r.Edited))
	c.Bool(r.Deleted)
	c.TimeOrNull(TimeOrNil(r.DeletedAt))
	c.Bool(r.Erased)
	c.TextOrNull(r.ReplyTo)
	c.TextOrNull(r.Thread)
	c.TextOrNull(r.Action)
	c.Texts(r.Links)
	c.Texts(r.Hashtags)
	c.Texts(r.Mentions)
	c.JSON(r.Attachments)
	c.JSON(r.Body)
	c.Texts(r.Accounts)
	c.Int32(r.Incarnation)
	c.Int64(int64(r.Position))
	s.put(c)
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

// reactionColumns is as messageColumns.
const reactionColumns = 13

func (r *ReactionRow) put(c *pg.Copy, s rowVersion) {
	c.Row()
	c.UUID(r.Thing)
	c.UUID(r.Message)
	c.UUID(r.Key)
	c.Text(r.Target)
	c.UUIDOrNull(r.PersonKey)
	c.Text(r.Person)
	c.Text(r.PersonName)
	c.Text(r.Emoji)
	c.Int32(r.Count)
	c.TimeOrNull(TimeOrNil(r.At))
	c.Bool(r.Removed)
	s.put(c)
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

// membershipColumns is as messageColumns.
const membershipColumns = 9

func (r *MembershipRow) put(c *pg.Copy, s rowVersion) {
	c.Row()
	c.UUID(r.Thing)
	c.UUID(r.Key)
	c.UUID(r.Identity)
	c.Text(r.ID)
	c.Text(r.Name)
	c.Text(r.State)
	c.TimeOrNull(r.At)
	s.put(c)
}

func (r *MembershipRow) Fact() fact.Membership {
	return fact.Membership{Thing: r.Thing.String(), IdentityKey: r.Identity.String(), Identity: r.ID, Name: r.Name,
		State: r.State, At: r.At}
}

// eventColumns is as messageColumns.
const eventColumns = 21

func (it *PendingEvent) put(c *pg.Copy, s rowVersion, said *event.Content) error {
	if err := said.Read(it.Event); err != nil {
		return fmt.Errorf("encoding event %s: %w", it.ID, err)
	}
	c.Row()
	c.UUID(it.ID)
	c.UUID(it.ThingID)
	if it.TargetID == (event.ThingID{}) {
		c.Null()
	} else {
		c.UUID(it.TargetID)
	}
	c.UUID(it.ChannelID)
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
	c.Texts(it.Accounts)
	c.Int32(it.Incarnation)
	c.Int64(int64(it.Position))
	s.put(c)
	return nil
}

// Fact that the record holds the event.
func (it *PendingEvent) Fact() fact.Edition {
	return fact.Edition{Event: it.ID.String(), Thing: it.ThingID.String(), Kind: string(it.Kind), Revision: string(it.Revision),
		SentAt: TimeOrNil(it.Sent), Position: uint64(it.Position)}
}

// scanItem reads columns as queries/events_*.sql name them.
func scanItem(row pgx.CollectableRow) (PendingEvent, error) {
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
		it                 PendingEvent
		raw                []byte
	)
	err := row.Scan(&id, &thing, &target, &channel, &kind, &revision, &author, &sentAt, &precision, &zone, &assumed, &reading, &body,
		&raw, &it.Accounts, &it.Incarnation, &position)
	if err != nil {
		return PendingEvent{}, err
	}
	e := &event.Event{ID: id, Kind: event.Kind(kind), Revision: event.Revision(revision), Raw: raw}
	if sentAt != nil {
		e.Sent = event.Instant{At: sentAt.UTC(), Precision: event.Precision(precision), Zone: zone, Assumed: assumed}
	}
	if reading != nil {
		if err := json.Unmarshal(reading, &e.Reading); err != nil {
			return PendingEvent{}, fmt.Errorf("reading how event %s was read: %w", e.ID, err)
		}
	}
	if author != nil {
		if err := json.Unmarshal(author, &e.Author); err != nil {
			return PendingEvent{}, fmt.Errorf("reading the author of event %s: %w", e.ID, err)
		}
	}
	if e.Body, err = event.DecodeBody(e.Kind, body); err != nil {
		return PendingEvent{}, err
	}
	it.Event, it.ThingID, it.ChannelID, it.Position = e, thing, channel, event.Position(position)
	if target != nil {
		it.TargetID = *target
	}
	return it, nil
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
