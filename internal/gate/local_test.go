package gate_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/agrichat/agrichat/internal/fault"
	"github.com/agrichat/agrichat/internal/gate"
)

// run runs a gate until the test ends or stop is called.
func run(t *testing.T, d *gate.Local) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- d.Run(ctx) }()
	ended := false
	stop = func() {
		cancel()
		if !ended {
			if err := <-done; !errors.Is(err, context.Canceled) {
				t.Errorf("ended with %v", err)
			}
		}
		ended = true
	}
	t.Cleanup(stop)
	synctest.Wait()
	return stop
}

func opened(token, round uint64) gate.DesiredState {
	return gate.DesiredState{State: gate.Opened, Token: token, Round: round}
}

func recovering(token, round uint64) gate.DesiredState {
	return gate.DesiredState{State: gate.Recovering, Reason: gate.NewLeader, Token: token, Round: round}
}

func trust(token uint64, lasts time.Duration) gate.Lease {
	return gate.Lease{Leader: "a", Address: "a:5432", Token: token, Expires: time.Now().Add(lasts), LastReply: time.Now()}
}

func enter(t *testing.T, g gate.Gate) *gate.Permit {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	p, err := g.Enter(ctx)
	if err != nil {
		t.Fatalf("cannot enter: %v", err)
	}
	p.Leave() // that was only to see: a permission ends with its caller's context
	if p, err = g.Enter(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Leave)
	return p
}

func locked(t *testing.T, g gate.Gate) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Nanosecond)
	defer cancel()
	if p, err := g.Enter(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("entered: %+v, %v", p, err)
	}
}

// over checks that a permission has ended with an error that callers retry.
func over(t *testing.T, p *gate.Permit) {
	t.Helper()
	if !errors.Is(p.Context().Err(), context.Canceled) {
		t.Error("a permission outlives what it rests on")
	}
	if err := p.Check(); !errors.Is(err, gate.ErrShut) || fault.Of(err) != fault.Transient {
		t.Errorf("the check says %v", err)
	}
}

func lives(t *testing.T, p *gate.Permit) {
	t.Helper()
	if p.Context().Err() != nil || p.Check() != nil {
		t.Errorf("the permission has ended: %v", p.Check())
	}
}

func TestLocal_transitions(t *testing.T) {
	for name, c := range map[string]struct {
		then func(*gate.Local)
		want gate.Reason // of the shut door
		open bool        // again, with another permission
		same bool        // the permission goes on
	}{
		"renewed":        {then: func(d *gate.Local) { d.SetLease(trust(7, time.Hour)) }, same: true},
		"the same order": {then: func(d *gate.Local) { d.SetDesired(opened(7, 1)) }, same: true},
		"less trust":     {then: func(d *gate.Local) { d.SetLease(trust(7, time.Second)) }, same: true},
		"shut by order": {then: func(d *gate.Local) {
			d.SetDesired(gate.DesiredState{State: gate.Shut, Reason: gate.ByHand, Token: 7, Round: 1})
		}, want: gate.ByHand},
		"no order any more": {then: func(d *gate.Local) { d.SetDesired(gate.DesiredState{}) }, want: gate.Starting},
		"shut by etcd": {then: func(d *gate.Local) {
			x := trust(7, time.Hour)
			x.Shut = gate.NoLeader
			d.SetLease(x)
		}, want: gate.NoLeader},
		"a new token in etcd":   {then: func(d *gate.Local) { d.SetLease(trust(8, time.Hour)) }, want: gate.NewLeader},
		"a new token by order":  {then: func(d *gate.Local) { d.SetDesired(opened(8, 2)) }, want: gate.NewLeader},
		"shut and opened again": {then: func(d *gate.Local) { d.SetDesired(gate.DesiredState{Token: 7}); d.SetDesired(opened(7, 1)) }, open: true},
		"a round was missed":    {then: func(d *gate.Local) { d.SetDesired(opened(7, 2)) }, open: true},
		"a new reign":           {then: func(d *gate.Local) { d.SetLease(trust(8, time.Hour)); d.SetDesired(opened(8, 2)) }, open: true},
		"time":                  {then: func(*gate.Local) { time.Sleep(10 * time.Second) }, want: gate.Unproved},
		"time less a bit":       {then: func(*gate.Local) { time.Sleep(10*time.Second - 1) }, same: true},
		"renewed, then time": {then: func(d *gate.Local) {
			time.Sleep(9 * time.Second)
			d.SetLease(trust(7, 10*time.Second))
			time.Sleep(9 * time.Second)
		}, same: true},
		"shortened, then time": {then: func(d *gate.Local) { d.SetLease(trust(7, time.Second)); time.Sleep(time.Second) }, want: gate.Unproved},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := gate.NewLocal(gate.Config{})
				run(t, d)
				d.SetLease(trust(7, 10*time.Second))
				d.SetDesired(opened(7, 1))
				p := enter(t, d)
				if p.Term != (gate.Term{Leader: "a", Token: 7}) {
					t.Errorf("the term is %+v", p.Term)
				}
				c.then(d)
				if c.same {
					lives(t, p)
					return
				}
				synctest.Wait() // for the timer, where it is time that ends it
				over(t, p)
				if c.open {
					lives(t, enter(t, d))
					return
				}
				locked(t, d)
				if s := d.Status(); s.State != gate.Shut || s.Reason != c.want {
					t.Errorf("%+v, want %s", s, c.want)
				}
			})
		})
	}
}

