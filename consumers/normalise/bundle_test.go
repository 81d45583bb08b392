package normalise_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/agrichat/agrichat/consumers"
	"github.com/agrichat/agrichat/consumers/normalise"
	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/fault"
	"github.com/agrichat/agrichat/internal/gate"
	"github.com/agrichat/agrichat/internal/seqset"
)

// bundles joins so many messages each into one, as a publisher does.
func bundles(log []consumers.Delivery, size int) []consumers.Delivery {
	var out []consumers.Delivery
	for several := range slices.Chunk(log, size) {
		var data, ids []string
		for _, d := range several {
			id := d.EventIDs
			if e, err := event.Decode(d.Data); id == "" && err == nil { // a bundle has all ids in its header
				id = e.ID.String()
			}
			data, ids = append(data, string(d.Data)), append(ids, id)
		}
		out = append(out, consumers.Delivery{Sequence: uint64(len(out) + 1), Attempts: 1,
			Data: []byte(strings.Join(data, event.LineEnd)), EventIDs: strings.Join(ids, event.IDSeparator)})
	}
	return out
}

// Positions are part of the hashes.
var positions = regexp.MustCompile(`"position":\d+(,"hash":"[^"]+")?`)

// somewhere returns facts without the positions in them.
func somewhere(facts map[string]string) map[string]string {
	out := map[string]string{}
	for key, text := range facts {
		out[key] = positions.ReplaceAllString(text, "")
	}
	return out
}

// TestStore_Handle_bundles holds that bundling changes nothing but positions.
func TestStore_Handle_bundles(t *testing.T) {
	t.Parallel()
	log := newWorld(77, 300).deliveries()
	together := bundles(log, 13)
	alone, bundled := storedWhole(t, log), storedWhole(t, together)
	if diff := cmp.Diff(somewhere(alone.current()), somewhere(bundled.current())); diff != "" {
		t.Error(diff)
	}
}

