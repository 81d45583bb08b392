package bus

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/agrichat/agrichat/consumers"
	"github.com/agrichat/agrichat/internal/deliver"
)

type accept struct{}

func (accept) Handle(context.Context, []consumers.Delivery) error { return nil }

// TestConsumer_LagDeleted deletes the consumer and then the stream below a running worker.
func TestConsumer_LagDeleted(t *testing.T) {
	b := newBus(t)
	must(t, b.Durable(Chat, "replay").Ensure(t.Context(), 1))
	c, err := b.Consumer(t.Context(), Chat, "replay")
	must(t, err)
	defer c.Close()
	ctx, cancel := context.WithCancel(t.Context())
	answers, ended := make(chan error, 100), make(chan error, 1)
	go func() {
		ended <- deliver.Run(ctx, deliver.Config{Name: "replay", Stream: c, Handler: accept{}, Answered: func(err error) { answers <- err }})
	}()
	await := func(says string) {
		t.Helper()
		for end := time.After(10 * time.Second); ; {
			select {
			case err := <-answers:
				if says == "" && err == nil || says != "" && err != nil && strings.Contains(err.Error(), says) {
					return
				}
			case <-end:
				t.Fatalf("within 10 s nothing said %q", says)
			}
		}
	}
	await("")
	must(t, b.c.js.DeleteConsumer(t.Context(), Chat, "replay"))
	await("replay")
	must(t, b.Durable(Chat, "replay").Ensure(t.Context(), 1))
	await("")
	must(t, b.c.js.DeleteStream(t.Context(), Chat))
	await(Chat)
	cancel()
	must(t, <-ended)
}
