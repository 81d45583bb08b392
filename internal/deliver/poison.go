package deliver

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/agrichat/agrichat/consumers"
	"github.com/agrichat/agrichat/internal/fault"
)

// poisonTracker keeps the messages that fail alone, and whether others succeed meanwhile. It is kept in memory: after a restart
// counting begins again, which costs a few retries and no correctness.
type poisonTracker struct {
	mu        sync.Mutex // covers all below
	by        map[uint64]*candidate
	successes uint64
	probe     []Message // the last message that was stored, known to be good; or none
	trusted   int       // messages that count although nothing was ever stored
}

// trustMost is how many messages are dead-lettered because of a store that has never stored anything since the start. A quiet
// stream may well begin with a few that are bad; where more are refused, and nothing else is taken, it is as likely the store
// (a table somebody altered, a program that does not suit it), which must not empty the stream into the dead letters.
const trustMost = 5

// candidate is a message that fails alone: it may be poison.
type candidate struct {
	first    time.Time
	failures int    // alone, while others succeeded
	seen     uint64 // successes when it last failed
	trusted  bool   // it is one of those that count without a success
}

func newPoisonTracker() *poisonTracker { return &poisonTracker{by: map[uint64]*candidate{}} }

// separate returns the messages that are handled alone, and the rest.
func (t *poisonTracker) separate(batch []Message) (alone, rest []Message) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.by) == 0 {
		return nil, batch
	}
	rest = make([]Message, 0, len(batch))
	for _, m := range batch {
		// One that failed when everything failed is no candidate yet: after an outage it is retried with the others.
		if x := t.by[m.Sequence]; x != nil && x.failures > 0 {
			alone = append(alone, m)
		} else {
			rest = append(rest, m)
		}
	}
	return alone, rest
}

// succeeded notes that messages were stored.
func (t *poisonTracker) succeeded(batch []Message) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.successes += uint64(len(batch))
	t.probe = batch[len(batch)-1:]
	if len(t.by) == 0 {
		return
	}
	for _, m := range batch {
		delete(t.by, m.Sequence)
	}
}

// failed notes that m failed alone, and says whether another one has been stored since it last did.
func (t *poisonTracker) failed(m Message) (x *candidate, others bool, probe []Message) {
	t.mu.Lock()
	defer t.mu.Unlock()
	x = t.by[m.Sequence]
	if x == nil {
		x = &candidate{first: time.Now().UTC(), seen: t.successes}
		t.by[m.Sequence] = x
	}
	others = t.successes > x.seen
	x.seen = t.successes
	return x, others, t.probe
}

// count counts a failure that proves something, and returns how many there are now.
func (t *poisonTracker) count(x *candidate) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	x.failures++
	return x.failures
}

// lastStored returns the message that was stored last, or none.
func (t *poisonTracker) lastStored() []Message {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.probe
}

func (t *poisonTracker) forget(m Message) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.by, m.Sequence)
}

// trust reports whether a refusal counts while there is no probe.
func (t *poisonTracker) trust(x *candidate) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !x.trusted && t.trusted < trustMost {
		x.trusted = true
		t.trusted++
	}
	return x.trusted
}

// failedAlone handles a message that failed alone and permanently. What the handler judged by itself counts: no store was
// involved. A refusal counts only if others succeed, otherwise it may be the store's fault: see storeWorks.
func (r *runner) failedAlone(ctx context.Context, m Message, err error, judged bool) {
	x, others, probe := r.poison.failed(m)
	counts := judged
	switch {
	case judged:
	case fault.Unmarked(err):
		counts = r.failsByItself(ctx, m, probe)
	default:
		counts = others || r.storeWorks(ctx, x, probe)
	}
	n, delay := 0, r.Delay.after(int(min(m.Attempts, 64)))
	if counts {
		n = r.poison.count(x)
		delay = r.Delay.after(n)
	} else {
		r.broken.Add(1)
	}
	r.Log.Warn("a message fails alone", "error", err, "sequence", m.Sequence, "event", m.Named(), "times", n, "counts", counts)
	if n < r.Tries {
		r.retry(m, delay)
		return
	}
	if e := r.deadLetter(ctx, m, x, err); e != nil {
		r.nak(ctx, []Message{m}, e)
	}
}

// storeWorks looks for another proof that the store works. The message that was stored last is handled once more: handlers are
// idempotent. Without one, a refusal by the store is believed for a few messages: an outage does not refuse an input.
func (r *runner) storeWorks(ctx context.Context, x *candidate, probe []Message) bool {
	if len(probe) == 0 {
		return r.poison.trust(x)
	}
	failed, err := r.handle(ctx, probe)
	return err == nil && len(failed) == 0
}

// failsByItself looks for proof that a message fails by itself, for an unmarked reason: the probe succeeds now, and the message
// still fails after it. Without a probe nothing is proved: an outage looks the same.
func (r *runner) failsByItself(ctx context.Context, m Message, probe []Message) bool {
	if len(probe) == 0 || !r.probeStore(ctx, probe) {
		return false
	}
	failed, err := r.handle(ctx, []Message{m})
	if failed[0] != nil {
		err = failed[0]
	}
	return fault.Unmarked(err)
}

// probeEvery is how many failures, once there have been many, pass from one probe to the next: probing must not add load to an
// outage.
const probeEvery = 4

// probeStore handles what was stored last once more, and reports whether that succeeded.
func (r *runner) probeStore(ctx context.Context, probe []Message) bool {
	if n := int(r.broken.Load()); n > r.Tries && n%probeEvery != 0 {
		return false
	}
	failed, err := r.handle(ctx, probe)
	if err != nil || len(failed) > 0 {
		return false
	}
	r.broken.Store(0)
	return true
}

// deadLetter dead-letters a message: its copy first, then the handler's record of it, then the ack. After a crash in between it
// fails again, and no duplicate is made of what is there already. A bundle is split by the handler, if it can.
func (r *runner) deadLetter(ctx context.Context, m Message, x *candidate, cause error) error {
	b, ok := r.Handler.(consumers.DeadLetterer)
	if !ok || !m.IsBundle() {
		if err := r.Stream.DeadLetter(ctx, m, cause, x.first); err != nil {
			return fmt.Errorf("dead-lettering message %d: %w", m.Sequence, retryable(err))
		}
		r.Hook("dead")
	}
	if ok {
		if err := r.protect(func() error { return b.DeadLetter(ctx, m.Delivery, cause) }); err != nil {
			return fmt.Errorf("recording that message %d is dead-lettered: %w", m.Sequence, retryable(err))
		}
	}
	r.poison.forget(m)
	r.inflight.remove(m)
	if err := r.Stream.Ack([]Message{m}); err != nil {
		r.Log.Warn("acknowledging failed; the message will be redelivered", "error", err, "sequence", m.Sequence)
	}
	r.progress.settled()
	r.Metrics.settled(r.Name, "dead", 1)
	what := "a message was dead-lettered"
	if ok && m.IsBundle() {
		what = "a bundle was split"
	}
	r.Log.Error(what, "sequence", m.Sequence, "event", m.Named(), "cause", cause)
	return nil
}

// retryable removes the mark of poison from an error of dead-lettering: that is retried for ever, since a message that cannot be
// dead-lettered has nowhere else to go.
func retryable(err error) error {
	if fault.Of(err) == fault.Poison {
		return fault.AsTransient(err, 0)
	}
	return err
}
