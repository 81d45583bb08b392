package normalise_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"

	"github.com/agrichat/agrichat/consumers"
	"github.com/agrichat/agrichat/consumers/normalise"
	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/fact"
	"github.com/agrichat/agrichat/internal/gate"
	"github.com/agrichat/agrichat/internal/pg"
	"github.com/agrichat/agrichat/internal/testenv"
	schema "github.com/agrichat/agrichat/schemas/postgres"
)

func TestMain(m *testing.M) { testenv.Main(m) }

// listener is the stream's side of a test: it keeps, of every thing, the fact with the highest version.
type listener struct {
	mu     sync.Mutex
	facts  map[string]string // by kind and id
	states map[string]fact.Version
	log    map[uint64]consumers.Delivery
	fail   error // what publishing answers
	told   int

	deadLettered map[event.Position]string
	buryFails    error

	publishing          func() // called before anything is
	gets, ranges, nexts atomic.Int64
	late                func(seq uint64) bool // what a range leaves out though it is there
	end                 uint64                // of the stream; 0: far away
	published           fact.Version
}

func newListener(log []consumers.Delivery) *listener {
	l := &listener{facts: map[string]string{}, states: map[string]fact.Version{}, log: map[uint64]consumers.Delivery{},
		deadLettered: map[event.Position]string{}}
	for _, d := range log {
		l.log[d.Sequence] = d
	}
	return l
}

func (l *listener) PublishFacts(_ context.Context, batches []fact.Batch) error {
	if l.publishing != nil {
		l.publishing()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.fail != nil {
		return l.fail
	}
	for _, b := range batches {
		l.told += b.Len()
		where := b.Source + "/" + b.Channel
		for _, f := range b.Messages {
			l.record(b.Version, "message "+f.Thing, where, f)
		}
		for _, f := range b.Versions {
			l.record(b.Version, "version "+f.Event, where, f)
		}
		for _, f := range b.Reactions {
			l.record(b.Version, "reaction "+f.Thing, where, f)
		}
		for _, f := range b.Memberships {
			l.record(b.Version, "membership "+f.Thing, where, f)
		}
		for _, f := range b.Channels {
			l.record(b.Version, "channel "+b.ChannelKey, where, f)
		}
		for _, f := range b.Identities {
			l.record(b.Version, "identity "+f.Key, b.Source, f)
		}
		for _, f := range b.Sightings {
			l.record(b.Version, "sighting "+f.ID, where, f)
		}
	}
	return nil
}

func (l *listener) record(v fact.Version, key, where string, f any) {
	b, err := json.Marshal(f)
	if err != nil {
		panic(err)
	}
	text := where + " " + string(b)
	if old, ok := l.states[key]; ok {
		if old.Compare(v) > 0 {
			return
		}
		if old == v && l.facts[key] != text {
			panic(fmt.Sprintf("%s has two states of version %s:\n%s\n%s", key, v, l.facts[key], text))
		}
	}
	l.states[key], l.facts[key] = v, text
}

// current is all facts but those of reactions that count nobody, and of removed sightings.
func (l *listener) current() map[string]string {
	out := maps.Clone(l.facts)
	maps.DeleteFunc(out, func(key, text string) bool {
		return strings.Contains(text, `"count":0,`) || strings.HasPrefix(key, "sighting ") && strings.Contains(text, `"removed":true`)
	})
	return out
}

func (l *listener) Incarnation(context.Context) (time.Time, error) {
	return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), nil
}

func (l *listener) NextGeneration(_ context.Context, above uint16) (uint16, error) {
	return max(7, above+1), nil
}

func (l *listener) LastSequence(context.Context) (uint64, error) {
	if l.end > 0 {
		return l.end, nil
	}
	return math.MaxInt64, nil // most tests deliver what no stream holds
}

func (l *listener) Published(context.Context) (fact.Version, error) { return l.published, nil }

func (l *listener) Get(_ context.Context, seq uint64) (consumers.Delivery, bool, error) {
	l.gets.Add(1)
	d, ok := l.log[seq]
	return d, ok, nil
}

