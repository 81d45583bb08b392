package verify_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/agrichat/agrichat/consumers"
	"github.com/agrichat/agrichat/consumers/aggregate"
	"github.com/agrichat/agrichat/consumers/normalise"
	"github.com/agrichat/agrichat/internal/ch"
	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/fact"
	"github.com/agrichat/agrichat/internal/gate"
	"github.com/agrichat/agrichat/internal/testenv"
	"github.com/agrichat/agrichat/internal/verify"
	"github.com/agrichat/agrichat/schemas/clickhouse"
)

// memoryLog is the streams CHAT and FACTS in memory.
type memoryLog struct {
	messages []consumers.Delivery // by sequence - 1; without a sequence: removed
	facts    []consumers.Delivery
	stored   int // of facts, in ClickHouse
}

func (l *memoryLog) add(events ...event.Event) {
	d := consumers.Delivery{Sequence: uint64(len(l.messages) + 1), Stored: time.Now()}
	for i := range events {
		if i > 0 {
			d.EventIDs += event.IDSeparator
			d.Data = append(d.Data, event.LineEnd...)
		}
		d.EventIDs += events[i].ID.String()
		data, err := event.Append(d.Data, &events[i])
		if err != nil {
			panic(err)
		}
		d.Data, d.Subject = data, "chat.test.me.c"
	}
	l.messages = append(l.messages, d)
}

func (l *memoryLog) remove(sequence uint64) { l.messages[sequence-1] = consumers.Delivery{} }

func (l *memoryLog) Get(_ context.Context, sequence uint64) (d consumers.Delivery, found bool, err error) {
	if sequence > 0 && sequence <= uint64(len(l.messages)) {
		d = l.messages[sequence-1]
	}
	return d, d.Sequence > 0, nil
}

func (l *memoryLog) Next(ctx context.Context, sequence uint64) (d consumers.Delivery, found bool, err error) {
	for ; sequence <= uint64(len(l.messages)) && !found; sequence++ {
		d, found, err = l.Get(ctx, sequence)
	}
	return d, found, err
}

func (l *memoryLog) Range(ctx context.Context, from, to uint64, _ bool, yield func(consumers.Delivery) error) error {
	for sequence := from; sequence <= to; sequence++ {
		if d, found, _ := l.Get(ctx, sequence); found {
			if err := yield(d); err != nil {
				return err
			}
		}
	}
	return ctx.Err()
}

func (l *memoryLog) LastSequence(context.Context) (uint64, error) {
	return uint64(len(l.messages)), nil
}

func (l *memoryLog) Incarnation(context.Context) (time.Time, error) {
	return time.Unix(1_700_000_000, 0), nil
}

func (l *memoryLog) NextGeneration(_ context.Context, above uint16) (uint16, error) {
	return above + 1, nil
}

func (l *memoryLog) Published(context.Context) (fact.Version, error) { return fact.Version{}, nil }

func (l *memoryLog) DeadLetter(context.Context, consumers.Delivery, error) error {
	return errors.New("nothing is dead-lettered here")
}

func (l *memoryLog) PublishFacts(_ context.Context, batches []fact.Batch) error {
	for i := range batches {
		data, err := fact.Encode(&batches[i])
		if err != nil {
			return err
		}
		l.facts = append(l.facts, consumers.Delivery{Sequence: uint64(len(l.facts) + 1), Subject: "fact.test.n.c", Data: data})
	}
	return nil
}

// Facts implements verify.Bus.
func (l *memoryLog) Facts(context.Context) (last, stored uint64, err error) {
	return uint64(len(l.facts)), uint64(l.stored), nil
}

// stores are a log, PostgreSQL and ClickHouse, with what writes to them.
type stores struct {
	*memoryLog
	t          *testing.T
	postgres   *pgxpool.Pool
	clickhouse *ch.DB
	store      *normalise.Store
	aggregator *aggregate.Handler
	verifier   *verify.Verifier
}

