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

// eventsPerQuery is how many events of the log are looked up at once.
const eventsPerQuery = 5000

// compareLedger finds the gaps of the ledger. Sequences that are not on the log either were removed before they were
// stored; a worker inserts them as such when it next reconciles, and the stores are not equal until then.
func (v *Verifier) compareLedger(ctx context.Context, tx pgx.Tx, c cutoff, r *Report, _ *dayCounts) error {
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
		var there seqset.Set
		err := v.Bus.Range(ctx, sp.First, sp.Last, true, func(d consumers.Delivery) error {
			there.Add(d.Sequence, d.Sequence)
			r.Gaps++
			r.Missing++
			r.repair.sequences.Add(d.Sequence, d.Sequence)
			r.problem(Problem{What: "the ledger does not hold it", Kind: "sequence", Sequence: d.Sequence, ID: d.Named(), Detail: d.Subject})
			return nil
		})
		if err != nil {
			return err
		}
		gone := there.Missing(sp.First, sp.Last)
		for _, lost := range gone.Spans() {
			r.unstored(lost, c.incarnation, true)
		}
	}
	return nil
}

// logComparison compares the log with PostgreSQL.
type logComparison struct {
	tx     pgx.Tx
	cutoff cutoff
	r      *Report
	days   *dayCounts
	// channels caches their names by key.
	channels map[[16]byte]dayKey
	// counted holds ids whose first position is not on this log: each must be counted once all the same.
	counted map[string]struct{}
}

// logEvent is an event of a message of the log.
type logEvent struct {
	at      event.Position
	id      string // of the header, or else of the envelope; may be empty
	subject string
	unnamed bool // the message has no header with ids: another publisher may omit it
}

// readEvents yields the events of the log up to a sequence in batches.
func (v *Verifier) readEvents(ctx context.Context, until uint64, yield func([]logEvent) error) error {
	var chunk []logEvent
	flush := func() error {
		if len(chunk) == 0 {
			return nil
		}
		if err := v.identify(ctx, chunk); err != nil {
			return err
		}
		err := yield(chunk)
		chunk = chunk[:0]
		return err
	}
	err := v.Bus.Range(ctx, 1, until, true, func(d consumers.Delivery) error {
		line := 0
		for id := range d.IDs() {
			chunk = append(chunk, logEvent{at: event.At(d.Sequence, line), id: id, subject: d.Subject, unnamed: d.EventIDs == ""})
			line++
		}
		if len(chunk) < eventsPerQuery {
			return nil
		}
		return flush()
	})
	if err != nil {
		return err
	}
	return flush()
}

