package verify

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/agrichat/agrichat/consumers"
	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/seqset"
)

// lookAtOnce is how many events of the log are looked up in one question.
const lookAtOnce = 5000

// compareLedger finds the sequences that were never entered. Those that the log has lost since are no holes: compareBus
// takes them back as it meets what stands.
func (v *Verifier) compareLedger(ctx context.Context, tx pgx.Tx, c cut, r *Report, _ *calendar) error {
	if c.sequence == 0 {
		return nil
	}
	var text string
	err := tx.QueryRow(ctx, query("ledger_held"), c.incarnation, int64(c.sequence)).Scan(&text)
	if err != nil {
		return fmt.Errorf("reading the ledger: %w", err)
	}
	held, err := seqset.Parse(text)
	if err != nil {
		return err
	}
	missing := held.Missing(1, c.sequence)
	for _, sp := range missing.Spans() {
		err := v.Bus.Range(ctx, sp.First, sp.Last, true, func(d consumers.Delivery) error {
			r.Holes++
			r.Missing++
			r.repair.sequences.Add(d.Sequence, d.Sequence)
			r.problem(Problem{What: "the ledger does not hold it", Kind: "sequence", Sequence: d.Sequence, ID: d.EventID, Detail: d.Subject})
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// looking is the log being held against the record.
type looking struct {
	tx    pgx.Tx
	cut   cut
	r     *Report
	days  *calendar
	chunk []consumers.Delivery
	// odd holds ids whose first place is not on this log: each must be counted once all the same.
	odd map[string]struct{}
}

func (v *Verifier) compareBus(ctx context.Context, tx pgx.Tx, c cut, r *Report, days *calendar) error {
	l := &looking{tx: tx, cut: c, r: r, days: days, odd: map[string]struct{}{}}
	if c.sequence == 0 {
		return nil
	}
	err := v.Bus.Range(ctx, 1, c.sequence, true, func(d consumers.Delivery) error {
		l.chunk = append(l.chunk, d)
		if len(l.chunk) < lookAtOnce {
			return nil
		}
		return l.look(ctx)
	})
	if err != nil {
		return err
	}
	return l.look(ctx)
}

// stored is what the record says of an event.
type stored struct {
	incarnation int32
	sequence    uint64
	place       dayKey
}

func (l *looking) look(ctx context.Context) error {
	if len(l.chunk) == 0 {
		return nil
	}
	found, err := l.find(ctx)
	if err != nil {
		return err
	}
	var lost []consumers.Delivery
	for _, d := range l.chunk {
		s, ok := found[d.EventID]
		switch {
		case !ok:
			lost = append(lost, d)
		case s.incarnation == l.cut.incarnation && s.sequence == d.Sequence, l.first(s, d):
			l.r.Bus++
			l.r.Postgres++
			l.days.at(s.place).Bus++
		}
	}
	l.chunk = l.chunk[:0]
	return l.lost(ctx, lost)
}

// first reports whether an event whose first place is elsewhere is met for the first time.
func (l *looking) first(s stored, d consumers.Delivery) bool {
	if s.incarnation == l.cut.incarnation && s.sequence < d.Sequence {
		return false // a repeat of one that was, or will have been, counted at its first place
	}
	_, seen := l.odd[d.EventID]
	l.odd[d.EventID] = struct{}{}
	return !seen
}

func (l *looking) find(ctx context.Context) (map[string]stored, error) {
	ids := make([][16]byte, 0, len(l.chunk))
	for _, d := range l.chunk {
		if id, err := event.ParseID(d.EventID); err == nil {
			ids = append(ids, id)
		}
	}
	rows, err := l.tx.Query(ctx, query("events_of"), ids)
	if err != nil {
		return nil, fmt.Errorf("looking events up in the record: %w", err)
	}
	out := make(map[string]stored, len(ids))
	var id [16]byte
	var s stored
	var day *time.Time
	_, err = pgx.ForEachRow(rows, []any{&id, &s.incarnation, &s.sequence, &s.place.source, &s.place.namespace, &s.place.channel, &day},
		func() error {
			s.place.day = dayOf(day)
			out[event.ID(id).String()] = s
			return nil
		})
	if err != nil {
		return nil, fmt.Errorf("looking events up in the record: %w", err)
	}
	return out, nil
}

// lost looks among the dead letters for what the record does not hold.
func (l *looking) lost(ctx context.Context, lost []consumers.Delivery) error {
	if len(lost) == 0 {
		return nil
	}
	seqs := make([]int64, len(lost))
	for i, d := range lost {
		seqs[i] = int64(d.Sequence)
	}
	rows, err := l.tx.Query(ctx, query("dead_of"), l.cut.incarnation, seqs)
	if err != nil {
		return fmt.Errorf("looking events up among the dead letters: %w", err)
	}
	dead, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		return fmt.Errorf("looking events up among the dead letters: %w", err)
	}
	buried := make(map[uint64]struct{}, len(dead))
	for _, q := range dead {
		buried[uint64(q)] = struct{}{}
	}
	for _, d := range lost {
		l.r.Bus++
		if _, ok := buried[d.Sequence]; ok {
			l.r.Postgres++
			l.r.DeadLetters++
			continue
		}
		l.miss(d)
	}
	return nil
}

func (l *looking) miss(d consumers.Delivery) {
	if _, again := l.odd[d.EventID]; again && d.EventID != "" {
		l.r.Bus--
		return
	}
	l.odd[d.EventID] = struct{}{}
	l.r.Missing++
	l.r.repair.sequences.Add(d.Sequence, d.Sequence)
	l.r.problem(Problem{What: "missing in Postgres", Kind: "event", ID: d.EventID, Sequence: d.Sequence, Detail: d.Subject})
}

// findExtra finds events that say they came from this log and do not stand on it.
func (v *Verifier) findExtra(ctx context.Context, tx pgx.Tx, c cut, r *Report, _ *calendar) error {
	var rows uint64
	if err := tx.QueryRow(ctx, query("events_count"), c.incarnation, int64(c.sequence)).Scan(&rows); err != nil {
		return fmt.Errorf("counting the record's events: %w", err)
	}
	first := r.Postgres - r.DeadLetters
	if rows <= first {
		return nil
	}
	return v.nameExtra(ctx, tx, c, r)
}

// nameExtra goes through the record in the order of the log, side by side with it.
func (v *Verifier) nameExtra(ctx context.Context, tx pgx.Tx, c cut, r *Report) error {
	onBus := map[uint64]string{}
	if err := v.Bus.Range(ctx, 1, c.sequence, true, func(d consumers.Delivery) error {
		onBus[d.Sequence] = d.EventID
		return nil
	}); err != nil {
		return err
	}
	rows, err := tx.Query(ctx, query("events_places"), c.incarnation, int64(c.sequence))
	if err != nil {
		return fmt.Errorf("listing the record's events: %w", err)
	}
	var id [16]byte
	var seq uint64
	_, err = pgx.ForEachRow(rows, []any{&id, &seq}, func() error {
		stands, there := onBus[seq]
		if there && stands != event.ID(id).String() {
			r.Extra++
			r.problem(Problem{What: "in Postgres, not on the bus", Kind: "event", ID: event.ID(id).String(), Sequence: seq})
		}
		return nil // what the log has let go of is no longer its to deny
	})
	if err != nil {
		return fmt.Errorf("listing the record's events: %w", err)
	}
	return nil
}

// findStubs finds targets that nothing hangs on.
func (v *Verifier) findStubs(ctx context.Context, tx pgx.Tx, _ cut, r *Report, _ *calendar) error {
	rows, err := tx.Query(ctx, query("stubs"), MaxProblems)
	if err != nil {
		return fmt.Errorf("looking for stubs: %w", err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[[16]byte])
	if err != nil {
		return fmt.Errorf("looking for stubs: %w", err)
	}
	for _, id := range ids {
		r.Differing++
		r.problem(Problem{What: "a stub that nothing hangs on", Kind: "message", ID: event.ThingID(id).String()})
	}
	return nil
}

// findLost finds messages that have events and no row. Their events are applied again, wherever they stand on this log.
func (v *Verifier) findLost(ctx context.Context, tx pgx.Tx, c cut, r *Report, _ *calendar) error {
	rows, err := tx.Query(ctx, query("lost_messages"), c.incarnation)
	if err != nil {
		return fmt.Errorf("looking for messages without a row: %w", err)
	}
	var thing [16]byte
	var sequence uint64
	_, err = pgx.ForEachRow(rows, []any{&thing, &sequence}, func() error {
		r.Missing++
		r.repair.messages[thing] = struct{}{}
		if sequence > 0 {
			r.repair.sequences.Add(sequence, sequence)
		}
		r.problem(Problem{What: "missing in Postgres", Kind: "message", ID: event.ThingID(thing).String(), Sequence: sequence,
			Detail: "its events are there"})
		return nil
	})
	if err != nil {
		return fmt.Errorf("looking for messages without a row: %w", err)
	}
	return nil
}
