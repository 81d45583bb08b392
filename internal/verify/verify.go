// Package verify proves that PostgreSQL and ClickHouse hold what the log holds, or lists the problems.
//
// It promises to compare by id, version and content and never by counts alone, up to a sequence that it names, and not to stop
// writers: what is written meanwhile is left out of the comparison. It writes nothing; a repair is a call of its own.
package verify

import (
	"context"
	"embed"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/agrichat/agrichat/consumers"
	"github.com/agrichat/agrichat/internal/ch"
	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/fact"
	"github.com/agrichat/agrichat/internal/pg"
	"github.com/agrichat/agrichat/internal/seqset"
	"github.com/agrichat/agrichat/internal/sqlfile"
)

//go:embed queries/*.sql
var queries embed.FS

// Bus is what verification reads of the log.
type Bus interface {
	// LastSequence of the stream CHAT; zero if it is empty.
	LastSequence(ctx context.Context) (uint64, error)
	// Range yields what the stream holds from one sequence to another, both included, in order; without data if headersOnly.
	Range(ctx context.Context, from, to uint64, headersOnly bool, yield func(consumers.Delivery) error) error
	// Incarnation is when the stream was created.
	Incarnation(ctx context.Context) (time.Time, error)
	// Facts is the last sequence of the stream FACTS, and up to which of its sequences all is in ClickHouse.
	Facts(ctx context.Context) (last, stored uint64, err error)
}

// Verifier compares the three stores.
type Verifier struct {
	Bus        Bus
	Postgres   *pgxpool.Pool
	ClickHouse *ch.DB
	// BarrierTimeout is how long Run waits for a moment without a writer; default a minute.
	BarrierTimeout time.Duration
	// Incarnation returns the number of the stream as it is now in the ledger; 0: none yet. Nil: the newest one of a stream that was
	// created at this time.
	Incarnation func(ctx context.Context) (int32, error)
}

// Report is the result of a comparison. Scripts rely on its names.
type Report struct {
	Sequence    uint64 `json:"sequence"`   // of the log, up to which all was compared
	Bus         uint64 `json:"bus"`        // different events on the log up to it
	Postgres    uint64 `json:"postgres"`   // of these, in PostgreSQL or dead-lettered
	ClickHouse  uint64 `json:"clickhouse"` // of these, in ClickHouse, which holds none that was dead-lettered
	Missing     uint64 `json:"missing"`    // things that a store does not have
	Extra       uint64 `json:"extra"`      // things that a store has and the one before it does not
	Differing   uint64 `json:"differing"`  // things of which two stores hold different states
	Equal       bool   `json:"equal"`
	DeadLetters uint64 `json:"dead_letters"`
	Settled     uint64 `json:"dead_letters_settled"` // of these, dropped or requeued
	Gaps        uint64 `json:"holes"`                // sequences that are not in the ledger; counted as missing
	// Sequences that were removed from the stream before they were stored: those that were not accepted, which make the report
	// unequal, and those that were, last at AcceptedAt.
	Unstored   uint64     `json:"unstored"`
	Accepted   uint64     `json:"unstored_accepted"`
	AcceptedAt *time.Time `json:"unstored_accepted_at,omitempty"`

	OutOfRange  uint64 `json:"out_of_range"` // times outside 1900-2261, which are empty in ClickHouse
	WithoutHash uint64 `json:"without_hash"` // rows in ClickHouse from before there were hashes; their content was not compared
	Truncated   uint64 `json:"truncated"`    // rows in ClickHouse that hold less than Postgres, for their facts were too large

	Things   []Things  `json:"things"`
	Days     []Day     `json:"days"`
	Problems []Problem `json:"problems"` // the first MaxProblems

	repair repairs
}

// Things compares one kind of thing between Postgres and ClickHouse.
type Things struct {
	Kind       ch.Table `json:"kind"`
	Postgres   uint64   `json:"postgres"`
	ClickHouse uint64   `json:"clickhouse"`
	Missing    uint64   `json:"missing"`
	Extra      uint64   `json:"extra"`
	Differing  uint64   `json:"differing"`
	OutOfRange uint64   `json:"out_of_range"` // times that Postgres has and ClickHouse cannot hold
	// As in Report.
	WithoutHash uint64 `json:"without_hash"`
	Truncated   uint64 `json:"truncated"`
}

