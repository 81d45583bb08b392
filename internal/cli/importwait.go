package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/agrichat/agrichat/internal/bus"
	"github.com/agrichat/agrichat/internal/fault"
	"github.com/agrichat/agrichat/internal/gate"
	"github.com/agrichat/agrichat/internal/ingest"
	"github.com/agrichat/agrichat/internal/obs"
	"github.com/agrichat/agrichat/internal/verify"
)

// waited is how far the wait for what was published is.
type waited struct {
	mu      sync.Mutex // covers all below
	began   bool
	left    verify.Left
	failure error // of the last attempt to find out; nil: it worked
}

func (w *waited) set(l verify.Left, failure error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.began, w.failure = true, failure; failure == nil {
		w.left = l
	}
}

func (w *waited) get() (began bool, left verify.Left, failure error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.began, w.left, w.failure
}

// halfway is errHalfway with what was still to be done.
func (w *waited) halfway() error {
	began, l, _ := w.get()
	if !began {
		return errHalfway
	}
	return fmt.Errorf("%w; it is published, and left are %d messages of the bus to be stored, %d transactions to be published, %d facts to be aggregated, "+
		"by agrichat up or whatever else consumes", errHalfway, l.Sequences, l.Untold, l.Facts)
}

// await waits until everything is stored and aggregated. A server that is away is waited for too: ctx ends the wait.
func (i *importing) await(ctx context.Context, v *verify.Verifier, last uint64) error {
	report := sometimes(i.left)
	i.waited.set(verify.Left{}, nil)
	for {
		err := v.Await(ctx, last, func(l verify.Left) {
			i.waited.set(l, nil)
			report(l)
		})
		if err == nil || ctx.Err() != nil || fault.Of(err) != fault.Transient {
			return err
		}
		i.waited.set(verify.Left{}, err)
		i.log.Warn("finding out what is stored failed; trying again", "error", err)
	}
}

// A standstill is reported after standstillFirst, and again after twice that, and so on, at least once in standstillMost.
const (
	standstillFirst = 30 * time.Second
	standstillMost  = 10 * time.Minute
	standstillEvery = time.Second // is looked
)

// standstill is an import that waits while nothing is being stored.
type standstill struct {
	since  time.Duration
	reason string
}

func standstillToLog(log *slog.Logger) func(standstill) {
	return func(s standstill) {
		log.Warn("nothing is being stored; the import waits", "seconds", int(s.since.Seconds()), "reason", s.reason)
	}
}

func standstillToPerson(note func(string, ...any)) func(standstill) {
	return func(s standstill) {
		note("nothing has been stored for %s: %s; the import waits, Ctrl-C ends it\n", shortly(s.since), strings.Map(printable, s.reason))
	}
}

// importMark changes whenever an import gets on.
type importMark struct {
	counts ingest.Counts
	began  bool
	left   verify.Left
}

func (i *importing) mark() importMark {
	began, left, _ := i.waited.get()
	return importMark{i.progress.standing().Counts, began, left}
}

// watchStandstill reports, until unwatch is called, why nothing is being stored.
func (i *importing) watchStandstill(ctx context.Context) (unwatch func()) {
	ctx, stop := context.WithCancel(ctx)
	var watching sync.WaitGroup
	watching.Go(func() { reportStandstill(ctx, i.mark, i.reason, i.warn) })
	return func() {
		stop()
		watching.Wait()
	}
}

// reportStandstill warns while a mark does not change. An empty reason is not worth a warning.
func reportStandstill(ctx context.Context, mark func() importMark, reason func(context.Context) string, warn func(standstill)) {
	tick := time.NewTicker(standstillEvery)
	defer tick.Stop()
	last, since, next := mark(), time.Now(), standstillFirst
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if now := mark(); now != last {
			last, since, next = now, time.Now(), standstillFirst
			continue
		}
		took := time.Since(since)
		if took < next {
			continue
		}
		next = min(2*next, next+standstillMost)
		if why := reason(ctx); why != "" && ctx.Err() == nil {
			warn(standstill{took, why})
		}
	}
}

// askTimeout bounds each question about why nothing is being stored.
const askTimeout = 3 * time.Second