// TestLocal_Run_timer checks that permissions end without any call of the gate.
func TestLocal_Run_timer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := gate.NewLocal(gate.Config{})
		run(t, d)
		d.SetDesired(opened(7, 1))
		d.SetLease(trust(7, time.Hour))
		d.SetLease(trust(7, 2*time.Second))
		p, start := enter(t, d), time.Now()
		<-p.Context().Done()
		if took := time.Since(start); took != 2*time.Second {
			t.Errorf("ended after %s", took)
		}
	})
}

// TestPermit_Check_stoppedProcess advances the clock while no timer runs, as in a process that was stopped and resumes.
func TestPermit_Check_stoppedProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d *gate.Local
		block := make(chan struct{})
		d = gate.NewLocal(gate.Config{OnChange: func(_, to gate.Status) {
			if to.State == gate.Opened {
				<-block // Run stands still from here on
			}
		}})
		run(t, d)
		d.SetLease(trust(7, 10*time.Second))
		d.SetDesired(opened(7, 1))
		entered, checked, seen := enter(t, d), enter(t, d), enter(t, d)
		time.Sleep(10*time.Second - 1)
		lives(t, checked)
		time.Sleep(time.Nanosecond)
		if checked.Context().Err() != nil {
			t.Fatal("something watches the clock: this shows nothing")
		}
		if err := checked.Check(); !errors.Is(err, gate.ErrShut) {
			t.Errorf("may commit after a long sleep: %v", err)
		}
		locked(t, d)
		over(t, entered)
		if s := d.Status(); s.State != gate.Shut || s.Reason != gate.Unproved {
			t.Errorf("%+v", s)
		}
		over(t, seen)
		close(block)
	})
}

// TestLocal_Enter_stoppedProcess is the same, with Enter the first to look.
func TestLocal_Enter_stoppedProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		block := make(chan struct{})
		d := gate.NewLocal(gate.Config{OnChange: func(_, to gate.Status) {
			if to.State == gate.Opened {
				<-block
			}
		}})
		run(t, d)
		d.SetDesired(opened(7, 1))
		d.SetLease(trust(7, 10*time.Second))
		time.Sleep(20 * time.Second)
		locked(t, d)
		d.SetLease(trust(7, 10*time.Second))
		lives(t, enter(t, d))
		close(block)
	})
}

func TestLocal_Recovery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := gate.NewLocal(gate.Config{})
		run(t, d)
		d.SetLease(trust(7, time.Hour))
		locked(t, d.Recovery(3))
		d.SetDesired(recovering(7, 3))
		locked(t, d)
		locked(t, d.Recovery(4))
		p := enter(t, d.Recovery(3))
		if p.Token != 7 {
			t.Errorf("%+v", p.Term)
		}
		if _, err := d.Recovery(2).Enter(t.Context()); !errors.Is(err, gate.ErrConflict) {
			t.Errorf("waits for a round that is over: %v", err)
		}
		d.SetLease(trust(8, time.Hour))
		over(t, p)
		locked(t, d.Recovery(3))
		d.SetLease(trust(7, time.Hour))
		p = enter(t, d.Recovery(3))
		d.SetDesired(recovering(7, 4))
		over(t, p)
		p = enter(t, d.Recovery(4))

		waits := make(chan error, 1)
		go func() {
			_, err := d.Recovery(5).Enter(t.Context())
			waits <- err
		}()
		d.SetDesired(opened(7, 4))
		over(t, p)
		if _, err := d.Recovery(4).Enter(t.Context()); !errors.Is(err, gate.ErrConflict) {
			t.Errorf("waits for a round that is over: %v", err)
		}
		d.SetDesired(recovering(7, 6))
		if err := <-waits; !errors.Is(err, gate.ErrConflict) {
			t.Errorf("waited for a round that was left out: %v", err)
		}
	})
}

