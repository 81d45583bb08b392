package ingest

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v4"

	"github.com/agrichat/agrichat/internal/clock"
	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/fault"
	"github.com/agrichat/agrichat/producers"
)

func (c Config) withDefaults() Config {
	c.Batch = cmp.Or(c.Batch, 1000)
	if c.SaveEvery == 0 && !c.Live {
		c.SaveEvery = 500 * time.Millisecond
	}
	c.InFlight = cmp.Or(c.InFlight, 4)
	c.StopTimeout = cmp.Or(c.StopTimeout, 10*time.Second)
	c.Healthy = cmp.Or(c.Healthy, time.Minute)
	c.BackOff.First = cmp.Or(c.BackOff.First, 500*time.Millisecond)
	c.BackOff.Most = cmp.Or(c.BackOff.Most, time.Minute)
	c.BackOff.Tries = cmp.Or(c.BackOff.Tries, 5)
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Observe == nil {
		c.Observe = func(Progress) {}
	}
	if c.Rejected == nil {
		c.Rejected = func(*event.Event) {}
	}
	if c.Noticed == nil {
		c.Noticed = func(producers.Notice) {}
	}
	if c.Hook == nil {
		c.Hook = func(string) {}
	}
	if c.Label == "" {
		c.Label = c.Name
	}
	c.Log = c.Log.With("source", c.Name)
	return c
}

// Run carries what the source says to the stream: an archive until its end, a live source until ctx ends. It returns nil in
// both cases, and an error if the source cannot work until a person changes something or, for an archive, if trying again has
// not helped. The result is right in every case.
func Run(ctx context.Context, cfg Config) (Result, error) {
	r := &runner{Config: cfg.withDefaults(), tally: newTally(cfg.Live), saved: time.Now()}
	err := r.run(ctx)
	if err == nil && !r.Live && ctx.Err() != nil {
		err = ctx.Err() // an archive that was not read to its end has not been imported
	}
	r.tell(Done, "")
	return r.tally.result(), err
}

// runner is one run.
type runner struct {
	Config
	tally  *tally
	cursor producers.Cursor // after which everything is acknowledged
	dirty  bool             // it is not saved yet
	saved  time.Time        // when one was saved last, or the run began: a small archive is done before it is worth a cursor
	stands bool             // a cursor stands under the name

	mu    sync.Mutex // covers state, why and the calls of Observe
	state State
	why   string
}

func (r *runner) run(ctx context.Context) error {
	if err := r.load(ctx); err != nil {
		return stopped(ctx, err)
	}
	delays, failures := r.delays(), 0
	for {
		began, before := time.Now(), string(r.cursor)
		err := r.session(ctx)
		switch class := fault.Of(err); {
		case err == io.EOF && !r.Live: // alone: wrapped, it is a file cut short or a connection closed
			return r.forget(ctx)
		case ctx.Err() != nil:
			return nil
		case class == fault.Fatal:
			return err // it names the file; r.Name is the cursor's
		}
		r.Metrics.failed(r.Label)
		if string(r.cursor) != before || time.Since(began) >= r.Healthy {
			failures = 0
		}
		if failures++; !r.Live && failures >= r.BackOff.Tries {
			return fmt.Errorf("tried %d times: %w", failures, err)
		}
		if time.Since(began) >= r.Healthy {
			delays.Reset()
		}
		delay := max(delays.NextBackOff(), fault.RetryAfter(err))
		r.Log.Warn("source broke; connecting again", "error", err, "in", delay)
		if r.wait(ctx, delay, "connecting again: "+err.Error()) != nil {
			return nil
		}
	}
}

// stopped returns nil if the error only says that somebody asked to stop.
func stopped(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

func (r *runner) delays() *backoff.ExponentialBackOff {
	return backoff.NewExponentialBackOff(backoff.WithInitialInterval(r.BackOff.First), backoff.WithMaxInterval(r.BackOff.Most),
		backoff.WithMaxElapsedTime(0), backoff.WithRandomizationFactor(0.3+0.2*rand.Float64()))
}

// wait waits, and says so.
func (r *runner) wait(ctx context.Context, d time.Duration, why string) error {
	r.tell(Waiting, why)
	return clock.Sleep(ctx, d)
}

// tell changes what the source is said to be doing.
func (r *runner) tell(s State, why string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.state, r.why = s, why
	if r.Live { // archives share a label, and have no session to be watched
		r.Metrics.state(r.Label, s)
	}
	r.Observe(Progress{Counts: r.tally.counts(), State: s, Why: why})
}

// report says how far it is, whatever it is doing.
func (r *runner) report() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.Observe(Progress{Counts: r.tally.counts(), State: r.state, Why: r.why})
}

