package engine_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/agrichat/agrichat/internal/engine"
)

func newNATS(t testing.TB, dir string, change ...func(*engine.NATSConfig)) *engine.NATS {
	t.Helper()
	cfg := engine.NATSConfig{Dir: dir, Log: testLog(t)}
	for _, f := range change {
		f(&cfg)
	}
	n, err := engine.NewNATS(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func natsOpen(t *testing.T, address string, o ...nats.Option) (*nats.Conn, jetstream.JetStream) {
	t.Helper()
	nc, err := nats.Connect(address, o...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	return nc, js
}

func TestNATSKeepsItsStreamsAndAddress(t *testing.T) {
	t.Parallel()
	where := dir(t)
	n := newNATS(t, where)
	r := start(t, n)
	nc, js := natsOpen(t, n.URL(), nats.InProcessServer(n))
	if _, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "CHAT", Subjects: []string{"chat.>"}}); err != nil {
		t.Fatal(err)
	}
	for i := range 100 {
		if _, err := js.Publish(t.Context(), "chat.a", fmt.Append(nil, i)); err != nil {
			t.Fatal(err)
		}
	}
	nc.Close()
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}

	again := newNATS(t, where)
	if again.URL() != n.URL() {
		t.Errorf("the address changed from %s to %s", n.URL(), again.URL())
	}
	start(t, again)
	_, js = natsOpen(t, again.URL()) // over the network this time
	s, err := js.Stream(t.Context(), "CHAT")
	if err != nil {
		t.Fatal(err)
	}
	if got := s.CachedInfo().State.Msgs; got != 100 {
		t.Errorf("%d messages are left", got)
	}
}

func TestNATSAsksForThePassword(t *testing.T) {
	t.Parallel()
	n := newNATS(t, dir(t))
	start(t, n)
	for name, address := range map[string]string{"none": anonymous(t, n.URL()), "wrong": strings.Replace(n.URL(), "@", "x@", 1)} {
		if nc, err := nats.Connect(address); !errors.Is(err, nats.ErrAuthorization) {
			t.Errorf("%s: got %v", name, err)
			nc.Close()
		}
	}
}

func TestNATSBoundsItsStore(t *testing.T) {
	t.Parallel()
	n := newNATS(t, dir(t), func(c *engine.NATSConfig) { c.MaxStore = 1 << 20 })
	start(t, n)
	_, js := natsOpen(t, n.URL())
	cfg := jetstream.StreamConfig{Name: "CHAT", Subjects: []string{"chat.>"}, MaxBytes: 2 << 20}
	if _, err := js.CreateStream(t.Context(), cfg); err == nil {
		t.Error("a stream larger than the store was taken")
	}
}

// The size of a stream does not depend on what is free on the disk while the server starts.
func TestNATS_TakesStreamsAboveTheDisk(t *testing.T) {
	t.Parallel()
	n := newNATS(t, dir(t))
	start(t, n)
	_, js := natsOpen(t, n.URL())
	for i := range 3 {
		name := fmt.Sprint("S", i)
		cfg := jetstream.StreamConfig{Name: name, Subjects: []string{name}, MaxBytes: 1 << 50}
		if _, err := js.CreateStream(t.Context(), cfg); err != nil {
			t.Fatal(err)
		}
	}
}

func TestOneProcessRunsAFolder(t *testing.T) {
	t.Parallel()
	where := dir(t)
	n := newNATS(t, where)
	start(t, n)
	second := newNATS(t, where)
	if second.URL() != n.URL() {
		t.Errorf("asking for the address changed it from %s to %s", n.URL(), second.URL())
	}
	if err := second.Run(t.Context()); !errors.Is(err, engine.ErrInUse) {
		t.Errorf("got %v", err)
	}
}

func TestATakenPortIsNamed(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	port := l.Addr().(*net.TCPAddr).Port
	n := newNATS(t, dir(t), func(c *engine.NATSConfig) { c.Port = port })
	if err := n.Run(t.Context()); err == nil || !strings.Contains(err.Error(), fmt.Sprint(port)) {
		t.Errorf("got %v", err)
	}
}

func TestAKeptPortThatAStrangerTookIsGivenUp(t *testing.T) {
	t.Parallel()
	where := dir(t)
	before := newNATS(t, where).URL()
	l, err := net.Listen("tcp", before[strings.Index(before, "@")+1:])
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	n := newNATS(t, where)
	if n.URL() == before {
		t.Fatal("the port stayed")
	}
	start(t, n)
}

func TestWaitReadyEndsWithItsContext(t *testing.T) {
	t.Parallel()
	n := newNATS(t, dir(t))
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if err := n.WaitReady(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	if _, err := n.InProcessConn(); err == nil {
		t.Error("connected to a server that does not run")
	}
}

func TestNATSBearsLargeBatches(t *testing.T) {
	t.Parallel()
	n := newNATS(t, dir(t))
	start(t, n)
	nc, js := natsOpen(t, n.URL(), nats.InProcessServer(n))
	_, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "CHAT", Subjects: []string{"chat.>"}, AllowAtomicPublish: true})
	if err != nil {
		t.Fatal(err)
	}
	for i := range engine.NATSBatch - 1 {
		if err := nc.PublishMsg(inBatch(i + 1)); err != nil {
			t.Fatal(err)
		}
	}
	last := inBatch(engine.NATSBatch)
	last.Header.Set("Nats-Batch-Commit", "1")
	answer, err := nc.RequestMsg(last, time.Minute)
	if err != nil || !strings.Contains(string(answer.Data), fmt.Sprintf(`"count":%d`, engine.NATSBatch)) {
		t.Fatalf("%v: the server says %s", err, answer.Data)
	}
}

// inBatch returns the i-th message of an atomic batch.
func inBatch(i int) *nats.Msg {
	return &nats.Msg{Subject: "chat.a", Header: nats.Header{"Nats-Batch-Id": {"one"}, "Nats-Batch-Sequence": {fmt.Sprint(i)}}}
}
