package verify

import (
	"testing"

	"github.com/agrichat/agrichat/internal/fact"
)

// TestMerging_Written holds that a row in ClickHouse is somebody's work in progress only if the record has come to its version, even
// if it takes a new generation meanwhile.
func TestMerging_Written(t *testing.T) {
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
		m := &merging{cut: cut{version: at, known: at}, newest: func() (fact.Version, error) { asked++; return tt.newest, nil }}
		got, err := m.written(tt.version)
		if got != tt.want || err != nil || asked > 1 {
			t.Errorf("%s: %v %v, asked %d times", name, got, err, asked)
		}
	}
}
