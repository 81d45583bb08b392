package verify

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/agrichat/agrichat/internal/ch"
	"github.com/agrichat/agrichat/internal/fact"
)

// compareThings holds, for each of some kinds of thing, the record's states against ClickHouse's, both sorted by id.
func (v *Verifier) compareThings(tables ...ch.Table) step {
	return func(ctx context.Context, tx pgx.Tx, c cut, r *Report, _ *calendar) error {
		for _, table := range tables {
			t := r.things(table)
			if err := v.compareTable(ctx, tx, c, r, t); err != nil {
				return fmt.Errorf("comparing %s: %w", table, err)
			}
			r.Missing += t.Missing
			r.Extra += t.Extra
			r.Differing += t.Differing
			r.WithoutHash += t.WithoutHash
			r.Truncated += t.Truncated
		}
		return nil
	}
}

// recorded is the record's side of a comparison.
type recorded struct {
	id       [16]byte
	version  fact.Version
	hash     fact.Hash // of the fact that the row makes; zero if its channel is missing, which is reported by itself
	counted  bool      // an event up to the cut's sequence
	finished bool
}

type recordedRows struct {
	rows       pgx.Rows
	generation uint16
	recorded
}

// next moves to the following row; at the end finished is set.
func (p *recordedRows) next() error {
	if !p.rows.Next() {
		p.finished = true
		return p.rows.Err()
	}
	var changed, token int64
	var hash pgtype.DriverBytes // good until the next row
	if err := p.rows.Scan(&p.id, &changed, &token, &p.counted, &hash); err != nil {
		return err
	}
	p.hash = fact.Hash{}
	copy(p.hash[:], hash)
	p.version = fact.Version{Generation: p.generation, Token: uint64(token), Counter: uint64(changed)}
	return nil
}

// merging is one table being compared.
type merging struct {
	cut    cut
	newest func() (fact.Version, error) // that the record has committed by now
	r      *Report
	t      *Things
}

func (v *Verifier) compareTable(ctx context.Context, tx pgx.Tx, c cut, r *Report, t *Things) error {
	rows, err := tx.Query(ctx, query("states_"+string(t.Kind)), c.incarnation, c.end())
	if err != nil {
		return fmt.Errorf("reading the record: %w", err)
	}
	defer rows.Close()
	p := &recordedRows{rows: rows, generation: c.version.Generation}
	if err := p.next(); err != nil {
		return err
	}
	m := &merging{cut: c, r: r, t: t, newest: func() (fact.Version, error) { return v.newest(ctx) }}
	from, to := ch.AllIDs()
	err = v.Aggregates.States(ctx, t.Kind, from, to, func(s ch.State) error {
		for !p.finished && bytes.Compare(p.id[:], s.ID[:]) < 0 {
			m.onlyRecord(p.recorded)
			if err := p.next(); err != nil {
				return err
			}
		}
		if p.finished || p.id != s.ID {
			return m.onlyAggregates(s)
		}
		if err := m.both(p.recorded, s); err != nil {
			return err
		}
		return p.next()
	})
	if err != nil {
		return err
	}
	for !p.finished {
		m.onlyRecord(p.recorded)
		if err := p.next(); err != nil {
			return err
		}
	}
	return nil
}

// later reports whether the record made a state after the cut.
func (m *merging) later(v fact.Version) bool { return v.Compare(m.cut.version) > 0 }

// written reports whether a state in ClickHouse was made after the cut. A version that the record has not come to yet is
// none of its making: another store, or a hand, has written there.
func (m *merging) written(v fact.Version) (bool, error) {
	if !m.later(v) {
		return false, nil
	}
	if !m.committed(v) {
		var err error
		if m.cut.known, err = m.newest(); err != nil {
			return false, err
		}
	}
	return m.committed(v), nil
}

// committed reports whether the record is known to have come to a version. Its counters rise whatever the token and the generation:
// a version of an earlier generation is none that it has come to if its counter is above them all.
func (m *merging) committed(v fact.Version) bool {
	return v.Compare(m.cut.known) <= 0 && v.Counter <= m.cut.known.Counter
}

func (m *merging) onlyRecord(p recorded) {
	m.t.Postgres++
	if m.later(p.version) {
		return
	}
	m.t.Missing++
	m.r.repair.counters[int64(p.version.Counter)] = struct{}{}
	m.r.problem(Problem{What: "missing in ClickHouse", Kind: string(m.t.Kind), ID: hex.EncodeToString(p.id[:]), Detail: "version " + p.version.String()})
}

func (m *merging) onlyAggregates(s ch.State) error {
	m.t.ClickHouse++
	if later, err := m.written(s.Version); later || err != nil {
		return err
	}
	if _, lost := m.r.repair.messages[s.ID]; lost && m.t.Kind == ch.Messages {
		return nil // it is Postgres that lacks it, and that was said
	}
	m.t.Extra++
	m.r.repair.unsure[s.ID] = struct{}{}
	m.r.problem(Problem{What: "in ClickHouse, not in Postgres", Kind: string(m.t.Kind), ID: hex.EncodeToString(s.ID[:]), Detail: "version " + s.Version.String()})
	return nil
}

func (m *merging) both(p recorded, s ch.State) error {
	m.t.Postgres++
	m.t.ClickHouse++
	if m.t.Kind == ch.Versions && p.counted {
		m.r.ClickHouse++
	}
	if p.version == s.Version {
		m.content(p, s)
		return nil
	}
	if m.later(p.version) {
		return nil
	}
	if later, err := m.written(s.Version); later || err != nil {
		return err
	}
	m.differ(p, "Postgres has version "+p.version.String()+", ClickHouse "+s.Version.String())
	return nil
}

// content compares two states of one version. Of rows from before there were hashes nothing but the version is known.
func (m *merging) content(p recorded, s ch.State) {
	switch {
	case s.Hash.IsZero():
		m.t.WithoutHash++
	case s.Hash != p.hash && !p.hash.IsZero(): // either row may be wrong: the log decides, as far as it goes
		m.r.repair.unsure[p.id] = struct{}{}
		m.differ(p, "other content in Postgres than in ClickHouse under version "+p.version.String())
	case !s.Intact:
		m.differ(p, "the row in ClickHouse of version "+p.version.String()+" was changed there")
	case s.Truncated:
		m.t.Truncated++
	}
}

// differ reports a thing, and has its fact published again. ClickHouse keeps the row that came last of those with one version.
func (m *merging) differ(p recorded, detail string) {
	m.t.Differing++
	m.r.repair.counters[int64(p.version.Counter)] = struct{}{}
	m.r.problem(Problem{What: "differs", Kind: string(m.t.Kind), ID: hex.EncodeToString(p.id[:]), Detail: detail})
}
