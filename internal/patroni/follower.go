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

// Follower follows a cluster while Run runs. It keeps what it knew last when etcd does not answer: what may be done with that
// is a matter of Until.
type Follower struct {
	cfg    Config
	prefix string
	again  chan struct{} // asks for everything to be read again
	ask    chan struct{} // asks for a question about the leader at once

	mu      sync.Mutex // covers all below
	keys    map[string]entry
	seen    int64     // the newest revision of an answer that was believed
	loaded  bool      // keys have been read
	asked   time.Time // when a person was last asked to mend something
	behind  bool      // what a watch says is no longer taken, until all has been read again
	status  Status
	changed chan struct{}
}

// New returns a follower that has not asked anything yet. Its errors are fatal: the configuration is wrong.
func New(cfg Config) (*Follower, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	return &Follower{
		cfg: cfg, prefix: prefixOf(cfg.Namespace, cfg.Scope),
		again: make(chan struct{}, 1), ask: make(chan struct{}, 1), changed: make(chan struct{}),
	}, nil
}

// Prefix is where the cluster stands in etcd.
func (f *Follower) Prefix() string { return f.prefix }

// Status returns what is known now. It never blocks.
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

// Run follows until ctx ends, and then returns nil. It is not to be called twice at once. Whatever is wrong with etcd, it goes on
// trying: Status says what it is.
func (f *Follower) Run(ctx context.Context) error {
	client, err := f.open(ctx)
	if err != nil {
		return nil // ctx has ended
	}
	var g errgroup.Group
	g.Go(func() error { f.follow(ctx, client); return nil })
	g.Go(func() error { f.prove(ctx, client); return nil })
	_ = g.Wait()
	if err := client.Close(); err != nil && ctx.Err() == nil {
		return fmt.Errorf("closing the connection to etcd: %w", err)
	}
	return nil
}

// open returns a client. With a password it can be had only from an etcd that answers.
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

// update changes the status under the lock, and tells if it became another.
func (f *Follower) update(change func(s *Status)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.change(change)
}

// change is update for who holds the lock.
func (f *Follower) change(change func(s *Status)) {
	before := f.status
	change(&f.status)
	if s := &f.status; s.View.Token != before.View.Token {
		s.Expires = time.Time{}
		if s.View.Token != 0 {
			wake(f.ask)
		}
	}
	if !same(before, f.status) {
		close(f.changed)
		f.changed = make(chan struct{})
	}
}

// same leaves times and revisions out.
func same(a, b Status) bool {
	a.View.Revision, b.View.Revision = 0, 0
	return a.Expires.IsZero() == b.Expires.IsZero() && kind(a.Err) == kind(b.Err) &&
		reflect.DeepEqual(a.Others, b.Others) && reflect.DeepEqual(a.View, b.View)
}

// answered is called with the lock held whenever etcd has answered. It tells if that ends an outage.
func (f *Follower) answered(s *Status) bool {
	s.LastReply = time.Now()
	if s.Err == nil {
		return false
	}
	s.Err = nil
	f.cfg.Log.Info("etcd answers", "prefix", f.prefix)
	return true
}

// old is called with the lock held. It tells that an answer was overtaken by a newer one on its way. Known is what had been
// seen when the question was sent: an answer below that is not old, etcd was restored.
func (f *Follower) old(revision, known int64) bool { return revision >= known && revision < f.seen }

func (f *Follower) seenSoFar() int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.seen
}

// stale is called with the lock held: everything is to be read again, and no event taken until then.
func (f *Follower) stale() {
	f.behind = true
	wake(f.again)
}

// failed is called when a request that was sent at a time has failed. One that was answered since says more.
func (f *Follower) failed(ctx context.Context, sent time.Time, err error) {
	if ctx.Err() != nil {
		return
	}
	err = f.explain(ctx, err)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.status.LastReply.After(sent) || f.advised(err) {
		return
	}
	if kind(f.status.Err) != kind(err) {
		f.cfg.Log.Warn("etcd does not answer", "prefix", f.prefix, "error", err)
		if f.status.Err == nil {
			f.stale()
		}
	}
	f.change(func(s *Status) { s.Err = err })
}

// advised is called with the lock held. A connection that is refused breaks in several ways, and only some say why: for a
// while those that do not are passed over.
func (f *Follower) advised(err error) bool {
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
	default: // somebody has
	}
}
