package normalise

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/fact"
	"github.com/agrichat/agrichat/internal/fault"
	"github.com/agrichat/agrichat/internal/pg"
)

// retellStep is how many transactions are told again at once: a batch of facts for each of their channels fits in memory.
const retellStep = 32

// Republish tells again what the transactions of these counters changed and nobody has changed since. It marks nothing: whoever
// names counters does not know under which token they were drawn.
func (k *Store) Republish(ctx context.Context, counters []int64) error {
	for part := range slices.Chunk(counters, retellStep) {
		if _, err := k.retell(ctx, part); err != nil {
			return err
		}
	}
	return nil
}

// tellAgain tells what transactions changed, for whoever died before it could, and marks them. They were read under a token,
// and only under that one their counters mean what they meant.
func (k *Store) tellAgain(ctx context.Context, token int64, transactions []rowVersion) error {
	for part := range slices.Chunk(transactions, retellStep) {
		counters := make([]int64, len(part))
		for i, s := range part {
			counters[i] = s.counter
		}
		under, err := k.retell(ctx, counters)
		if err != nil {
			return err
		}
		if under != token {
			return fault.AsTransient(fmt.Errorf("telling again under token %d what was found under %d: %w", under, token, errPassed), 0)
		}
		if err := k.markUnder(ctx, token, part); err != nil {
			return err
		}
	}
	return nil
}

// RepublishFrom tells again everything that was last changed by a transaction from the given counter on. A store of facts that is
// empty or has lost something is made whole by it; for one that is whole it is harmless. done is called with the number of
// facts told so far.
func (k *Store) RepublishFrom(ctx context.Context, from int64, done func(facts int)) error {
	var newest, token int64
	if err := k.cfg.Pool.QueryRow(ctx, k.sql["counter_newest"]).Scan(&newest, &token); err != nil {
		return pg.Classify(fmt.Errorf("reading the newest counter: %w", err))
	}
	began, total := time.Now(), 0
	for first := from; first <= newest; first += retellStep {
		batches, under, err := k.gather(ctx, first, min(first+retellStep-1, newest), nil, began)
		if err != nil {
			return err
		}
		if under != token { // what has been passed over may have been written anew, under counters that were given out again
			return fault.AsTransient(fmt.Errorf("telling everything again: %w; begin again", errPassed), 0)
		}
		if err := k.send(ctx, batches); err != nil {
			return fmt.Errorf("publishing facts: %w", err)
		}
		for i := range batches {
			total += batches[i].Len()
		}
		done(total)
	}
	return nil
}

// CounterAt returns the lowest counter of a transaction that entered the sequence or a later one.
func (k *Store) CounterAt(ctx context.Context, sequence uint64) (int64, error) {
	incarnation, err := k.reading(ctx)
	if err != nil {
		return 0, err
	}
	var c int64
	if err := k.cfg.Pool.QueryRow(ctx, k.sql["counter_at"], incarnation, int64(sequence)).Scan(&c); err != nil {
		return 0, pg.Classify(fmt.Errorf("looking up the transaction of sequence %d: %w", sequence, err))
	}
	return c, nil
}

// retell returns the token of the snapshot that it told from.
func (k *Store) retell(ctx context.Context, counters []int64) (token int64, err error) {
	batches, token, err := k.gather(ctx, slices.Min(counters), slices.Max(counters), counters, time.Now())
	if err != nil || len(batches) == 0 {
		return token, err
	}
	return token, k.publish(ctx, batches)
}

// told collects the facts of rows by the transaction that last changed them.
type told struct {
	life life
	by   map[rowVersion]*FactBuilder
}

func (t told) of(s rowVersion) *FactBuilder {
	g := t.by[s]
	if g == nil {
		g = NewFactBuilder(t.life.version(s))
		t.by[s] = g
	}
	return g
}

// gather reads, in one snapshot, the rows changed by the transactions first to last; only, if not nil, names which of them.
// A store that remembers blocks knows by the time that this is another telling.
func (k *Store) gather(ctx context.Context, first, last int64, only []int64, telling time.Time) ([]fact.Batch, int64, error) {
	tx, err := k.cfg.Pool.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err != nil {
		return nil, 0, pg.Classify(fmt.Errorf("reading facts again: %w", err))
	}
	defer pg.Rollback(ctx, tx)
	t := told{by: map[rowVersion]*FactBuilder{}}
	if err := tx.QueryRow(ctx, k.sql["store_now"]).Scan(&t.life.token, &t.life.generation); err != nil {
		return nil, 0, pg.Classify(fmt.Errorf("reading facts again: %w", err))
	}
	for _, part := range []struct {
		query string
		scan  func(pgx.CollectableRow, told) error
	}{
		{"facts_messages", k.scanMessage},
		{"facts_events", k.scanEdition},
		{"facts_reactions", k.scanReaction},
		{"facts_memberships", k.scanMembership},
		{"facts_channels", k.scanChannel},
		{"facts_identities", k.scanIdentity},
		{"facts_sightings", k.scanSighting},
	} {
		rows, err := tx.Query(ctx, k.sql[part.query], first, last, only)
		if err != nil {
			return nil, 0, pg.Classify(fmt.Errorf("reading facts again (%s): %w", part.query, err))
		}
		_, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (struct{}, error) { return struct{}{}, part.scan(row, t) })
		if err != nil {
			return nil, 0, pg.Classify(fmt.Errorf("reading facts again (%s): %w", part.query, err))
		}
	}
	var out []fact.Batch
	for _, g := range t.by {
		out = append(out, g.Batches()...)
	}
	for i := range out {
		out[i].Again = strconv.FormatInt(telling.UnixNano(), 36)
	}
	return out, t.life.token, nil
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