// load reads where to resume. It tries for ever: a live source has nothing to do without the bus.
func (r *runner) load(ctx context.Context) error {
	if r.Cursors == nil {
		return nil
	}
	return r.retry(ctx, "reading the cursor", func() (err error) {
		r.cursor, err = r.Cursors.Load(ctx, r.Name)
		r.stands = len(r.cursor) > 0
		return err
	})
}

// forget removes the cursor of an archive that was read to its end: reading it again means from the start.
func (r *runner) forget(ctx context.Context) error {
	if !r.stands {
		return nil
	}
	return r.retry(ctx, "forgetting the cursor", func() error { return r.Cursors.Forget(ctx, r.Name) })
}

// retry calls do until it succeeds, will never, or ctx ends.
func (r *runner) retry(ctx context.Context, what string, do func() error) error {
	delays := r.delays()
	for {
		err := do()
		if err == nil || ctx.Err() != nil {
			return err
		}
		if c := fault.Of(err); c == fault.Fatal || c == fault.Poison {
			return fmt.Errorf("%s of %s: %w", what, r.Name, err)
		}
		delay := max(delays.NextBackOff(), fault.RetryAfter(err))
		r.Log.Warn(what+" failed; trying again", "error", err, "in", delay)
		if err := r.wait(ctx, delay, what+": "+err.Error()); err != nil {
			return err
		}
	}
}

// session reads one session until it ends, and settles all that it read. io.EOF says that an archive is at its end and all of
// it acknowledged.
func (r *runner) session(ctx context.Context) error {
	r.tell(Connecting, "")
	s, err := r.Source.Connect(ctx, r.cursor)
	if err != nil {
		if r.Live {
			err = fmt.Errorf("connecting: %w", err)
		}
		return err // an archive's names its file
	}
	r.tell(Reading, "")
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	hard, release := r.grace(ctx)
	defer release()
	flights := make(chan flight, r.InFlight-1) // and one in the settler's hand
	broke := make(chan error, 1)
	go func() {
		defer close(flights)
		broke <- r.read(ctx, hard, s, flights)
	}()
	failed := r.settle(hard, flights)
	cancel()
	r.abandon(flights)
	err = <-broke
	if failed == nil && (err != io.EOF || r.Live) { // at an archive's end there is nothing to go on with
		failed = r.save(hard)
	}
	if closed := s.Close(); closed != nil && err == nil {
		err = closed
	}
	if failed != nil {
		return failed
	}
	return err
}

// grace returns a context for what was read, which ends StopTimeout after ctx does: what is not acknowledged by then comes
// again from the cursor.
func (r *runner) grace(ctx context.Context) (context.Context, context.CancelFunc) {
	hard, cancel := context.WithCancel(context.WithoutCancel(ctx))
	timer := time.AfterFunc(1<<62, cancel)
	stop := context.AfterFunc(ctx, func() { timer.Reset(r.StopTimeout) })
	return hard, func() {
		stop()
		timer.Stop()
		cancel()
	}
}

// abandon waits for the reader to end, and lets go of what it still sent after the settler gave up.
func (r *runner) abandon(flights <-chan flight) {
	over, cancel := context.WithCancel(context.Background())
	cancel()
	for f := range flights {
		if f.pending != nil {
			_, _ = f.pending.Wait(over) // to be published again after the saved cursor, whatever the answer
		}
	}
}

// flight is a batch on its way to the stream.
type flight struct {
	events  []event.Event // to publish; none if the record knows them all
	pending Pending       // nil: not begun, or beginning failed; the settler publishes them
	began   time.Time
	cursor  producers.Cursor // to be saved once this and all before it is acknowledged; nil: another one follows
	counts  producers.Counts
}

// read takes batches of the session and begins to publish them, while the next ones are being read. After any error of the
// session what it returned before is still on its way.
//
// An archive's batches are joined: what the server needs to begin an atomic batch does not grow with it. A live source's are
// not, because the next one may be long in coming.
func (r *runner) read(ctx, hard context.Context, s producers.Session, flights chan<- flight) error {
	ahead := make(chan producers.Batch, aheadMost)
	ended := make(chan error, 1)
	go func() {
		defer close(ahead)
		ended <- r.readAhead(ctx, s, ahead)
	}()
	most := r.Batch
	if r.Live {
		most = 0 // nothing is joined
	}
	var all load
	for b := range ahead {
		all.add(b, r.prepare(hard, b), most)
		if r.Live || len(all.events) >= r.Batch || all.batches >= joinMost {
			r.launch(hard, all, flights)
			all = load{}
		}
	}
	r.launch(hard, all, flights)
	return <-ended
}

