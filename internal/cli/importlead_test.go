package cli

import (
	"testing"
	"time"

	"github.com/agrichat/agrichat/internal/engine"
)

// TestImporting_Lead holds that live sources wait for a second at most, and that nobody waits behind an import with its own server.
func TestImporting_Lead(t *testing.T) {
	t.Parallel()
	beside := (&importing{stack: &stack{}}).lead()
	if beside.Delay != time.Second || beside.Bytes > 16<<20 {
		t.Errorf("beside live sources an import is ahead by %+v", beside)
	}
	alone := (&importing{stack: &stack{nats: new(engine.NATS)}}).lead()
	if alone.Floor < 4*8<<20 || alone.Bytes != alone.Floor {
		t.Errorf("alone an import is ahead by %+v, want some blocks of the server, whatever its rate", alone)
	}
}
