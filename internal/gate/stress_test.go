package gate_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/agrichat/agrichat/internal/gate"
)

// crowd is the set of permissions that are held.
type crowd struct {
	mu   sync.Mutex
	held map[*gate.Permit]uint64 // the round; zero: for writing
}

func (c *crowd) add(p *gate.Permit, round uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.held[p] = round
}

func (c *crowd) drop(p *gate.Permit) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.held, p)
}

// look reports every permission that is alive and should not be.
func (c *crowd) look(t *testing.T, o gate.DesiredState, tr gate.Lease) (alive int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for p, round := range c.held {
		if p.Context().Err() != nil {
			continue
		}
		alive++
		fits := o.Token == tr.Token && p.Token == tr.Token && tr.Shut == "" && time.Now().Before(tr.Expires)
		if round == 0 && (!fits || o.State != gate.Opened) || round != 0 && (!fits || o.State != gate.Recovering || o.Round != round) {
			t.Errorf("in with token %d, round %d, though the order is %+v and trust is %+v", p.Token, round, o, tr)
		}
	}
	return alive
}

// TestLocal_stress passes states and leases in any order while many enter and leave, and checks after each that no permission is
// alive that should not be.
func TestLocal_stress(t *testing.T) {
	t.Parallel()
	d := gate.NewLocal(gate.Config{})
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { _ = d.Run(ctx) })
	c := &crowd{held: map[*gate.Permit]uint64{}}
	for i := range 16 {
		wg.Go(func() { visit(ctx, t, d, c, uint64(i%4)) })
	}
	var o gate.DesiredState
	tr := gate.Lease{}
	alive := 0
	r := rand.New(rand.NewPCG(1, uint64(time.Now().UnixNano())))
	for end := time.Now().Add(time.Second); time.Now().Before(end) && !t.Failed(); {
		if r.IntN(2) == 0 {
			o = gate.DesiredState{
				State: []gate.State{gate.Opened, gate.Opened, gate.Recovering, gate.Shut}[r.IntN(4)], Token: 1 + r.Uint64N(2), Round: 1 + r.Uint64N(3),
			}
			d.SetDesired(o)
		} else {
			tr = gate.Lease{Token: 1 + r.Uint64N(2), Expires: time.Now().Add(time.Hour)}
			switch r.IntN(8) {
			case 0:
				tr.Shut = gate.NoLeader
			case 1:
				tr.Expires = time.Now()
			}
			d.SetLease(tr)
		}
		alive += c.look(t, o, tr)
	}
	if alive == 0 {
		t.Error("nobody ever got in: this shows nothing")
	}
	cancel()
	wg.Wait()
	if n := c.look(t, gate.DesiredState{}, gate.Lease{}); n != 0 {
		t.Errorf("%d are left in", n)
	}
}

// visit enters and leaves until ctx ends; round 0 is for writing.
func visit(ctx context.Context, t *testing.T, d *gate.Local, c *crowd, round uint64) {
	var g gate.Gate = d
	if round > 0 {
		g = d.Recovery(round)
	}
	for ctx.Err() == nil {
		changed := d.Changed()
		p, err := g.Enter(ctx)
		switch {
		case errors.Is(err, gate.ErrConflict):
			select {
			case <-changed:
			case <-ctx.Done():
			}
			continue
		case err != nil:
			continue
		}
		c.add(p, round)
		if rand.IntN(2) == 0 { // stays until it is thrown out
			select {
			case <-p.Context().Done():
			case <-ctx.Done():
			}
		}
		if err := p.Check(); err != nil && !errors.Is(err, gate.ErrShut) && ctx.Err() == nil {
			t.Error(err)
		}
		p.Leave()
		c.drop(p)
	}
}
