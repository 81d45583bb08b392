package control

import (
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/agrichat/agrichat/internal/gate"
	"github.com/agrichat/agrichat/internal/patroni"
)

func TestOpensForALeaderAndShutsWithoutOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		_, stop := w.start(t, "a", "")
		defer stop()
		after(100 * time.Millisecond)
		w.expect(t, gate.Opened, "", 7)
		w.change(func() { w.view.Leader, w.view.Token, w.proved = "", 0, false })
		after(time.Millisecond)
		w.expect(t, gate.Shut, gate.NoLeader, 7)
		w.change(func() { w.view.Leader, w.view.Token, w.proved, w.probe.Writable = "pg2", 9, true, false })
		after(2 * time.Second)
		w.expect(t, gate.Shut, gate.NotWritable, 9)
		w.change(func() { w.probe.Writable, w.probe.Timeline = true, 2 })
		after(fastInterval + time.Millisecond)
		w.expect(t, gate.Opened, "", 9)
		want := []string{"shut new-leader 7/0", "recovering  7/1", "open  7/1", "shut no-leader 7/1", "shut new-leader 9/1",
			"shut not-writable 9/1", "shut new-leader 9/1", "recovering  9/2", "open  9/2"}
		if diff := cmp.Diff(want, w.states); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
		if diff := cmp.Diff([]uint64{7, 9}, w.raised); diff != "" {
			t.Errorf("raised: -want +got:\n%s", diff)
		}
		if o := w.standing(); o.Timeline != 2 || o.System != "sys" || o.By != "a" {
			t.Errorf("the order is %+v", o)
		}
		stop()
		if w.holder != "" {
			t.Error("the claim was not given back")
		}
	})
}

// Nothing that hangs may hold up a shut gate.
func TestShutsWhileTheRaisingHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.hang = true
		_, stop := w.start(t, "a", "")
		defer stop()
		after(5 * time.Second)
		w.expect(t, gate.Shut, gate.NewLeader, 7)
		w.change(func() { w.view.Leader, w.view.Token = "", 0 })
		after(time.Millisecond)
		w.expect(t, gate.Shut, gate.NoLeader, 7)
		w.change(func() { w.view.Leader, w.view.Token = "pg2", 9 })
		after(time.Second)
		w.expect(t, gate.Shut, gate.NewLeader, 9)
		w.mu.Lock()
		w.hang = false
		w.mu.Unlock()
		w.change(func() { w.view.Token = 11 }) // the leader changes while the raising for 9 is under way
		after(time.Second)
		w.expect(t, gate.Opened, "", 11)
		if diff := cmp.Diff([]uint64{11}, w.raised); diff != "" {
			t.Errorf("raised: -want +got:\n%s", diff)
		}
	})
}

// The lease may end without a word from etcd.
func TestShutsWhenTheLeaseEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		_, stop := w.start(t, "a", "")
		defer stop()
		after(time.Second)
		w.mu.Lock()
		w.proved, w.err = false, errBroken
		w.mu.Unlock() // nobody is woken
		after(10 * time.Second)
		w.expect(t, gate.Shut, gate.Unproved, 7)
		w.change(func() { w.proved, w.err = true, nil })
		after(time.Second)
		w.expect(t, gate.Opened, "", 7)
		if o := w.standing(); o.Round != 2 {
			t.Errorf("opened again in round %d, want a new one", o.Round)
		}
	})
}

// A controller that dies anywhere leaves nothing that the next one does not make good, and no worker paused.
func TestTheNextOneGoesOn(t *testing.T) {
	for _, at := range []string{"claim", "probe", "raise", "swap shut", "swap recovering", "swap open", "pause", "resume"} {
		t.Run(at, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				first, stop := w.start(t, "a", at)
				defer stop()
				after(time.Second)
				_, stop2 := w.start(t, "b", "")
				defer stop2()
				after(15 * time.Second)
				w.expect(t, gate.Opened, "", 7)
				w.change(func() { w.view.Leader, w.view.Token = "pg2", 9 })
				after(time.Second)
				w.expect(t, gate.Opened, "", 9)
				before := w.standing()
				close(first.frozen) // it wakes with whatever it had in hand
				after(15 * time.Second)
				w.expect(t, gate.Opened, "", 9)
				if now := w.standing(); now.Round != before.Round {
					t.Errorf("the sleeper made round %d of %d", now.Round, before.Round)
				}
			})
		})
	}
}

