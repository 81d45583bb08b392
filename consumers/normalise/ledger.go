package normalise

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/pg"
	"github.com/agrichat/agrichat/internal/seqset"
)

// mark notes that the facts of a transaction are published. That it goes by counter and token is what makes this right under
// a later token too: another leader may have given the counter to somebody else.
//
// A store that has taken another generation since may have lost the transaction without a new token, and given its counter to
// another one: nothing is marked then, and what is pending is published again.
func (k *Store) mark(ctx context.Context, generation int32, told rowVersion) error {
	return marking(k.write(ctx, func(ctx context.Context, tx pgx.Tx, l life) error {
		if l.generation != generation {
			return nil
		}
		return k.markIn(ctx, tx, []rowVersion{told})
	}))
}

// markUnder is mark for what others wrote: it was looked up and read under a token, and is marked under that one or not at all.
func (k *Store) markUnder(ctx context.Context, token int64, told []rowVersion) error {
	return marking(k.write(ctx, func(ctx context.Context, tx pgx.Tx, l life) error {
		if l.token != token {
			return errPassed
		}
		return k.markIn(ctx, tx, told)
	}))
}

func (k *Store) markIn(ctx context.Context, tx pgx.Tx, told []rowVersion) error {
	counters, tokens := make([]int64, len(told)), make([]int64, len(told))
	for i, s := range told {
		counters[i], tokens[i] = s.counter, s.token
	}
	_, err := tx.Exec(ctx, k.sql["ledger_mark"], counters, tokens)
	return err
}

func marking(err error) error {
	if err != nil {
		return pg.Classify(fmt.Errorf("noting that facts are published: %w", err))
	}
	return nil
}

// LedgerRange returns which of the sequences first to last of the current incarnation the ledger holds.
func (k *Store) LedgerRange(ctx context.Context, first, last uint64) (seqset.Set, error) {
	incarnation, err := k.reading(ctx)
	if err != nil {
		return seqset.Set{}, err
	}
	return k.held(ctx, k.cfg.Pool, incarnation, first, last)
}

func (k *Store) held(ctx context.Context, q asker, incarnation int32, first, last uint64) (seqset.Set, error) {
	var text string
	if err := q.QueryRow(ctx, k.sql["ledger_held"], incarnation, int64(first), int64(last)).Scan(&text); err != nil {
		return seqset.Set{}, pg.Classify(fmt.Errorf("reading the ledger: %w", err))
	}
	return seqset.Parse(text)
}

// Compact joins the ledger's rows that are older than age and told of.
func (k *Store) Compact(ctx context.Context, age time.Duration) error {
	err := k.write(ctx, func(ctx context.Context, tx pgx.Tx, _ life) error {
		_, err := tx.Exec(ctx, k.sql["ledger_compact"], age)
		k.cfg.Failpoint("compacting")
		return err
	})
	if err != nil {
		return pg.Classify(fmt.Errorf("compacting the ledger: %w", err))
	}
	k.cfg.Failpoint("compacted")
	return nil
}

// AlreadyStored implements what importers ask: which of these exact events, collected by these accounts, the record holds from
// the current incarnation of the stream. Those need not be published again.
func (k *Store) AlreadyStored(ctx context.Context, events []event.Event) ([]bool, error) {
	out := make([]bool, len(events))
	incarnation, err := k.reading(ctx)
	if err != nil {
		return nil, err
	}
	stand, err := k.contents(ctx, events)
	if err != nil {
		return nil, err
	}
	seen, err := k.seen(ctx, events, stand)
	if err != nil {
		return nil, err
	}
	var said event.Content
	var other []int // stand, and say something else
	for i := range events {
		s, found := stand[events[i].ID]
		if !found || s.incarnation != incarnation || !seen[i] {
			continue
		}
		if out[i] = s.is(&events[i], &said); !out[i] {
			other = append(other, i)
		}
	}
	if err := k.compareWhole(ctx, events, other, out); err != nil {
		return nil, err
	}
	return out, k.saysUnreacted(ctx, events, stand, out)
}

// content is what of an event that stands tells whether a copy says the same.
type content struct {
	incarnation int32
	digest      [16]byte
	accounts    []string
	asOf        int64
}

