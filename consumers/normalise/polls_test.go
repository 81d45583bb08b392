package normalise_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/agrichat/agrichat/consumers"
	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/seqset"
)

// randomPoll is sometimes a poll as a message has it: with votes, as old programs wrote it, or without.
func (w *world) randomPoll() *event.Poll {
	if w.r.IntN(2) == 0 {
		return nil
	}
	return &event.Poll{Question: "Когда?", Options: []event.PollOption{{Text: "Sat", Votes: w.r.IntN(2) * w.r.IntN(12)}}}
}

func (w *world) poll(target event.NativeID) {
	p := event.Poll{Question: "Когда?", Options: []event.PollOption{{Text: "Sat", Votes: w.r.IntN(12)}}, Closed: w.r.IntN(4) == 0}
	w.emit(event.KindPoll, target, event.RevisionSeq(w.r.Uint64N(1<<40)), &event.PollResults{Target: target, Poll: p}, event.Person{})
}

// TestStore_Handle_polls compares the incremental fold of polls by two workers with a fold of all events.
func TestStore_Handle_polls(t *testing.T) {
	t.Parallel()
	for seed := range uint64(6) {
		w := newWorld(seed+100, 0)
		for len(w.events) < 300 {
			target := event.NativeID(fmt.Sprint(w.r.IntN(4)))
			switch w.r.IntN(4) {
			case 0:
				w.step()
			case 1:
				rev := event.RevisionSeq(w.r.Uint64N(9))
				w.emit(event.KindMessage, target, rev, w.text(rev), w.person())
			default:
				w.poll(target)
			}
		}
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			log := w.deliveries()
			whole, small := newListener(log), newListener(log)
			a, b := database(t), database(t)
			var all seqset.Set
			all.Add(1, uint64(len(log)))
			if err := newSystem(t, a, whole).Backfill(t.Context(), all); err != nil {
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

// TestStore_Handle_latestPoll gives a poll and two results of it in every order: the later results win, placeholder or not.
func TestStore_Handle_latestPoll(t *testing.T) {
	t.Parallel()
	at := time.Date(2024, 3, 1, 12, 0, 0, 0, time.UTC)
	db := database(t)
	sequence, channel := uint64(0), 0
	for _, votes := range [][2]int{{1, 2}, {9, 10}, {10, 9}, {99, 100}, {5, 0}} {
		for _, order := range [][]int{{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}} {
			channel++
			made := pollEvents(t, fmt.Sprint("c", channel), at, votes)
			for _, i := range order {
				sequence++
				made[i].Sequence = sequence
			}
			k := newSystem(t, db, newListener(nil))
			for _, i := range order {
				if err := k.Handle(t.Context(), made[i:i+1]); err != nil {
					t.Fatal(err)
				}
			}
			var got int
			err := db.QueryRow(t.Context(), `SELECT (m.body->'poll'->'options'->0->>'votes')::int FROM agrichat.messages m
				JOIN agrichat.channels c ON c.key = m.channel_key WHERE c.channel = $1`, fmt.Sprint("c", channel)).Scan(&got)
			if err != nil || got != votes[1] {
				t.Errorf("votes %v in order %v: %d stand (%v)", votes, order, got, err)
			}
		}
	}
}

func pollEvents(t *testing.T, channel string, at time.Time, votes [2]int) []consumers.Delivery {
	t.Helper()
	asked := event.Poll{Question: "?", Options: []event.PollOption{{Text: "a", Votes: 50}}} // as an old program wrote it
	events := []event.Event{{Kind: event.KindMessage, Revision: event.Unedited, Sent: event.NewInstant(at, event.PrecisionSecond),
		Body: &event.Message{Type: event.TypeMessage, Poll: &asked}}}
	for i, n := range votes {
		sent := event.NewInstant(at.Add(time.Duration(i+1)*time.Hour), event.PrecisionSecond)
		p := event.Poll{Question: "?", Options: []event.PollOption{{Text: "a", Votes: n}}}
		events = append(events, event.Event{Kind: event.KindPoll, Revision: event.RevisionAt(sent.At), Sent: sent,
			Body: &event.PollResults{Target: "1", Poll: p}})
	}
	return encoded(t, channel, events)
}

func encoded(t *testing.T, channel string, events []event.Event) (out []consumers.Delivery) {
	t.Helper()
	for i := range events {
		e := &events[i]
		if e.Source == "" {
			e.Source, e.Namespace, e.Channel, e.NativeID = "test", "n", event.Channel(channel), "1"
		}
		if err := e.Seal(); err != nil {
			t.Fatal(err)
		}
		data, err := event.Encode(e)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, consumers.Delivery{Data: data, EventIDs: e.ID.String()})
	}
	return out
}