func TestPermit_Leave(t *testing.T) {
	d := gate.NewLocal(gate.Config{Alone: true})
	d.SetDesired(gate.DesiredState{})
	ctx, cancel := context.WithCancel(t.Context())
	p, err := d.Enter(ctx)
	if err != nil {
		t.Fatal(err)
	}
	lives(t, p)
	cancel()
	if err := p.Check(); !errors.Is(err, context.Canceled) || fault.Of(err) != fault.Stopped {
		t.Errorf("its caller was cancelled, and the error is %v", err)
	}
	p.Leave()
	p.Leave()
	if _, err := d.Enter(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("entered after the end: %v", err)
	}
	q := enter(t, d)
	q.Leave()
	if q.Context().Err() == nil || q.Check() == nil {
		t.Error("left, and still there")
	}
}

func TestLocal_alone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := gate.NewLocal(gate.Config{Alone: true})
		locked(t, d)
		d.SetDesired(gate.DesiredState{})
		p := enter(t, d)
		if p.Term != (gate.Term{}) {
			t.Errorf("the term is %+v", p.Term)
		}
		stop := run(t, d)
		time.Sleep(1000 * time.Hour)
		lives(t, p)
		d.SetDesired(gate.DesiredState{State: gate.Shut, Reason: gate.ByHand, Hold: &gate.OperatorHold{Why: "disks", By: "me@here"}})
		over(t, p)
		locked(t, d)
		if s := d.Status(); s.Hold == nil || s.Hold.Why != "disks" {
			t.Errorf("%+v", s)
		}
		d.SetDesired(gate.DesiredState{State: gate.Opened})
		p = enter(t, d)
		stop()
		lives(t, p)
	})
}

func TestLocal_notRunning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := gate.NewLocal(gate.Config{})
		d.SetLease(trust(7, time.Hour))
		d.SetDesired(opened(7, 1))
		locked(t, d)
		stop := run(t, d)
		p := enter(t, d)
		if err := d.Run(t.Context()); err == nil || errors.Is(err, context.Canceled) {
			t.Errorf("run twice: %v", err)
		}
		lives(t, p)
		stop()
		over(t, p)
		locked(t, d)
		run(t, d)
		lives(t, enter(t, d))
	})
}

func TestConfig_OnChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d *gate.Local
		var notified []gate.Reason
		last := gate.NewLocal(gate.Config{}).Status()
		d = gate.NewLocal(gate.Config{OnChange: func(from, to gate.Status) {
			_ = d.Status() // it may
			if from.State != last.State || from.Reason != last.Reason {
				t.Errorf("from %+v, but the last one was %+v", from, last)
			}
			last = to
			if to.State == gate.Opened {
				notified = append(notified, "open")
				return
			}
			notified = append(notified, to.Reason)
		}})
		stop := run(t, d)
		changed := d.Changed()
		d.SetLease(trust(7, 10*time.Second))
		<-changed
		d.SetDesired(opened(7, 1))
		since := d.Status().Since
		changed = d.Changed()
		time.Sleep(time.Second)
		d.SetLease(trust(7, 10*time.Second))
		select {
		case <-changed:
			t.Error("a renewal is notified as a change")
		default:
		}
		if s := d.Status(); !s.Since.Equal(since) || time.Until(s.Expires) != 10*time.Second || !s.LastReply.Equal(time.Now()) {
			t.Errorf("%+v", s)
		}
		time.Sleep(11 * time.Second)
		<-changed
		if s := d.Status(); s.Since.Sub(since) != 11*time.Second {
			t.Errorf("shut since %s, opened at %s", s.Since, since)
		}
		d.SetLease(trust(8, time.Hour))
		stop()
		want := []gate.Reason{gate.Starting, "open", gate.Unproved, gate.NewLeader, gate.Starting}
		if diff := cmp.Diff(want, slices.Compact(notified)); diff != "" {
			t.Error(diff)
		}
	})
}

func TestLocal_Enter_manyWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := gate.NewLocal(gate.Config{})
		run(t, d)
		d.SetLease(trust(7, time.Hour))
		in := make(chan *gate.Permit)
		for range 100 {
			go func() {
				p, err := d.Enter(t.Context())
				if err != nil {
					t.Error(err)
				}
				in <- p
			}()
		}
		synctest.Wait()
		d.SetDesired(opened(7, 1))
		var all []*gate.Permit
		for range 100 {
			all = append(all, <-in)
		}
		d.SetDesired(recovering(7, 2))
		for _, p := range all {
			over(t, p)
			p.Leave()
		}
	})
}
