package normalise

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/agrichat/agrichat/consumers/normalise/projection"

	"github.com/jackc/pgx/v5"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/fact"
	"github.com/agrichat/agrichat/internal/pg"
)

// rowReader reads rows back within a transaction.
type rowReader struct {
	*core
	tx pgx.Tx
}

// scanEvent reads columns as queries/events_*.sql name them.
func scanEvent(row pgx.CollectableRow) (projection.PendingEvent, error) {
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
		it                 projection.PendingEvent
		raw                []byte
	)
	err := row.Scan(&id, &thing, &target, &channel, &kind, &revision, &author, &sentAt, &precision, &zone, &assumed, &reading, &body,
		&raw, &it.Accounts, &it.Incarnation, &position)
	if err != nil {
		return projection.PendingEvent{}, err
	}
	e := &event.Event{ID: id, Kind: event.Kind(kind), Revision: event.Revision(revision), Raw: raw}
	if sentAt != nil {
		e.Sent = event.Instant{At: sentAt.UTC(), Precision: event.Precision(precision), Zone: zone, Assumed: assumed}
	}
	if reading != nil {
		if err := json.Unmarshal(reading, &e.Reading); err != nil {
			return projection.PendingEvent{}, fmt.Errorf("reading how event %s was read: %w", e.ID, err)
		}
	}
	if author != nil {
		if err := json.Unmarshal(author, &e.Author); err != nil {
			return projection.PendingEvent{}, fmt.Errorf("reading the author of event %s: %w", e.ID, err)
		}
	}
	if e.Body, err = event.DecodeBody(e.Kind, body); err != nil {
		return projection.PendingEvent{}, err
	}
	it.Event, it.ThingID, it.ChannelID, it.Position = e, thing, channel, event.Position(position)
	if target != nil {
		it.TargetID = *target
	}
	return it, nil
}

func scanStoredMessage(row pgx.CollectableRow) (*projection.StoredMessage, error) {
	var (
		s          projection.StoredMessage
		thing      [16]byte
		sentAt     *time.Time
		sent       event.Instant
		precision  int16
		position   int64
		isRevision string
	)
	err := row.Scan(&thing, &s.Erased, &s.Versioned, &isRevision, &sentAt, &precision, &sent.Zone, &sent.Assumed, &s.AuthorKey, &s.Author,
		&s.AuthorName, &s.Deleted, &s.DeletedAt, &s.Accounts, &s.Incarnation, &position)
	s.Thing, s.Revision, s.Position = thing, event.Revision(isRevision), event.Position(position)
	if sentAt != nil {
		sent.At, sent.Precision = sentAt.UTC(), event.Precision(precision)
		s.Sent = sent
	}
	return &s, err
}

// factsByVersion collects the facts of rows by the transaction that last changed them.
type factsByVersion struct {
	identity storeIdentity
	by       map[rowVersion]*projection.FactBuilder
}

func (t factsByVersion) of(s rowVersion) *projection.FactBuilder {
	g := t.by[s]
	if g == nil {
		g = projection.NewFactBuilder(t.identity.version(s))
		t.by[s] = g
	}
	return g
}

// gather reads, in one snapshot, the rows changed by the transactions first to last; only, if not nil, names which of them.
// The time salts ClickHouse's deduplication token, so that a republication is not dropped as a duplicate.
func (p *Publisher) gather(ctx context.Context, first, last int64, only []int64, now time.Time) ([]fact.Batch, int64, error) {
	tx, err := p.cfg.Pool.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err != nil {
		return nil, 0, pg.Classify(fmt.Errorf("reading facts: %w", err))
	}
	defer pg.Rollback(ctx, tx)
	t := factsByVersion{by: map[rowVersion]*projection.FactBuilder{}}
	if err := tx.QueryRow(ctx, p.sql["store_now"]).Scan(&t.identity.token, &t.identity.generation); err != nil {
		return nil, 0, pg.Classify(fmt.Errorf("reading facts: %w", err))
	}
	for _, part := range []struct {
		query string
		scan  func(pgx.CollectableRow, factsByVersion) error
	}{
		{"facts_messages", scanMessageFact},
		{"facts_events", scanVersionFact},
		{"facts_reactions", scanReactionFact},
		{"facts_memberships", scanMembershipFact},
		{"facts_channels", scanChannelFact},
		{"facts_identities", scanIdentityFact},
		{"facts_sightings", scanSightingFact},
	} {
		rows, err := tx.Query(ctx, p.sql[part.query], first, last, only)
		if err != nil {
			return nil, 0, pg.Classify(fmt.Errorf("reading facts (%s): %w", part.query, err))
		}
		_, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (struct{}, error) { return struct{}{}, part.scan(row, t) })
		if err != nil {
			return nil, 0, pg.Classify(fmt.Errorf("reading facts (%s): %w", part.query, err))
		}
	}
	var out []fact.Batch
	for _, g := range t.by {
		out = append(out, g.Batches()...)
	}
	for i := range out {
		out[i].RepublishID = strconv.FormatInt(now.UnixNano(), 36)
	}
	return out, t.identity.token, nil
}

