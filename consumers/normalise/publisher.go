package normalise

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v4"

	"github.com/agrichat/agrichat/internal/fact"
	"github.com/agrichat/agrichat/internal/fault"
)

// A commit waits at most publishTimeout for its facts. After a failure no commit publishes for firstRetry at first, and for
// longestRetry at most (a backoff); without a failure pending facts of other processes are looked for every pendingInterval.
const (
	publishTimeout  = 10 * time.Second
	firstRetry      = time.Second
	longestRetry    = 30 * time.Second
	pendingInterval = 30 * time.Second
	pendingPatience = 30 * time.Second // for others to publish what they committed
)

// unpublishedError is a failure to publish facts of a committed transaction. Its ledger row stays pending, so nothing is lost.
type unpublishedError struct{ err error }

func (e *unpublishedError) Error() string { return "publishing facts: " + e.err.Error() }
func (e *unpublishedError) Unwrap() error { return e.err }

// pendingPublish reports whether an error may be left to the publisher. A fatal one needs a person, and cancellation is not
// about the stream.
func pendingPublish(ctx context.Context, err error) bool {
	var u *unpublishedError
	return errors.As(err, &u) && ctx.Err() == nil && fault.Of(err) != fault.Fatal
}

// breaker keeps commits from waiting for a stream that takes no facts. It is closed while until is zero; when the pause of an
// open one is over, one caller probes in every further pause.
type breaker struct {
	log    *slog.Logger
	wake   chan struct{} // of size 1: there are pending facts
	mu     sync.Mutex    // covers all below
	until  time.Time
	pauses *backoff.ExponentialBackOff
}

func newBreaker(log *slog.Logger) *breaker {
	return &breaker{log: log, wake: make(chan struct{}, 1), pauses: backoff.NewExponentialBackOff(
		backoff.WithInitialInterval(firstRetry), backoff.WithMaxInterval(longestRetry), backoff.WithMaxElapsedTime(0))}
}

// allow reports whether the caller may publish.
func (b *breaker) allow() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	if b.until.IsZero() {
		return true
	}
	if now.Before(b.until) {
		return false
	}
	b.until = now.Add(b.pauses.NextBackOff())
	return true
}

// report opens the breaker after a failure and closes it after a success.
func (b *breaker) report(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case err == nil && !b.until.IsZero():
		b.until = time.Time{}
		b.pauses.Reset()
		b.log.Info("facts are published again")
	case err != nil && fault.Of(err) == fault.Transient:
		if b.until.IsZero() {
			b.log.Warn("facts cannot be published; messages are stored, and their facts are published later", "error", err)
		}
		b.until = time.Now().Add(max(b.pauses.NextBackOff(), fault.RetryAfter(err)))
	}
}

// remaining is how long the breaker stays open.
func (b *breaker) remaining() time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.until.IsZero() {
		return 0
	}
	return max(time.Until(b.until), 0)
}

