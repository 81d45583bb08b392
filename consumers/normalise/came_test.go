package normalise_test

import (
	"context"
	"testing"
	"time"

	"github.com/agrichat/agrichat/consumers/normalise"
	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/seqset"
)

// While others publish, what one import published is thousands of spans. Counting what came of them must not compare every event
// with every span: of a million messages that would be billions.
func TestReports_ImportCounts_spans(t *testing.T) {
	t.Parallel()
	pool := database(t)
	k := newSystem(t, pool, newListener(nil))
	if err := k.Handle(t.Context(), restoreMessages(1)); err != nil {
		t.Fatal(err)
	}
	const spans, lines = 4000, 10
	restoreExec(t, pool, `INSERT INTO agrichat.events (event_id, thing_id, channel_key, kind, revision, precision, zone, zone_assumed, body, content,
			accounts, incarnation, position, changed, token)
		SELECT gen_random_uuid(), gen_random_uuid(), (SELECT key FROM agrichat.channels LIMIT 1), 'message', '', 0, '', false, '{}', gen_random_uuid(),
			'{}', (SELECT max(incarnation) FROM agrichat.incarnations), ((1000 + s) << 10) + l, 1, 1
		FROM generate_series(1, 8000) s, generate_series(0, 9) l`)
	var asked seqset.Set
	for i := range uint64(spans) {
		asked.Add(1001+2*i, 1001+2*i)
	}
	soon, cancel := context.WithTimeout(t.Context(), 20*time.Second) // it takes a fraction of a second
	defer cancel()
	came, err := k.ImportCounts(soon, asked)
	if err != nil || len(came) != 1 || came[0].Stored != spans*lines {
		t.Fatalf("came %+v, %v", came, err)
	}
}

// TestReports_ImportCounts_updated holds that events which were stored before are counted where they were completed or corrected, and nowhere else.
func TestReports_ImportCounts_updated(t *testing.T) {
	t.Parallel()
	at := time.Date(2021, 4, 3, 22, 0, 0, 0, time.UTC)
	log := deliverEach(t,
		reading(t, at, event.Reading{}, event.Unedited, "t"),
		reading(t, at.Add(-3*time.Hour), event.Reading{ZoneNamed: 1}, event.Unedited, "t"),
		reading(t, at, event.Reading{ZoneNamed: 1}, event.RevisionAt(at), "u"),
		reading(t, at, event.Reading{}, event.Unedited, "t"))
	k := newSystem(t, database(t), newListener(log))
	for i := range log {
		if err := k.Handle(t.Context(), log[i:i+1]); err != nil {
			t.Fatal(err)
		}
		var asked seqset.Set
		asked.Add(uint64(i+1), uint64(i+1))
		came, err := k.ImportCounts(t.Context(), asked)
		if err != nil {
			t.Fatal(err)
		}
		want := [][]normalise.ImportCounts{{{Stored: 1}}, {{Updated: 1}}, {{Stored: 1}}, nil}[i]
		if len(came) != len(want) || len(want) > 0 && (came[0].Stored != want[0].Stored || came[0].Updated != want[0].Updated || came[0].Facts == 0) {
			t.Errorf("of message %d came %+v, want %+v", i+1, came, want)
		}
	}
	var all seqset.Set
	all.Add(1, 4)
	if came, err := k.ImportCounts(t.Context(), all); err != nil || len(came) != 1 || came[0].Stored != 2 || came[0].Updated != 0 {
		t.Errorf("of all came %+v, %v", came, err)
	}
}
