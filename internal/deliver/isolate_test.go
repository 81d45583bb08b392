package deliver

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/agrichat/agrichat/consumers"
	"github.com/agrichat/agrichat/internal/fault"
)

// TestRun_Isolate holds that a message whose failure nobody classified holds up no other one.
func TestRun_Isolate(t *testing.T) {
	for name, tt := range map[string]struct {
		n    int
		fail func() error
		dead int
	}{
		"an unmarked error":                   {100, func() error { return errOdd }, 2},
		"an unmarked error before any other":  {3, func() error { return errOdd }, 2},
		"a panic":                             {100, func() error { panic("no such index") }, 2},
		"an outage that somebody recognised":  {100, func() error { return fault.AsTransient(errOdd, 0) }, 0},
		"an unmarked error wrapped in others": {100, func() error { return fmt.Errorf("storing: %w", errOdd) }, 2},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				q := newQueue(tt.n)
				h := newStore(q)
				h.fail = func(_ context.Context, batch []consumers.Delivery) error {
					if holds(batch, 1, 3) {
						return tt.fail()
					}
					return nil
				}
				if err := runFor(t, time.Hour, config(q, h)); err != nil {
					t.Fatal(err)
				}
				if tt.dead == 0 {
					if len(q.letters) != 0 {
						t.Fatal(q.letters)
					}
					return
				}
				q.settledOnce(t, tt.n)
				if len(q.letters) != tt.dead || len(h.buried) != tt.dead || len(h.stored) != tt.n-tt.dead {
					t.Fatal(q.letters, h.buried, len(h.stored))
				}
			})
		})
	}
	t.Run("a panic that the store's state causes ends with it", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			q := newQueue(10)
			h := newStore(q)
			times := 0
			h.fail = func(context.Context, []consumers.Delivery) error {
				if times++; times < 3 {
					panic(errors.New("once"))
				}
				return nil
			}
			cfg := config(q, h)
			cfg.Workers = 1
			if err := runFor(t, time.Hour, cfg); err != nil || len(q.letters) != 0 {
				t.Fatal(err, q.letters)
			}
			q.settledOnce(t, 10)
		})
	})
	t.Run("what contention refuses again and again is stored in the end", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			q := newQueue(40)
			h := newStore(q)
			times := 0
			h.fail = func(_ context.Context, batch []consumers.Delivery) error {
				if holds(batch, 7) {
					if times++; times < 40 {
						return fault.AsTransient(errors.New("others are in the way"), 0)
					}
				}
				return nil
			}
			if err := runFor(t, time.Hour, config(q, h)); err != nil || len(q.letters) != 0 || h.stored[7] != 1 {
				t.Fatal(err, q.letters, strings.Join(q.log, "\n"))
			}
		})
	})
}