func (k *Store) contents(ctx context.Context, events []event.Event) (map[event.ID]content, error) {
	rows, err := k.cfg.Pool.Query(ctx, k.sql["events_content"], ids(events, func(e *event.Event) [16]byte { return e.ID }))
	if err != nil {
		return nil, asking(err)
	}
	out := map[event.ID]content{}
	var id [16]byte
	var c content
	_, err = pgx.ForEachRow(rows, []any{&id, &c.incarnation, &c.digest, &c.accounts, &c.asOf}, func() error {
		out[id] = c
		c.accounts = nil
		return nil
	})
	return out, asking(err)
}

func asking(err error) error {
	if err != nil {
		return pg.Classify(fmt.Errorf("asking what the record holds: %w", err))
	}
	return nil
}

// seen reports for each event whether it is known that its account collected it.
func (k *Store) seen(ctx context.Context, events []event.Event, stored map[event.ID]content) ([]bool, error) {
	out := make([]bool, len(events))
	byID := map[[16]byte][]int{}
	for i := range events {
		account := Clean(string(events[i].Account))
		c, found := stored[events[i].ID]
		switch {
		case account == "" || found && slices.Contains(c.accounts, account):
			out[i] = true
		case found:
			id := SightingID(events[i].ID, account)
			byID[id] = append(byID[id], i)
		}
	}
	if len(byID) == 0 {
		return out, nil
	}
	rows, err := k.cfg.Pool.Query(ctx, k.sql["sightings_of"], slices.Collect(maps.Keys(byID)))
	if err != nil {
		return nil, asking(err)
	}
	var id [16]byte
	var removed bool
	_, err = pgx.ForEachRow(rows, []any{&id, &removed}, func() error {
		for _, i := range byID[id] {
			out[i] = out[i] || !removed
		}
		return nil
	})
	return out, asking(err)
}

// is reports whether a copy says what stands and nothing else. One of which it is not true may still say less.
func (c *content) is(e *event.Event, said *event.Content) bool {
	return said.Read(e) == nil && said.Digest() == c.digest
}

// compareWhole finds out which of some events would add nothing to what stands, by reading that.
func (k *Store) compareWhole(ctx context.Context, events []event.Event, which []int, out []bool) error {
	if len(which) == 0 {
		return nil
	}
	keys := make([][16]byte, len(which))
	for i, at := range which {
		keys[i] = events[at].ID
	}
	rows, err := k.cfg.Pool.Query(ctx, k.sql["events_by_id"], keys)
	if err != nil {
		return asking(err)
	}
	found, err := pgx.CollectRows(rows, scanItem)
	if err != nil {
		return asking(err)
	}
	byID := make(map[event.ID]PendingEvent, len(found))
	for _, it := range found {
		byID[it.ID] = it
	}
	for _, at := range which {
		if stands, ok := byID[events[at].ID]; ok {
			if out[at], err = Contains(stands, &events[at]); err != nil {
				return err
			}
		}
	}
	return nil
}

// Contains takes the event through its envelope, as it would come from the bus.
func Contains(stands PendingEvent, e *event.Event) (bool, error) {
	data, err := event.Encode(e)
	if err != nil {
		return false, err
	}
	it, err := decodeEnvelope(data)
	if err != nil {
		return false, err
	}
	it.Incarnation, it.Position = stands.Incarnation, stands.Position
	it.Reading.AsOf = min(it.Reading.AsOf, stands.Reading.AsOf) // saysUnreacted compares it
	keepNamingTime(&it, &stands)
	_, more := Merge(stands, it)
	return !more, nil
}

// keepNamingTime takes a zone and a charset that stand already, and that a user has named again, for named when they were named first: to say
// them once more adds nothing, also of a copy that says less than what stands.
func keepNamingTime(it, stands *PendingEvent) {
	r, was := &it.Reading, &stands.Reading
	if r.ZoneNamed != 0 && was.ZoneNamed != 0 && it.Sent.Zone == stands.Sent.Zone {
		r.ZoneNamed = min(r.ZoneNamed, was.ZoneNamed)
	}
	if r.CharsetNamed != 0 && was.CharsetNamed != 0 && r.Charset == was.Charset {
		r.CharsetNamed = min(r.CharsetNamed, was.CharsetNamed)
	}
}