// A gate that is open, or recovers, stays so when another controller takes over.
func TestTakingOverShutsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.sweeps = false
		_, stop := w.start(t, "a", "")
		after(time.Second)
		w.expect(t, gate.Recovering, "", 7)
		stop()
		_, stop2 := w.start(t, "b", "")
		defer stop2()
		after(time.Second)
		w.mu.Lock()
		w.swept = gate.Report{Round: 1, Token: 7}
		close(w.moved)
		w.moved = make(chan struct{})
		w.mu.Unlock()
		after(time.Second)
		w.expect(t, gate.Opened, "", 7)
		want := []string{"shut new-leader 7/0", "recovering  7/1", "open  7/1"}
		if diff := cmp.Diff(want, w.states); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	})
}

// Two controllers that both believe to have the lease do no harm, and do not overwrite each other for good.
func TestTwoAct(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		_, stop := w.start(t, "a", "")
		defer stop()
		after(time.Millisecond)
		w.mu.Lock()
		w.holder = "" // a has it in hand until it asks again
		w.mu.Unlock()
		_, stop2 := w.start(t, "b", "")
		defer stop2()
		for token := uint64(8); token < 12; token++ {
			w.change(func() { w.view.Token = token })
			after(300 * time.Millisecond)
			w.expect(t, gate.Opened, "", token)
		}
		if w.swaps > 60 {
			t.Errorf("%d orders were tried for five leaders", w.swaps)
		}
		for i := 1; i < len(w.states); i++ {
			if strings.HasPrefix(w.states[i], "open") && !strings.HasPrefix(w.states[i-1], "recovering") {
				t.Errorf("opened out of order: %q", w.states)
			}
		}
	})
}

func TestAReadOnlyLeaderWithoutANewToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		_, stop := w.start(t, "a", "")
		defer stop()
		after(time.Second)
		w.mu.Lock()
		w.probeErr = errBroken
		w.mu.Unlock()
		after(time.Minute)
		w.expect(t, gate.Opened, "", 7) // silence is no answer
		w.mu.Lock()
		w.probeErr, w.probe.Writable = nil, false
		w.mu.Unlock()
		after(rareInterval + slowInterval + time.Millisecond)
		w.expect(t, gate.Shut, gate.NotWritable, 7)
		after(11 * time.Second)
		if o := w.standing(); !strings.Contains(o.Detail, "look at Patroni") {
			t.Errorf("after ten seconds it says %q", o.Detail)
		}
		w.mu.Lock()
		w.probe.Writable = true
		w.mu.Unlock()
		after(slowInterval + time.Millisecond)
		w.expect(t, gate.Opened, "", 7)
	})
}

func TestAnAnnouncedChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		_, stop := w.start(t, "a", "")
		defer stop()
		after(time.Second)
		w.change(func() { w.view.Failover = &patroni.Failover{From: "pg1", To: "pg2"} })
		after(time.Millisecond)
		w.expect(t, gate.Shut, gate.Switchover, 7)
		after(switchoverFor - 2*time.Millisecond)
		w.expect(t, gate.Shut, gate.Switchover, 7)
		after(100 * time.Millisecond)
		w.expect(t, gate.Opened, "", 7)
		after(detailEvery)
		if o := w.standing(); !strings.Contains(o.Detail, "has not come") {
			t.Errorf("it says %q", o.Detail)
		}
		w.change(func() { w.view.Failover = nil })
		after(2 * switchoverFor)
		w.expect(t, gate.Opened, "", 7)
		if o := w.standing(); o.Detail != "" || o.Round != 2 {
			t.Errorf("the order is %+v", o)
		}
	})
}

func TestAnOperatorsHand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		_, stop := w.start(t, "a", "")
		defer stop()
		after(time.Second)
		hand := func(h *gate.OperatorHold) {
			w.mu.Lock()
			o := w.order
			o.State, o.Hold, o.By = gate.Shut, h, "me@here"
			w.put(o)
			w.mu.Unlock()
		}
		hand(&gate.OperatorHold{Why: "moving house", By: "me@here"})
		after(time.Minute)
		w.expect(t, gate.Shut, gate.ByHand, 7)
		hand(nil)
		after(time.Second)
		w.expect(t, gate.Opened, "", 7)
		if o := w.standing(); o.Round != 2 {
			t.Errorf("opened in round %d", o.Round)
		}
	})
}

// The bus may be away for as long as it likes.
func TestWithoutTheBus(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.broken = errBroken
		_, stop := w.start(t, "a", "")
		defer stop()
		after(time.Minute)
		w.mu.Lock()
		w.broken = nil
		w.mu.Unlock()
		after(time.Second)
		w.expect(t, gate.Opened, "", 7)
		w.mu.Lock()
		w.broken = errBroken
		w.mu.Unlock()
		w.change(func() { w.view.Token = 8 })
		after(time.Minute)
		w.mu.Lock()
		w.broken = nil
		w.mu.Unlock()
		after(2 * time.Second)
		w.expect(t, gate.Opened, "", 8)
		if i := slices.Index(w.states, "open  7/1"); i < 0 || w.states[i+1] != "shut new-leader 8/1" {
			t.Errorf("orders: %q", w.states)
		}
	})
}