// reason says why nothing is being stored; empty: nothing is known, and the import still reads.
func (i *importing) reason(ctx context.Context) string {
	began, left, failure := i.waited.get()
	var why []string
	add := func(reasons ...string) {
		for _, r := range reasons {
			if r = oneLine(r); r != "" && !slices.ContainsFunc(why, func(w string) bool { return strings.Contains(w, r) }) {
				why = append(why, r)
			}
		}
	}
	add(i.progress.standing().Why)
	if now := i.door.Standing(); now.State != gate.Opened {
		add(fmt.Sprintf("the gate is %s (%s): %s", now.State, now.Reason, says(now)))
	}
	add(i.checks(ctx)...)
	add(i.links(ctx)...)
	switch {
	case left.Sequences > 0 || !began:
		add(i.consumerReason(ctx, bus.Chat, bus.Normalise))
	case left.Untold > 0:
		add(fmt.Sprintf("the facts of %d transactions are not published", left.Untold), i.factsReason(ctx))
	case left.Facts > 0:
		add(i.consumerReason(ctx, bus.Facts, bus.Aggregate))
	}
	if failure != nil {
		add(failure.Error())
	}
	if len(why) == 0 && began {
		add("no reason was found; agrichat status and /readyz of the workers may tell")
	}
	return strings.Join(why, "; ")
}

// checks returns the failing checks of whoever stores and aggregates: this process, or the one whose servers it uses.
func (i *importing) checks(ctx context.Context) (out []string) {
	list := i.health.Statuses()
	if i.joined && i.at.HTTP != "" {
		theirs, err := askReady(ctx, i.at.HTTP)
		if err != nil {
			return []string{"the agrichat that runs the servers does not answer: " + err.Error()}
		}
		list = append(list, theirs...)
	}
	for _, c := range list {
		if c.State == obs.Failing {
			out = append(out, c.Name+": "+c.Reason)
		}
	}
	return out
}

// askReady asks a role for its checks.
func askReady(ctx context.Context, address string) ([]obs.Status, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address+"/readyz", nil)
	if err != nil {
		return nil, err
	}
	req.Close = true
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	var answer obs.Readiness
	err = json.NewDecoder(resp.Body).Decode(&answer)
	return answer.Checks, err
}

// links returns which servers do not answer.
func (i *importing) links(ctx context.Context) (out []string) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	i.mu.Lock()
	b, pool := i.stack.bus, i.record
	i.mu.Unlock()
	if b != nil {
		if _, err := b.Stream(ctx, bus.Chat); err != nil {
			out = append(out, err.Error())
		}
	}
	if pool != nil {
		if err := pool.Ping(ctx); err != nil {
			out = append(out, "PostgreSQL does not answer: "+err.Error())
		}
	}
	return out
}

// consumerReason returns what is wrong with a consumer.
func (i *importing) consumerReason(ctx context.Context, stream, name string) string {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	b, err := i.openBus(ctx)
	if err != nil {
		return err.Error()
	}
	tick := time.NewTicker(fetchWait)
	defer tick.Stop()
	for range 4 { // a worker that gets on asks again and again
		c, err := b.ConsumerStatus(ctx, stream, name)
		switch {
		case errors.Is(err, jetstream.ErrConsumerNotFound):
			return fmt.Sprintf("consumer %s of stream %s does not exist; agrichat migrate creates it", name, stream)
		case err != nil:
			return err.Error()
		case c.Paused:
			return fmt.Sprintf("consumer %s of stream %s is paused for %s", name, stream, c.PausedFor.Round(time.Second))
		case c.Waiting > 0 || c.Lag() == 0:
			return ""
		}
		select {
		case <-ctx.Done():
			return ""
		case <-tick.C:
		}
	}
	return fmt.Sprintf("nobody asks for the messages of consumer %s: is agrichat up or agrichat consume %s running, and what does its /readyz say?", name, name)
}

// factsReason says whether stream FACTS is full.
func (i *importing) factsReason(ctx context.Context) string {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	b, err := i.openBus(ctx)
	if err != nil {
		return err.Error()
	}
	s, err := b.Stream(ctx, bus.Facts)
	switch {
	case err != nil:
		return err.Error()
	case s.Free() < s.MaxBytes/100:
		return fmt.Sprintf("stream FACTS is full (%d bytes of %d): is agrichat consume aggregate running, and ClickHouse there? Otherwise raise nats.facts_max_bytes",
			s.Bytes, s.MaxBytes)
	}
	return ""
}
