package normalise

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/agrichat/agrichat/consumers/normalise/projection"

	"github.com/jackc/pgx/v5"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/pg"
	"github.com/agrichat/agrichat/internal/seqset"
)

// Reports answers questions about what is stored. It only reads.
type Reports struct {
	*core
	ids *identity
}

// Mixed is a message with a content key of a minute in which its chat has messages from before some sequence, and messages since.
type Mixed struct {
	Key    string // of the chat, in hexadecimal
	Minute int64  // as clocks showed it, since 1970
	ID     string // external
	Fresh  bool   // it was first stored from the sequence or a later one, in the current incarnation
}

// Mixed returns the messages of all such minutes of the chats. chats are event.Key in hexadecimal.
func (r *Reports) Mixed(ctx context.Context, chats []string, from uint64) ([]Mixed, error) {
	incarnation, err := r.ids.current(ctx)
	if err != nil {
		return nil, err
	}
	rows, err := r.cfg.Pool.Query(ctx, r.sql["mixed"], chats, incarnation, int64(from<<10))
	if err != nil {
		return nil, pg.Classify(fmt.Errorf("reading messages of one minute: %w", err))
	}
	out, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Mixed])
	if err != nil {
		return nil, pg.Classify(fmt.Errorf("reading messages of one minute: %w", err))
	}
	return out, nil
}

// ImportCounts is what of some sequences was stored, for one chat.
type ImportCounts struct {
	Source, Namespace, Channel string
	Name                       string // what the chat is called now
	Stored                     int64  // different events that were first stored from one of the sequences
	Facts                      int64  // rows that are still as the transactions of these sequences wrote them
	Updated                    int64  // different events that were stored before and that these sequences completed or corrected
	Differing                  int64  // of both, those of which copies had different texts
	Swapped                    int64  // of both, those of which copies were sure of dates whose day and month are exchanged
}

// ImportCounts counts, in the database, what came of the sequences of the current incarnation.
func (r *Reports) ImportCounts(ctx context.Context, sequences seqset.Set) ([]ImportCounts, error) {
	incarnation, err := r.ids.current(ctx)
	if err != nil {
		return nil, err
	}
	rows, err := r.cfg.Pool.Query(ctx, r.sql["came"], incarnation, sequences.String())
	if err != nil {
		return nil, pg.Classify(fmt.Errorf("counting what was stored: %w", err))
	}
	out, err := pgx.CollectRows(rows, pgx.RowToStructByPos[ImportCounts])
	if err != nil {
		return nil, pg.Classify(fmt.Errorf("counting what was stored: %w", err))
	}
	return out, nil
}

// DeadLetters returns at most deadCauses causes, and deadExamples events of each.
const (
	deadCauses   = 20
	deadExamples = 3
)

// DeadLetters is what of some sequences was dead-lettered and neither requeued nor dropped.
type DeadLetters struct {
	Events int64
	Causes []DeadCause // the most frequent ones, most frequent first
}

// DeadCause is one cause of dead letters.
type DeadCause struct {
	Cause  string
	Events int64
	First  []DeadEvent
}

// DeadEvent is an event that was dead-lettered.
type DeadEvent struct {
	Position event.Position
	EventID  string
	Subject  string
}

// DeadLettersIn returns the dead letters at the given sequences of the current incarnation.
func (r *Reports) DeadLettersIn(ctx context.Context, sequences seqset.Set) (out DeadLetters, err error) {
	incarnation, err := r.ids.current(ctx)
	if err != nil {
		return DeadLetters{}, err
	}
	rows, err := r.cfg.Pool.Query(ctx, r.sql["dead_letters_in"], incarnation, sequences.String(), deadCauses, deadExamples)
	if err == nil {
		out.Causes, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (c DeadCause, err error) {
			var positions []int64
			var ids, subjects []string
			err = row.Scan(&out.Events, &c.Events, &c.Cause, &positions, &ids, &subjects)
			for i, p := range positions {
				c.First = append(c.First, DeadEvent{event.Position(p), ids[i], subjects[i]})
			}
			return c, err
		})
	}
	if err != nil {
		return DeadLetters{}, pg.Classify(fmt.Errorf("counting dead letters: %w", err))
	}
	return out, nil
}

// UnstoredIn returns which of the given sequences of the current incarnation were removed from the stream before they were stored.
func (r *Reports) UnstoredIn(ctx context.Context, sequences seqset.Set) (seqset.Set, error) {
	incarnation, err := r.ids.current(ctx)
	if err != nil {
		return seqset.Set{}, err
	}
	var text string
	if err := r.cfg.Pool.QueryRow(ctx, r.sql["unstored_in"], incarnation, sequences.String()).Scan(&text); err != nil {
		return seqset.Set{}, pg.Classify(fmt.Errorf("reading what was removed before it was stored: %w", err))
	}
	return seqset.Parse(text)
}

// AlreadyStored reports, for importers, which of exactly these events, collected by these accounts, are stored from the current
// incarnation of the stream: publishing them would only make duplicates.
func (r *Reports) AlreadyStored(ctx context.Context, events []event.Event) ([]bool, error) {
	out := make([]bool, len(events))
	incarnation, err := r.ids.current(ctx)
	if err != nil {
		return nil, err
	}
	stored, err := r.contents(ctx, events)
	if err != nil {
		return nil, err
	}
	seen, err := r.seen(ctx, events, stored)
	if err != nil {
		return nil, err
	}
	var encoded event.Content
	var other []int // are stored with other content
	for i := range events {
		s, found := stored[events[i].ID]
		if !found || s.incarnation != incarnation || !seen[i] {
			continue
		}
		if out[i] = s.is(&events[i], &encoded); !out[i] {
			other = append(other, i)
		}
	}
	if err := r.compareWhole(ctx, events, other, out); err != nil {
		return nil, err
	}
	return out, r.saysUnreacted(ctx, events, stored, out)
}

