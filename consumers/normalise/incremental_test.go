package normalise_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sync/errgroup"

	"github.com/agrichat/agrichat/consumers"
	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/seqset"
)

// crowd makes the events of a world in which few messages have most reactions, snapshots, edits without an author and deletions.
func crowd(seed uint64, n int) []consumers.Delivery {
	w := &world{r: rand.New(rand.NewPCG(seed, 5))}
	for len(w.events) < n {
		target := event.NativeID(fmt.Sprint(w.r.IntN(3)))
		switch w.r.IntN(8) {
		case 0:
			w.step()
		case 1:
			w.snapshot(target)
		case 2, 3:
			rev := event.RevisionSeq(w.r.Uint64N(40))
			author := w.person()
			if w.r.IntN(2) == 0 {
				author = event.Person{}
			}
			w.emit(event.KindMessage, target, rev, w.text(rev), author)
		case 4:
			if w.r.IntN(4) == 0 {
				w.emit(event.KindDeletion, target, event.RevisionDeleted(event.RevisionSeq(w.r.Uint64N(9))), &event.Deletion{}, event.Person{})
			}
		default:
			p := event.Person{ID: event.AuthorID(fmt.Sprint("u", w.r.IntN(12))), Name: fmt.Sprint("name ", w.r.IntN(3))}
			if w.r.IntN(6) == 0 {
				p.Namespace = "elsewhere" // the same id of another person
			}
			emoji := []string{"👍", "🔥", "🎉"}[w.r.IntN(3)]
			w.emit(event.KindReaction, event.ReactionNative(target, p.Key("test", "n"), emoji), event.RevisionSeq(w.r.Uint64N(6)),
				&event.Reaction{Target: target, Emoji: emoji, Removed: w.r.IntN(3) == 0}, p)
		}
	}
	return w.deliveries()
}

// TestStore_Handle_incrementalFold compares what two workers make of events in random order, in small batches and repeated, with a fold of
// all events about each message.
func TestStore_Handle_incrementalFold(t *testing.T) {
	t.Parallel()
	for seed := range uint64(8) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			log := crowd(seed, 500)
			whole, small := newListener(log), newListener(log)
			a, b := database(t), database(t)
			var all seqset.Set
			all.Add(1, uint64(len(log)))
			if err := newSystem(t, a, whole).Backfill(t.Context(), all); err != nil { // folds with all events that are stored
				t.Fatal(err)
			}
			bySmallBatches(t, newSystem(t, b, small).Handle, log, seed)
			if diff := cmp.Diff(state(t, a), state(t, b)); diff != "" {
				t.Errorf("the incremental fold differs (-whole +incremental):\n%s", diff)
			}
			if diff := cmp.Diff(whole.current(), small.current()); diff != "" {
				t.Errorf("the facts of the incremental fold differ (-whole +incremental):\n%s", diff)
			}
		})
	}
}

// bySmallBatches gives the shuffled log and half of it again to two workers.
func bySmallBatches(t *testing.T, handle func(context.Context, []consumers.Delivery) error, log []consumers.Delivery, seed uint64) {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 6))
	wild := append(append([]consumers.Delivery{}, log...), log[:len(log)/2]...)
	r.Shuffle(len(wild), func(i, j int) { wild[i], wild[j] = wild[j], wild[i] })
	g, ctx := errgroup.WithContext(t.Context())
	for i := range 2 {
		part := wild[i*len(wild)/2 : (i+1)*len(wild)/2]
		own := rand.New(rand.NewPCG(seed, uint64(7+i)))
		g.Go(func() error {
			for len(part) > 0 {
				n := 1 + own.IntN(min(len(part), 6))
				if err := handle(ctx, part[:n]); err != nil {
					return err
				}
				part = part[n:]
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
}

// popular is what one message gets: so many events of one kind, by as many people.
func popular(b testing.TB, n int, make func(i int, e *event.Event)) []consumers.Delivery {
	b.Helper()
	out := []consumers.Delivery{}
	at := time.Date(2024, 3, 1, 12, 0, 0, 0, time.UTC)
	for i := range n {
		e := &event.Event{Source: "test", Namespace: "n", Channel: "c", NativeID: "1", Revision: event.RevisionSeq(uint64(i + 1)),
			Author: event.Person{ID: event.AuthorID(fmt.Sprint("u", i)), Name: "N"}, Sent: event.NewInstant(at.Add(time.Duration(i)*time.Second), event.PrecisionSecond)}
		make(i, e)
		if err := e.Seal(); err != nil {
			b.Fatal(err)
		}
		data, err := event.Encode(e)
		if err != nil {
			b.Fatal(err)
		}
		out = append(out, consumers.Delivery{Sequence: uint64(i + 1), Data: data, EventIDs: e.ID.String()})
	}
	return out
}

func asReaction(_ int, e *event.Event) {
	e.Kind, e.NativeID = event.KindReaction, event.ReactionNative("1", e.Author.Key("test", "n"), "👍")
	e.Body = &event.Reaction{Target: "1", Emoji: "👍"}
}

func asEdit(i int, e *event.Event) {
	e.Kind, e.Body = event.KindMessage, &event.Message{Type: event.TypeMessage, Text: fmt.Sprint("text ", i), Edited: e.Sent}
}

func asMembership(_ int, e *event.Event) {
	e.Kind, e.NativeID, e.Body = event.KindMembership, event.NativeID(e.Author.ID), &event.Membership{State: event.MemberJoined}
}

// BenchmarkStore_OneMore measures the CPU time of this process for one more event about what has 20,000 already.
func BenchmarkStore_OneMore(b *testing.B) {
	const before = 20_000
	for name, kind := range map[string]func(int, *event.Event){"reaction": asReaction, "edit": asEdit, "membership": asMembership} {
		b.Run(name, func(b *testing.B) {
			log := popular(b, before+b.N, kind)
			k := newSystem(b, database(b), newListener(nil))
			for at := 0; at < before; at += 1000 {
				if err := k.Handle(b.Context(), log[at:at+1000]); err != nil {
					b.Fatal(err)
				}
			}
			began := cpu(b)
			b.ResetTimer()
			for i := range b.N {
				if err := k.Handle(b.Context(), log[before+i:before+i+1]); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64((cpu(b)-began).Microseconds())/1000/float64(b.N), "cpu-ms/op")
		})
	}
}

func cpu(b testing.TB) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
