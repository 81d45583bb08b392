package testenv

import (
	"testing"

	"github.com/agrichat/agrichat/internal/engine"
)

// NATS returns a server of the test's own, running and empty, until the test ends. It starts in a few milliseconds.
// Connect with nats.Connect(n.URL(), nats.InProcessServer(n)), or without the option to go over the network.
func NATS(t testing.TB) *engine.NATS {
	t.Helper()
	var n *engine.NATS
	r, err := startServer("nats", func(dir string) (runner, error) {
		var err error
		n, err = engine.NewNATS(engine.NATSConfig{Dir: dir, NoSync: true, Log: quiet()})
		return n, err
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.stop(); err != nil {
			t.Error(err)
		}
	})
	return n
}
