package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/agrichat/agrichat/consumers/normalise"
	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/ingest"
	"github.com/agrichat/agrichat/internal/verify"
)

// deadCause is why events of an import are dead letters.
type deadCause struct {
	Cause  string      `json:"cause"`
	Events int64       `json:"events"`
	First  []deadEvent `json:"first"` // a few of them
}

// deadEvent is one of them, as agrichat dlq list shows it.
type deadEvent struct {
	Position string `json:"position"`
	EventID  string `json:"event_id"`
	Subject  string `json:"subject"`
}

// settle waits until everything that was published is stored and aggregated, and counts it in the stores.
func (i *importing) settle(ctx context.Context) error {
	v, err := i.verifier(ctx)
	if err != nil {
		return err
	}
	k, err := i.openKeeper(ctx)
	if err != nil {
		return err
	}
	_, last := i.result.Sequences.Bounds()
	if err := i.awaitUnlessPutBack(ctx, v, k, last); err != nil {
		return err
	}
	return verify.Outlast(ctx, func(ctx context.Context) error {
		came, err := k.ImportCounts(ctx, i.result.Sequences)
		if err != nil {
			return err
		}
		i.count(came)
		i.differing(came)
		return i.countUnstored(ctx, k)
	})
}

// countUnstored counts what of the published events no row of events came of.
func (i *importing) countUnstored(ctx context.Context, k *normalise.Store) error {
	dead, err := k.DeadLettersIn(ctx, i.result.Sequences)
	if err != nil {
		return err
	}
	removed, err := k.UnstoredIn(ctx, i.result.Sequences)
	if err != nil {
		return err
	}
	r := &i.report
	r.Dead, r.Causes, r.Unstored = dead.Events, nil, removed.Len()
	for _, c := range dead.Causes {
		one := deadCause{Cause: c.Cause, Events: c.Events}
		for _, e := range c.First {
			one.First = append(one.First, deadEvent{e.Position.String(), e.EventID, e.Subject})
		}
		r.Causes = append(r.Causes, one)
	}
	// Every sequence is in the ledger by now. What was removed unread may have been anything, so that nothing is known of the rest.
	if r.Already = 0; r.Unstored == 0 {
		r.Already = max(int64(i.result.Published)-r.Stored-r.Updated-r.Dead, 0)
	}
	return nil
}

func (i *importing) count(came []normalise.ImportCounts) {
	chats := map[ingest.Chat]*chatReport{}
	at := func(c ingest.Chat) *chatReport {
		r := chats[c]
		if r == nil {
			r = &chatReport{Source: string(c.Source), Namespace: string(c.Namespace), Channel: string(c.Channel)}
			chats[c] = r
		}
		return r
	}
	for c, n := range i.result.Chats {
		r := at(c)
		r.Read, r.Published, r.Known, r.Unparsed, r.Ambiguous = n.Read, n.Published, n.Known, n.Unparsed, n.Ambiguous
	}
	i.report.Stored, i.report.Facts, i.report.Updated = 0, 0, 0
	for _, n := range came {
		i.report.Stored += n.Stored
		i.report.Facts += n.Facts
		i.report.Updated += n.Updated
		r := at(ingest.Chat{Source: event.Source(n.Source), Namespace: event.Namespace(n.Namespace), Channel: event.Channel(n.Channel)})
		r.Name, r.Stored, r.Facts, r.Updated = n.Name, n.Stored, n.Facts, n.Updated
	}
	i.report.PerChat = sortedChats(chats)
}

// incomplete is an error if not everything that was published is stored.
func (r *importReport) incomplete() error {
	var errs []error
	switch {
	case r.Dead == 1:
		errs = append(errs, errors.New("1 event of this import was dead-lettered; "+deadHint))
	case r.Dead > 1:
		errs = append(errs, fmt.Errorf("%d events of this import were dead-lettered; %s", r.Dead, deadHint))
	}
	if r.Unstored > 0 {
		errs = append(errs, fmt.Errorf("%d messages of this import were removed from the stream CHAT before they were stored; import the same again", r.Unstored))
	}
	return errors.Join(errs...)
}

// deadHint says what to do about dead letters.
const deadHint = "agrichat dlq list shows them, agrichat dlq requeue stores them once their cause is fixed"

// printDead prints why events are dead letters; nothing if none is.
func printDead(w io.Writer, r *importReport) {
	if r.Dead == 0 {
		return
	}
	fmt.Fprintf(w, "dead letters: %d; %s\n", r.Dead, deadHint)
	listed := int64(0)
	for _, c := range r.Causes {
		var at []string
		for _, e := range c.First {
			at = append(at, e.Position)
		}
		if c.Events > int64(len(c.First)) {
			at = append(at, "...")
		}
		fmt.Fprintf(w, "  %d at sequence %s: %s\n", c.Events, strings.Join(at, ", "), strings.Map(printable, c.Cause))
		listed += c.Events
	}
	if r.Dead > listed {
		fmt.Fprintf(w, "  %d of other causes\n", r.Dead-listed)
	}
}
