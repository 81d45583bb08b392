package gate_test

import (
	"context"
	"errors"
	"testing"

	"go.uber.org/goleak"

	"github.com/agrichat/agrichat/internal/gate"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestOpen_Enter(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	p, err := gate.Open{}.Enter(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if p.Term != (gate.Term{}) {
		t.Errorf("the term is %+v, want none", p.Term)
	}
	if p.Context().Err() != nil || p.Check() != nil {
		t.Error("permission ended before it was left")
	}
	cancel()
	if !errors.Is(p.Context().Err(), context.Canceled) {
		t.Error("permission outlives its caller")
	}
	if err := p.Check(); !errors.Is(err, context.Canceled) || errors.Is(err, gate.ErrShut) {
		t.Errorf("its caller has ended, and the check says %v", err)
	}
	p.Leave()
	p.Leave()
	if _, err := (gate.Open{}).Enter(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("entered after the end: %v", err)
	}
}
