package importer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/agrichat/agrichat/consumers/normalise"
	"github.com/agrichat/agrichat/internal/fault"
	"github.com/agrichat/agrichat/internal/verify"
)

// settle waits until everything that was published is stored and aggregated, and counts it in the stores.
func (i *Importer) settle(ctx context.Context) error {
	v, err := i.Servers.Verifier(ctx)
	if err != nil {
		return err
	}
	store, err := i.Servers.Store(ctx)
	if err != nil {
		return err
	}
	if err := i.awaitStored(ctx, v, store); err != nil {
		return err
	}
	return verify.RetryTransient(ctx, func(ctx context.Context) error {
		stored, err := store.Reports().ImportCounts(ctx, i.result.Sequences)
		if err != nil {
			return err
		}
		i.count(stored)
		i.overlaps.compareCopies(stored, i.result.Chats)
		return i.countUnstored(ctx, store)
	})
}

// countUnstored counts the published events that no row of events came of.
func (i *Importer) countUnstored(ctx context.Context, store *normalise.Store) error {
	dead, err := store.Reports().DeadLettersIn(ctx, i.result.Sequences)
	if err != nil {
		return err
	}
	removed, err := store.Reports().UnstoredIn(ctx, i.result.Sequences)
	if err != nil {
		return err
	}
	r := &i.report
	r.Dead, r.Causes, r.Unstored = dead.Events, nil, removed.Len()
	for _, c := range dead.Causes {
		one := DeadLetterCause{Cause: c.Cause, Events: c.Events}
		for _, e := range c.First {
			one.First = append(one.First, DeadLetterEvent{e.Position.String(), e.EventID, e.Subject})
		}
		r.Causes = append(r.Causes, one)
	}
	// Every sequence is in the ledger by now. If messages were removed before they were stored, the rest cannot be attributed.
	if r.Already = 0; r.Unstored == 0 {
		r.Already = max(int64(i.result.Published)-r.Stored-r.Updated-r.Dead, 0)
	}
	return nil
}

// errStreamRestored says what to do where messages were lost with the stream that had acknowledged them.
var errStreamRestored = errors.New("the stream CHAT was put back to an earlier state while files were imported, and what it had acknowledged may be lost: " +
	"repeat the command; what is stored already is not published again")

// restoredInterval is how often an import that waits checks that the stream is still the one that it published to: what it waits for
// would never come.
const restoredInterval = time.Second

// awaitStored waits until what was published is stored and aggregated, or the stream was restored to an earlier state.
func (i *Importer) awaitStored(ctx context.Context, v *verify.Verifier, store *normalise.Store) error {
	waiting, cancel := context.WithCancelCause(ctx)
	var watching sync.WaitGroup
	watching.Go(func() {
		tick := time.NewTicker(restoredInterval)
		defer tick.Stop()
		for {
			select {
			case <-waiting.Done():
				return
			case <-tick.C:
			}
			if i.streamRestored(waiting, store) {
				cancel(errStreamRestored)
			}
		}
	})
	_, last := i.result.Sequences.Bounds()
	err := i.waited.await(waiting, v, last, i.Observer.Waiting, i.Log)
	lost := errors.Is(context.Cause(waiting), errStreamRestored)
	cancel(nil)
	watching.Wait()
	if ctx.Err() == nil && (lost || err == nil && i.streamRestored(ctx, store)) {
		return errStreamRestored
	}
	return err
}

// streamRestored reports whether workers have found the stream to be another one than at the beginning. A store that does not answer proves
// nothing; nor does a number where there was none: nothing had been stored yet, or no worker had noticed that the stream was restored before.
func (i *Importer) streamRestored(ctx context.Context, store *normalise.Store) bool {
	now, err := store.Incarnation(ctx)
	if err != nil {
		return false
	}
	if i.incarnation == 0 {
		i.incarnation = now
	}
	return now > i.incarnation
}

// waitState is how far the wait for what was published is.
type waitState struct {
	mu        sync.Mutex // covers all below
	began     bool
	remaining verify.Remaining
	failure   error // of the last attempt to find out; nil: it succeeded
}

func (w *waitState) set(l verify.Remaining, failure error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.began, w.failure = true, failure; failure == nil {
		w.remaining = l
	}
}

func (w *waitState) get() (began bool, remaining verify.Remaining, failure error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.began, w.remaining, w.failure
}

// stopped is ErrStopped with what was still to be done.
func (w *waitState) stopped() error {
	began, l, _ := w.get()
	if !began {
		return ErrStopped
	}
	return fmt.Errorf("%w; it is published, and left are %d messages of the bus to be stored, %d transactions to be published, %d facts to be aggregated, "+
		"by agrichat up or whatever else consumes", ErrStopped, l.Sequences, l.Unpublished, l.Facts)
}

// await waits until everything up to a sequence is stored and aggregated. A server that is away is waited for too, with retries: ctx ends the wait.
func (w *waitState) await(ctx context.Context, v *verify.Verifier, last uint64, report func(verify.Remaining), log *slog.Logger) error {
	report = everyInterval(report)
	w.set(verify.Remaining{}, nil)
	for {
		err := v.Await(ctx, last, func(l verify.Remaining) {
			w.set(l, nil)
			report(l)
		})
		if err == nil || ctx.Err() != nil || fault.Of(err) != fault.Transient {
			return err
		}
		w.set(verify.Remaining{}, err)
		log.Warn("finding out what is stored failed; trying again", "error", err)
	}
}

// everyInterval passes on what is reported once in ProgressInterval.
func everyInterval(report func(verify.Remaining)) func(verify.Remaining) {
	last := time.Now()
	return func(l verify.Remaining) {
		if report == nil || time.Since(last) < ProgressInterval {
			return
		}
		last = time.Now()
		report(l)
	}
}
