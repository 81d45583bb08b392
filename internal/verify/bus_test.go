package verify

import (
	"context"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/agrichat/agrichat/consumers"
	"github.com/agrichat/agrichat/internal/event"
)

// log is a Bus of these messages, with their data in any case.
type log struct {
	Bus
	messages []consumers.Delivery
	ranges   int
}

func (l *log) Range(_ context.Context, from, to uint64, _ bool, yield func(consumers.Delivery) error) error {
	l.ranges++
	for _, d := range l.messages {
		if d.Sequence < from || d.Sequence > to {
			continue
		}
		if err := yield(d); err != nil {
			return err
		}
	}
	return nil
}

// TestVerifier_readEvents holds that every event of the log is read at its position and under its id, whether the header names it, a bundle does, or its
// envelope alone.
func TestVerifier_readEvents(t *testing.T) {
	t.Parallel()
	e := event.Event{Source: "test", Namespace: "n", Account: "me", Channel: "c", Kind: event.KindMessage, NativeID: "1", Revision: event.Unedited,
		Body: &event.Message{Type: event.TypeMessage, Text: "x"}}
	if err := e.Seal(); err != nil {
		t.Fatal(err)
	}
	data, err := event.Append(nil, &e)
	if err != nil {
		t.Fatal(err)
	}
	l := &log{messages: []consumers.Delivery{
		{Sequence: 1, EventIDs: "a"}, {Sequence: 3, EventIDs: "b" + event.IDSeparator + "c"}, {Sequence: 4, Data: data}, {Sequence: 5, Data: []byte("no envelope")},
		{Sequence: 9, EventIDs: "d"}}}
	v := &Verifier{Bus: l}
	got := map[string]string{}
	err = v.readEvents(t.Context(), 8, func(chunk []logEvent) error {
		for _, d := range chunk {
			got[d.at.String()] = d.id
		}
		return nil
	})
	want := map[string]string{event.At(1, 0).String(): "a", event.At(3, 0).String(): "b", event.At(3, 1).String(): "c", event.At(4, 0).String(): e.ID.String(),
		event.At(5, 0).String(): ""}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v: %s", err, diff)
	}
}

// TestVerifier_readEvents_chunks holds that a log of any length is read in bounded pieces, and that its data is not read where headers name the events.
func TestVerifier_readEvents_chunks(t *testing.T) {
	t.Parallel()
	l := &log{}
	for n := range uint64(2*eventsPerQuery + 7) {
		l.messages = append(l.messages, consumers.Delivery{Sequence: n + 1, EventIDs: fmt.Sprint(n)})
	}
	var sizes []int
	v := &Verifier{Bus: l}
	if err := v.readEvents(t.Context(), 1<<40, func(chunk []logEvent) error { sizes = append(sizes, len(chunk)); return nil }); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]int{eventsPerQuery, eventsPerQuery, 7}, sizes); diff != "" || l.ranges != 1 {
		t.Errorf("the log was read %d times, in %v", l.ranges, sizes)
	}
}

// TestLogComparison_first holds that an event counts once: at its first position on this log, or at the first duplicate where that is elsewhere.
func TestLogComparison_first(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		stored storedEvent // of event "a"
		want   []bool      // at sequences 5, 7 and 9
	}{
		"stored at the first":             {storedEvent{incarnation: 2, at: event.At(5, 0)}, []bool{true, false, false}},
		"stored at the second":            {storedEvent{incarnation: 2, at: event.At(7, 0)}, []bool{true, false, false}},
		"stored behind all: was requeued": {storedEvent{incarnation: 2, at: event.At(12, 0)}, []bool{true, false, false}},
		"stored before all":               {storedEvent{incarnation: 2, at: event.At(1, 0)}, []bool{false, false, false}},
		"of an earlier incarnation":       {storedEvent{incarnation: 1, at: event.At(1, 0)}, []bool{true, false, false}},
	} {
		l := &logComparison{cutoff: cutoff{incarnation: 2}, counted: map[string]struct{}{}}
		var got []bool
		for _, sequence := range []uint64{5, 7, 9} {
			got = append(got, l.first(tt.stored, logEvent{at: event.At(sequence, 0), id: "a"}))
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}