func (l *listener) Next(_ context.Context, seq uint64) (d consumers.Delivery, found bool, err error) {
	l.nexts.Add(1)
	for s, m := range l.log {
		if s >= seq && (!found || s < d.Sequence) {
			d, found = m, true
		}
	}
	return d, found, nil
}

func (l *listener) Range(ctx context.Context, from, to uint64, _ bool, yield func(consumers.Delivery) error) error {
	l.ranges.Add(1)
	for seq := from; seq <= to; seq++ {
		d, ok := l.log[seq]
		if !ok || l.late != nil && l.late(seq) {
			continue
		}
		if err := yield(d); err != nil {
			return err
		}
	}
	return ctx.Err()
}

func (l *listener) DeadLetter(_ context.Context, d consumers.Delivery, cause error) error {
	if l.buryFails == nil {
		l.deadLettered[d.Position()] = cause.Error()
	}
	return l.buryFails
}

func database(t testing.TB) *pgxpool.Pool {
	t.Helper()
	dsn := testenv.PostgresFrom(t, "record", func(ctx context.Context, dsn string) error {
		pool, err := pg.Open(ctx, pg.Config{DSN: dsn})
		if err != nil {
			return err
		}
		defer pool.Close()
		return pg.Migrate(ctx, pool, schema.Migrations)
	})
	pool, err := pg.Open(t.Context(), pg.Config{DSN: dsn, MaxConns: 8, Name: t.Name()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

func newSystem(t testing.TB, pool *pgxpool.Pool, l *listener) *system {
	t.Helper()
	k, err := open(t.Context(), normalise.Config{Pool: pool, Gate: gate.Open{}, Stream: l, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// state is everything that is stored but the counters of transactions.
func state(t *testing.T, pool *pgxpool.Pool) map[string][]string {
	t.Helper()
	out := map[string][]string{}
	for table, drop := range map[string]string{"events": "seen_at", "messages": "search", "reactions": "", "memberships": "",
		"channels": "", "identities": "", "membership_words": "", "sightings": ""} {
		where := ""
		switch table {
		case "reactions":
			where = "WHERE count > 0" // those that were published in some orders only
		case "sightings":
			where = "WHERE NOT removed" // likewise
		}
		sql := fmt.Sprintf("SELECT (to_jsonb(x) - 'changed' - 'token' - '%s')::text FROM agrichat.%s x %s ORDER BY 1", drop, table, where)
		rows, err := pool.Query(t.Context(), sql)
		if err != nil {
			t.Fatal(err)
		}
		if out[table], err = pgx.CollectRows(rows, pgx.RowTo[string]); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// apply gives the deliveries to the store in batches of random size.
func apply(ctx context.Context, k *system, r *rand.Rand, ds []consumers.Delivery) error {
	for len(ds) > 0 {
		n := 1 + r.IntN(min(len(ds), 25))
		if err := k.Handle(ctx, ds[:n]); err != nil {
			return err
		}
		ds = ds[n:]
	}
	return nil
}

func TestStore_Handle_anyOrder(t *testing.T) {
	t.Parallel()
	for seed := range uint64(12) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			log := newWorld(seed, 400).deliveries()
			inOrder, shuffled := newListener(log), newListener(log)
			a, b := database(t), database(t)
			r := rand.New(rand.NewPCG(seed, 2))
			if err := apply(t.Context(), newSystem(t, a, inOrder), r, log); err != nil {
				t.Fatal(err)
			}
			applyWildly(t, newSystem(t, b, shuffled), log, seed)
			if diff := cmp.Diff(state(t, a), state(t, b)); diff != "" {
				t.Errorf("the record depends on order (-in order +shuffled):\n%s", diff)
			}
			if diff := cmp.Diff(inOrder.current(), shuffled.current()); diff != "" {
				t.Errorf("the facts depend on order (-in order +shuffled):\n%s", diff)
			}
			again := newListener(log)
			if err := newSystem(t, b, again).RepublishFrom(t.Context(), 0, func(int) {}); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(shuffled.facts, again.facts); diff != "" {
				t.Errorf("facts told again differ (-first +again):\n%s", diff)
			}
			if diff := cmp.Diff(shuffled.states, again.states); diff != "" {
				t.Errorf("versions told again differ (-first +again):\n%s", diff)
			}
		})
	}
}

// applyWildly shuffles and doubles the log and gives it to three workers at once.
func applyWildly(t *testing.T, k *system, log []consumers.Delivery, seed uint64) {
	t.Helper()
	wild := append(append([]consumers.Delivery{}, log...), log[:len(log)/2]...)
	r := rand.New(rand.NewPCG(seed, 3))
	r.Shuffle(len(wild), func(i, j int) { wild[i], wild[j] = wild[j], wild[i] })
	g, ctx := errgroup.WithContext(t.Context())
	for i := range 3 {
		part := wild[i*len(wild)/3 : (i+1)*len(wild)/3]
		own := rand.New(rand.NewPCG(seed, uint64(4+i)))
		g.Go(func() error { return apply(ctx, k, own, part) })
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
}

func TestStore_Handle_ledgerDecides(t *testing.T) {
	t.Parallel()
	log := newWorld(99, 50).deliveries()
	l, pool := newListener(log), database(t)
	k := newSystem(t, pool, l)
	if err := k.Handle(t.Context(), log); err != nil {
		t.Fatal(err)
	}
	before, told := state(t, pool), l.told
	if err := k.Handle(t.Context(), log); err != nil {
		t.Fatal(err)
	}
	if l.told != told {
		t.Errorf("a repeat told %d facts", l.told-told)
	}
	if diff := cmp.Diff(before, state(t, pool)); diff != "" {
		t.Error(diff)
	}
	held, err := k.LedgerRange(t.Context(), 1, 60)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := held.String(), "{[1,51)}"; got != want {
		t.Errorf("the ledger holds %s, want %s", got, want)
	}
}

func TestPublisher_publishesPending(t *testing.T) {
	t.Parallel()
	log := newWorld(5, 60).deliveries()
	for name, revive := range map[string]func(*system) error{
		"by redelivery to another process": nil,
		"by the sweep":                     func(k *system) error { _, err := k.Reconcile(t.Context(), 0, true); return err },
	} {
		t.Run(name, func(t *testing.T) {
			l, whole := newListener(log), newListener(log)
			if err := newSystem(t, database(t), whole).Handle(t.Context(), log); err != nil {
				t.Fatal(err)
			}
			pool := database(t)
			k := newSystem(t, pool, l)
			l.fail = errors.New("no bus")
			if err := k.Handle(t.Context(), log); err != nil {
				t.Fatalf("stored messages are not settled: %v", err)
			}
			l.fail = nil
			if revive == nil {
				revive = func(*system) error { return newSystem(t, pool, l).Handle(t.Context(), log) }
			}
			if err := revive(k); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(whole.facts, l.facts); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestRecovery_Reconcile_fillsGaps(t *testing.T) {
	t.Parallel()
	log := newWorld(6, 80).deliveries()
	whole, l := database(t), newListener(log)
	if err := newSystem(t, whole, newListener(log)).Handle(t.Context(), log); err != nil {
		t.Fatal(err)
	}
	pool := database(t)
	k := newSystem(t, pool, l)
	if err := k.Handle(t.Context(), append(append([]consumers.Delivery{}, log[:10]...), log[40:]...)); err != nil {
		t.Fatal(err)
	}
	filled, err := k.Reconcile(t.Context(), 80, false)
	if err != nil {
		t.Fatal(err)
	}
	if filled != 30 {
		t.Errorf("filled %d holes, want 30", filled)
	}
	if diff := cmp.Diff(state(t, whole), state(t, pool)); diff != "" {
		t.Error(diff)
	}
}

func TestStore_Handle_staleToken(t *testing.T) {
	t.Parallel()
	log := newWorld(7, 5).deliveries()
	pool := database(t)
	k := newSystem(t, pool, newListener(log))
	if _, err := pool.Exec(t.Context(), "UPDATE agrichat.fence SET token = 9"); err != nil {
		t.Fatal(err)
	}
	err := k.Handle(t.Context(), log)
	if err == nil || !strings.Contains(err.Error(), "token 0 is stale: the database has seen 9") {
		t.Errorf("got %v", err)
	}
	if n := len(state(t, pool)["events"]); n != 0 {
		t.Errorf("%d events were written under a stale token", n)
	}
}

func TestStore_Handle_undecodable(t *testing.T) {
	t.Parallel()
	log := newWorld(8, 5).deliveries()
	log[2].Data = []byte(`{"v":1,`)
	pool := database(t)
	err := newSystem(t, pool, newListener(log)).Handle(t.Context(), log)
	var partial *consumers.PartialError
	if !errors.As(err, &partial) || len(partial.Failed) != 1 || partial.Failed[2] == nil {
		t.Fatalf("got %v", err)
	}
	var held string
	if err := pool.QueryRow(t.Context(), "SELECT range_agg(sequences)::text FROM agrichat.ledger").Scan(&held); err != nil {
		t.Fatal(err)
	}
	if held != "{[1,3),[4,6)}" {
		t.Errorf("the ledger holds %s", held)
	}
}

func TestQueries(t *testing.T) {
	t.Parallel()
	pool := database(t)
	conn, err := pool.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	n := 0
	for name, sql := range normalise.Statements(t) {
		if _, err := conn.Conn().Prepare(t.Context(), name, sql); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		n++
	}
	files, err := fs.ReadDir(normalise.Queries(), "queries")
	if err != nil || n == 0 || n != len(files) {
		t.Errorf("prepared %d queries of %d: %v", n, len(files), err)
	}
}

// TestStore_Handle_largeMessage holds that no length of anything stops the store: indexes and search have limits of their own.
func TestStore_Handle_largeMessage(t *testing.T) {
	t.Parallel()
	var words strings.Builder
	for i := range 300_000 {
		fmt.Fprintf(&words, "слово%d ", i)
	}
	long := strings.Repeat("д", 5000)
	var log []consumers.Delivery
	for i, e := range []event.Event{
		{Kind: event.KindMessage, NativeID: "1", Body: &event.Message{Type: event.TypeMessage, Text: words.String()}},
		{Kind: event.KindMessage, NativeID: event.NativeID(long), Channel: event.Channel(long),
			Author: event.Person{ID: event.AuthorID(long), Name: long},
			Body:   &event.Message{Type: event.TypeService, Service: &event.Service{Action: event.ActionJoin}}},
	} {
		e.Source, e.Namespace, e.Revision = "test", "n", event.Unedited
		e.Channel = cmpOr(e.Channel, "c")
		if err := e.Seal(); err != nil {
			t.Fatal(err)
		}
		data, err := event.Encode(&e)
		if err != nil {
			t.Fatal(err)
		}
		log = append(log, consumers.Delivery{Sequence: uint64(i + 1), Data: data, EventIDs: e.ID.String()})
	}
	pool := database(t)
	if err := newSystem(t, pool, newListener(log)).Handle(t.Context(), log); err != nil {
		t.Fatal(err)
	}
	if n := len(state(t, pool)["messages"]); n != 2 {
		t.Errorf("%d messages are stored, want 2", n)
	}
}

func cmpOr(a, b event.Channel) event.Channel {
	if a == "" {
		return b
	}
	return a
}

// TestStore_Handle_newStream begins again at sequence 1: its sequences are not those that the ledger holds.
func TestStore_Handle_newStream(t *testing.T) {
	t.Parallel()
	log := newWorld(11, 40).deliveries()
	pool := database(t)
	if err := newSystem(t, pool, newListener(log)).Handle(t.Context(), log); err != nil {
		t.Fatal(err)
	}
	anew := slices.Clone(log)
	slices.Reverse(anew)
	for i := range anew {
		anew[i].Sequence = uint64(i + 1)
	}
	k := newSystem(t, pool, newListener(anew)) // another event is at the last sequence of the ledger
	if held, err := k.LedgerRange(t.Context(), 1, 40); err != nil || held.Len() != 0 {
		t.Fatalf("of the new stream the ledger holds %s: %v", held, err)
	}
	if err := k.Handle(t.Context(), anew); err != nil {
		t.Fatal(err)
	}
	var old int
	if err := pool.QueryRow(t.Context(), "SELECT count(*) FROM agrichat.events WHERE incarnation = 1").Scan(&old); err != nil || old != 0 {
		t.Errorf("%d events still stand on the old stream: %v", old, err)
	}
}

func TestReports_AlreadyStored(t *testing.T) {
	t.Parallel()
	w := newWorld(12, 40)
	pool := database(t)
	k := newSystem(t, pool, newListener(nil))
	before, err := k.AlreadyStored(t.Context(), w.events)
	if err != nil || slices.Contains(before, true) {
		t.Fatalf("an empty record knows %v: %v", before, err)
	}
	if err := k.Handle(t.Context(), w.deliveries()); err != nil {
		t.Fatal(err)
	}
	after, err := k.AlreadyStored(t.Context(), w.events)
	if err != nil || slices.Contains(after, false) {
		t.Errorf("what is stored is not known: %v, %v", after, err)
	}
	other := w.events[0]
	other.Account = "somebody else"
	if known, err := k.AlreadyStored(t.Context(), []event.Event{other}); err != nil || known[0] {
		t.Errorf("another account's copy is known already: %v, %v", known, err)
	}
}

// TestReports_AlreadyStored_lessContent holds that of two copies that differ the one that would add nothing is not published again, and
// the one that would is: in its text, its author's name, or its time.
func TestReports_AlreadyStored_lessContent(t *testing.T) {
	t.Parallel()
	at := time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC)
	said := func(text, name string, precision event.Precision) event.Event {
		e := event.Event{Source: "irc", Namespace: "net", Account: "me", Channel: "#go", NativeID: "1", Kind: event.KindMessage,
			Author: event.Person{ID: "nick", Name: name}, Revision: event.Unedited,
			Sent: event.NewInstant(at, precision), Seen: at, Body: &event.Message{Type: event.TypeMessage, Text: text}}
		if err := e.Seal(); err != nil {
			t.Fatal(err)
		}
		return e
	}
	stored := said("a text", "Nick", event.PrecisionSecond)
	k := newSystem(t, database(t), newListener(nil))
	data, err := event.Encode(&stored)
	if err != nil {
		t.Fatal(err)
	}
	log := []consumers.Delivery{{Sequence: 1, EventIDs: stored.ID.String(), Data: data, Attempts: 1}}
	if err := k.Handle(t.Context(), log); err != nil {
		t.Fatal(err)
	}
	elsewhere := stored
	elsewhere.Sent.At = at.In(time.FixedZone("", 3600))
	for name, c := range map[string]struct {
		copy  event.Event
		known bool
	}{
		"the same":                         {stored, true},
		"the same, its time told with +01": {elsewhere, true},
		"no text":                          {said("", "Nick", event.PrecisionSecond), true},
		"less text":                        {said("text", "Nick", event.PrecisionSecond), false},
		"no name":                          {said("a text", "", event.PrecisionSecond), true},
		"a coarser time":                   {said("a text", "Nick", event.PrecisionMinute), true},
		"more text":                        {said("a text, and more", "Nick", event.PrecisionSecond), false},
		"a longer name":                    {said("a text", "Nick the Second", event.PrecisionSecond), false},
		"a finer time":                     {said("a text", "Nick", event.PrecisionMilli), false},
	} {
		if known, err := k.AlreadyStored(t.Context(), []event.Event{c.copy}); err != nil || known[0] != c.known {
			t.Errorf("%s: known is %v, not %v: %v", name, known, c.known, err)
		}
	}
}

// TestViews reads all that others may rely on.
func TestViews(t *testing.T) {
	t.Parallel()
	pool := database(t)
	log := newWorld(13, 200).deliveries()
	if err := newSystem(t, pool, newListener(log)).Handle(t.Context(), log); err != nil {
		t.Fatal(err)
	}
	for _, view := range []string{"v_messages", "v_versions", "v_reactions", "v_seen_by", "v_memberships", "v_attachments", "v_links",
		"v_sources", "v_identities"} {
		var n int
		if err := pool.QueryRow(t.Context(), "SELECT count(*) FROM agrichat."+view).Scan(&n); err != nil || n == 0 {
			t.Errorf("%s has %d rows: %v", view, n, err)
		}
	}
}