// content is what of a stored event decides whether a copy is its duplicate.
type content struct {
	incarnation int32
	digest      [16]byte
	accounts    []string
	asOf        int64
}

func (r *Reports) contents(ctx context.Context, events []event.Event) (map[event.ID]content, error) {
	rows, err := r.cfg.Pool.Query(ctx, r.sql["events_content"], ids(events, func(e *event.Event) [16]byte { return e.ID }))
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
		return pg.Classify(fmt.Errorf("reading what is stored: %w", err))
	}
	return nil
}

// seen reports for each event whether it is stored that its account collected it.
func (r *Reports) seen(ctx context.Context, events []event.Event, stored map[event.ID]content) ([]bool, error) {
	out := make([]bool, len(events))
	byID := map[[16]byte][]int{}
	for i := range events {
		account := projection.Clean(string(events[i].Account))
		c, found := stored[events[i].ID]
		switch {
		case account == "" || found && slices.Contains(c.accounts, account):
			out[i] = true
		case found:
			id := projection.SightingID(events[i].ID, account)
			byID[id] = append(byID[id], i)
		}
	}
	if len(byID) == 0 {
		return out, nil
	}
	rows, err := r.cfg.Pool.Query(ctx, r.sql["sightings_of"], slices.Collect(maps.Keys(byID)))
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

// is reports whether a copy has exactly the stored content. One that has not may still add nothing.
func (c *content) is(e *event.Event, encoded *event.Content) bool {
	return encoded.Read(e) == nil && encoded.Digest() == c.digest
}

// compareWhole finds out which of some events would add nothing to the stored ones, by reading those.
func (r *Reports) compareWhole(ctx context.Context, events []event.Event, which []int, out []bool) error {
	if len(which) == 0 {
		return nil
	}
	keys := make([][16]byte, len(which))
	for i, at := range which {
		keys[i] = events[at].ID
	}
	rows, err := r.cfg.Pool.Query(ctx, r.sql["events_by_id"], keys)
	if err != nil {
		return asking(err)
	}
	found, err := pgx.CollectRows(rows, scanEvent)
	if err != nil {
		return asking(err)
	}
	byID := make(map[event.ID]projection.PendingEvent, len(found))
	for _, it := range found {
		byID[it.ID] = it
	}
	for _, at := range which {
		if stored, ok := byID[events[at].ID]; ok {
			if out[at], err = projection.Contains(stored, &events[at]); err != nil {
				return err
			}
		}
	}
	return nil
}

// reacted returns which of the messages have stored reactions, or had.
func (r *Reports) reacted(ctx context.Context, messages [][16]byte) (map[event.ThingID]bool, error) {
	rows, err := r.cfg.Pool.Query(ctx, r.sql["reactions_any"], sortedKeys(messages))
	if err != nil {
		return nil, asking(err)
	}
	out := map[event.ThingID]bool{}
	var thing [16]byte
	_, err = pgx.ForEachRow(rows, []any{&thing}, func() error {
		out[thing] = true
		return nil
	})
	return out, asking(err)
}

// saysUnreacted takes out of the stored events those that say of a message with reactions, as of a later time, that it has none.
func (r *Reports) saysUnreacted(ctx context.Context, events []event.Event, stored map[event.ID]content, known []bool) error {
	var asked [][16]byte
	for i := range events {
		e := &events[i]
		if !known[i] || e.Reading.AsOf <= stored[e.ID].asOf {
			continue
		}
		if e.Kind == event.KindMessage {
			asked = append(asked, e.Thing())
		} else {
			known[i] = false
		}
	}
	if len(asked) == 0 {
		return nil
	}
	reacted, err := r.reacted(ctx, asked)
	if err != nil || len(reacted) == 0 {
		return err
	}
	for i := range events {
		e := &events[i]
		known[i] = known[i] && (e.Reading.AsOf <= stored[e.ID].asOf || e.Kind != event.KindMessage || !reacted[e.Thing()])
	}
	return nil
}

// CounterAt returns the lowest counter of a transaction that entered the sequence or a later one.
func (r *Reports) CounterAt(ctx context.Context, sequence uint64) (int64, error) {
	incarnation, err := r.ids.current(ctx)
	if err != nil {
		return 0, err
	}
	var c int64
	if err := r.cfg.Pool.QueryRow(ctx, r.sql["counter_at"], incarnation, int64(sequence)).Scan(&c); err != nil {
		return 0, pg.Classify(fmt.Errorf("reading the transaction of sequence %d: %w", sequence, err))
	}
	return c, nil
}

// Pending is what is committed and not yet published.
type Pending struct {
	Transactions int64
	Oldest       time.Duration // 0 if there is none
}

// Pending returns how many transactions' facts are not published yet.
func (r *Reports) Pending(ctx context.Context) (p Pending, err error) {
	if err := r.cfg.Pool.QueryRow(ctx, r.sql["ledger_pending"]).Scan(&p.Transactions, &p.Oldest); err != nil {
		return Pending{}, pg.Classify(fmt.Errorf("counting pending facts: %w", err))
	}
	return p, nil
}
