package patroni

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v4"
	clientv3 "go.etcd.io/etcd/client/v3"
)

var (
	errReload = errors.New("another request has newer data")
	errSilent = errors.New("the watch is silent")
	errClosed = errors.New("the watch was closed")
)

// follow reads all keys, then watches changes, and reads again, with a backoff, whenever it may have missed one.
func (f *Follower) follow(ctx context.Context, client *clientv3.Client) {
	delays := f.delays()
	for ctx.Err() == nil {
		sent := time.Now()
		revision, err := f.load(ctx, client)
		if err != nil {
			f.failed(ctx, sent, err)
		} else if err = f.watch(ctx, client, revision, delays.Reset); errors.Is(err, errReload) {
			continue
		} else if ctx.Err() == nil {
			f.cfg.Log.Info("reading the cluster's keys again", "prefix", f.prefix, "why", err)
		}
		if f.wait(ctx, delays.NextBackOff()) != nil {
			return
		}
	}
}

func (f *Follower) delays() *backoff.ExponentialBackOff {
	return backoff.NewExponentialBackOff(backoff.WithInitialInterval(50*time.Millisecond),
		backoff.WithMaxInterval(500*time.Millisecond), backoff.WithMaxElapsedTime(0))
}

// wait waits for the backoff, or until there is a reason to read again.
func (f *Follower) wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-f.reloadNow:
	case <-ctx.Done():
	}
	return ctx.Err()
}

// load reads all keys at one revision and returns the revision.
func (f *Follower) load(ctx context.Context, client *clientv3.Client) (int64, error) {
	select {
	case <-f.reloadNow: // this is the answer to it
	default:
	}
	known := f.seenSoFar()
	limited, cancel := context.WithTimeout(ctx, f.cfg.Read)
	defer cancel()
	got, err := client.Get(limited, f.prefix, clientv3.WithPrefix())
	if err != nil {
		return 0, err
	}
	keys := make(map[string]entry, len(got.Kvs))
	for _, kv := range got.Kvs {
		keys[strings.TrimPrefix(string(kv.Key), f.prefix)] = entry{value: string(kv.Value), modified: kv.ModRevision, lease: kv.Lease}
	}
	f.replace(keys, got.Header.Revision, known)
	if len(keys) == 0 {
		f.listScopes(ctx, client)
	}
	return got.Header.Revision, nil
}

func (f *Follower) replace(keys map[string]entry, revision, known int64) {
	f.update(func(s *Status) {
		f.answered(s)
		if f.old(revision, known) {
			f.reload()
			return
		}
		f.keys, f.seen, f.loaded, f.stale = keys, revision, true, false
		f.show(s, revision)
	})
}

// show is called with the lock held.
func (f *Follower) show(s *Status, revision int64) {
	s.View = decode(f.keys, revision)
	if !s.View.Empty {
		s.Others = nil
	}
}

// watch applies changes after a revision, until it fails.
func (f *Follower) watch(ctx context.Context, client *clientv3.Client, revision int64, alive func()) error {
	ctx, cancel := context.WithCancel(clientv3.WithRequireLeader(ctx))
	defer cancel()
	patience := time.AfterFunc(f.cfg.Read, cancel) // Watch blocks until a server has accepted it
	events := client.Watch(ctx, f.prefix, clientv3.WithPrefix(), clientv3.WithRev(revision+1), clientv3.WithProgressNotify())
	patience.Stop()
	tick := time.NewTicker(f.cfg.Every)
	defer tick.Stop()
	heard, looked := time.Now(), time.Now()
	for {
		select {
		case <-f.reloadNow:
			return errReload
		case r, open := <-events:
			if err := broken(r, open); err != nil {
				return err
			}
			alive()
			heard = time.Now()
			f.apply(r)
		case <-tick.C:
			if time.Since(heard) > f.cfg.Silence {
				return errSilent
			}
			f.requestProgress(ctx, client)
			if time.Since(looked) > f.cfg.Look && f.Status().View.Empty {
				looked = time.Now()
				f.listScopes(ctx, client)
			}
		}
	}
}

func broken(r clientv3.WatchResponse, open bool) error {
	if !open {
		return errClosed
	}
	return r.Err()
}

// requestProgress makes the server reply on the watch: a dead connection would otherwise go unnoticed for long.
func (f *Follower) requestProgress(ctx context.Context, client *clientv3.Client) {
	ctx, cancel := context.WithTimeout(ctx, f.cfg.Every)
	defer cancel()
	_ = client.RequestProgress(ctx) // errSilent covers a missing reply
}

// apply applies events in order.
func (f *Follower) apply(r clientv3.WatchResponse) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.stale {
		return
	}
	revision := f.status.View.Revision
	for _, e := range r.Events {
		key := strings.TrimPrefix(string(e.Kv.Key), f.prefix)
		if e.Type == clientv3.EventTypeDelete {
			delete(f.keys, key)
		} else {
			f.keys[key] = entry{value: string(e.Kv.Value), modified: e.Kv.ModRevision, lease: e.Kv.Lease}
		}
		revision = max(revision, e.Kv.ModRevision)
	}
	if r.IsProgressNotify() {
		revision = max(revision, r.Header.Revision)
	}
	f.seen = max(f.seen, revision)
	f.change(func(s *Status) { f.show(s, revision) })
}

// listScopes lists the scopes in the namespace, as suggestions for a misspelt one. Missing rights to do so are no error.
func (f *Follower) listScopes(ctx context.Context, client *clientv3.Client) {
	ctx, cancel := context.WithTimeout(ctx, f.cfg.Limit)
	defer cancel()
	const most = 20
	namespace := prefixOf(f.cfg.Namespace, "")
	end, from := clientv3.GetPrefixRangeEnd(namespace), namespace
	var scopes []string
	for len(scopes) < most && from < end {
		got, err := client.Get(ctx, from, clientv3.WithRange(end), clientv3.WithLimit(1), clientv3.WithKeysOnly())
		if err != nil || len(got.Kvs) == 0 {
			break
		}
		scope, _, nested := strings.Cut(strings.TrimPrefix(string(got.Kvs[0].Key), namespace), "/")
		if from = string(got.Kvs[0].Key) + "\x00"; nested && scope != "" {
			scopes = append(scopes, scope)
			from = clientv3.GetPrefixRangeEnd(namespace + scope + "/")
		}
	}
	f.update(func(s *Status) {
		if s.View.Empty {
			s.Others = scopes
		}
	})
}