// aheadMost is how many batches wait at most until what the record knows of them is asked.
const aheadMost = 1

// readAhead takes batches of the session until it ends.
func (r *runner) readAhead(ctx context.Context, s producers.Session, ahead chan<- producers.Batch) error {
	for {
		if err := r.clear(ctx); err != nil {
			return err
		}
		b, err := s.Next(ctx)
		if err != nil {
			return err
		}
		ahead <- b
	}
}

// joinMost bounds how many batches are joined where the record knows nearly all that is in them: their cursors must move on.
const joinMost = 20

// load is batches of a source that are published together.
type load struct {
	events  []event.Event // to publish
	cursor  producers.Cursor
	counts  producers.Counts
	batches int
}

func (l *load) add(b producers.Batch, events []event.Event, most int) {
	switch {
	case l.batches == 0 && len(events) >= most:
		l.events = events
	case l.events == nil && len(events) > 0:
		l.events = append(make([]event.Event, 0, most+len(events)), events...)
	default:
		l.events = append(l.events, events...)
	}
	l.counts.Add(b.Counts)
	l.batches++
	if b.Cursor != nil {
		l.cursor = b.Cursor
	}
}

// clear waits until an importer may go on.
func (r *runner) clear(ctx context.Context) error {
	if r.Live || r.Throttle == nil {
		return ctx.Err()
	}
	waited := false
	for {
		d, why, err := r.Throttle.Ask(ctx)
		if err != nil || d <= 0 {
			if waited {
				r.tell(Reading, "")
			}
			return ctx.Err()
		}
		waited = true
		r.Metrics.throttle(r.Label, d)
		if err := r.wait(ctx, d, why); err != nil {
			return err
		}
	}
}

// launch begins to publish a load in as many pieces as it takes.
func (r *runner) launch(ctx context.Context, l load, flights chan<- flight) {
	if l.batches == 0 {
		return
	}
	f := flight{counts: l.counts}
	for todo := l.events; len(todo) > 0; {
		n := min(len(todo), r.Batch)
		f.began = time.Now()
		sent, p, err := r.Publisher.Begin(ctx, todo[:n], r.Live)
		if err == nil {
			n, f.pending = sent, p
		} // else the settler begins again, and knows what to do about the error
		f.events, todo = todo[:n], todo[n:]
		if len(todo) > 0 {
			flights <- f
			f = flight{}
		}
	}
	f.cursor = l.cursor
	flights <- f // somebody takes it, be it only to abandon it
}

// prepare makes ready what a batch brings and returns what is to be published of it.
func (r *runner) prepare(ctx context.Context, b producers.Batch) []event.Event {
	seen := r.Now().UTC()
	r.name(b.Events)
	for i := range b.Events {
		e := &b.Events[i]
		e.Seen = seen
		if change := r.Publisher.Fit(e); change != "" {
			r.Log.Warn("an event was too large", "event", e.ID, "change", change)
		}
		if e.Kind == event.KindUnparsed {
			r.Rejected(e)
		}
	}
	if len(b.Events) > 0 {
		r.Hook("read")
	}
	known := r.known(ctx, b.Events)
	todo := b.Events
	if slices.Contains(known, true) {
		todo = make([]event.Event, 0, len(b.Events))
		for i := range b.Events {
			if !known[i] {
				todo = append(todo, b.Events[i])
			}
		}
	}
	r.tally.take(b.Events, known, b.Counts.Ambiguous)
	r.tally.notice(b.Notices, b.Events)
	r.tellNotices(b.Notices)
	r.Metrics.took(r.Label, b.Counts, len(b.Events)-len(todo))
	return todo
}

// tellNotices passes a live source's notices on at once: its run has no end at which they are told.
func (r *runner) tellNotices(of producers.Notices) {
	if !r.Live {
		return
	}
	for _, n := range of {
		n.Count = max(n.Count, 1)
		r.Log.Warn(n.Text, "code", n.Code, "records", n.Count)
		r.Metrics.noticed(r.Label, n)
		r.Noticed(n)
	}
}

func (r *runner) known(ctx context.Context, events []event.Event) []bool {
	none := make([]bool, len(events))
	if r.Known == nil || len(events) == 0 {
		return none
	}
	known, err := r.Known.AlreadyStored(ctx, events)
	if err != nil || len(known) != len(events) {
		r.Log.Debug("cannot ask the record what it knows; publishing all", "error", err)
		return none
	}
	return known
}
