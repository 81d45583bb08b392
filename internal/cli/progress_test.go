package cli

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/agrichat/agrichat/internal/ingest"
)

func TestALongImportSaysHowFarItIs(t *testing.T) {
	t.Parallel()
	var said []string
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	p := &fileProgress{path: "f", last: at, now: func() time.Time { return at }, note: func(format string, args ...any) {
		said = append(said, fmt.Sprintf(format, args...))
	}}
	for _, s := range []struct {
		after time.Duration
		g     ingest.Progress
	}{
		{time.Second, ingest.Progress{State: ingest.Reading}},
		{5 * time.Second, ingest.Progress{State: ingest.Reading, Counts: ingest.Counts{Read: 7, Published: 5, Known: 2}}},
		{time.Second, ingest.Progress{State: ingest.Waiting, Why: "too soon"}},
		{5 * time.Second, ingest.Progress{State: ingest.Waiting, Why: "no room"}},
		{9 * time.Second, ingest.Progress{State: ingest.Done}},
	} {
		at = at.Add(s.after)
		p.observe(s.g)
	}
	if diff := cmp.Diff([]string{"f: 7 read, 5 published, 2 known\n", "f: waiting: no room\n"}, said); diff != "" {
		t.Error(diff)
	}
}