// scannedPlace is where the columns of a place and a stamp go; every query of facts begins with them.
type scannedPlace struct {
	s     rowVersion
	key   [16]byte
	names [3]string
}

func (p *scannedPlace) into(more ...any) []any {
	return append([]any{&p.s.counter, &p.s.token, &p.key, &p.names[0], &p.names[1], &p.names[2]}, more...)
}

func (p *scannedPlace) place() projection.ChannelRef {
	return projection.ChannelRef{Source: event.Source(p.names[0]), Namespace: event.Namespace(p.names[1]), Channel: event.Channel(p.names[2]), Key: p.key}
}

func scanMessageFact(row pgx.CollectableRow, t factsByVersion) error {
	var p scannedPlace
	var r projection.MessageRow
	if err := scanMessageColumns(row, &p, &r); err != nil {
		return err
	}
	r.ChannelRef = p.place()
	var err error
	if r.Media, err = mediaKinds(r.Attachments); err != nil {
		return err
	}
	t.of(p.s).AddMessage(&r)
	return nil
}

func setAt(i *event.Instant, t *time.Time) {
	if t != nil {
		i.At = t.UTC()
	}
}

func mediaKinds(attachments []byte) ([]string, error) {
	if attachments == nil {
		return nil, nil
	}
	var list []event.Attachment
	if err := json.Unmarshal(attachments, &list); err != nil {
		return nil, fmt.Errorf("reading attachments: %w", err)
	}
	var kinds []string
	for _, a := range list {
		kinds = append(kinds, a.Kind)
	}
	return kinds, nil
}

func scanVersionFact(row pgx.CollectableRow, t factsByVersion) error {
	var p scannedPlace
	var id, thing [16]byte
	var sent *time.Time
	var position int64
	it := projection.PendingEvent{Event: &event.Event{}}
	if err := row.Scan(p.into(&id, &thing, &it.Kind, &it.Revision, &sent, &position)...); err != nil {
		return err
	}
	it.ID, it.ThingID, it.Position = id, thing, event.Position(position)
	setAt(&it.Sent, sent)
	t.of(p.s).AddVersion(p.place(), &it)
	return nil
}

func scanReactionFact(row pgx.CollectableRow, t factsByVersion) error {
	var p scannedPlace
	var r projection.ReactionRow
	if err := scanReactionColumns(row, &p, &r); err != nil {
		return err
	}
	r.ChannelRef = p.place()
	t.of(p.s).AddReaction(&r)
	return nil
}

func scanMembershipFact(row pgx.CollectableRow, t factsByVersion) error {
	var p scannedPlace
	var r projection.MembershipRow
	if err := scanMembershipColumns(row, &p, &r); err != nil {
		return err
	}
	r.ChannelRef = p.place()
	t.of(p.s).AddMembership(&r)
	return nil
}

func scanSightingFact(row pgx.CollectableRow, t factsByVersion) error {
	var p scannedPlace
	var r projection.SightingRow
	if err := scanSightingColumns(row, &p, &r); err != nil {
		return err
	}
	r.ChannelRef = p.place()
	t.of(p.s).AddSighting(&r)
	return nil
}

