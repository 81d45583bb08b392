package hatest

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/agrichat/agrichat/internal/clock"
	"github.com/agrichat/agrichat/internal/labtest"
)

// KeyMove is a change of the leader key, as etcd told it.
type KeyMove struct {
	At     time.Time
	Leader string // empty: the key was deleted
	Token  uint64
}

// Witness looks at the servers while they are being ill-treated: it follows the leader key, and asks every server of the
// cluster whether it takes writes.
type Witness struct {
	lab  *labtest.Lab
	etcd *clientv3.Client

	mu       sync.Mutex // covers all below
	moves    []KeyMove
	writable map[string][]time.Time // by host: when it was first seen to take writes, each time
	answered []time.Time            // when etcd answered a linearizable question
}

// How often the witness asks: the times that it reports are late by as much.
const (
	askServers = 20 * time.Millisecond
	askEtcd    = 50 * time.Millisecond
	askPatient = 400 * time.Millisecond
	// commitPatient outlasts the wait for a standby after a failover.
	commitPatient = 10 * time.Second
)

func newWitness(lab *labtest.Lab, etcd *clientv3.Client) *Witness {
	return &Witness{lab: lab, etcd: etcd, writable: map[string][]time.Time{}}
}

// run watches until ctx ends.
func (w *Witness) run(ctx context.Context) {
	var all sync.WaitGroup
	all.Go(func() { w.followKey(ctx) })
	all.Go(func() { w.followEtcd(ctx) })
	for _, h := range w.lab.Hosts(labtest.Postgres) {
		all.Go(func() { w.followServer(ctx, h) })
	}
	all.Wait()
}

func (w *Witness) followKey(ctx context.Context) {
	key := labtest.Namespace + labtest.Scope + "/leader"
	for ctx.Err() == nil {
		watching, cancel := context.WithCancel(clientv3.WithRequireLeader(ctx))
		for r := range w.etcd.Watch(watching, key, clientv3.WithRev(w.next())) {
			if r.Err() != nil {
				break
			}
			for _, e := range r.Events {
				m := KeyMove{At: time.Now(), Token: uint64(e.Kv.ModRevision)}
				if e.Type == clientv3.EventTypePut {
					m.Leader = string(e.Kv.Value)
				}
				w.mu.Lock()
				w.moves = append(w.moves, m)
				w.mu.Unlock()
			}
		}
		cancel()
		rest(ctx, askEtcd)
	}
}

// next is the revision after the last one that was seen; zero for now.
func (w *Witness) next() int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.moves) == 0 {
		return 0
	}
	return int64(w.moves[len(w.moves)-1].Token) + 1
}

func (w *Witness) followEtcd(ctx context.Context) {
	for ctx.Err() == nil {
		asking, cancel := context.WithTimeout(ctx, askPatient)
		_, err := w.etcd.Get(asking, "anything")
		cancel()
		if err == nil {
			w.mu.Lock()
			w.answered = append(w.answered, time.Now())
			w.mu.Unlock()
		}
		rest(ctx, askEtcd)
	}
}

// followServer keeps a connection to a server, whatever it is, and notes when it begins to take writes.
func (w *Witness) followServer(ctx context.Context, h *labtest.Host) {
	var conn *pgx.Conn
	var was bool
	drop := func() {
		if conn != nil {
			closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), askPatient)
			_ = conn.Close(closing) // it was only asked
			cancel()
		}
		conn = nil
	}
	defer drop()
	for ctx.Err() == nil {
		asking, cancel := context.WithTimeout(ctx, askPatient)
		var now bool
		var err error
		if conn == nil {
			conn, err = pgx.Connect(asking, w.lab.HostDSN(h))
		}
		if err == nil {
			err = conn.QueryRow(asking, query("writable")).Scan(&now)
		}
		cancel()
		if err == nil && now && !was {
			err = commits(ctx, conn)
		}
		if err != nil {
			drop()
			now = false
		}
		if now && !was {
			w.mu.Lock()
			w.writable[h.Name] = append(w.writable[h.Name], time.Now())
			w.mu.Unlock()
		}
		if err == nil || ctx.Err() == nil {
			was = now
		}
		rest(ctx, askServers)
	}
}

// commits returns when the server has committed something: where commits wait for a standby, that is when it takes writes.
func commits(ctx context.Context, conn *pgx.Conn) error {
	ctx, cancel := context.WithTimeout(ctx, commitPatient)
	defer cancel()
	_, err := conn.Exec(ctx, query("commit"))
	return err
}

// rest waits, where the end of ctx is seen to by who calls it.
func rest(ctx context.Context, d time.Duration) { _ = clock.Sleep(ctx, d) }

// since returns the moves of the leader key from a moment on.
func (w *Witness) since(from time.Time) []KeyMove {
	w.mu.Lock()
	defer w.mu.Unlock()
	i, _ := slices.BinarySearchFunc(w.moves, from, func(m KeyMove, t time.Time) int { return m.At.Compare(t) })
	return slices.Clone(w.moves[i:])
}

// tookWrites returns when a host was seen to begin to take writes, last before or first after a moment; false if never.
func (w *Witness) tookWrites(host string, around time.Time) (time.Time, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var best time.Time
	for _, t := range w.writable[host] {
		if best.IsZero() || t.Sub(around).Abs() < best.Sub(around).Abs() {
			best = t
		}
	}
	return best, !best.IsZero()
}

// etcdBack returns when etcd first answered after it had been silent for a second or more since a moment.
func (w *Witness) etcdBack(from time.Time) (time.Time, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	last := from
	for _, t := range w.answered {
		if t.Before(from) {
			continue
		}
		if t.Sub(last) > time.Second {
			return t, nil
		}
		last = t
	}
	return time.Time{}, fmt.Errorf("etcd was never silent for a second since %s", from.Format(time.TimeOnly))
}
