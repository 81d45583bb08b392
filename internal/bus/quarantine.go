package bus

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/agrichat/agrichat/internal/deliver"
	"github.com/agrichat/agrichat/internal/fault"
)

// Quarantine copies to the dead letters what the server says that a consumer gave up. Ours give up nothing: deliveries are
// unlimited and nothing is terminated. But anyone with the right to it can terminate a message, or bound deliveries, and then
// it is in no lag and no list until somebody verifies.
type Quarantine struct{ b *Bus }

// quarantineWait is how long a stop waits: a request is not given up before its end.
const quarantineWait = 250 * time.Millisecond

// Quarantine returns the component; run it once or in every process.
func (b *Bus) Quarantine() *Quarantine { return &Quarantine{b} }

// Run copies until ctx ends or the connection makes trouble; it returns nil when it was asked to stop.
func (q *Quarantine) Run(ctx context.Context) error {
	c, err := q.b.Consumer(ctx, Advisories, quarantine)
	if err != nil {
		return err
	}
	defer c.Close()
	for ctx.Err() == nil {
		msgs, err := c.Fetch(ctx, deliver.Limits{Messages: 100, Bytes: 1 << 20, Wait: quarantineWait})
		for i := range msgs {
			if e := q.settle(ctx, c, msgs[i]); e != nil {
				return stopped(ctx, e)
			}
		}
		if err != nil {
			return stopped(ctx, err)
		}
	}
	return nil
}

// stopped returns nil if the error only says that somebody asked to stop.
func stopped(ctx context.Context, err error) error {
	if ctx.Err() != nil && fault.Of(err) == fault.Stopped {
		return nil
	}
	return err
}

// advisory is what the server says when a consumer gives up a message.
type advisory struct {
	Time       time.Time `json:"timestamp"`
	Stream     string    `json:"stream"`
	Consumer   string    `json:"consumer"`
	Sequence   uint64    `json:"stream_seq"`
	Deliveries uint64    `json:"deliveries"`
	Reason     string    `json:"reason"`
}

func (q *Quarantine) settle(ctx context.Context, c *Consumer, m deliver.Message) error {
	var a advisory
	if err := json.Unmarshal(m.Data, &a); err != nil {
		q.b.cfg.Log.Warn("cannot read an advisory of the server", "error", err, "subject", m.Subject)
	} else if ours(a) {
		if err := q.copy(ctx, a); err != nil {
			// After the same while the server brings it again.
			return fmt.Errorf("setting aside message %d of %s: %w", a.Sequence, a.Stream, err)
		}
	}
	return c.Ack([]deliver.Message{m})
}

func ours(a advisory) bool {
	return a.Stream == Chat && a.Consumer == Normalise || a.Stream == Facts && a.Consumer == Aggregate
}

func (q *Quarantine) copy(ctx context.Context, a advisory) error {
	s, err := q.b.Stream(ctx, a.Stream)
	if err != nil {
		return err
	}
	if a.Time.Before(s.Created) {
		return nil // about a stream that is no more
	}
	l := Letter{
		Stream: a.Stream, Created: s.Created, Sequence: a.Sequence, Consumer: a.Consumer, Attempts: a.Deliveries,
		First: a.Time, Last: a.Time, Cause: "the server gave it up after " + fmt.Sprint(a.Deliveries) + " deliveries",
	}
	if a.Reason != "" {
		l.Cause = "it was terminated: " + a.Reason
	}
	d, found, err := q.b.get(ctx, a.Stream, a.Sequence)
	if err != nil {
		return err
	}
	if found {
		l.Subject, l.EventID, l.Data = d.Subject, d.EventIDs, d.Data
	}
	return q.b.bury(ctx, l)
}
