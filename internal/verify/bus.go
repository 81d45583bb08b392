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

// compareLedger finds the sequences that were never entered. Those that are not on the log either were removed before they were
// stored; a worker enters them as such when it next looks, and verify must not call the stores equal until then.
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
		var there seqset.Set
		err := v.Bus.Range(ctx, sp.First, sp.Last, true, func(d consumers.Delivery) error {
			there.Add(d.Sequence, d.Sequence)
			r.Holes++
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

// looking is the log being held against the record.
type looking struct {
	tx   pgx.Tx
	cut  cut
	r    *Report
	days *calendar
	// channels holds their names by key.
	channels map[[16]byte]dayKey
	// odd holds ids whose first place is not on this log: each must be counted once all the same.
	odd map[string]struct{}
}

// said is an event that a message of the log says it carries.
type said struct {
	at      event.Position
	id      string // as the header has it, or else the envelope: perhaps none at all
	subject string
	unnamed bool // the message has no header with ids, as one of a foreign publisher may
}

// readEvents yields the events of the log up to a sequence, many at once.
func (v *Verifier) readEvents(ctx context.Context, until uint64, yield func([]said) error) error {
	var chunk []said
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
			chunk = append(chunk, said{at: event.At(d.Sequence, line), id: id, subject: d.Subject, unnamed: d.EventIDs == ""})
			line++
		}
		if len(chunk) < lookAtOnce {
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
func (v *Verifier) identify(ctx context.Context, chunk []said) error {
	unnamed := map[uint64]*said{}
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

func (v *Verifier) compareBus(ctx context.Context, tx pgx.Tx, c cut, r *Report, days *calendar) error {
	if c.sequence == 0 {
		return nil
	}
	channels, err := readChannels(ctx, tx)
	if err != nil {
		return err
	}
	l := &looking{tx: tx, cut: c, r: r, days: days, channels: channels, odd: map[string]struct{}{}}
	return v.readEvents(ctx, c.sequence, func(chunk []said) error { return l.look(ctx, chunk) })
}

// stored is what the record says of an event.
type stored struct {
	incarnation int32
	at          event.Position
	place       dayKey
}

func (l *looking) look(ctx context.Context, chunk []said) error {
	found, err := l.find(ctx, chunk)
	if err != nil {
		return err
	}
	var lost []said
	for _, d := range chunk {
		id, err := event.ParseID(d.id)
		s, ok := found[id]
		switch {
		case err != nil || !ok:
			lost = append(lost, d)
		case l.first(s, d):
			l.r.Bus++
			l.r.Postgres++
			l.days.at(s.place).Bus++
		}
	}
	return l.lost(ctx, lost)
}

// first reports whether an event is met for the first time. That is where the record says that it stood first, unless that is
// not on this log, or behind this place: here it was a dead letter, which was requeued.
func (l *looking) first(s stored, d said) bool {
	here := s.incarnation == l.cut.incarnation
	if here && s.at < d.at {
		return false // a repeat of one that was, or will have been, counted at its first place
	}
	_, seen := l.odd[d.id]
	if !here || s.at != d.at {
		l.odd[d.id] = struct{}{}
	}
	return !seen
}

// find returns what the record holds of the events of a chunk. Nearly all stand where the chunk does, and are read in the order of
// the log; the others are looked up by id.
func (l *looking) find(ctx context.Context, chunk []said) (map[event.ID]stored, error) {
	out := make(map[event.ID]stored, len(chunk))
	err := l.read(ctx, out, query("events_between"), l.cut.incarnation, int64(chunk[0].at), int64(chunk[len(chunk)-1].at))
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

// read adds events of the record. One whose channel has no row is left out.
func (l *looking) read(ctx context.Context, out map[event.ID]stored, sql string, args ...any) error {
	rows, err := l.tx.Query(ctx, sql, args...)
	if err != nil {
		return fmt.Errorf("looking events up in the record: %w", err)
	}
	var id, channel [16]byte
	var s stored
	var day *time.Time
	_, err = pgx.ForEachRow(rows, []any{&id, &s.incarnation, (*uint64)(&s.at), &channel, &day}, func() error {
		place, ok := l.channels[channel]
		if !ok {
			return nil
		}
		s.place = place
		s.place.day = dayOf(day)
		out[id] = s
		return nil
	})
	if err != nil {
		return fmt.Errorf("looking events up in the record: %w", err)
	}
	return nil
}

// readChannels returns the names of all channels of the record.
func readChannels(ctx context.Context, tx pgx.Tx) (map[[16]byte]dayKey, error) {
	rows, err := tx.Query(ctx, query("channels"))
	if err != nil {
		return nil, fmt.Errorf("reading the channels of the record: %w", err)
	}
	out := map[[16]byte]dayKey{}
	var key [16]byte
	var names dayKey
	_, err = pgx.ForEachRow(rows, []any{&key, &names.source, &names.namespace, &names.channel}, func() error {
		out[key] = names
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading the channels of the record: %w", err)
	}
	return out, nil
}

// lost looks among the dead letters for what the record does not hold.
func (l *looking) lost(ctx context.Context, lost []said) error {
	if len(lost) == 0 {
		return nil
	}
	places := make([]int64, len(lost))
	for i, d := range lost {
		places[i] = int64(d.at)
	}
	rows, err := l.tx.Query(ctx, query("dead_of"), l.cut.incarnation, places)
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
		l.miss(d)
	}
	return nil
}

func (l *looking) miss(d said) {
	if _, again := l.odd[d.id]; again && d.id != "" {
		l.r.Bus--
		return
	}
	l.odd[d.id] = struct{}{}
	l.r.Missing++
	l.r.repair.sequences.Add(d.at.Sequence(), d.at.Sequence())
	l.r.problem(Problem{What: "missing in Postgres", Kind: "event", ID: d.id, Sequence: d.at.Sequence(), Detail: d.subject})
}

// findExtra finds events that say they came from this log and do not stand on it.
func (v *Verifier) findExtra(ctx context.Context, tx pgx.Tx, c cut, r *Report, _ *calendar) error {
	var rows uint64
	if err := tx.QueryRow(ctx, query("events_count"), c.incarnation, c.end()).Scan(&rows); err != nil {
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
	onBus := map[event.Position]string{}
	if err := v.readEvents(ctx, c.sequence, func(chunk []said) error {
		for _, d := range chunk {
			onBus[d.at] = d.id
		}
		return nil
	}); err != nil {
		return err
	}
	rows, err := tx.Query(ctx, query("events_places"), c.incarnation, c.end())
	if err != nil {
		return fmt.Errorf("listing the record's events: %w", err)
	}
	var id [16]byte
	var at event.Position
	_, err = pgx.ForEachRow(rows, []any{&id, (*uint64)(&at)}, func() error {
		stands, there := onBus[at]
		if there && stands != event.ID(id).String() {
			r.Extra++
			r.problem(Problem{What: "in Postgres, not on the bus", Kind: "event", ID: event.ID(id).String(), Sequence: at.Sequence()})
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
