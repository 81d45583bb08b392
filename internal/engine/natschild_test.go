package engine_test

import (
	"context"
	"os"
	"syscall"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/agrichat/agrichat/internal/engine"
)

// apart runs a NATS server in a process of its own.
type apart struct{ *engine.NATS }

func (a apart) Run(ctx context.Context) error {
	return a.RunApart(ctx, []string{"env", childMark + "=nats", os.Args[0]})
}

func TestNATSRunsApart(t *testing.T) {
	t.Parallel()
	where := dir(t)
	n := newNATS(t, where)
	r := start(t, apart{n})
	if n.PID() == 0 || n.PID() == os.Getpid() {
		t.Errorf("it runs as process %d", n.PID())
	}
	nc, js := natsOpen(t, n.URL())
	if _, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "CHAT", Subjects: []string{"chat.>"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := js.Publish(t.Context(), "chat.a", []byte("kept")); err != nil {
		t.Fatal(err)
	}
	nc.Close()
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	again := newNATS(t, where)
	start(t, again)
	_, js = natsOpen(t, again.URL())
	s, err := js.Stream(t.Context(), "CHAT")
	if err != nil || s.CachedInfo().State.Msgs != 1 {
		t.Errorf("the stream was not kept: %v", err)
	}
}

func TestNATSApartSaysThatItDied(t *testing.T) {
	t.Parallel()
	n := newNATS(t, dir(t))
	r := start(t, apart{n})
	if err := syscall.Kill(n.PID(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if err := r.wait(); err == nil {
		t.Error("no error")
	}
}
