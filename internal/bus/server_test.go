package bus

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"go.uber.org/goleak"

	"github.com/agrichat/agrichat/internal/event"
)

// The server leaves goroutines of a stream behind when it is stopped while a batch is being sent; they are not ours.
func TestMain(m *testing.M) {
	const server = "github.com/nats-io/nats-server/v2/server"
	goleak.VerifyTestMain(m,
		goleak.IgnoreAnyFunction(server+".(*fileStore).flushStreamStateLoop"),
		goleak.IgnoreAnyFunction(server+".(*msgBlock).flushLoop"),
		goleak.IgnoreAnyFunction(server+"/ats.Register.func1"))
}

// testServer is a server in this process that can be stopped and started again on its files.
type testServer struct {
	t       testing.TB
	options server.Options
	mu      sync.Mutex // covers s
	s       *server.Server
}

func newServer(t testing.TB, change ...func(*server.Options)) *testServer {
	t.Helper()
	ts := &testServer{t: t, options: server.Options{
		ServerName: "test", DontListen: true, JetStream: true, StoreDir: t.TempDir(), NoLog: true, NoSigs: true,
		JetStreamMaxStore: 1 << 50, // whatever is free on the disk
	}}
	for _, c := range change {
		c(&ts.options)
	}
	ts.start()
	t.Cleanup(ts.stop)
	return ts
}

func synced(o *server.Options) { o.SyncAlways = true }

func (ts *testServer) start() {
	ts.t.Helper()
	o := ts.options
	s, err := server.NewServer(&o)
	if err != nil {
		ts.t.Fatal(err)
	}
	s.Start()
	if !s.ReadyForConnections(20 * time.Second) {
		ts.t.Fatal("the server does not start")
	}
	ts.mu.Lock()
	defer ts.mu.Unlock()
	ts.s = s
}

func (ts *testServer) stop() {
	ts.mu.Lock()
	s := ts.s
	ts.s = nil
	ts.mu.Unlock()
	if s != nil {
		s.Shutdown()
		s.WaitForShutdown()
	}
}

// InProcessConn implements nats.InProcessConnProvider, also across restarts.
func (ts *testServer) InProcessConn() (net.Conn, error) {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	if ts.s == nil {
		return nil, errors.New("the server is down")
	}
	return ts.s.InProcessConn()
}

func (ts *testServer) connect(change ...func(*Config)) *Bus {
	ts.t.Helper()
	cfg := Config{BundleEvents: 1, Options: []nats.Option{nats.InProcessServer(ts), nats.ReconnectWait(10 * time.Millisecond), nats.ReconnectJitter(0, 0)}}
	for _, c := range change {
		c(&cfg)
	}
	b, err := Connect(context.Background(), cfg)
	if err != nil {
		ts.t.Fatal(err)
	}
	ts.t.Cleanup(b.Close)
	return b
}

// bundled has several events in a message, as is the default.
func bundled(c *Config) { c.BundleEvents = 0 }

// newBus returns a bus on a server of its own, with everything made.
func newBus(t testing.TB, change ...func(*Config)) *Bus {
	t.Helper()
	b := newServer(t).connect(change...)
	if err := b.Ensure(t.Context()); err != nil {
		t.Fatal(err)
	}
	return b
}

// sealed returns sealed events.
func sealed(n int, texts ...string) []event.Event {
	out := make([]event.Event, n)
	for i := range out {
		text := fmt.Sprintf("слово %d", i)
		if len(texts) > 0 {
			text = texts[i%len(texts)]
		}
		out[i] = one(fmt.Sprint(i), text)
	}
	return out
}

func one(native, text string) event.Event {
	e := event.Event{
		Source: "test", Namespace: "net", Account: "me", Channel: "room", NativeID: event.NativeID(native),
		Author: event.Person{ID: "u1", Name: "Аня"}, Kind: event.KindMessage, Revision: event.Unedited,
		Body: &event.Message{Type: event.TypeMessage, Text: text},
	}
	if err := e.Seal(); err != nil {
		panic(err)
	}
	return e
}
