package verify

import (
	"maps"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/agrichat/agrichat/internal/ch"
	"github.com/agrichat/agrichat/internal/fact"
)

// TestMergeJoin_written holds that a row in ClickHouse is ignored as newer than the cutoff only if PostgreSQL has committed its version, even
// if it gets a new generation meanwhile.
func TestMergeJoin_written(t *testing.T) {
	t.Parallel()
	at := fact.Version{Generation: 1, Token: 3, Counter: 10}
	for name, tt := range map[string]struct {
		version, newest fact.Version
		want            bool
	}{
		"before the cut":                        {fact.Version{Generation: 1, Token: 3, Counter: 10}, at, false},
		"after it":                              {fact.Version{Generation: 1, Token: 3, Counter: 12}, fact.Version{Generation: 1, Token: 3, Counter: 12}, true},
		"above the newest":                      {fact.Version{Generation: 1, Token: 3, Counter: 13}, fact.Version{Generation: 1, Token: 3, Counter: 12}, false},
		"after it, under a newer token":         {fact.Version{Generation: 1, Token: 4, Counter: 12}, fact.Version{Generation: 1, Token: 4, Counter: 12}, true},
		"above the counters, before a token":    {fact.Version{Generation: 1, Token: 3, Counter: 999}, fact.Version{Generation: 1, Token: 4, Counter: 12}, false},
		"above the counters, of an old one":     {fact.Version{Generation: 1, Token: 3, Counter: 999}, fact.Version{Generation: 2, Token: 4, Counter: 12}, false},
		"of a generation that nobody has given": {fact.Version{Generation: 3, Token: 3, Counter: 11}, fact.Version{Generation: 2, Token: 4, Counter: 12}, false},
	} {
		asked := 0
		m := &mergeJoin{cutoff: cutoff{version: at, newest: at}, newest: func() (fact.Version, error) { asked++; return tt.newest, nil }}
		got, err := m.written(tt.version)
		if got != tt.want || err != nil || asked > 1 {
			t.Errorf("%s: %v %v, asked %d times", name, got, err, asked)
		}
	}
}

// TestMergeJoin_both holds how two states of one thing compare, and what is to be repaired.
func TestMergeJoin_both(t *testing.T) {
	t.Parallel()
	version := func(counter uint64) fact.Version { return fact.Version{Generation: 1, Token: 3, Counter: counter} }
	one, other := fact.Hash{1}, fact.Hash{2}
	for name, tt := range map[string]struct {
		postgres  postgresRow
		analytics ch.State
		want      Things
		repair    repairs
	}{
		"equal":      {postgresRow{version: version(5), hash: one}, ch.State{Version: version(5), Hash: one, Intact: true}, Things{}, repairs{}},
		"no hash":    {postgresRow{version: version(5), hash: one}, ch.State{Version: version(5)}, Things{WithoutHash: 1}, repairs{}},
		"truncated":  {postgresRow{version: version(5), hash: one}, ch.State{Version: version(5), Hash: one, Intact: true, Truncated: true}, Things{Truncated: 1}, repairs{}},
		"no channel": {postgresRow{version: version(5)}, ch.State{Version: version(5), Hash: one, Intact: true}, Things{}, repairs{}},
		"other content": {postgresRow{version: version(5), hash: one}, ch.State{Version: version(5), Hash: other, Intact: true}, Things{Differing: 1},
			repairs{counters: map[int64]struct{}{5: {}}, unexplained: map[[16]byte]struct{}{{}: {}}}},
		"changed in ClickHouse": {postgresRow{version: version(5), hash: one}, ch.State{Version: version(5), Hash: one}, Things{Differing: 1},
			repairs{counters: map[int64]struct{}{5: {}}}},
		"older in ClickHouse":           {postgresRow{version: version(5)}, ch.State{Version: version(4)}, Things{Differing: 1}, repairs{counters: map[int64]struct{}{5: {}}}},
		"never committed":               {postgresRow{version: version(5)}, ch.State{Version: version(99)}, Things{Differing: 1}, repairs{counters: map[int64]struct{}{5: {}}}},
		"written in Postgres meanwhile": {postgresRow{version: version(11)}, ch.State{Version: version(4)}, Things{}, repairs{}},
		"aggregated meanwhile":          {postgresRow{version: version(5)}, ch.State{Version: version(12)}, Things{}, repairs{}},
	} {
		r := newReport(1)
		m := &mergeJoin{cutoff: cutoff{version: version(10), newest: version(10)}, r: r, t: r.things(ch.Messages),
			newest: func() (fact.Version, error) { return version(12), nil }}
		if err := m.both(tt.postgres, tt.analytics); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		tt.want.Kind, tt.want.Postgres, tt.want.ClickHouse = ch.Messages, 1, 1
		if diff := cmp.Diff(tt.want, *m.t); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if !maps.Equal(r.repair.counters, tt.repair.counters) || !maps.Equal(r.repair.unexplained, tt.repair.unexplained) || len(r.Problems) != int(m.t.Differing) {
			t.Errorf("%s: to be repaired %+v, problems %+v", name, r.repair, r.Problems)
		}
	}
}