// Day counts the events of one chat whose time is on one day; the day is empty where no time is known,
// and OutOfRangeDay where ClickHouse cannot hold it.
type Day struct {
	Source     string `json:"source"`
	Namespace  string `json:"namespace"`
	Channel    string `json:"channel"`
	Day        string `json:"day"`
	Bus        uint64 `json:"bus"`
	Postgres   uint64 `json:"postgres"`
	ClickHouse uint64 `json:"clickhouse"`
}

// Problem is one difference between the stores.
type Problem struct {
	What     string `json:"what"`
	Kind     string `json:"kind"`
	ID       string `json:"id,omitempty"`
	Sequence uint64 `json:"sequence,omitempty"`
	Detail   string `json:"detail,omitempty"`
}

// MaxProblems bounds Report.Problems.
const MaxProblems = 100

// repairs is what would make the stores equal.
type repairs struct {
	sequences   seqset.Set            // to be applied again to Postgres
	counters    map[int64]struct{}    // whose facts are to be republished
	messages    map[[16]byte]struct{} // without a row in Postgres though it has their events, as far as they were listed
	unexplained map[[16]byte]struct{} // things that ClickHouse has and Postgres does not, or not with that content under that version
	unstored    []int64               // transactions that found unstored sequences which are not accepted
}

func newReport(sequence uint64) *Report {
	return &Report{Sequence: sequence, Problems: []Problem{}, repair: repairs{counters: map[int64]struct{}{}, messages: map[[16]byte]struct{}{},
		unexplained: map[[16]byte]struct{}{}}}
}

func (r *Report) problem(p Problem) {
	if len(r.Problems) < MaxProblems {
		r.Problems = append(r.Problems, p)
	}
}

// cutoff is where a comparison stops.
type cutoff struct {
	sequence    uint64
	incarnation int32
	version     fact.Version // rows of later versions are being written meanwhile
	newest      fact.Version // the newest that PostgreSQL has committed since, as far as it was asked
}

// end is the position behind all that is compared, as a statement takes it.
func (c cutoff) end() int64 { return int64(event.At(c.sequence+1, 0)) }

// Run compares everything up to a sequence; zero means the last one. It waits for what is still being processed, for at most wait; what
// is not there then is missing.
func (v *Verifier) Run(ctx context.Context, until uint64, wait time.Duration) (*Report, error) {
	last, err := v.Bus.LastSequence(ctx)
	if err != nil {
		return nil, err
	}
	if until == 0 || until > last {
		until = last
	}
	if err := v.awaitFor(ctx, until, wait); err != nil {
		return nil, err
	}
	c, err := v.takeCutoff(ctx, until)
	if err != nil {
		return nil, err
	}
	// The cutoff may be later than what was awaited: its facts too need their time.
	if err := v.awaitFor(ctx, until, wait); err != nil {
		return nil, err
	}
	r := newReport(c.sequence)
	if err := v.compare(ctx, c, r); err != nil {
		return nil, pg.Classify(err)
	}
	r.Equal = r.Missing == 0 && r.Extra == 0 && r.Differing == 0 && r.Unstored == 0
	return r, nil
}

// newest is the newest version that PostgreSQL has committed.
func (v *Verifier) newest(ctx context.Context) (fact.Version, error) {
	c, err := v.position(ctx, v.Postgres)
	return c.version, err
}

// querier is a pool or a transaction.
type querier interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// position reads the newest version and the incarnation from PostgreSQL.
func (v *Verifier) position(ctx context.Context, of querier) (cutoff, error) {
	created, err := v.Bus.Incarnation(ctx)
	if err != nil {
		return cutoff{}, err
	}
	var c cutoff
	var generation int32
	var counter, token int64
	err = of.QueryRow(ctx, query("position"), "CHAT", created).Scan(&c.incarnation, &generation, &counter, &token)
	if err != nil {
		return cutoff{}, pg.Classify(fmt.Errorf("reading the position of PostgreSQL: %w", err))
	}
	c.version = fact.Version{Generation: uint16(generation), Token: uint64(token), Counter: uint64(counter)}
	c.newest = c.version
	return c, nil
}

// query returns the text of a statement.
func query(name string) string { return sqlfile.Text(queries, name) }
