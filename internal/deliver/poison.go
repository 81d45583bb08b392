package deliver

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/agrichat/agrichat/consumers"
	"github.com/agrichat/agrichat/internal/fault"
)

// suspects remembers messages that fail alone, and whether others succeed meanwhile. It is kept in memory: after a restart the
// counting begins again, which costs a few seconds and no correctness.
type suspects struct {
	mu        sync.Mutex // covers all below
	by        map[uint64]*suspect
	successes uint64
	witness   []Message // the last message that was stored, or none
	trusted   int       // messages that count although nothing was ever stored
}

// trustMost is how many messages are set aside on the word of a store that has never stored anything since the start. A quiet
// stream may well begin with a few that are bad; where more are refused, and nothing else is taken, it is as likely the store
// (a table somebody altered, a program that does not suit it), which must not empty the stream into the dead letters.
const trustMost = 5

// suspect is a message that fails alone.
type suspect struct {
	first    time.Time
	failures int    // alone, while others succeeded
	seen     uint64 // successes when it last failed
	trusted  bool   // it is one of those that count without a success
}

func newSuspects() *suspects { return &suspects{by: map[uint64]*suspect{}} }

// part returns the messages that are handled alone, and the rest.
func (s *suspects) part(batch []Message) (alone, rest []Message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.by) == 0 {
		return nil, batch
	}
	rest = make([]Message, 0, len(batch))
	for _, m := range batch {
		// One that failed when everything failed is no suspect yet: after an outage it goes with the others.
		if x := s.by[m.Sequence]; x != nil && x.failures > 0 {
			alone = append(alone, m)
		} else {
			rest = append(rest, m)
		}
	}
	return alone, rest
}

// succeeded notes that messages were stored.
func (s *suspects) succeeded(batch []Message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.successes += uint64(len(batch))
	s.witness = batch[len(batch)-1:]
	if len(s.by) == 0 {
		return
	}
	for _, m := range batch {
		delete(s.by, m.Sequence)
	}
}

// failed notes that m failed alone, and says whether another one has been stored since it last did.
func (s *suspects) failed(m Message) (x *suspect, others bool, witness []Message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	x = s.by[m.Sequence]
	if x == nil {
		x = &suspect{first: time.Now().UTC(), seen: s.successes}
		s.by[m.Sequence] = x
	}
	others = s.successes > x.seen
	x.seen = s.successes
	return x, others, s.witness
}

// count counts a failure that proves something, and returns how many there are now.
func (s *suspects) count(x *suspect) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	x.failures++
	return x.failures
}

// known returns the message that was stored last, or none.
func (s *suspects) known() []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.witness
}

func (s *suspects) forget(m Message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.by, m.Sequence)
}

// trust reports whether a refusal counts while there is no witness.
func (s *suspects) trust(x *suspect) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !x.trusted && s.trusted < trustMost {
		x.trusted = true
		s.trusted++
	}
	return x.trusted
}

// accuse deals with a message that failed alone and for good. What the handler judged by itself counts: no store had a say in
// it. A refusal counts only if others succeed, otherwise it may be the store's fault: see proven.
func (r *runner) accuse(ctx context.Context, m Message, err error, judged bool) {
	x, others, witness := r.suspects.failed(m)
	counts := judged
	switch {
	case judged:
	case fault.Unmarked(err):
		counts = r.provenAgain(ctx, m, witness)
	default:
		counts = others || r.proven(ctx, x, witness)
	}
	n, delay := 0, r.Delay.after(int(min(m.Attempts, 64)))
	if counts {
		n = r.suspects.count(x)
		delay = r.Delay.after(n)
	} else {
		r.broken.Add(1)
	}
	r.Log.Warn("a message fails alone", "error", err, "sequence", m.Sequence, "event", m.Named(), "times", n, "counts", counts)
	if n < r.Tries {
		r.again(m, delay)
		return
	}
	if e := r.bury(ctx, m, x, err); e != nil {
		r.give(ctx, []Message{m}, e)
	}
}

// proven looks for another proof that the store is well. The message that was stored last is handled once more: handlers bear
// that. Where there is none, that the store answered and refused is believed, of a few: an outage does not refuse an input.
func (r *runner) proven(ctx context.Context, x *suspect, witness []Message) bool {
	if len(witness) == 0 {
		return r.suspects.trust(x)
	}
	failed, err := r.handle(ctx, witness)
	return err == nil && len(failed) == 0
}

// provenAgain looks for proof that a message fails by itself, for a reason that nobody knows: what was stored last is handled well
// now, and the message still fails after it. Without a witness nothing is proved: an outage looks the same.
func (r *runner) provenAgain(ctx context.Context, m Message, witness []Message) bool {
	if len(witness) == 0 || !r.probe(ctx, witness) {
		return false
	}
	failed, err := r.handle(ctx, []Message{m})
	if failed[0] != nil {
		err = failed[0]
	}
	return fault.Unmarked(err)
}

// probeEvery is how many failures, once there have been many, pass from one probe to the next: an outage is not to be made worse.
const probeEvery = 4

// probe handles what was stored last once more, and reports whether that went well.
func (r *runner) probe(ctx context.Context, witness []Message) bool {
	if n := int(r.broken.Load()); n > r.Tries && n%probeEvery != 0 {
		return false
	}
	failed, err := r.handle(ctx, witness)
	if err != nil || len(failed) > 0 {
		return false
	}
	r.broken.Store(0)
	return true
}

// bury sets a message aside: its copy first, then the handler's record of it, then the ack. After a crash in between it fails
// again, and what is there already is not made twice. A bundle the handler takes apart, if it can.
func (r *runner) bury(ctx context.Context, m Message, x *suspect, cause error) error {
	b, ok := r.Handler.(consumers.DeadLetterer)
	if !ok || !m.IsBundle() {
		if err := r.Stream.Bury(ctx, m, cause, x.first); err != nil {
			return fmt.Errorf("setting aside message %d: %w", m.Sequence, harmless(err))
		}
		r.Hook("dead")
	}
	if ok {
		if err := r.protect(func() error { return b.DeadLetter(ctx, m.Delivery, cause) }); err != nil {
			return fmt.Errorf("noting that message %d was set aside: %w", m.Sequence, harmless(err))
		}
	}
	r.suspects.forget(m)
	r.hand.remove(m)
	if err := r.Stream.Ack([]Message{m}); err != nil {
		r.Log.Warn("acknowledging failed; the message comes again", "error", err, "sequence", m.Sequence)
	}
	r.progress.settled()
	r.Metrics.settled(r.Name, "dead", 1)
	said := "a message was set aside"
	if ok && m.IsBundle() {
		said = "a bundle was taken apart"
	}
	r.Log.Error(said, "sequence", m.Sequence, "event", m.Named(), "cause", cause)
	return nil
}

// harmless takes the mark of poison off an error of burying: it is tried again for ever, there is no place behind the dead
// letters.
func harmless(err error) error {
	if fault.Of(err) == fault.Poison {
		return fault.AsTransient(err, 0)
	}
	return err
}