func (b *breaker) signal() {
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

// Publisher publishes the facts of committed transactions: at once, or from the ledger's pending rows. Publishing a fact twice changes nothing.
type Publisher struct {
	*core
	db     *writer
	ledger *ledger
}

// send publishes facts with their hashes.
func (p *Publisher) send(ctx context.Context, batches []fact.Batch) error {
	for i := range batches {
		batches[i].SetHashes()
	}
	return p.cfg.Stream.PublishFacts(ctx, batches)
}

// publish publishes facts whatever the breaker says, and reports the result to it.
func (p *Publisher) publish(ctx context.Context, batches []fact.Batch) error {
	timed, cancel := context.WithTimeout(ctx, publishTimeout)
	defer cancel()
	err := p.send(timed, batches)
	if ctx.Err() == nil {
		p.breaker.report(err)
	}
	if err != nil {
		return &unpublishedError{err}
	}
	return nil
}

// PublishPending publishes, until ctx ends, the facts of committed transactions that could not be published at once. Workers may
// run one each: publishing a fact twice changes nothing. An error is returned only if waiting does not help.
func (p *Publisher) PublishPending(ctx context.Context) error {
	patience := time.Duration(0)
	pauses := backoff.NewExponentialBackOff(backoff.WithInitialInterval(firstRetry), backoff.WithMaxInterval(longestRetry),
		backoff.WithMaxElapsedTime(0))
	for {
		err := p.publishBacklog(ctx, patience)
		wait := pendingInterval
		switch {
		case ctx.Err() != nil:
			return nil
		case fault.Of(err) == fault.Fatal && err != nil:
			return err
		case err != nil:
			wait = max(pauses.NextBackOff(), p.breaker.remaining())
			p.breaker.signal()
			if !pendingPublish(ctx, err) { // the breaker logs the others
				p.cfg.Log.Warn("publishing pending facts failed; retrying later", "error", err, "pause", wait)
			}
			if pause(ctx, wait) != nil {
				return nil
			}
		default:
			pauses.Reset()
		}
		if patience, err = p.awaitPending(ctx, wait); err != nil {
			return nil
		}
	}
}

// awaitPending returns how old pending rows must be to be published: those of this process at once, others' when they had their
// time.
func (p *Publisher) awaitPending(ctx context.Context, atMost time.Duration) (time.Duration, error) {
	t := time.NewTimer(atMost)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return 0, ctx.Err()
	case <-t.C:
		return pendingPatience, nil
	case <-p.breaker.wake:
	}
	return 0, pause(ctx, p.breaker.remaining())
}

// publishBacklog publishes all pending facts in the order of their transactions. A transaction whose facts the stream will never
// take is logged and passed over. After a failure it tries a single transaction: a full stream may take that.
func (p *Publisher) publishBacklog(ctx context.Context, patience time.Duration) error {
	var after int64
	size := republishStep
	for {
		page, token, err := p.ledger.pendingAfter(ctx, patience, after)
		if err != nil || len(page) == 0 {
			return err
		}
		for len(page) > 0 {
			n := min(size, len(page))
			err := p.republishAll(ctx, token, page[:n])
			switch {
			case err == nil:
				size = min(size*2, republishStep)
			case n > 1 && pendingPublish(ctx, err):
				size = 1
				continue
			case pendingPublish(ctx, err) && fault.Of(err) == fault.Poison:
				p.cfg.Log.Error("the facts of a transaction cannot be published; Postgres holds what they say",
					"counter", page[0].counter, "error", err)
			default:
				return err
			}
			after, page = page[n-1].counter, page[n:]
		}
	}
}

// publishOldest publishes the oldest pending facts. What the stream does not take is left to the publisher.
func (p *Publisher) publishOldest(ctx context.Context, patience time.Duration) error {
	page, token, err := p.ledger.pendingAfter(ctx, patience, 0)
	if err != nil || len(page) == 0 {
		return err
	}
	p.breaker.signal() // there may be more
	if err := p.republishAll(ctx, token, page); err != nil && !pendingPublish(ctx, err) {
		return err
	}
	return nil
}

// publishCommitted publishes what a transaction changed, and marks it published. Facts can be built again from Postgres: where the
// stream does not take them the ledger row stays pending, the delivery is settled, and PublishPending retries.
func (p *Publisher) publishCommitted(ctx context.Context, done txResult) error {
	if len(done.pending) == 0 && (done.counter == 0 || done.count == 0) {
		return nil
	}
	if !p.breaker.allow() {
		p.breaker.signal()
		return nil
	}
	err := p.publishNow(ctx, done)
	if pendingPublish(ctx, err) {
		p.breaker.signal()
		return nil
	}
	return err
}

func (p *Publisher) publishNow(ctx context.Context, done txResult) error {
	if len(done.pending) > 0 { // an earlier process committed these and died before it published
		if err := p.republishAll(ctx, done.token, done.pending); err != nil {
			return err
		}
	}
	if done.counter == 0 || done.count == 0 {
		return nil
	}
	if err := p.publish(ctx, done.facts); err != nil {
		return err
	}
	p.cfg.Failpoint("facts")
	if err := p.ledger.markPublished(ctx, done.generation, done.rowVersion); err != nil {
		return err
	}
	p.cfg.Failpoint("marked")
	return nil
}
