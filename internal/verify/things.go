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

// compareThings compares the states of some kinds of thing in PostgreSQL and ClickHouse, both sorted by id.
func (v *Verifier) compareThings(tables ...ch.Table) step {
	return func(ctx context.Context, tx pgx.Tx, c cutoff, r *Report, _ *dayCounts) error {
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

// postgresRow is one side of a comparison.
type postgresRow struct {
	id       [16]byte
	version  fact.Version
	hash     fact.Hash // of the fact that the row makes; zero if its channel is missing, which is a problem of its own
	counted  bool      // an event up to the cutoff's sequence
	finished bool
}

type postgresRows struct {
	rows       pgx.Rows
	generation uint16
	postgresRow
}

// next moves to the following row; at the end finished is set.
func (p *postgresRows) next() error {
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

// mergeJoin compares one table.
type mergeJoin struct {
	cutoff cutoff
	newest func() (fact.Version, error) // that PostgreSQL has committed by now
	r      *Report
	t      *Things
}

func (v *Verifier) compareTable(ctx context.Context, tx pgx.Tx, c cutoff, r *Report, t *Things) error {
	rows, err := tx.Query(ctx, query("states_"+string(t.Kind)), c.incarnation, c.end())
	if err != nil {
		return fmt.Errorf("reading PostgreSQL: %w", err)
	}
	defer rows.Close()
	p := &postgresRows{rows: rows, generation: c.version.Generation}
	if err := p.next(); err != nil {
		return err
	}
	m := &mergeJoin{cutoff: c, r: r, t: t, newest: func() (fact.Version, error) { return v.newest(ctx) }}
	from, to := ch.AllIDs()
	err = v.ClickHouse.States(ctx, t.Kind, from, to, func(s ch.State) error {
		for !p.finished && bytes.Compare(p.id[:], s.ID[:]) < 0 {
			m.onlyPostgres(p.postgresRow)
			if err := p.next(); err != nil {
				return err
			}
		}
		if p.finished || p.id != s.ID {
			return m.onlyClickHouse(s)
		}
		if err := m.both(p.postgresRow, s); err != nil {
			return err
		}
		return p.next()
	})
	if err != nil {
		return err
	}
	for !p.finished {
		m.onlyPostgres(p.postgresRow)
		if err := p.next(); err != nil {
			return err
		}
	}
	return nil
}

// later reports whether PostgreSQL wrote a state after the cutoff.
func (m *mergeJoin) later(v fact.Version) bool { return v.Compare(m.cutoff.version) > 0 }

// written reports whether PostgreSQL wrote a state in ClickHouse after the cutoff. It did not write a version that it has not
// committed: that row came from another store, or was inserted by hand.
func (m *mergeJoin) written(v fact.Version) (bool, error) {
	if !m.later(v) {
		return false, nil
	}
	if !m.committed(v) {
		var err error
		if m.cutoff.newest, err = m.newest(); err != nil {
			return false, err
		}
	}
	return m.committed(v), nil
}

// committed reports whether PostgreSQL has committed a version, as far as it was asked. Its counters rise whatever the token and the
// generation: it never committed a version of an earlier generation whose counter is above them all.
func (m *mergeJoin) committed(v fact.Version) bool {
	return v.Compare(m.cutoff.newest) <= 0 && v.Counter <= m.cutoff.newest.Counter
}

func (m *mergeJoin) onlyPostgres(p postgresRow) {
	m.t.Postgres++
	if m.later(p.version) {
		return
	}
	m.t.Missing++
	m.r.repair.counters[int64(p.version.Counter)] = struct{}{}
	m.r.problem(Problem{What: "missing in ClickHouse", Kind: string(m.t.Kind), ID: hex.EncodeToString(p.id[:]), Detail: "version " + p.version.String()})
}

func (m *mergeJoin) onlyClickHouse(s ch.State) error {
	m.t.ClickHouse++
	if later, err := m.written(s.Version); later || err != nil {
		return err
	}
	if _, lost := m.r.repair.messages[s.ID]; lost && m.t.Kind == ch.Messages {
		return nil // it is missing in Postgres, and reported there
	}
	m.t.Extra++
	m.r.repair.unexplained[s.ID] = struct{}{}
	m.r.problem(Problem{What: "in ClickHouse, not in Postgres", Kind: string(m.t.Kind), ID: hex.EncodeToString(s.ID[:]), Detail: "version " + s.Version.String()})
	return nil
}

func (m *mergeJoin) both(p postgresRow, s ch.State) error {
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

// content compares two states of one version. Rows from before there were hashes are compared by version only.
func (m *mergeJoin) content(p postgresRow, s ch.State) {
	switch {
	case s.Hash.IsZero():
		m.t.WithoutHash++
	case s.Hash != p.hash && !p.hash.IsZero(): // either row may be wrong: the log decides, as far as it goes
		m.r.repair.unexplained[p.id] = struct{}{}
		m.differ(p, "other content in Postgres than in ClickHouse under version "+p.version.String())
	case !s.Intact:
		m.differ(p, "the row in ClickHouse of version "+p.version.String()+" was changed there")
	case s.Truncated:
		m.t.Truncated++
	}
}

// differ reports a thing, and has its fact republished. ClickHouse keeps the row that came last of those with one version.
func (m *mergeJoin) differ(p postgresRow, detail string) {
	m.t.Differing++
	m.r.repair.counters[int64(p.version.Counter)] = struct{}{}
	m.r.problem(Problem{What: "differs", Kind: string(m.t.Kind), ID: hex.EncodeToString(p.id[:]), Detail: detail})
}