func scanChannelFact(row pgx.CollectableRow, t factsByVersion) error {
	var p scannedPlace
	var r projection.ChannelRow
	if err := scanChannelColumns(row, &p, &r); err != nil {
		return err
	}
	r.ChannelRef = p.place()
	t.of(p.s).AddChannel(&r)
	return nil
}

func scanIdentityFact(row pgx.CollectableRow, t factsByVersion) error {
	var p scannedPlace
	var r projection.IdentityRow
	if err := scanIdentityColumns(row, &p, &r); err != nil {
		return err
	}
	r.Key, r.Source, r.Namespace, r.ID = p.key, event.Source(p.names[0]), event.Namespace(p.names[1]), event.AuthorID(p.names[2])
	t.of(p.s).AddIdentity(&r)
	return nil
}

// readEvents reads whole events back.
func (r *rowReader) readEvents(ctx context.Context, query string, keys [][16]byte, more ...any) ([]projection.PendingEvent, error) {
	if len(keys) == 0 {
		return nil, nil
	}
	rows, err := r.tx.Query(ctx, r.sql[query], append([]any{keys}, more...)...)
	if err != nil {
		return nil, fmt.Errorf("reading events: %w", err)
	}
	out, err := pgx.CollectRows(rows, scanEvent)
	if err != nil {
		return nil, fmt.Errorf("reading events: %w", err)
	}
	return out, nil
}

// readReactions reads the stored rows, by message. The message's row is locked, or is about to be inserted by the transaction that
// writes any of these, so they need no lock of their own.
func (r *rowReader) readReactions(ctx context.Context, query string, keys [][16]byte) (map[event.ThingID][]projection.ReactionRow, error) {
	rows, err := r.tx.Query(ctx, r.sql[query], keys)
	if err != nil {
		return nil, fmt.Errorf("reading reactions: %w", err)
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (projection.ReactionRow, error) {
		var r projection.ReactionRow
		var thing, message [16]byte
		var when *time.Time
		err := row.Scan(&thing, &message, &r.Target, &r.PersonKey, &r.Person, &r.PersonName, &r.Emoji, &r.Count, &when,
			&r.Removed)
		r.Thing, r.Message = thing, message
		if when != nil {
			r.At.At = when.UTC()
		}
		return r, err
	})
	if err != nil {
		return nil, fmt.Errorf("reading reactions: %w", err)
	}
	out := map[event.ThingID][]projection.ReactionRow{}
	for _, r := range all {
		out[r.Message] = append(out[r.Message], r)
	}
	return out, nil
}

func (r *rowReader) readMemberships(ctx context.Context, query string, keys [][16]byte, names map[event.ThingID]*projection.MembershipObservation) (map[event.ThingID]*projection.MembershipRow, error) {
	rows, err := r.tx.Query(ctx, r.sql[query], keys)
	if err != nil {
		return nil, fmt.Errorf("reading memberships: %w", err)
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (*projection.MembershipRow, error) {
		var r projection.MembershipRow
		var thing [16]byte
		err := row.Scan(&thing, &r.State, &r.Name, &r.At)
		r.Thing = thing
		return &r, err
	})
	if err != nil {
		return nil, fmt.Errorf("reading memberships: %w", err)
	}
	out := make(map[event.ThingID]*projection.MembershipRow, len(all))
	for _, r := range all {
		m := names[r.Thing]
		r.ChannelRef, r.Identity, r.ID = m.ChannelRef, m.Identity, m.ID
		out[r.Thing] = r
	}
	return out, nil
}

func (r *rowReader) readIdentities(ctx context.Context, query string, keys [][16]byte) (map[event.Key]projection.IdentityRow, error) {
	rows, err := r.tx.Query(ctx, r.sql[query], keys)
	if err != nil {
		return nil, fmt.Errorf("reading identities: %w", err)
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (projection.IdentityRow, error) {
		var r projection.IdentityRow
		var key [16]byte
		err := row.Scan(&key, &r.Name, &r.AsOf, &r.Username, &r.UsernameAt, &r.Bot, &r.Placeholder)
		r.Key = key
		return r, err
	})
	if err != nil {
		return nil, fmt.Errorf("reading identities: %w", err)
	}
	out := make(map[event.Key]projection.IdentityRow, len(all))
	for _, r := range all {
		out[r.Key] = r
	}
	return out, nil
}
