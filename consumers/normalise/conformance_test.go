package normalise_test

import (
	"context"
	"testing"

	"github.com/agrichat/agrichat/consumers"
	"github.com/agrichat/agrichat/consumers/consumertest"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	conforms(t, func(*testing.T) []consumers.Delivery { return newWorld(42, 60).deliveries() })
}

func TestConformance_bundles(t *testing.T) {
	t.Parallel()
	conforms(t, func(*testing.T) []consumers.Delivery { return bundles(newWorld(43, 60).deliveries(), 4) })
}

func conforms(t *testing.T, log func(*testing.T) []consumers.Delivery) {
	t.Helper()
	consumertest.Run(t, consumertest.Suite{
		Deliveries: log,
		New: func(t *testing.T) consumertest.Subject {
			t.Helper()
			pool, l := database(t), newListener(log(t))
			return consumertest.Subject{Handler: newSystem(t, pool, l), State: func(context.Context) (any, error) {
				return map[string]any{"record": state(t, pool), "facts": l.current()}, nil
			}}
		},
		Broken: func(sequence uint64) consumers.Delivery {
			return consumers.Delivery{Sequence: sequence, Data: []byte(`{"v":1,"kind":"message"}`)}
		},
	})
}
