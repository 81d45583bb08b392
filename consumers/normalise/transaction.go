package normalise

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/agrichat/agrichat/consumers/normalise/projection"

	"github.com/jackc/pgx/v5"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/fact"
	"github.com/agrichat/agrichat/internal/seqset"
)

// errConflict says that a row that was read without a lock had changed when it was locked: the transaction is retried.
var errConflict = errors.New("a row changed while it was being locked")

// errOtherIncarnation says that what was read belongs to another incarnation of the stream than the current one.
var errOtherIncarnation = errors.New("the stream has become another one since its messages were read")

// rowVersion is the transaction that last changed a row.
type rowVersion struct{ counter, token int64 }

// txResult is what a committed transaction leaves to do.
type txResult struct {
	rowVersion // counter is 0 if nothing had to be written
	generation int32
	events     int
	count      int // of facts
	facts      []fact.Batch
	pending    []rowVersion // earlier transactions whose facts may not be published yet
	conflicts  int
	unstored   seqset.Set // recorded as removed before they were stored
}

// batchTx is one transaction that applies a batch of events. Its steps run in the order of run: rows are locked before the counter
// is taken, so that of two transactions that change one row the later one has the higher counter.
type batchTx struct {
	rowReader
	copies    []projection.PendingEvent // as delivered
	events    []projection.PendingEvent // each event once, sorted by id
	sequences seqset.Set                // those that this transaction inserts into the ledger
	last      *projection.PendingEvent  // of the highest position
	mode      applyMode
	identity  storeIdentity
	version   rowVersion                                  // counter is zero until every lock is held
	stored    map[event.ThingID]*projection.StoredMessage // messages that are locked

	inserted []projection.PendingEvent // events that are not stored yet
	updated  []projection.PendingEvent // events that are stored, and that say more now
	sighted  []projection.PendingEvent // events that are stored, and that other accounts may have collected too
	touched  []projection.IdentityRow  // whose names stay and were shown later

	rereadings projection.Rereadings
	written    changes
}

// changes are the rows that a transaction writes.
type changes struct {
	messages    []*projection.MessageRow
	reactions   []projection.ReactionRow
	memberships []projection.MembershipRow
	sightings   []projection.SightingRow
	channels    []projection.ChannelRow
	identities  []projection.IdentityRow
	replaced    struct{ messages, reactions, memberships, sightings [][16]byte } // rows that are deleted and written anew
}

func newBatchTx(c *core, tx pgx.Tx, ident storeIdentity, deleted seqset.Set, mode applyMode) *batchTx {
	return &batchTx{rowReader: rowReader{c, tx}, identity: ident, version: rowVersion{token: ident.token},
		sequences: deleted, mode: mode}
}