func newStores(t *testing.T) *stores {
	t.Helper()
	s := &stores{memoryLog: &memoryLog{}, t: t, postgres: migrated(t)}
	var err error
	if s.clickhouse, err = ch.Open(t.Context(), ch.Config{URL: testenv.ClickHouse(t)}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.clickhouse.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := s.clickhouse.Migrate(t.Context(), clickhouse.FS); err != nil {
		t.Fatal(err)
	}
	s.store, err = normalise.New(t.Context(), normalise.Config{Pool: s.postgres, Gate: gate.Open{}, Stream: s.memoryLog, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	if s.aggregator, err = aggregate.New(s.clickhouse, aggregate.Config{}); err != nil {
		t.Fatal(err)
	}
	s.verifier = &verify.Verifier{Bus: s.memoryLog, Postgres: s.postgres, ClickHouse: s.clickhouse}
	return s
}

// message is an event of one chat.
func message(n int) event.Event {
	e := event.Event{Source: "test", Namespace: "n", Account: "me", Channel: "c", Kind: event.KindMessage, NativeID: event.NativeID(fmt.Sprint(n)),
		Author: event.Person{ID: "ann", Name: "Ann"}, Revision: event.Unedited, Sent: event.Instant{At: time.Date(2024, 1, 1+n, 10, 0, 0, 0, time.UTC), Precision: event.PrecisionSecond},
		Body: &event.Message{Type: event.TypeMessage, Text: fmt.Sprint("text ", n)}}
	if err := e.Seal(); err != nil {
		panic(err)
	}
	return e
}

// apply stores the messages from a sequence on.
func (s *stores) apply(from int) {
	s.t.Helper()
	if err := s.store.Handle(s.t.Context(), s.messages[from-1:]); err != nil {
		s.t.Fatal(err)
	}
	s.aggregate()
}

// aggregate writes the published facts to ClickHouse.
func (s *stores) aggregate() {
	s.t.Helper()
	if err := s.aggregator.Handle(s.t.Context(), s.facts[s.stored:]); err != nil {
		s.t.Fatal(err)
	}
	s.stored = len(s.facts)
}

func (s *stores) run() *verify.Report {
	s.t.Helper()
	r, err := s.verifier.Run(s.t.Context(), 0, 0)
	if err != nil {
		s.t.Fatal(err)
	}
	return r
}

// sql changes PostgreSQL without the ledger.
func (s *stores) sql(sql string, args ...any) {
	s.t.Helper()
	if tag, err := s.postgres.Exec(s.t.Context(), sql, args...); err != nil || tag.RowsAffected() == 0 {
		s.t.Fatalf("%s: %v, %v", sql, tag, err)
	}
}

// alter changes ClickHouse without facts.
func (s *stores) alter(sql string) {
	s.t.Helper()
	if err := s.clickhouse.Exec(s.t.Context(), sql); err != nil {
		s.t.Fatalf("%s: %v", sql, err)
	}
}

// counts are the numbers of a report that each case is about.
type counts struct{ Missing, Extra, Differing, Unstored uint64 }

func countsOf(r *verify.Report) counts { return counts{r.Missing, r.Extra, r.Differing, r.Unstored} }

// TestVerifier_Run damages one of three equal stores at a time: Run must find what is wrong, count and name it, and Repair must make them equal again, or
// leave alone what it cannot repair.
func TestVerifier_Run(t *testing.T) {
	t.Parallel()
	s := newStores(t)
	s.add(message(1))
	s.add(message(2), message(3)) // a bundle
	s.add(message(4))
	s.add(message(1)) // a duplicate on the log
	s.apply(1)
	one, two, four := message(1), message(2), message(4)
	thing := func(e *event.Event) string { return e.Thing().String() }
	before := s.run()
	if !before.Equal || before.Sequence != 4 || before.Bus != 4 || before.Postgres != 4 || before.ClickHouse != 4 || len(before.Problems) != 0 {
		t.Fatalf("undamaged: %+v", before)
	}
	var days []string
	for _, d := range before.Days {
		days = append(days, fmt.Sprintf("%s %s %d %d %d", d.Channel, d.Day, d.Bus, d.Postgres, d.ClickHouse))
	}
	if diff := cmp.Diff([]string{"c 2024-01-02 1 1 1", "c 2024-01-03 1 1 1", "c 2024-01-04 1 1 1", "c 2024-01-05 1 1 1"}, days); diff != "" {
		t.Errorf("days: %s", diff)
	}

	const inClickHouse = " WHERE thing_id = unhex('%s') SETTINGS mutations_sync = 2"
	for _, tt := range []struct {
		name    string
		damage  func()
		want    counts
		problem verify.Problem // its detail: a part of it
		kept    bool           // no repair
	}{
		{"a transaction is deleted from the ledger", func() {
			s.sql("DELETE FROM agrichat.ledger WHERE counter = (SELECT max(counter) FROM agrichat.ledger)")
		},
			counts{Missing: 4}, verify.Problem{What: "the ledger does not hold it", Kind: "sequence", ID: one.ID.String(), Sequence: 1, Detail: "chat.test.me.c"}, false},
		{"an event is deleted in PostgreSQL", func() { s.sql("DELETE FROM agrichat.events WHERE event_id = $1", one.ID.String()) },
			counts{Missing: 1, Extra: 1}, verify.Problem{What: "missing in Postgres", Kind: "event", ID: one.ID.String(), Sequence: 1}, false},
		{"a row is deleted in PostgreSQL", func() { s.sql("DELETE FROM agrichat.messages WHERE thing_id = $1", thing(&two)) },
			counts{Missing: 1}, verify.Problem{What: "missing in Postgres", Kind: "message", ID: thing(&two), Sequence: 2, Detail: "its events are there"}, false},
		{"a row is changed in PostgreSQL", func() { s.sql("UPDATE agrichat.messages SET text = 'x' WHERE thing_id = $1", thing(&four)) },
			counts{Differing: 1}, verify.Problem{What: "differs", Kind: "messages", ID: thing(&four), Detail: "other content in Postgres than in ClickHouse"}, false},
		{"a row is deleted in ClickHouse", func() { s.alter("ALTER TABLE messages DELETE" + fmt.Sprintf(inClickHouse, thing(&two))) },
			counts{Missing: 1}, verify.Problem{What: "missing in ClickHouse", Kind: "messages", ID: thing(&two), Detail: "version"}, false},
		{"a row is changed in ClickHouse", func() { s.alter("ALTER TABLE messages UPDATE text = 'a 0'" + fmt.Sprintf(inClickHouse, thing(&two))) },
			counts{Differing: 1}, verify.Problem{What: "differs", Kind: "messages", ID: thing(&two), Detail: "was changed there"}, false},
		{"a row of no event in ClickHouse", func() {
			s.alter("INSERT INTO messages SELECT * REPLACE (toFixedString(unhex('" + strings.Repeat("ab", 16) + "'), 16) AS thing_id) FROM messages LIMIT 1")
		}, counts{Extra: 1}, verify.Problem{What: "in ClickHouse, not in Postgres", Kind: "messages", ID: strings.Repeat("ab", 16), Detail: "version"}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.damage()
			r := s.run()
			if got := countsOf(r); got != tt.want || r.Equal {
				t.Errorf("found %+v, want %+v: %+v", got, tt.want, r.Problems)
			}
			found := false
			for _, p := range r.Problems {
				found = found || p.What == tt.problem.What && p.Kind == tt.problem.Kind && p.ID == tt.problem.ID &&
					p.Sequence == tt.problem.Sequence && strings.Contains(p.Detail, tt.problem.Detail)
			}
			if !found {
				t.Errorf("found %+v, want %+v", r.Problems, tt.problem)
			}
			if err := s.verifier.Repair(t.Context(), r, s.store); err != nil {
				t.Fatal(err)
			}
			s.aggregate()
			if r = s.run(); r.Equal == tt.kept || tt.kept && countsOf(r) != tt.want {
				t.Errorf("after the repair %+v: %+v", countsOf(r), r.Problems)
			}
		})
	}
}

// TestVerifier_Accept holds that messages which were removed from the log before they were stored make the stores unequal until they are accepted, and
// that later ones do again.
func TestVerifier_Accept(t *testing.T) {
	t.Parallel()
	s := newStores(t)
	s.add(message(1))
	s.apply(1)
	lose := func(n int) {
		s.add(message(n))
		s.add(message(n + 1))
		s.remove(uint64(len(s.messages) - 1))
		s.apply(len(s.messages))
	}
	lose(2)
	r := s.run()
	if got := countsOf(r); got != (counts{Unstored: 1}) || r.Equal || r.Gaps != 0 {
		t.Fatalf("before a worker knows of it: %+v", r)
	}
	if err := s.verifier.Accept(t.Context(), r, s.store, "nobody"); err != nil { // the ledger does not hold it: there is nothing to accept
		t.Fatal(err)
	}
	if got := countsOf(s.run()); got != (counts{Unstored: 1}) {
		t.Fatalf("accepted what no worker has found: %+v", got)
	}
}

// TestVerifier_Run_unstored holds that a message which nothing stored is a gap of the ledger, that Run waits for no longer than it may, and that
// Repair stores it.
func TestVerifier_Run_unstored(t *testing.T) {
	t.Parallel()
	s := newStores(t)
	s.add(message(1))
	s.apply(1)
	s.add(message(2))
	began := time.Now()
	r, err := s.verifier.Run(t.Context(), 0, 300*time.Millisecond)
	if err != nil || time.Since(began) < 300*time.Millisecond {
		t.Fatalf("after %s: %v", time.Since(began), err)
	}
	if r.Gaps != 1 || r.Missing != 2 || r.Bus != 2 || r.Postgres != 1 { // its sequence in the ledger, and its event
		t.Errorf("found %+v", r)
	}
	half, err := s.verifier.Run(t.Context(), 1, 0)
	if err != nil || !half.Equal || half.Sequence != 1 {
		t.Errorf("up to the first: %+v, %v", half, err)
	}
	if err := s.verifier.Repair(t.Context(), r, s.store); err != nil {
		t.Fatal(err)
	}
	s.aggregate()
	if r = s.run(); !r.Equal {
		t.Errorf("after the repair %+v", r)
	}
}

// TestVerifier_Await holds that a wait reports what remains in each store in turn, and ends when nothing does.
func TestVerifier_Await(t *testing.T) {
	t.Parallel()
	s := newStores(t)
	s.add(message(1))
	s.add(message(2))
	step := 0
	var got []verify.Remaining
	err := s.verifier.Await(t.Context(), 2, func(r verify.Remaining) {
		got = append(got, r)
		switch step++; step {
		case 1:
			if err := s.store.Handle(t.Context(), s.messages); err != nil {
				t.Error(err)
			}
			s.sql("UPDATE agrichat.ledger SET facts_at = NULL") // published, and not marked so yet
		case 2:
			s.sql("UPDATE agrichat.ledger SET facts_at = now()")
		case 3:
			s.aggregate()
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []verify.Remaining{{Sequences: 2}, {Unpublished: 1}, {Facts: uint64(len(s.facts))}, {}}
	if diff := cmp.Diff(want, got); diff != "" || !got[3].Done() {
		t.Error(diff)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	s.add(message(3))
	if err := s.verifier.Await(ctx, 3, func(verify.Remaining) {}); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "left: 1 sequences") {
		t.Errorf("without a worker: %v", err)
	}
}