func (p *scannedPlace) place() ChannelRef {
	return ChannelRef{Source: event.Source(p.names[0]), Namespace: event.Namespace(p.names[1]), Channel: event.Channel(p.names[2]), Key: p.key}
}

func (k *Store) scanMessage(row pgx.CollectableRow, t told) error {
	var p scannedPlace
	var r MessageRow
	var thing [16]byte
	var sent, edited, deletedAt *time.Time
	var precision int16
	var attachments []byte
	var position int64
	err := row.Scan(p.into(&thing, &r.ExternalID, &r.Kind, &r.AuthorKey, &r.Author, &r.AuthorName, &sent, &precision,
		&r.Sent.Assumed, &r.Text, &r.Revision, &edited, &r.Deleted, &deletedAt, &r.Erased, &r.ReplyTo, &r.Thread, &r.Action,
		&r.Links, &r.Hashtags, &r.Mentions, &attachments, &r.Forwarded, &r.Accounts, &position)...)
	if err != nil {
		return err
	}
	r.ChannelRef, r.Thing, r.Position = p.place(), thing, event.Position(position)
	setAt(&r.Sent, sent)
	setAt(&r.Edited, edited)
	setAt(&r.DeletedAt, deletedAt)
	r.Sent.Precision = event.Precision(precision)
	if r.Media, err = mediaKinds(attachments); err != nil {
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

func (k *Store) scanEdition(row pgx.CollectableRow, t told) error {
	var p scannedPlace
	var id, thing [16]byte
	var sent *time.Time
	var position int64
	it := PendingEvent{Event: &event.Event{}}
	if err := row.Scan(p.into(&id, &thing, &it.Kind, &it.Revision, &sent, &position)...); err != nil {
		return err
	}
	it.ID, it.ThingID, it.Position = id, thing, event.Position(position)
	setAt(&it.Sent, sent)
	t.of(p.s).AddVersion(p.place(), &it)
	return nil
}

func (k *Store) scanReaction(row pgx.CollectableRow, t told) error {
	var p scannedPlace
	var r ReactionRow
	var thing, message [16]byte
	var when *time.Time
	err := row.Scan(p.into(&thing, &message, &r.Target, &r.PersonKey, &r.Person, &r.PersonName, &r.Emoji, &r.Count, &when,
		&r.Removed)...)
	if err != nil {
		return err
	}
	r.ChannelRef, r.Thing, r.Message = p.place(), thing, message
	setAt(&r.At, when)
	t.of(p.s).AddReaction(&r)
	return nil
}

func (k *Store) scanMembership(row pgx.CollectableRow, t told) error {
	var p scannedPlace
	var r MembershipRow
	var thing, identity [16]byte
	if err := row.Scan(p.into(&thing, &identity, &r.ID, &r.Name, &r.State, &r.At)...); err != nil {
		return err
	}
	r.ChannelRef, r.Thing, r.Identity = p.place(), thing, identity
	t.of(p.s).AddMembership(&r)
	return nil
}

func (k *Store) scanSighting(row pgx.CollectableRow, t told) error {
	var p scannedPlace
	var r SightingRow
	var id, thing [16]byte
	if err := row.Scan(p.into(&r.ID, &id, &thing, &r.Account, &r.Removed)...); err != nil {
		return err
	}
	r.ChannelRef, r.Event, r.Thing = p.place(), id, thing
	t.of(p.s).AddSighting(&r)
	return nil
}

func (k *Store) scanChannel(row pgx.CollectableRow, t told) error {
	var p scannedPlace
	var r ChannelRow
	if err := row.Scan(p.into(&r.Name, &r.Kind, &r.Topic)...); err != nil {
		return err
	}
	r.ChannelRef = p.place()
	t.of(p.s).AddChannel(&r)
	return nil
}

func (k *Store) scanIdentity(row pgx.CollectableRow, t told) error {
	var p scannedPlace
	var r IdentityRow
	if err := row.Scan(p.into(&r.Name, &r.Username, &r.Bot)...); err != nil {
		return err
	}
	r.Key, r.Source, r.Namespace, r.ID = p.key, event.Source(p.names[0]), event.Namespace(p.names[1]), event.AuthorID(p.names[2])
	t.of(p.s).AddIdentity(&r)
	return nil
}
