package normalise

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/fact"
	"github.com/agrichat/agrichat/internal/fault"
	"github.com/agrichat/agrichat/internal/seqset"
)

// errMoved says that what was read without a lock had changed when it was locked: run the transaction again.
var errMoved = errors.New("a row moved while it was being locked")

// errOtherIncarnation says that what was read belongs to another incarnation of the stream than the one that is current now.
var errOtherIncarnation = errors.New("the stream has become another one since its messages were read")

// outcome is what a committed transaction leaves to do.
type outcome struct {
	rowVersion // counter is 0 if nothing had to be written
	generation int32
	events     int
	count      int // of facts
	facts      []fact.Batch
	unmarked   []rowVersion // earlier transactions whose facts may not be published yet
	conflicts  int
	unstored   seqset.Set // recorded as removed before they were stored
}

// work is one transaction on its way.
type work struct {
	*Store
	tx       pgx.Tx
	copies   []PendingEvent // as delivered
	items    []PendingEvent // each event once, sorted by id
	took     seqset.Set     // the sequences that this transaction enters into the ledger
	last     *PendingEvent  // of the highest position
	how      manner
	life     life
	stamp    rowVersion                       // counter is zero until every lock is held
	standing map[event.ThingID]*StoredMessage // messages that are locked

	fresh   []PendingEvent // events that the record does not hold yet
	grown   []PendingEvent // events that it holds, and that say more now
	sighted []PendingEvent // events that it holds, and that other accounts may have collected too
	aging   []IdentityRow  // whose name stays and was shown later

	charsets Charsets // in which names were read
	renamed  Renames
	written  changes
}

// changes are the rows that a transaction writes.
type changes struct {
	messages    []*MessageRow
	reactions   []ReactionRow
	memberships []MembershipRow
	sightings   []SightingRow
	channels    []ChannelRow
	identities  []IdentityRow
	gone        struct{ messages, reactions, memberships, sightings [][16]byte } // rows that are written anew
}

// attempt runs one transaction, and gathers what it has to tell once it stands.
func (k *Store) attempt(ctx context.Context, items []PendingEvent, without seqset.Set, how manner) (outcome, error) {
	var done outcome
	var w *work
	err := k.write(ctx, func(ctx context.Context, tx pgx.Tx, l life) (err error) {
		if k.only != 0 && k.only != l.incarnation {
			return fault.AsTransient(errOtherIncarnation, 0)
		}
		w = &work{Store: k, tx: tx, life: l, stamp: rowVersion{token: l.token}, took: without, how: how}
		done = outcome{rowVersion: w.stamp, generation: l.generation}
		if how == parted {
			w.take(items)
		} else if done.unmarked, err = w.skipCovered(ctx, items); err != nil || w.took.Len() == 0 {
			return err
		}
		for _, step := range []func(context.Context) error{
			w.lockMessages, w.compare, w.fold, w.name, w.draw, w.write, w.enter, w.insertUnstored,
		} {
			if err := step(ctx); err != nil {
				return err
			}
		}
		done.rowVersion, done.events = w.stamp, len(w.fresh)
		if how == unstored {
			done.unstored = w.took
		}
		return nil
	})
	if err != nil {
		return outcome{}, err
	}
	if done.counter != 0 {
		k.known.commit(w.life, done.counter)
		done.facts, done.count = w.facts()
	}
	return done, nil
}

// anew reports whether all that hangs on these events is computed and told anew, though they stand and nothing changes.
func (w *work) anew() bool { return w.how != ordinary && w.how != unstored }

// skipCovered leaves out what the ledger holds, and returns the transactions among those that may not have told.
func (w *work) skipCovered(ctx context.Context, items []PendingEvent) (unmarked []rowVersion, err error) {
	incarnation := w.life.incarnation
	asked := w.took
	for _, it := range items {
		seq := it.Position.Sequence()
		asked.Add(seq, seq)
	}
	var covered string
	var counters, tokens []int64
	if err := w.tx.QueryRow(ctx, w.sql["ledger_covered"], incarnation, asked.String()).Scan(&covered, &counters, &tokens); err != nil {
		return nil, fmt.Errorf("asking the ledger: %w", err)
	}
	for i, c := range counters {
		unmarked = append(unmarked, rowVersion{counter: c, token: tokens[i]})
	}
	held, err := seqset.Parse(covered)
	if err != nil {
		return nil, err
	}
	if w.how == repairing {
		held = seqset.Set{}
	}
	w.took = subtract(asked, held)
	if held.Len() > 0 {
		if w.how == ordinary {
			covered := slices.DeleteFunc(slices.Clone(items), func(it PendingEvent) bool { return !held.Has(it.Position.Sequence()) })
			if err := w.checkCovered(ctx, covered); err != nil {
				return nil, err
			}
		}
		items = slices.DeleteFunc(slices.Clone(items), func(it PendingEvent) bool { return held.Has(it.Position.Sequence()) })
	}
	w.take(items)
	return unmarked, nil
}

