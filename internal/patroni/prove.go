package patroni

import (
	"context"
	"fmt"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"golang.org/x/sync/errgroup"
)

// verifyLease polls what is left of the leader's lease. Several requests may be in flight: one that hangs on a dead server does
// not delay the next, which another server may answer.
func (f *Follower) verifyLease(ctx context.Context, client *clientv3.Client) {
	var g errgroup.Group
	g.SetLimit(f.cfg.AtOnce)
	for ctx.Err() == nil {
		g.TryGo(func() error { f.ask(ctx, client); return nil })
		every := f.cfg.Every
		if f.Status().Err != nil {
			every /= 2 // an outage is retried sooner
		}
		t := time.NewTimer(every)
		select {
		case <-t.C:
		case <-f.askNow:
		case <-ctx.Done():
		}
		t.Stop()
	}
	_ = g.Wait()
}

func (f *Follower) ask(ctx context.Context, client *clientv3.Client) {
	sent, known := time.Now(), f.seenSoFar()
	got, err := f.askLeader(ctx, client)
	if err != nil {
		f.failed(ctx, sent, fmt.Errorf("asking for the leader: %w", err))
		return
	}
	held, ok := f.judge(got, known)
	if !ok || held.lease == 0 { // a leader key without a lease never expires, so it proves nothing
		return
	}
	sentLease := time.Now()
	left, err := f.askLease(ctx, client, held.lease)
	if err != nil {
		f.failed(ctx, sentLease, fmt.Errorf("asking for the leader's lease: %w", err))
		return
	}
	f.extendLease(held, sent, left)
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

// judge compares a reply with the view, and returns the leader's key if both agree. Known is the revision that had been seen when
// the request was sent.
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
			f.reload() // a watch that survived an outage reports the past
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
	f.reload()
	if found == 0 && s.View.Token != 0 {
		delete(f.keys, leaderKey)
		f.show(s, s.View.Revision)
		s.View.Empty = false // it may be, but that was not requested
	}
}

// extendLease counts from before the request: any delay only shortens what is promised.
func (f *Follower) extendLease(held entry, sent time.Time, left time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.keys[leaderKey] != held {
		return
	}
	f.change(func(s *Status) {
		if f.answered(s) {
			f.reload()
		}
		until := sent.Add(left - f.cfg.Margin)
		switch {
		case left < 0: // the key goes with its lease
			f.reload()
		case s.View.Token != 0 && left > f.cfg.Margin && until.After(s.Expires):
			s.Expires = until
		}
	})
}
