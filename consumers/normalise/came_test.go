package normalise_test

import (
	"context"
	"testing"
	"time"

	"github.com/agrichat/agrichat/internal/seqset"
)

// While others publish, what one import published is thousands of spans. Counting what came of them must not compare every event
// with every span: of a million messages that would be billions.
func TestKeeper_Came_spans(t *testing.T) {
	t.Parallel()
	pool := database(t)
	k := keeper(t, pool, newListener(nil))
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
	came, err := k.Came(soon, asked)
	if err != nil || len(came) != 1 || came[0].Stored != spans*lines {
		t.Fatalf("came %+v, %v", came, err)
	}
}
