package patroni

import (
	"context"
	"fmt"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"golang.org/x/sync/errgroup"
)

// prove asks again and again for what is left of the leader's lease. Several questions may be under way: one that hangs on a
// dead server does not hold up the next, which another server may answer.
func (f *Follower) prove(ctx context.Context, client *clientv3.Client) {
	var g errgroup.Group
	g.SetLimit(f.cfg.AtOnce)
	for ctx.Err() == nil {
		g.TryGo(func() error { f.question(ctx, client); return nil })
		every := f.cfg.Every
		if f.Status().Err != nil {
			every /= 2 // who waits for etcd wants to know soon
		}
		t := time.NewTimer(every)
		select {
		case <-t.C:
		case <-f.ask:
		case <-ctx.Done():
		}
		t.Stop()
	}
	_ = g.Wait()
}

func (f *Follower) question(ctx context.Context, client *clientv3.Client) {
	sent, known := time.Now(), f.seenSoFar()
	got, err := f.askLeader(ctx, client)
	if err != nil {
		f.failed(ctx, sent, fmt.Errorf("asking for the leader: %w", err))
		return
	}
	held, ok := f.judge(got, known)
	if !ok || held.lease == 0 { // a leader without a lease never ends, so nothing proves it
		return
	}
	sentLease := time.Now()
	left, err := f.askLease(ctx, client, held.lease)
	if err != nil {
		f.failed(ctx, sentLease, fmt.Errorf("asking for the leader's lease: %w", err))
		return
	}
	f.vouch(held, sent, left)
}

func (f *Follower) askLeader(ctx context.Context, client *clientv3.Client) (*clientv3.GetResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, f.cfg.Limit)
	defer cancel()
	return client.Get(ctx, f.prefix+leaderKey)
}

func (f *Follower) askLease(ctx context.Context, client *clientv3.Client, lease int64) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, f.cfg.Limit)
	defer cancel()
	got, err := client.TimeToLive(ctx, clientv3.LeaseID(lease))
	if err != nil {
		return 0, err
	}
	return time.Duration(got.TTL) * time.Second, nil // whole seconds, rounded down by etcd; negative: it has ended
}

// judge holds an answer against the view, and returns the leader's key if both are of one mind. Known is what had been seen
// when the question was sent.
func (f *Follower) judge(got *clientv3.GetResponse, known int64) (entry, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	held, have := f.keys[leaderKey]
	found, revision := int64(0), got.Header.Revision
	if len(got.Kvs) > 0 {
		found = got.Kvs[0].ModRevision
	}
	agreed := f.loaded && found == held.modified && revision >= known
	f.change(func(s *Status) {
		if f.answered(s) {
			f.stale() // a watch that lived through an outage tells what has been
		}
		if !f.loaded || f.old(revision, known) {
			return
		}
		f.seen = revision
		if !agreed {
			f.differ(s, found)
		}
	})
	return held, have && agreed
}

// differ is called with the lock held when etcd's leader is not the one of the view.
func (f *Follower) differ(s *Status, found int64) {
	s.Expires = time.Time{}
	f.stale()
	if found == 0 && s.View.Token != 0 {
		delete(f.keys, leaderKey)
		f.show(s, s.View.Revision)
		s.View.Empty = false // it may be, but that was not the question
	}
}

// vouch counts from before the question: whatever happened on the way only shortens what is promised.
func (f *Follower) vouch(held entry, sent time.Time, left time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.keys[leaderKey] != held {
		return
	}
	f.change(func(s *Status) {
		if f.answered(s) {
			f.stale()
		}
		until := sent.Add(left - f.cfg.Margin)
		switch {
		case left < 0: // the key goes with its lease
			f.stale()
		case s.View.Token != 0 && left > f.cfg.Margin && until.After(s.Expires):
			s.Expires = until
		}
	})
}
