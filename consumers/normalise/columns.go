package normalise

import (
	"fmt"

	"github.com/agrichat/agrichat/consumers/normalise/projection"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/pg"
)

func (v rowVersion) put(c *pg.Copy) {
	c.Int64(v.counter)
	c.Int64(v.token)
}

// putInstant fills the columns sent_at, precision, zone and zone_assumed.
func putInstant(c *pg.Copy, i event.Instant) {
	c.TimeOrNull(projection.TimeOrNil(i))
	c.Int16(int16(i.Precision))
	c.Text(i.Zone)
	c.Bool(i.Assumed)
}

// messageColumns is how many columns put fills, in the order of queries/messages_copy.sql.
const messageColumns = 30

func putMessage(c *pg.Copy, r *projection.MessageRow, v rowVersion) {
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
	c.TimeOrNull(projection.TimeOrNil(r.Edited))
	c.Bool(r.Deleted)
	c.TimeOrNull(projection.TimeOrNil(r.DeletedAt))
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
	v.put(c)
}

// reactionColumns is as messageColumns.
const reactionColumns = 13

func putReaction(c *pg.Copy, r *projection.ReactionRow, v rowVersion) {
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
	c.TimeOrNull(projection.TimeOrNil(r.At))
	c.Bool(r.Removed)
	v.put(c)
}

// membershipColumns is as messageColumns.
const membershipColumns = 9

func putMembership(c *pg.Copy, r *projection.MembershipRow, v rowVersion) {
	c.Row()
	c.UUID(r.Thing)
	c.UUID(r.Key)
	c.UUID(r.Identity)
	c.Text(r.ID)
	c.Text(r.Name)
	c.Text(r.State)
	c.TimeOrNull(r.At)
	v.put(c)
}

// eventColumns is as messageColumns.
const eventColumns = 21

func putEvent(c *pg.Copy, it *projection.PendingEvent, v rowVersion, content *event.Content) error {
	if err := content.Read(it.Event); err != nil {
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
	c.JSON(content.Author)
	putInstant(c, it.Sent)
	c.JSON(event.AppendReading(nil, &it.Reading))
	if it.Seen.IsZero() {
		c.Null()
	} else {
		c.TimeOrNull(&it.Seen)
	}
	c.JSON(content.Body)
	c.UUID(content.Digest())
	if it.Kind == event.KindUnparsed {
		c.Bytes(it.Raw)
	} else {
		c.Null()
	}
	c.Texts(it.Accounts)
	c.Int32(it.Incarnation)
	c.Int64(int64(it.Position))
	v.put(c)
	return nil
}

// sightingColumns is as messageColumns.
const sightingColumns = 8

func putSighting(c *pg.Copy, r *projection.SightingRow, v rowVersion) {
	c.Row()
	c.UUID(r.ID)
	c.UUID(r.Event)
	c.UUID(r.Thing)
	c.UUID(r.Key)
	c.Text(r.Account)
	c.Bool(r.Removed)
	v.put(c)
}