// identify reads the ids of unnamed events from their envelopes. An event that cannot be read keeps an empty one.
func (v *Verifier) identify(ctx context.Context, chunk []logEvent) error {
	unnamed := map[uint64]*logEvent{}
	var first, last uint64
	for i := range chunk {
		if !chunk[i].unnamed {
			continue
		}
		last = chunk[i].at.Sequence()
		if len(unnamed) == 0 {
			first = last
		}
		unnamed[last] = &chunk[i]
	}
	if len(unnamed) == 0 {
		return nil
	}
	err := v.Bus.Range(ctx, first, last, false, func(d consumers.Delivery) error {
		if s := unnamed[d.Sequence]; s != nil {
			if e, _, err := event.DecodeWithoutRaw(d.Data); err == nil {
				s.id = e.ID.String()
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("reading the ids of events without a header: %w", err)
	}
	return nil
}

func (v *Verifier) compareBus(ctx context.Context, tx pgx.Tx, c cutoff, r *Report, days *dayCounts) error {
	if c.sequence == 0 {
		return nil
	}
	channels, err := readChannels(ctx, tx)
	if err != nil {
		return err
	}
	l := &logComparison{tx: tx, cutoff: c, r: r, days: days, channels: channels, counted: map[string]struct{}{}}
	return v.readEvents(ctx, c.sequence, func(chunk []logEvent) error { return l.compareChunk(ctx, chunk) })
}

// storedEvent is an event in PostgreSQL.
type storedEvent struct {
	incarnation int32
	at          event.Position
	day         dayKey // its channel and day
}

func (l *logComparison) compareChunk(ctx context.Context, chunk []logEvent) error {
	found, err := l.find(ctx, chunk)
	if err != nil {
		return err
	}
	var lost []logEvent
	for _, d := range chunk {
		id, err := event.ParseID(d.id)
		s, ok := found[id]
		switch {
		case err != nil || !ok:
			lost = append(lost, d)
		case l.first(s, d):
			l.r.Bus++
			l.r.Postgres++
			l.days.at(s.day).Bus++
		}
	}
	return l.deadLettered(ctx, lost)
}

// first reports whether an event is read for the first time. That is at its first position as PostgreSQL has it, unless that is
// not on this log, or behind this position: here it was a dead letter, which was requeued.
func (l *logComparison) first(s storedEvent, d logEvent) bool {
	here := s.incarnation == l.cutoff.incarnation
	if here && s.at < d.at {
		return false // a duplicate of one that was, or will have been, counted at its first position
	}
	_, seen := l.counted[d.id]
	if !here || s.at != d.at {
		l.counted[d.id] = struct{}{}
	}
	return !seen
}

// find returns the events of a chunk that PostgreSQL holds. Nearly all are at the positions of the chunk, and are read in the order of
// the log; the others are looked up by id.
func (l *logComparison) find(ctx context.Context, chunk []logEvent) (map[event.ID]storedEvent, error) {
	out := make(map[event.ID]storedEvent, len(chunk))
	err := l.read(ctx, out, query("events_between"), l.cutoff.incarnation, int64(chunk[0].at), int64(chunk[len(chunk)-1].at))
	if err != nil {
		return nil, err
	}
	var elsewhere [][16]byte
	for _, d := range chunk {
		if id, err := event.ParseID(d.id); err == nil {
			if _, found := out[id]; !found {
				elsewhere = append(elsewhere, id)
			}
		}
	}
	if len(elsewhere) == 0 {
		return out, nil
	}
	return out, l.read(ctx, out, query("events_of"), elsewhere)
}

// read adds events of PostgreSQL. One whose channel has no row is left out.
func (l *logComparison) read(ctx context.Context, out map[event.ID]storedEvent, sql string, args ...any) error {
	rows, err := l.tx.Query(ctx, sql, args...)
	if err != nil {
		return fmt.Errorf("looking events up in PostgreSQL: %w", err)
	}
	var id, channel [16]byte
	var s storedEvent
	var day *time.Time
	_, err = pgx.ForEachRow(rows, []any{&id, &s.incarnation, (*uint64)(&s.at), &channel, &day}, func() error {
		names, ok := l.channels[channel]
		if !ok {
			return nil
		}
		s.day = names
		s.day.day = dayOf(day)
		out[id] = s
		return nil
	})
	if err != nil {
		return fmt.Errorf("looking events up in PostgreSQL: %w", err)
	}
	return nil
}

// readChannels returns the names of all channels in PostgreSQL.
func readChannels(ctx context.Context, tx pgx.Tx) (map[[16]byte]dayKey, error) {
	rows, err := tx.Query(ctx, query("channels"))
	if err != nil {
		return nil, fmt.Errorf("reading the channels from PostgreSQL: %w", err)
	}
	out := map[[16]byte]dayKey{}
	var key [16]byte
	var names dayKey
	_, err = pgx.ForEachRow(rows, []any{&key, &names.source, &names.namespace, &names.channel}, func() error {
		out[key] = names
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading the channels from PostgreSQL: %w", err)
	}
	return out, nil
}

// deadLettered looks among the dead letters for what PostgreSQL does not hold.
func (l *logComparison) deadLettered(ctx context.Context, lost []logEvent) error {
	if len(lost) == 0 {
		return nil
	}
	positions := make([]int64, len(lost))
	for i, d := range lost {
		positions[i] = int64(d.at)
	}
	rows, err := l.tx.Query(ctx, query("dead_of"), l.cutoff.incarnation, positions)
	if err != nil {
		return fmt.Errorf("looking events up among the dead letters: %w", err)
	}
	open := map[event.Position]bool{} // false: dropped or requeued
	var at int64
	var isOpen bool
	if _, err := pgx.ForEachRow(rows, []any{&at, &isOpen}, func() error { open[event.Position(at)] = isOpen; return nil }); err != nil {
		return fmt.Errorf("looking events up among the dead letters: %w", err)
	}
	for _, d := range lost {
		l.r.Bus++
		if isOpen, dead := open[d.at]; dead {
			l.r.Postgres++
			l.r.DeadLetters++
			if !isOpen {
				l.r.Settled++
			}
			continue
		}
		l.missing(d)
	}
	return nil
}

// missing counts an event once that neither PostgreSQL nor a dead letter holds.
func (l *logComparison) missing(d logEvent) {
	if _, again := l.counted[d.id]; again && d.id != "" {
		l.r.Bus--
		return
	}
	l.counted[d.id] = struct{}{}
	l.r.Missing++
	l.r.repair.sequences.Add(d.at.Sequence(), d.at.Sequence())
	l.r.problem(Problem{What: "missing in Postgres", Kind: "event", ID: d.id, Sequence: d.at.Sequence(), Detail: d.subject})
}

// findExtra finds events in PostgreSQL with a position of this log that are not on it.
func (v *Verifier) findExtra(ctx context.Context, tx pgx.Tx, c cutoff, r *Report, _ *dayCounts) error {
	var rows uint64
	if err := tx.QueryRow(ctx, query("events_count"), c.incarnation, c.end()).Scan(&rows); err != nil {
		return fmt.Errorf("counting the events in PostgreSQL: %w", err)
	}
	first := r.Postgres - r.DeadLetters
	if rows <= first {
		return nil
	}
	return v.nameExtra(ctx, tx, c, r)
}

// nameExtra reads PostgreSQL in the order of the log, and compares each event with it.
func (v *Verifier) nameExtra(ctx context.Context, tx pgx.Tx, c cutoff, r *Report) error {
	onBus := map[event.Position]string{}
	if err := v.readEvents(ctx, c.sequence, func(chunk []logEvent) error {
		for _, d := range chunk {
			onBus[d.at] = d.id
		}
		return nil
	}); err != nil {
		return err
	}
	rows, err := tx.Query(ctx, query("events_places"), c.incarnation, c.end())
	if err != nil {
		return fmt.Errorf("listing the events in PostgreSQL: %w", err)
	}
	var id [16]byte
	var at event.Position
	_, err = pgx.ForEachRow(rows, []any{&id, (*uint64)(&at)}, func() error {
		onLog, there := onBus[at]
		if there && onLog != event.ID(id).String() {
			r.Extra++
			r.problem(Problem{What: "in Postgres, not on the bus", Kind: "event", ID: event.ID(id).String(), Sequence: at.Sequence()})
		}
		return nil // a message that was removed from the log proves nothing
	})
	if err != nil {
		return fmt.Errorf("listing the events in PostgreSQL: %w", err)
	}
	return nil
}

// findPlaceholders finds placeholder rows that nothing refers to.
func findPlaceholders(ctx context.Context, tx pgx.Tx, _ cutoff, r *Report, _ *dayCounts) error {
	rows, err := tx.Query(ctx, query("placeholders"), MaxProblems)
	if err != nil {
		return fmt.Errorf("looking for placeholders: %w", err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[[16]byte])
	if err != nil {
		return fmt.Errorf("looking for placeholders: %w", err)
	}
	for _, id := range ids {
		r.Differing++
		r.problem(Problem{What: "a placeholder that nothing refers to", Kind: "message", ID: event.ThingID(id).String()})
	}
	return nil
}

// findLost finds messages that have events and no row. Their events are applied again, wherever they are on this log.
func findLost(ctx context.Context, tx pgx.Tx, c cutoff, r *Report, _ *dayCounts) error {
	rows, err := tx.Query(ctx, query("lost_messages"), c.incarnation)
	if err != nil {
		return fmt.Errorf("looking for messages without a row: %w", err)
	}
	var thing [16]byte
	var at event.Position
	_, err = pgx.ForEachRow(rows, []any{&thing, (*uint64)(&at)}, func() error {
		sequence := at.Sequence()
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
