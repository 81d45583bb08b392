package consumers_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/agrichat/agrichat/consumers"
)

func TestIsolate(t *testing.T) {
	t.Parallel()
	poison, outage, refused := errors.New("poison"), errors.New("outage"), errors.New("refused")
	for name, c := range map[string]struct {
		bad      []int
		down     int // the call of apply from which on the store is away; 0: never
		refuse   bool
		culprits []int
		applied  []int
		err      error
	}{
		"all good":           {applied: []int{0, 1, 2, 3, 4, 5, 6}},
		"one bad":            {bad: []int{3}, culprits: []int{3}, applied: []int{0, 1, 2, 4, 5, 6}},
		"first and last bad": {bad: []int{0, 6}, culprits: []int{0, 6}, applied: []int{1, 2, 3, 4, 5}},
		"all bad":            {bad: []int{0, 1, 2, 3, 4, 5, 6}, culprits: []int{0, 1, 2, 3, 4, 5, 6}},
		"an outage ends it":  {bad: []int{6}, down: 3, applied: []int{0, 1, 2}, err: outage},
		"a culprit ends it":  {bad: []int{2, 4}, refuse: true, culprits: []int{2}, applied: []int{0, 1}, err: refused},
	} {
		t.Run(name, func(t *testing.T) {
			var applied, culprits []int
			calls := 0
			err := consumers.Isolate([]int{0, 1, 2, 3, 4, 5, 6}, func(part []int) error {
				if calls++; c.down > 0 && calls >= c.down {
					return outage
				}
				if slices.ContainsFunc(part, func(n int) bool { return slices.Contains(c.bad, n) }) {
					return poison
				}
				applied = append(applied, part...)
				return nil
			}, func(err error) bool { return errors.Is(err, poison) }, func(n int, err error) error {
				if !errors.Is(err, poison) {
					t.Errorf("the culprit %d is blamed for %v", n, err)
				}
				culprits = append(culprits, n)
				if c.refuse {
					return refused
				}
				return nil
			})
			if !errors.Is(err, c.err) || !slices.Equal(applied, c.applied) || !slices.Equal(culprits, c.culprits) {
				t.Errorf("applied %v, culprits %v, error %v; want %v, %v, %v", applied, culprits, err, c.applied, c.culprits, c.err)
			}
		})
	}
}