// take has the transaction store these.
func (w *work) take(items []PendingEvent) {
	w.copies = slices.Clone(items)
	for i := range w.copies {
		w.copies[i].Incarnation = w.life.incarnation
		if w.last == nil || w.copies[i].Position > w.last.Position {
			w.last = &w.copies[i]
		}
	}
	w.items = Unique(w.copies)
}

func subtract(a, b seqset.Set) seqset.Set {
	var out seqset.Set
	for _, sp := range a.Spans() {
		out.Union(b.Missing(sp.First, sp.Last))
	}
	return out
}

// compare finds out which events are new, and which of those that stand say more with these copies.
func (w *work) compare(ctx context.Context) error {
	if len(w.items) == 0 {
		return nil
	}
	old, err := w.events(ctx, "events_lock", ids(w.items, func(it *PendingEvent) [16]byte { return it.ID }))
	if err != nil {
		return err
	}
	standing := make(map[event.ID]PendingEvent, len(old))
	for _, o := range old {
		standing[o.ID] = o
	}
	for _, it := range w.items {
		stands, found := standing[it.ID]
		if !found {
			w.reread(&it, &it)
			w.fresh = append(w.fresh, it)
			continue
		}
		both, more := Merge(stands, it)
		w.reread(&stands, &both)
		switch {
		case more || w.anew():
			w.grown = append(w.grown, both)
		case len(both.OtherAccounts) > 0:
			w.sighted = append(w.sighted, both)
		}
	}
	return nil
}

// Merge merges a copy into the event that stands; more reports whether that changes anything.
func Merge(stands, it PendingEvent) (both PendingEvent, more bool) {
	both = it // has the names of its place
	both.Event = event.Merge(it.Event, stands.Event)
	both.Incarnation, both.Position, both.Accounts = stands.Incarnation, stands.Position, stands.Accounts
	// Where the stream was made anew, the event stands where it stands now.
	if it.Incarnation > stands.Incarnation || it.Incarnation == stands.Incarnation && it.Position < stands.Position {
		both.Incarnation, both.Position, both.Accounts = it.Incarnation, it.Position, it.Accounts
	}
	both.OtherAccounts = without(union(union(stands.Accounts, it.Accounts), it.OtherAccounts), both.Accounts)
	more = !sameContent(both.Event, stands.Event) || both.Position != stands.Position || both.Incarnation != stands.Incarnation
	return both, more
}

// draw takes the counter, now that every row that stands is locked: whoever changes one of them next draws a higher one.
func (w *work) draw(ctx context.Context) error {
	before := w.known.committed(w.life)
	if err := w.tx.QueryRow(ctx, w.sql["draw"]).Scan(&w.stamp.counter); err != nil {
		return fmt.Errorf("drawing the counter: %w", err)
	}
	if w.stamp.counter <= before {
		return w.known.replace(w.life.generation, 0)
	}
	return nil
}

// enter writes the ledger's row.
func (w *work) enter(ctx context.Context) error {
	_, lastSeq := w.took.Bounds()
	var lastEvent *[16]byte
	if w.last != nil && w.last.Position.Sequence() == lastSeq {
		lastEvent = (*[16]byte)(&w.last.ID)
	}
	_, err := w.tx.Exec(ctx, w.sql["ledger_enter"], w.stamp.counter, w.life.incarnation, w.took.String(), lastEvent,
		int64(lastSeq), w.stamp.token, w.countFacts())
	if err != nil {
		return fmt.Errorf("entering the ledger: %w", err)
	}
	return nil
}

// events reads whole events back.
func (w *work) events(ctx context.Context, query string, keys [][16]byte, more ...any) ([]PendingEvent, error) {
	if len(keys) == 0 {
		return nil, nil
	}
	rows, err := w.tx.Query(ctx, w.sql[query], append([]any{keys}, more...)...)
	if err != nil {
		return nil, fmt.Errorf("reading events: %w", err)
	}
	out, err := pgx.CollectRows(rows, scanItem)
	if err != nil {
		return nil, fmt.Errorf("reading events: %w", err)
	}
	return out, nil
}

// ids picks one id of every element, leaving out zero ones and doubles that follow each other.
func ids[T any](of []T, id func(*T) [16]byte) [][16]byte {
	out := make([][16]byte, 0, len(of))
	for i := range of {
		k := id(&of[i])
		if k == ([16]byte{}) || len(out) > 0 && out[len(out)-1] == k {
			continue
		}
		out = append(out, k)
	}
	return out
}
