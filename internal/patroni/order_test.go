package patroni

import (
	"errors"
	"testing"
	"time"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/mvccpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/agrichat/agrichat/internal/testenv"
)

func leading(modified int64) map[string]entry {
	return map[string]entry{leaderKey: {value: "pg", modified: modified, lease: 1}, "config": {value: "{}", modified: 1}}
}

// answer is that of a question about the leader, at a revision; found is zero when there is none.
func answer(revision, found int64) *clientv3.GetResponse {
	r := &clientv3.GetResponse{Header: &etcdserverpb.ResponseHeader{Revision: revision}}
	if found != 0 {
		r.Kvs = []*mvccpb.KeyValue{{Value: []byte("pg"), ModRevision: found}}
	}
	return r
}

// event is that of a new leader key.
func event(f *Follower, modified int64) clientv3.WatchResponse {
	return clientv3.WatchResponse{Header: &etcdserverpb.ResponseHeader{Revision: modified}, Events: []*clientv3.Event{
		{Type: mvccpb.Event_PUT, Kv: &mvccpb.KeyValue{Key: []byte(f.prefix + leaderKey), Value: []byte("pg"), ModRevision: modified}},
	}}
}

func followed(t *testing.T) *Follower {
	t.Helper()
	f, err := New(Config{Endpoints: []string{"http://127.0.0.1:1"}, Scope: "main"})
	if err != nil {
		t.Fatal(err)
	}
	f.replace(leading(10), 10, 0)
	f.extendLease(f.keys[leaderKey], time.Now(), 30*time.Second)
	if s := f.Status(); s.View.Token != 10 || s.Expires.IsZero() {
		t.Fatalf("%+v", s)
	}
	return f
}

// Answers overtake each other on their ways. What is newer stays.
func TestAnOldAnswerDoesNotBringALeaderBack(t *testing.T) {
	t.Parallel()
	f := followed(t)
	if _, ok := f.judge(answer(15, 0), 10); ok || f.Status().View.Leader != "" || !f.Status().Expires.IsZero() {
		t.Fatalf("a leader that has gone: %+v", f.Status())
	}
	f.replace(leading(10), 12, 10)
	f.apply(event(f, 11))
	f.judge(answer(14, 11), 10)
	f.extendLease(entry{value: "pg", modified: 10, lease: 1}, time.Now(), 30*time.Second)
	if s := f.Status(); s.View.Leader != "" || !s.Expires.IsZero() {
		t.Errorf("%+v", s)
	}
	f.replace(leading(16), 16, 15)
	if s := f.Status(); s.View.Token != 16 || !s.Expires.IsZero() {
		t.Errorf("%+v", s)
	}
}

// A watch that lives through an outage tells what has been: nothing of it is taken until all has been read again.
func TestEventsOfAnOutageAreNotTaken(t *testing.T) {
	t.Parallel()
	f := followed(t)
	f.failed(t.Context(), time.Now().Add(-time.Hour), errors.New("too late to count"))
	if s := f.Status(); s.Err != nil || len(f.reloadNow) != 0 {
		t.Errorf("%+v", s)
	}
	f.apply(event(f, 11))
	f.failed(t.Context(), time.Now(), errors.New("down"))
	f.apply(event(f, 12))
	if s := f.Status(); s.View.Token != 11 || s.Err == nil || len(f.reloadNow) == 0 {
		t.Errorf("%+v", s)
	}
	f.replace(leading(13), 13, 11)
	f.apply(event(f, 14))
	if s := f.Status(); s.View.Token != 14 || s.Err != nil {
		t.Errorf("%+v", s)
	}
}

func TestAnotherLeaderEndsTheProof(t *testing.T) {
	t.Parallel()
	f := followed(t)
	if _, ok := f.judge(answer(12, 9), 10); ok || !f.Status().Expires.IsZero() || len(f.reloadNow) == 0 {
		t.Errorf("%+v", f.Status())
	}
}

func TestAnOldAnswerDoesNotEndTheProof(t *testing.T) {
	t.Parallel()
	f := followed(t)
	f.judge(answer(9, 0), 8)
	if s := f.Status(); s.View.Token != 10 || s.Expires.IsZero() || len(f.reloadNow) != 0 {
		t.Errorf("%+v", s)
	}
}

func TestTheProofOnlyGrows(t *testing.T) {
	t.Parallel()
	f := followed(t)
	until := f.Status().Expires
	f.extendLease(f.keys[leaderKey], time.Now().Add(-5*time.Second), 30*time.Second)
	if got := f.Status().Expires; !got.Equal(until) {
		t.Errorf("%s became %s", until, got)
	}
	sent := time.Now().Add(time.Second)
	f.extendLease(f.keys[leaderKey], sent, 30*time.Second)
	if got := f.Status().Expires; !got.Equal(sent.Add(29 * time.Second)) {
		t.Errorf("%s after it was sent", got.Sub(sent))
	}
}

// A backup of etcd was restored: it counts from where it was.
func TestARestoredEtcdIsBelieved(t *testing.T) {
	t.Parallel()
	f := followed(t)
	if _, ok := f.judge(answer(5, 3), f.seen); ok || !f.Status().Expires.IsZero() || len(f.reloadNow) == 0 {
		t.Errorf("%+v", f.Status())
	}
	f.replace(leading(3), 5, f.seen)
	if s := f.Status(); s.View.Token != 3 {
		t.Errorf("%+v", s)
	}
	if _, ok := f.judge(answer(5, 3), f.seen); !ok {
		t.Error("the old leader is not believed")
	}
}

func TestAWatchOfWhatIsCompactedEnds(t *testing.T) {
	t.Parallel()
	etcd := testenv.Etcd(t, testenv.EtcdConfig{})
	f := followed(t)
	for range 3 {
		if _, err := etcd.Admin.Put(t.Context(), f.prefix+leaderKey, "pg"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := etcd.Admin.Compact(t.Context(), 4); err != nil {
		t.Fatal(err)
	}
	if err := f.watch(t.Context(), etcd.Admin, 1, func() {}); !errors.Is(err, rpctypes.ErrCompacted) {
		t.Errorf("the watch ended with %v", err)
	}
	if f.Status().View.Token != 10 {
		t.Errorf("%+v", f.Status())
	}
}
