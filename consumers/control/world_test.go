package control

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/agrichat/agrichat/internal/gate"
	"github.com/agrichat/agrichat/internal/patroni"
)

// world is everything outside controllers, in memory.
type world struct {
	mu            sync.Mutex // covers all below
	view          patroni.View
	proved        bool // the lease goes on
	err           error
	changed       chan struct{} // closed when the cluster changed
	order         gate.DesiredState
	revision      uint64
	swept         gate.Report
	moved         chan struct{} // closed when the bucket changed
	sweeps        bool          // a worker backfills gaps at once
	holder        string
	etcdReachable bool      // what the holder last reported
	until         time.Time // of the claim
	takes         []string  // who took the claim, in order
	paused        bool
	until30       time.Time // of the pause
	probe         Probe
	probeErr      error
	raiseErr      error
	hang          bool          // raisings hang until they are given up
	late          chan struct{} // raisings answer when it is closed, whether anybody waits or not
	fence         uint64
	raised        []uint64
	states        []string // every order that was written
	swaps         int
	broken        error // of the bus
	unpaused      error // of the workers
}

func newWorld() *world {
	return &world{
		changed: make(chan struct{}), moved: make(chan struct{}), proved: true, sweeps: true,
		view: patroni.View{Leader: "pg1", Token: 7, Initialize: "sys", Members: map[string]patroni.Member{
			"pg1": {Address: "pg1:5432", Timeline: 1}, "pg2": {Address: "pg2:5432", Timeline: 1}}},
		probe: Probe{Writable: true, System: "sys", Timeline: 1},
	}
}

// change changes the cluster and wakes its followers.
func (w *world) change(f func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f()
	close(w.changed)
	w.changed = make(chan struct{})
}

func (w *world) Status() patroni.Status {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := patroni.Status{View: w.view, LastReply: time.Now(), Err: w.err}
	if w.proved {
		s.Expires = time.Now().Add(10 * time.Second)
	}
	return s
}

func (w *world) Changed() <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.changed
}

func (w *world) put(o gate.DesiredState) {
	w.order = o
	w.revision++
	w.states = append(w.states, fmt.Sprintf("%s %s %d/%d", o.State, o.Reason, o.Token, o.Round))
	if o.State == gate.Recovering && w.sweeps {
		w.swept = gate.Report{Round: o.Round, Token: o.Token}
	}
	close(w.moved)
	w.moved = make(chan struct{})
}

func (w *world) standing() gate.DesiredState {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.order
}

// part is one controller's way to the world. A frozen one gets no answers.
type part struct {
	*world
	frozen chan struct{} // closed: not frozen
	at     string        // freezes when this is called
	gone   bool          // the watch reports that there is no state
	cut    error         // what this one's probes get; the world's mutex covers it
}

func (p *part) here(ctx context.Context, what string) error {
	p.mu.Lock()
	if p.at == what {
		p.at, p.frozen = "", make(chan struct{})
	}
	frozen, broken := p.frozen, p.broken
	p.mu.Unlock()
	select {
	case <-frozen:
		if what == "probe" || what == "raise" {
			return nil
		}
		return broken
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (p *part) Read(ctx context.Context) (gate.DesiredState, uint64, error) {
	if err := p.here(ctx, "read"); err != nil {
		return gate.DesiredState{}, 0, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.order, p.revision, nil
}

func (p *part) Swap(ctx context.Context, o gate.DesiredState, revision uint64) (uint64, error) {
	if err := p.here(ctx, "swap "+string(o.State)); err != nil {
		return 0, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.swaps++
	if revision != p.revision {
		return 0, fmt.Errorf("writing: %w", gate.ErrConflict)
	}
	p.put(o)
	return p.revision, nil
}

func (p *part) Watch(ctx context.Context, changed func(gate.DesiredState, uint64), swept func(gate.Report)) error {
	for {
		p.mu.Lock()
		moved, o, revision, s := p.moved, p.order, p.revision, p.swept
		p.mu.Unlock()
		if revision > 0 || p.gone {
			changed(o, revision)
			swept(s)
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (p *part) Lease(ctx context.Context, id string, etcdReachable bool) (bool, error) {
	if err := p.here(ctx, "claim"); err != nil {
		return false, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.holder != id && p.holder != "" && time.Now().Before(p.until) && (p.etcdReachable || !etcdReachable) {
		return false, nil
	}
	if p.holder != id {
		p.takes = append(p.takes, id)
	}
	p.holder, p.etcdReachable, p.until = id, etcdReachable, time.Now().Add(8*time.Second)
	return true, nil
}

// cutOff lets a controller's probes fail, or answer again.
func (p *part) cutOff(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cut = err
}

func (w *world) acting() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.holder
}

func (w *world) handovers() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.takes)
}

func (p *part) Release(_ context.Context, id string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.holder == id {
		p.holder = ""
	}
	return nil
}

func (p *part) Pause(ctx context.Context, until time.Time) error { return p.told(ctx, "pause", until) }
func (p *part) Resume(ctx context.Context) error                 { return p.told(ctx, "resume", time.Time{}) }

func (p *part) told(ctx context.Context, what string, until time.Time) error {
	if err := p.here(ctx, what); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.paused, p.until30 = what == "pause", until
	return p.unpaused
}

func (p *part) Probe(ctx context.Context, _ string) (Probe, error) {
	if err := p.here(ctx, "probe"); err != nil {
		return Probe{}, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cut != nil {
		return Probe{}, p.cut
	}
	return p.probe, p.probeErr
}

func (p *part) Raise(ctx context.Context, _ string, token uint64) (uint64, error) {
	if err := p.here(ctx, "raise"); err != nil {
		return 0, err
	}
	p.mu.Lock()
	hang, late := p.hang, p.late
	p.mu.Unlock()
	if late != nil {
		<-late
	}
	if hang {
		<-ctx.Done()
		return 0, ctx.Err()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.raiseErr != nil {
		return 0, p.raiseErr
	}
	p.fence = max(p.fence, token)
	p.raised = append(p.raised, token)
	return p.fence, nil
}

// start runs a controller that freezes for good when it calls what at says.
func (w *world) start(t *testing.T, id, at string) (p *part, stop func()) {
	t.Helper()
	awake := make(chan struct{})
	close(awake)
	p = &part{world: w, frozen: awake, at: at}
	c, err := New(Config{Cluster: w, Orders: p, Workers: p, Database: p, ID: id, Namespace: "service", Scope: "main",
		Log: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	var once sync.Once
	return p, func() {
		once.Do(func() {
			cancel()
			if err := <-done; err != nil {
				t.Errorf("%s ended: %v", id, err)
			}
		})
	}
}

// after lets time pass until all goroutines wait.
func after(d time.Duration) {
	time.Sleep(d) // of the bubble: it passes at once
	synctest.Wait()
}

func (w *world) expect(t *testing.T, state gate.State, reason gate.Reason, token uint64) {
	t.Helper()
	o := w.standing()
	if o.State != state || o.Reason != reason || o.Token != token {
		t.Fatalf("the order is %s %q of token %d (%s), want %s %q of %d; before: %q", o.State, o.Reason, o.Token, o.Detail,
			state, reason, token, w.states)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if paused := state != gate.Opened; w.paused != paused && w.unpaused == nil {
		t.Errorf("the workers are paused: %v, while the gate is %s", w.paused, state)
	}
}

var errBroken = errors.New("no route to host")

func (w *world) written() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.states)
}