// Pausing consumers is best effort: the desired state does not wait for it, and it is retried until it succeeds.
func TestWorkersThatCannotBeTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.unpaused = errBroken
		_, stop := w.start(t, "a", "")
		defer stop()
		after(time.Second)
		w.expect(t, gate.Opened, "", 7)
		w.mu.Lock()
		w.unpaused, w.paused = nil, true
		w.mu.Unlock()
		after(assertRetry)
		w.expect(t, gate.Opened, "", 7)
		w.change(func() { w.proved = false })
		for range 5 {
			after(20 * time.Second)
			w.mu.Lock()
			if !w.paused || time.Until(w.until30) < 15*time.Second {
				t.Errorf("paused %v, for %s more", w.paused, time.Until(w.until30))
			}
			w.mu.Unlock()
		}
	})
}

func TestATokenThatIsBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.fence = 100
		_, stop := w.start(t, "a", "")
		defer stop()
		after(time.Minute)
		w.expect(t, gate.Shut, gate.TokenBehind, 7)
		w.change(func() { w.view.Token = 101 })
		after(time.Second)
		w.expect(t, gate.Opened, "", 101)
	})
}

// What was found out while the gate was open is no reason to open it again, whatever closed it.
func TestOldFindingsOpenNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		_, stop := w.start(t, "a", "")
		defer stop()
		after(time.Second)
		w.mu.Lock()
		o := w.order
		o.State, o.Reason, o.By = gate.Shut, gate.ByHand, "me@here" // and the hand is gone again before anybody looked
		w.probe.Writable = false
		w.put(o)
		w.mu.Unlock()
		after(3 * time.Second)
		w.expect(t, gate.Shut, gate.NotWritable, 7)
		if i := slices.Index(w.states, "recovering  7/2"); i >= 0 {
			t.Errorf("orders: %q", w.states)
		}
	})
}

// An order that is gone is made anew.
func TestTheOrderIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		p, stop := w.start(t, "a", "")
		defer stop()
		after(time.Second)
		w.mu.Lock()
		w.order, w.revision = gate.DesiredState{}, 0
		p.gone = true
		close(w.moved)
		w.moved = make(chan struct{})
		w.mu.Unlock()
		after(time.Second)
		w.expect(t, gate.Opened, "", 7)
		if o := w.standing(); o.Round != 2 { // the report of round 1 is still current
			t.Errorf("opened in round %d", o.Round)
		}
	})
}

// An answer that was asked for before the gate was shut is stale.
func TestALateAnswerCountsNoMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		late := make(chan struct{})
		w.late = late
		_, stop := w.start(t, "a", "")
		defer stop()
		after(time.Second) // it was found writable, and is being raised
		w.change(func() { w.view.Failover, w.probe.Writable, w.late = &patroni.Failover{From: "pg1"}, false, nil })
		after(time.Second)
		w.change(func() { w.view.Failover = nil })
		after(time.Second)
		w.expect(t, gate.Shut, gate.NotWritable, 7)
		close(late)
		after(time.Second)
		w.expect(t, gate.Shut, gate.NotWritable, 7)
	})
}

// Who acted in between may have left the workers in any state.
func TestWorkersAreToldAgainAfterTakingOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		_, stop := w.start(t, "a", "")
		defer stop()
		after(100 * time.Millisecond)
		w.expect(t, gate.Opened, "", 7)
		w.mu.Lock()
		w.holder, w.until = "b", time.Now().Add(time.Hour)
		w.mu.Unlock()
		after(leaseEvery)
		w.mu.Lock()
		w.holder, w.paused = "", true
		w.mu.Unlock()
		after(leaseEvery)
		w.expect(t, gate.Opened, "", 7)
	})
}

// A controller that resumes after a long stop has stale data, and another one may have been active since.
func TestASleeperAsksFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for slept, want := range map[time.Duration]gate.State{leaseTrust: gate.Shut, leaseTrust + 1: gate.Opened} {
			w := newWorld()
			w.proved = false
			w.put(gate.DesiredState{State: gate.Opened, Leader: "pg1", Token: 7})
			now := time.Now()
			awake := make(chan struct{})
			close(awake)
			p := &part{world: w, frozen: awake}
			r := &run{Config: Config{Cluster: w, Orders: p, ID: "a", Log: slog.New(slog.DiscardHandler)}, stop: func() {},
				order: w.order, revision: w.revision, leading: true, held: now.Add(-slept), lease: task{due: now.Add(time.Hour)}}
			if _, err := r.step(t.Context(), now); err != nil {
				t.Fatal(err)
			}
			if o := w.standing(); o.State != want {
				t.Errorf("after %s it leaves the gate %s", slept, o.State)
			}
		}
	})
}