// run runs the steps.
func (b *batchTx) run(ctx context.Context) error {
	f, n, w := folder{b}, namer{b}, rowWriter{b}
	for _, step := range []func(context.Context) error{
		b.lockMessages, b.compare, f.fold, n.ensureNames, b.nextCounter, w.write, b.ledgerInsert, b.insertUnstored,
	} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// force reports whether everything that depends on these events is computed and published again, though nothing changes.
func (b *batchTx) force() bool { return b.mode != applyNormal && b.mode != applyUnstored }

// skipStored leaves out what the ledger holds, and returns the transactions among those whose facts may not be published.
func (b *batchTx) skipStored(ctx context.Context, items []projection.PendingEvent) (pending []rowVersion, err error) {
	incarnation := b.identity.incarnation
	asked := b.sequences
	for _, it := range items {
		seq := it.Position.Sequence()
		asked.Add(seq, seq)
	}
	var covered string
	var counters, tokens []int64
	if err := b.tx.QueryRow(ctx, b.sql["ledger_covered"], incarnation, asked.String()).Scan(&covered, &counters, &tokens); err != nil {
		return nil, fmt.Errorf("reading the ledger: %w", err)
	}
	for i, c := range counters {
		pending = append(pending, rowVersion{counter: c, token: tokens[i]})
	}
	held, err := seqset.Parse(covered)
	if err != nil {
		return nil, err
	}
	if b.mode == applyRepair {
		held = seqset.Set{}
	}
	b.sequences = subtract(asked, held)
	if held.Len() > 0 {
		if b.mode == applyNormal {
			covered := slices.DeleteFunc(slices.Clone(items), func(it projection.PendingEvent) bool { return !held.Has(it.Position.Sequence()) })
			if err := b.checkStored(ctx, covered); err != nil {
				return nil, err
			}
		}
		items = slices.DeleteFunc(slices.Clone(items), func(it projection.PendingEvent) bool { return held.Has(it.Position.Sequence()) })
	}
	b.take(items)
	return pending, nil
}

// take has the transaction apply these events.
func (b *batchTx) take(items []projection.PendingEvent) {
	b.copies = slices.Clone(items)
	for i := range b.copies {
		b.copies[i].Incarnation = b.identity.incarnation
		if b.last == nil || b.copies[i].Position > b.last.Position {
			b.last = &b.copies[i]
		}
	}
	b.events = projection.Unique(b.copies)
}

func subtract(a, b seqset.Set) seqset.Set {
	var out seqset.Set
	for _, sp := range a.Spans() {
		out.Union(b.Missing(sp.First, sp.Last))
	}
	return out
}

// compare finds out which events are new, and which stored ones say more with these copies.
func (b *batchTx) compare(ctx context.Context) error {
	if len(b.events) == 0 {
		return nil
	}
	old, err := b.readEvents(ctx, "events_lock", ids(b.events, func(it *projection.PendingEvent) [16]byte { return it.ID }))
	if err != nil {
		return err
	}
	existing := make(map[event.ID]projection.PendingEvent, len(old))
	for _, o := range old {
		existing[o.ID] = o
	}
	for _, it := range b.events {
		stored, found := existing[it.ID]
		if !found {
			b.rereadings.Add(&it, &it)
			b.inserted = append(b.inserted, it)
			continue
		}
		both, more := projection.Merge(stored, it)
		b.rereadings.Add(&stored, &both)
		switch {
		case more || b.force():
			b.updated = append(b.updated, both)
		case len(both.OtherAccounts) > 0:
			b.sighted = append(b.sighted, both)
		}
	}
	return nil
}

// nextCounter allocates the commit sequence, now that every stored row is locked: the next transaction that changes one of them gets a higher one.
func (b *batchTx) nextCounter(ctx context.Context) error {
	before := b.cache.committed(b.identity)
	if err := b.tx.QueryRow(ctx, b.sql["draw"]).Scan(&b.version.counter); err != nil {
		return fmt.Errorf("allocating the counter: %w", err)
	}
	if b.version.counter <= before {
		return b.cache.replace(b.identity.generation, 0)
	}
	return nil
}

// ledgerInsert writes the ledger's row.
func (b *batchTx) ledgerInsert(ctx context.Context) error {
	_, lastSeq := b.sequences.Bounds()
	var lastEvent *[16]byte
	if b.last != nil && b.last.Position.Sequence() == lastSeq {
		lastEvent = (*[16]byte)(&b.last.ID)
	}
	_, err := b.tx.Exec(ctx, b.sql["ledger_enter"], b.version.counter, b.identity.incarnation, b.sequences.String(), lastEvent,
		int64(lastSeq), b.version.token, b.countFacts())
	if err != nil {
		return fmt.Errorf("inserting into the ledger: %w", err)
	}
	return nil
}

// lockMessages locks, in order, every stored message row that the batch may change.
func (b *batchTx) lockMessages(ctx context.Context) error {
	var keys [][16]byte
	for i := range b.events {
		if t := b.events[i].MessageID(); t != (event.ThingID{}) {
			keys = append(keys, t)
		}
	}
	keys = sortedKeys(keys)
	if len(keys) == 0 {
		return nil
	}
	rows, err := b.tx.Query(ctx, b.sql["messages_lock"], keys)
	if err != nil {
		return fmt.Errorf("locking messages: %w", err)
	}
	found, err := pgx.CollectRows(rows, scanStoredMessage)
	if err != nil {
		return fmt.Errorf("locking messages: %w", err)
	}
	b.stored = make(map[event.ThingID]*projection.StoredMessage, len(found))
	for _, s := range found {
		b.stored[s.Thing] = s
	}
	return nil
}

// insertUnstored records the sequences that this transaction inserts into the ledger without ever having had their messages.
func (b *batchTx) insertUnstored(ctx context.Context) error {
	if b.mode != applyUnstored || b.sequences.Len() == 0 {
		return nil
	}
	_, err := b.tx.Exec(ctx, b.sql["unstored_insert"], b.version.counter, b.version.token, b.identity.incarnation, b.sequences.String())
	if err != nil {
		return fmt.Errorf("recording sequences that were removed before they were stored: %w", err)
	}
	return nil
}

// facts are those of everything that the transaction wrote.
func (b *batchTx) facts() ([]fact.Batch, int) {
	g := projection.NewFactBuilder(b.identity.version(b.version))
	g.Reserve(b.written.messages, b.inserted, b.updated)
	for _, list := range [][]projection.PendingEvent{b.inserted, b.updated} {
		for i := range list {
			g.AddVersion(projection.RefOf(&list[i]), &list[i])
		}
	}
	for _, r := range b.written.messages {
		g.AddMessage(r)
	}
	for i := range b.written.reactions {
		g.AddReaction(&b.written.reactions[i])
	}
	for i := range b.written.memberships {
		g.AddMembership(&b.written.memberships[i])
	}
	for i := range b.written.channels {
		g.AddChannel(&b.written.channels[i])
	}
	for i := range b.written.identities {
		g.AddIdentity(&b.written.identities[i])
	}
	for i := range b.written.sightings {
		g.AddSighting(&b.written.sightings[i])
	}
	return g.Batches(), g.Count
}

// countFacts is how many facts there will be, before the rows are complete.
func (b *batchTx) countFacts() int {
	n := len(b.inserted) + len(b.updated) + len(b.written.reactions) + len(b.written.memberships) + len(b.written.channels) +
		len(b.written.identities) + len(b.written.sightings)
	for _, r := range b.written.messages {
		if r.Kind != nil {
			n++
		}
	}
	return n
}

// checkStored checks that what is delivered at sequences that the ledger holds is stored: else the stream was restored from a backup,
// and has given these sequences to other messages.
func (b *batchTx) checkStored(ctx context.Context, delivered []projection.PendingEvent) error {
	if len(delivered) == 0 {
		return nil
	}
	events, positions := make([][16]byte, len(delivered)), make([]int64, len(delivered))
	for i := range delivered {
		events[i], positions[i] = delivered[i].ID, int64(delivered[i].Position)
	}
	var absent int64
	if err := b.tx.QueryRow(ctx, b.sql["events_absent"], events, positions, b.identity.incarnation).Scan(&absent); err != nil {
		return fmt.Errorf("looking for events of sequences that the ledger holds: %w", err)
	}
	if absent > 0 {
		return b.cache.replace(-1, b.identity.incarnation)
	}
	return nil
}

func sortedKeys(keys [][16]byte) [][16]byte {
	slices.SortFunc(keys, func(a, b [16]byte) int { return bytes.Compare(a[:], b[:]) })
	return slices.Compact(keys)
}

func sortedMapKeys[V any](m map[event.ThingID]V) [][16]byte {
	keys := make([][16]byte, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	return sortedKeys(keys)
}

// ids picks one id of every element, leaving out zero ones and adjacent duplicates.
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