// TestStore_Handle_bundleOrder holds that messages of one instant keep the order of their lines.
func TestStore_Handle_bundleOrder(t *testing.T) {
	t.Parallel()
	w := &world{}
	sent := event.NewInstant(time.Date(2024, 3, 1, 12, 0, 0, 0, time.UTC), event.PrecisionSecond)
	var want []string
	for i := range 40 {
		e := event.Event{Source: "test", Namespace: "n", Channel: "c", Kind: event.KindMessage, Revision: event.Unedited, Sent: sent,
			NativeID: event.NativeID(fmt.Sprint((i * 17) % 40)), Body: &event.Message{Type: event.TypeMessage, Text: "x"}}
		if err := e.Seal(); err != nil {
			t.Fatal(err)
		}
		w.events, want = append(w.events, e), append(want, string(e.NativeID))
	}
	log := bundles(w.deliveries(), 15)
	pool := database(t)
	k := newSystem(t, pool, newListener(log))
	for _, i := range []int{2, 0, 1} { // the order of arrival says nothing
		if err := k.Handle(t.Context(), log[i:i+1]); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	if err := pool.QueryRow(t.Context(), "SELECT array_agg(external_id ORDER BY incarnation, position) FROM agrichat.v_messages").Scan(&got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	var at []uint64
	if err := pool.QueryRow(t.Context(), "SELECT array_agg(position ORDER BY position) FROM agrichat.events").Scan(&at); err != nil {
		t.Fatal(err)
	}
	for i, p := range at {
		if got, want := event.Position(p), event.At(uint64(i/15+1), i%15); got != want {
			t.Fatalf("event %d stands at %s, want %s", i, got, want)
		}
	}
}

// TestStore_Handle_bundleAtomic holds that a line that cannot be read keeps its sequence out of the ledger, and what it
// came with from being stored: a splitter publishes all of it.
func TestStore_Handle_bundleAtomic(t *testing.T) {
	t.Parallel()
	log := newWorld(5, 30).deliveries()
	log[12].Data = []byte(`{"v":1,`)
	together := bundles(log, 10)
	l, pool := newListener(together), database(t)
	k := newSystem(t, pool, l)
	err := k.Handle(t.Context(), together)
	var partial *consumers.PartialError
	if !errors.As(err, &partial) || len(partial.Failed) != 1 || fault.Of(partial.Failed[1]) != fault.Poison ||
		!strings.Contains(partial.Failed[1].Error(), "sequence 2, line 3:") {
		t.Fatal(err)
	}
	var held string
	var stored int
	if err := pool.QueryRow(t.Context(), "SELECT (SELECT range_agg(sequences)::text FROM agrichat.ledger), (SELECT count(*) FROM agrichat.events WHERE position >> 10 = 2)").Scan(&held, &stored); err != nil {
		t.Fatal(err)
	}
	if got, err := seqset.Parse(held); err != nil || got.Has(2) || got.Len() != 2 || stored != 0 {
		t.Errorf("the ledger holds %s, the record %d events of it: %v", held, stored, err)
	}
	for range 2 { // a crash may come before the ack
		if err := k.DeadLetter(t.Context(), together[1], partial.Failed[1]); err != nil {
			t.Fatal(err)
		}
	}
	guilty := event.At(2, 2)
	if l.deadLettered[guilty] == "" || len(l.deadLettered) != 1 {
		t.Errorf("copies were made of %v", l.deadLettered)
	}
	var letters []uint64
	if err := pool.QueryRow(t.Context(), "SELECT array_agg(position) FROM agrichat.dead_letters").Scan(&letters); err != nil ||
		len(letters) != 1 || letters[0] != uint64(guilty) {
		t.Errorf("letters about %v: %v", letters, err)
	}
	if all, err := k.LedgerRange(t.Context(), 1, 3); err != nil || all.Len() != 3 {
		t.Errorf("the ledger holds %s: %v", all, err)
	}
	rest := slices.Delete(slices.Clone(log), 12, 13)
	if diff := cmp.Diff(somewhere(storedWhole(t, rest).current()), somewhere(l.current())); diff != "" {
		t.Error(diff)
	}
}

// TestStore_DeadLetter_bundleLacksLines holds that an event that the header names and no line holds becomes a dead letter.
func TestStore_DeadLetter_bundleLacksLines(t *testing.T) {
	t.Parallel()
	log := newWorld(8, 6).deliveries()
	together := bundles(log, 6)
	lines := bytes.Split(together[0].Data, []byte(event.LineEnd))
	together[0].Data = bytes.Join(lines[:4], []byte(event.LineEnd))
	l, pool := newListener(together), database(t)
	k := newSystem(t, pool, l)
	var partial *consumers.PartialError
	if err := k.Handle(t.Context(), together); !errors.As(err, &partial) || !strings.Contains(partial.Failed[0].Error(), "names 6 events, and it has 4 lines") {
		t.Fatal(err)
	}
	if err := k.DeadLetter(t.Context(), together[0], partial.Failed[0]); err != nil {
		t.Fatal(err)
	}
	if len(l.deadLettered) != 2 || l.deadLettered[event.At(1, 4)] == "" || l.deadLettered[event.At(1, 5)] == "" {
		t.Errorf("copies were made of %v", l.deadLettered)
	}
	if diff := cmp.Diff(somewhere(storedWhole(t, log[:4]).current()), somewhere(l.current())); diff != "" {
		t.Error(diff)
	}
}

// TestStore_DeadLetter_crashWhileSplitting holds that a bundle may be split again from any point on.
func TestStore_DeadLetter_crashWhileSplitting(t *testing.T) {
	t.Parallel()
	log := newWorld(6, 12).deliveries()
	log[3].Data, log[7].Data = []byte("?"), []byte("!")
	together := bundles(log, 12)
	l, pool := newListener(together), database(t)
	k := newSystem(t, pool, l)
	dies := errors.New("no dead letters now")
	l.buryFails = dies
	if err := k.DeadLetter(t.Context(), together[0], errors.New("x")); !errors.Is(err, dies) {
		t.Fatal(err)
	}
	if held, err := k.LedgerRange(t.Context(), 1, 1); err != nil || held.Len() != 0 {
		t.Errorf("without its letters the ledger holds %s: %v", held, err)
	}
	l.buryFails = nil
	if err := k.DeadLetter(t.Context(), together[0], errors.New("x")); err != nil || len(l.deadLettered) != 2 {
		t.Fatal(l.deadLettered, err)
	}
	rest := append(append(slices.Clone(log[:3]), log[4:7]...), log[8:]...)
	if diff := cmp.Diff(somewhere(storedWhole(t, rest).current()), somewhere(l.current())); diff != "" {
		t.Error(diff)
	}
}

// TestStore_DeadLetter_bundleAllRejected is one dead letter, with a row for every event of it.
func TestStore_DeadLetter_bundleAllRejected(t *testing.T) {
	t.Parallel()
	together := bundles(newWorld(23, 9).deliveries(), 9)
	l, pool := newListener(together), database(t)
	if _, err := pool.Exec(t.Context(), "ALTER TABLE agrichat.events ADD CHECK (kind = 'none')"); err != nil {
		t.Fatal(err)
	}
	k := newSystem(t, pool, l)
	if err := k.DeadLetter(t.Context(), together[0], errors.New("it failed five times")); err != nil {
		t.Fatal(err)
	}
	var noted, distinct int
	if err := pool.QueryRow(t.Context(), "SELECT count(*), count(DISTINCT event_id) FROM agrichat.dead_letters WHERE position >> 10 = 1").Scan(&noted, &distinct); err != nil || noted != 9 {
		t.Errorf("%d events are noted, %d different: %v", noted, distinct, err)
	}
	if l.deadLettered[event.At(1, 0)] != "it failed five times" || len(l.deadLettered) != 1 {
		t.Errorf("copies were made of %v", l.deadLettered)
	}
}

// TestRecovery_Reconcile_splitsBundles holds that one event that Postgres rejects, or that cannot be decoded, keeps no other from being stored.
func TestRecovery_Reconcile_splitsBundles(t *testing.T) {
	t.Parallel()
	log := newWorld(22, 30).deliveries()
	refused := log[6].EventIDs
	log[22].Data = []byte("not JSON")
	together := bundles(log, 5)
	l, pool := newListener(together), database(t)
	if _, err := pool.Exec(t.Context(), "ALTER TABLE agrichat.events ADD CHECK (event_id <> '"+refused+"')"); err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	k, err := open(t.Context(), normalise.Config{Pool: pool, Gate: gate.Open{}, Stream: l,
		Log: slog.New(slog.NewTextHandler(&said, nil))})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := k.Reconcile(t.Context(), 6, false); err != nil {
		t.Fatal(err)
	}
	if len(l.deadLettered) != 2 || l.deadLettered[event.At(2, 1)] == "" || l.deadLettered[event.At(5, 2)] == "" {
		t.Errorf("copies were made of %v", l.deadLettered)
	}
	if held, err := k.LedgerRange(t.Context(), 1, 6); err != nil || held.Len() != 6 {
		t.Errorf("the ledger holds %s: %v", held, err)
	}
	if n := strings.Count(said.String(), "dead-lettered an event of a bundle"); n != 2 {
		t.Errorf("it says:\n%s", &said)
	}
}

// TestRecovery_Reconcile_allBundlesRejected holds that a Postgres that rejects everything makes no dead letters.
func TestRecovery_Reconcile_allBundlesRejected(t *testing.T) {
	t.Parallel()
	log := bundles(newWorld(23, 600).deliveries(), 3)
	l, pool := newListener(log), database(t)
	if _, err := pool.Exec(t.Context(), "ALTER TABLE agrichat.events ADD CHECK (kind = 'none')"); err != nil {
		t.Fatal(err)
	}
	_, err := newSystem(t, pool, l).Reconcile(t.Context(), 200, false)
	if err == nil || !strings.Contains(err.Error(), "rejects one message after the other") || len(l.deadLettered) > 0 {
		t.Errorf("%d were taken apart; it says %v", len(l.deadLettered), err)
	}
}

// TestStore_Handle_largeBatch holds that what many bundles carry together is split between messages.
func TestStore_Handle_largeBatch(t *testing.T) {
	t.Parallel()
	log := bundles(newWorld(31, 9500).deliveries(), 1000)
	l, pool := newListener(log), database(t)
	if err := newSystem(t, pool, l).Handle(t.Context(), log); err != nil {
		t.Fatal(err)
	}
	var transactions, most int
	if err := pool.QueryRow(t.Context(), "SELECT count(*), max(upper(span) - lower(span)) FROM agrichat.ledger, unnest(sequences) AS span").Scan(&transactions, &most); err != nil {
		t.Fatal(err)
	}
	if transactions != 3 || most != 4 {
		t.Errorf("%d transactions, the largest of %d messages", transactions, most)
	}
}

// TestStore_DeadLetter_tooManyLines are no bundle of ours: it is split, and nothing of it is lost.
func TestStore_DeadLetter_tooManyLines(t *testing.T) {
	t.Parallel()
	log := newWorld(32, event.MaxBundle+9).deliveries()
	together := bundles(log, len(log))
	together[0].Sequence = 2 // whose last bit is not set: it would be by a line that runs over
	l, pool := newListener(together), database(t)
	k := newSystem(t, pool, l)
	var partial *consumers.PartialError
	if err := k.Handle(t.Context(), together); !errors.As(err, &partial) || !strings.Contains(partial.Failed[0].Error(), "more than 1024 lines") {
		t.Fatal(err)
	}
	if err := k.DeadLetter(t.Context(), together[0], partial.Failed[0]); err != nil || len(l.deadLettered) != 0 {
		t.Fatal(l.deadLettered, err)
	}
	if diff := cmp.Diff(somewhere(storedWhole(t, log).current()), somewhere(l.current())); diff != "" {
		t.Error(diff)
	}
	var elsewhere int
	if err := pool.QueryRow(t.Context(), "SELECT count(*) FROM agrichat.events WHERE position >> 10 <> 2").Scan(&elsewhere); err != nil || elsewhere != 0 {
		t.Errorf("%d events stand at another message: %v", elsewhere, err)
	}
}
