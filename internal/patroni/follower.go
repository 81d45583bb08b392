package patroni

import (
	"context"
	"fmt"
	"reflect"
	"sync"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"golang.org/x/sync/errgroup"

	"github.com/agrichat/agrichat/internal/fault"
)

// Follower follows a cluster while Run runs. While etcd does not answer it keeps its last view: Expires bounds the use of it.
type Follower struct {
	cfg       Config
	prefix    string
	reloadNow chan struct{} // requests a reload of all keys
	askNow    chan struct{} // requests a lease check at once

	mu      sync.Mutex // covers all below
	keys    map[string]entry
	seen    int64     // the newest revision that was applied
	loaded  bool      // keys have been read
	asked   time.Time // when an error with advice was last seen
	stale   bool      // events of the watch are dropped until all keys have been reloaded
	status  Status
	changed chan struct{}
}

// New returns a follower that has not connected yet. Its errors are fatal: the configuration is wrong.
func New(cfg Config) (*Follower, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	return &Follower{
		cfg: cfg, prefix: prefixOf(cfg.Namespace, cfg.Scope),
		reloadNow: make(chan struct{}, 1), askNow: make(chan struct{}, 1), changed: make(chan struct{}),
	}, nil
}

// Prefix is the prefix of the cluster's keys in etcd.
func (f *Follower) Prefix() string { return f.prefix }

// Status returns the current status. It never blocks.
func (f *Follower) Status() Status {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.status
}

// Changed returns a channel that is closed when more than times and revisions have changed: the view, whether its leader is
// proved, the other scopes, or what kind of error there is. Ask for it before Status, or a change between the two is missed.
func (f *Follower) Changed() <-chan struct{} {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.changed
}

// Run follows until ctx ends, and then returns nil. It must not be called twice at once. It retries any error of etcd; Status
// reports the last one.
func (f *Follower) Run(ctx context.Context) error {
	client, err := f.open(ctx)
	if err != nil {
		return nil // ctx has ended
	}
	var g errgroup.Group
	g.Go(func() error { f.follow(ctx, client); return nil })
	g.Go(func() error { f.verifyLease(ctx, client); return nil })
	_ = g.Wait()
	if err := client.Close(); err != nil && ctx.Err() == nil {
		return fmt.Errorf("closing the connection to etcd: %w", err)
	}
	return nil
}

// open returns a client, retrying with a backoff: with a password, a client can be made only while etcd answers.
func (f *Follower) open(ctx context.Context) (*clientv3.Client, error) {
	delays := f.delays()
	for {
		cfg, sent := f.cfg.client(), time.Now()
		cfg.Context = ctx
		client, err := clientv3.New(cfg)
		if err == nil {
			return client, nil
		}
		f.failed(ctx, sent, err)
		if err := f.wait(ctx, delays.NextBackOff()); err != nil {
			return nil, err
		}
	}
}

// update changes the status under the lock, and closes the channel of Changed if it differs.
func (f *Follower) update(change func(s *Status)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.change(change)
}

// change is update with the lock held.
func (f *Follower) change(change func(s *Status)) {
	before := f.status
	change(&f.status)
	if s := &f.status; s.View.Token != before.View.Token {
		s.Expires = time.Time{}
		if s.View.Token != 0 {
			wake(f.askNow)
		}
	}
	if !same(before, f.status) {
		close(f.changed)
		f.changed = make(chan struct{})
	}
}

// same compares without times and revisions.
func same(a, b Status) bool {
	a.View.Revision, b.View.Revision = 0, 0
	return a.Expires.IsZero() == b.Expires.IsZero() && kind(a.Err) == kind(b.Err) &&
		reflect.DeepEqual(a.Others, b.Others) && reflect.DeepEqual(a.View, b.View)
}

// answered is called with the lock held whenever etcd has answered. It reports whether that ends an outage.
func (f *Follower) answered(s *Status) bool {
	s.LastReply = time.Now()
	if s.Err == nil {
		return false
	}
	s.Err = nil
	f.cfg.Log.Info("etcd answers", "prefix", f.prefix)
	return true
}

// old is called with the lock held. It reports whether a newer reply has overtaken this one. Known is the revision that had been
// seen when the request was sent: a reply below that is not old, but of an etcd that was restored.
func (f *Follower) old(revision, known int64) bool { return revision >= known && revision < f.seen }

func (f *Follower) seenSoFar() int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.seen
}

// reload is called with the lock held: all keys are to be read again, and events dropped until then.
func (f *Follower) reload() {
	f.stale = true
	wake(f.reloadNow)
}

// failed is called when a request that was sent at a time has failed. It is ignored if etcd has answered a later one.
func (f *Follower) failed(ctx context.Context, sent time.Time, err error) {
	if ctx.Err() != nil {
		return
	}
	err = f.explain(ctx, err)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.status.LastReply.After(sent) || f.hasAdvice(err) {
		return
	}
	if kind(f.status.Err) != kind(err) {
		f.cfg.Log.Warn("etcd does not answer", "prefix", f.prefix, "error", err)
		if f.status.Err == nil {
			f.reload()
		}
	}
	f.change(func(s *Status) { s.Err = err })
}

// hasAdvice is called with the lock held. A refused connection fails in several ways, and only some name the cause: for a while
// the others are ignored.
func (f *Follower) hasAdvice(err error) bool {
	const memory = 10 * time.Second
	if fault.Of(err) == fault.Fatal {
		f.asked = time.Now()
		return false
	}
	return f.status.Err != nil && time.Since(f.asked) < memory
}

func wake(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default: // a request is pending
	}
}
