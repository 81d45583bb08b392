package control

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/agrichat/agrichat/internal/fault"
	"github.com/agrichat/agrichat/internal/gate"
)

// handoverBound is the time within which another controller has to open the gate.
const handoverBound = 15 * time.Second

func TestController_LeaseWithoutLeader(t *testing.T) {
	// newLeader makes pg2 the leader.
	newLeader := func(w *world) {
		w.change(func() { w.view.Leader, w.view.Token, w.probe.Timeline = "pg2", 9, 2 })
	}
	t.Run("who cannot reach the new leader hands over", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld()
			a, stop := w.start(t, "a", "")
			defer stop()
			after(time.Second)
			_, stop2 := w.start(t, "b", "")
			defer stop2()
			after(10 * time.Second)
			w.expect(t, gate.Opened, "", 7)
			a.cutOff(errBroken)
			newLeader(w)
			after(handoverBound)
			w.expect(t, gate.Opened, "", 9)
			if w.acting() != "b" {
				t.Errorf("%s acts, want b", w.acting())
			}
			after(10 * time.Minute) // the first one stays cut off
			if got := w.handovers(); len(got) != 2 {
				t.Errorf("the lease went to %v, want to a and then to b for good", got)
			}
		})
	})
	t.Run("who cannot reach an open gate's leader hands over and nothing is closed", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld()
			a, stop := w.start(t, "a", "")
			defer stop()
			after(time.Second)
			_, stop2 := w.start(t, "b", "")
			defer stop2()
			a.cutOff(errBroken)
			before := w.written()
			after(time.Minute)
			w.expect(t, gate.Opened, "", 7)
			if w.acting() != "b" || w.written() != before {
				t.Errorf("%s acts after %d new orders, want b and none", w.acting(), w.written()-before)
			}
		})
	})
	t.Run("alone it goes on trying", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld()
			a, stop := w.start(t, "a", "")
			defer stop()
			after(time.Second)
			a.cutOff(errBroken)
			newLeader(w)
			after(5 * time.Minute)
			w.expect(t, gate.Shut, gate.NewLeader, 9)
			if got := w.handovers(); len(got) != 1 || w.acting() != "a" {
				t.Errorf("the lease went to %v and is held by %q, want a all the time", got, w.acting())
			}
			a.cutOff(nil)
			after(slowInterval + 100*time.Millisecond)
			w.expect(t, gate.Opened, "", 9)
		})
	})
	t.Run("where nobody reaches it they take turns", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld()
			a, stop := w.start(t, "a", "")
			defer stop()
			after(time.Second)
			b, stop2 := w.start(t, "b", "")
			defer stop2()
			a.cutOff(errBroken)
			b.cutOff(errBroken)
			newLeader(w)
			const passed = 10 * time.Minute
			after(passed)
			w.expect(t, gate.Shut, gate.NewLeader, 9)
			turns := len(w.handovers())
			if most := int(passed / leaseBackoff * 2); turns < 5 || turns > most {
				t.Errorf("%d turns in %v, want between 5 and %d", turns, passed, most)
			}
			// The first controller that reaches it opens the gate, within the other's turn.
			b.cutOff(nil)
			after(leaseBackoff + handoverBound)
			w.expect(t, gate.Opened, "", 9)
			if w.acting() != "b" {
				t.Errorf("%s acts, want b", w.acting())
			}
		})
	})
	t.Run("a server that answers is no reason to hand over", func(t *testing.T) {
		for name, err := range map[string]error{
			"starting": &pgconn.PgError{Code: "57P03", Message: "the database system is starting up"},
			"refusing": fault.AsFatal(errBroken),
		} {
			t.Run(name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w := newWorld()
					a, stop := w.start(t, "a", "")
					defer stop()
					after(time.Second)
					_, stop2 := w.start(t, "b", "")
					defer stop2()
					a.cutOff(err)
					newLeader(w)
					after(time.Minute)
					if got := w.handovers(); len(got) != 1 {
						t.Errorf("the lease went to %v", got)
					}
				})
			})
		}
	})
}
