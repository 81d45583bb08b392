package bus

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
)

// checksSubject is where processes answer with what their health checks say. No stream holds it.
const checksSubject = "agrichat.checks"

// How long the answers of processes are waited for: the first one, and then the next one.
const (
	firstAnswer = time.Second
	nextAnswer  = 250 * time.Millisecond
)

// AnswerChecks answers everybody who asks with AskChecks until the connection is closed. answer must be safe for concurrent use.
func (b *Bus) AnswerChecks(answer func() ([]byte, error)) error {
	_, err := b.nc.Subscribe(checksSubject, func(m *nats.Msg) {
		data, err := answer()
		if err == nil {
			err = m.Respond(data)
		}
		if err != nil {
			b.cfg.Log.Warn("cannot answer what the health checks say", "error", err)
		}
	})
	if err != nil {
		return fmt.Errorf("subscribing to %s: %w", checksSubject, err)
	}
	return nil
}

// AskChecks returns the answers of all processes that this connection reaches. One that has lost its link to NATS is not among
// them. It takes up to a second where nobody answers.
func (b *Bus) AskChecks(ctx context.Context) ([][]byte, error) {
	inbox := b.nc.NewRespInbox()
	sub, err := b.nc.SubscribeSync(inbox)
	if err != nil {
		return nil, fmt.Errorf("asking for health checks: %w", err)
	}
	defer func() { _ = sub.Unsubscribe() }() // the connection may have been lost, and the subscription with it
	if err := b.nc.PublishRequest(checksSubject, inbox, nil); err != nil {
		return nil, fmt.Errorf("asking for health checks: %w", err)
	}
	var out [][]byte
	for wait := firstAnswer; ; wait = nextAnswer {
		next, cancel := context.WithTimeout(ctx, wait)
		m, err := sub.NextMsgWithContext(next)
		cancel()
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case errors.Is(err, context.DeadlineExceeded), errors.Is(err, nats.ErrNoResponders):
			return out, nil
		case err != nil:
			return nil, fmt.Errorf("waiting for health checks: %w", err)
		}
		out = append(out, m.Data)
	}
}
