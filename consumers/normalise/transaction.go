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
	stamp      // counter is 0 if nothing had to be written
	generation int32
	events     int
	count      int // of facts
	facts      []fact.Batch
	unmarked   []stamp // earlier transactions whose facts may not be published yet
	conflicts  int
	unstored   seqset.Set // recorded as removed before they were stored
}

// work is one transaction on its way.
type work struct {
	*Store
	tx       pgx.Tx
	copies   []item     // as delivered
	items    []item     // each event once, sorted by id
	took     seqset.Set // the sequences that this transaction enters into the ledger
	last     *item      // of the highest position
	how      manner
	life     life
	stamp    stamp                       // counter is zero until every lock is held
	standing map[event.ThingID]*existing // messages that are locked

	fresh   []item        // events that the record does not hold yet
	grown   []item        // events that it holds, and that say more now
	sighted []item        // events that it holds, and that other accounts may have collected too
	aging   []identityRow // whose name stays and was shown later

	charsets charsets // in which names were read
	renamed  renamed
	written  changes
}

// changes are the rows that a transaction writes.
type changes struct {
	messages    []*messageRow
	reactions   []reactionRow
	memberships []membershipRow
	sightings   []sightingRow
	channels    []channelRow
	identities  []identityRow
	gone        struct{ messages, reactions, memberships, sightings [][16]byte } // rows that are written anew
}

// attempt runs one transaction, and gathers what it has to tell once it stands.
func (k *Store) attempt(ctx context.Context, items []item, without seqset.Set, how manner) (outcome, error) {
	var done outcome
	var w *work
	err := k.write(ctx, func(ctx context.Context, tx pgx.Tx, l life) (err error) {
		if k.only != 0 && k.only != l.incarnation {
			return fault.AsTransient(errOtherIncarnation, 0)
		}
		w = &work{Store: k, tx: tx, life: l, stamp: stamp{token: l.token}, took: without, how: how}
		done = outcome{stamp: w.stamp, generation: l.generation}
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
		done.stamp, done.events = w.stamp, len(w.fresh)
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
func (w *work) skipCovered(ctx context.Context, items []item) (unmarked []stamp, err error) {
	incarnation := w.life.incarnation
	asked := w.took
	for _, it := range items {
		seq := it.position.Sequence()
		asked.Add(seq, seq)
	}
	var covered string
	var counters, tokens []int64
	if err := w.tx.QueryRow(ctx, w.sql["ledger_covered"], incarnation, asked.String()).Scan(&covered, &counters, &tokens); err != nil {
		return nil, fmt.Errorf("asking the ledger: %w", err)
	}
	for i, c := range counters {
		unmarked = append(unmarked, stamp{counter: c, token: tokens[i]})
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
			covered := slices.DeleteFunc(slices.Clone(items), func(it item) bool { return !held.Has(it.position.Sequence()) })
			if err := w.checkCovered(ctx, covered); err != nil {
				return nil, err
			}
		}
		items = slices.DeleteFunc(slices.Clone(items), func(it item) bool { return held.Has(it.position.Sequence()) })
	}
	w.take(items)
	return unmarked, nil
}

// take has the transaction store these.
func (w *work) take(items []item) {
	w.copies = slices.Clone(items)
	for i := range w.copies {
		w.copies[i].incarnation = w.life.incarnation
		if w.last == nil || w.copies[i].position > w.last.position {
			w.last = &w.copies[i]
		}
	}
	w.items = unique(w.copies)
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
	old, err := w.events(ctx, "events_lock", ids(w.items, func(it *item) [16]byte { return it.ID }))
	if err != nil {
		return err
	}
	standing := make(map[event.ID]item, len(old))
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
		both, more := grow(stands, it)
		w.reread(&stands, &both)
		switch {
		case more || w.anew():
			w.grown = append(w.grown, both)
		case len(both.others) > 0:
			w.sighted = append(w.sighted, both)
		}
	}
	return nil
}

// grow merges a copy into the event that stands; more reports whether that changes anything.
func grow(stands, it item) (both item, more bool) {
	both = it // has the names of its place
	both.Event = event.Merge(it.Event, stands.Event)
	both.incarnation, both.position, both.accounts = stands.incarnation, stands.position, stands.accounts
	// Where the stream was made anew, the event stands where it stands now.
	if it.incarnation > stands.incarnation || it.incarnation == stands.incarnation && it.position < stands.position {
		both.incarnation, both.position, both.accounts = it.incarnation, it.position, it.accounts
	}
	both.others = without(union(union(stands.accounts, it.accounts), it.others), both.accounts)
	more = !sameContent(both.Event, stands.Event) || both.position != stands.position || both.incarnation != stands.incarnation
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
	if w.last != nil && w.last.position.Sequence() == lastSeq {
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
func (w *work) events(ctx context.Context, query string, keys [][16]byte, more ...any) ([]item, error) {
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
