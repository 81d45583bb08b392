package normalise_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/agrichat/agrichat/consumers"
	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/seqset"
)

// reading returns a message of a chat without ids, read in one way.
func reading(t *testing.T, at time.Time, r event.Reading, revision event.Revision, text string) event.Event {
	t.Helper()
	e := event.Event{Source: "irc", Namespace: "net", Account: "me", Channel: "#go", NativeID: "1", Kind: event.KindMessage,
		Author: event.Person{ID: "nick"}, Revision: revision, Reading: r, Body: &event.Message{Type: event.TypeMessage, Text: text},
		Sent: event.Instant{At: at, Precision: event.PrecisionMinute, Zone: "named", Assumed: true}}
	if err := e.Seal(); err != nil {
		t.Fatal(err)
	}
	return e
}

func deliverEach(t *testing.T, events ...event.Event) (log []consumers.Delivery) {
	t.Helper()
	for i := range events {
		data, err := event.Encode(&events[i])
		if err != nil {
			t.Fatal(err)
		}
		log = append(log, consumers.Delivery{Sequence: uint64(i + 1), EventIDs: events[i].ID.String(), Data: data, Attempts: 1})
	}
	return log
}

// TestStore_Handle_readings holds that of copies that were read in different ways the one that a user settled last wins, in
// whatever order and transactions they come.
func TestStore_Handle_readings(t *testing.T) {
	t.Parallel()
	at := time.Date(2021, 4, 3, 22, 0, 0, 0, time.UTC)
	unnamed := reading(t, at, event.Reading{}, event.Unedited, "t")
	first := reading(t, at.Add(-3*time.Hour), event.Reading{ZoneNamed: 1}, event.Unedited, "t")
	last := reading(t, at.Add(5*time.Hour), event.Reading{ZoneNamed: 2}, event.Unedited, "t")
	again := reading(t, at.Add(-3*time.Hour), event.Reading{ZoneNamed: 3}, event.Unedited, "t")
	edited := reading(t, at, event.Reading{ZoneNamed: 1}, event.RevisionAt(at), "u")
	for name, c := range map[string]struct {
		events []event.Event
		want   string
	}{
		"named":            {[]event.Event{unnamed, first}, "2021-04-03 19:00 t"},
		"named later":      {[]event.Event{first, last}, "2021-04-04 03:00 t"},
		"named before":     {[]event.Event{last, first, unnamed}, "2021-04-04 03:00 t"},
		"named once more":  {[]event.Event{first, last, again}, "2021-04-03 19:00 t"},
		"out of order":     {[]event.Event{first, again, last}, "2021-04-03 19:00 t"},
		"an older edition": {[]event.Event{last, edited}, "2021-04-04 03:00 u"},
		"a newer edition":  {[]event.Event{edited, last}, "2021-04-04 03:00 u"},
		"a sure date": {[]event.Event{reading(t, at, event.Reading{DateGuessed: true}, event.Unedited, "t"),
			reading(t, at.AddDate(0, 1, 0), event.Reading{}, event.Unedited, "t")}, "2021-05-03 22:00 t"},
		"a charset": {[]event.Event{reading(t, at, event.Reading{Charset: "windows-1252"}, event.Unedited, "a longer text"),
			reading(t, at, event.Reading{Charset: "koi8-r", CharsetNamed: 1}, event.Unedited, "u")}, "2021-04-03 22:00 u"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, apart := range []bool{false, true} {
				pool := database(t)
				log := deliverEach(t, c.events...)
				k := newSystem(t, pool, newListener(log))
				parts := [][]consumers.Delivery{log}
				if apart {
					parts = slices.Collect(slices.Chunk(log, 1))
				}
				for _, part := range parts {
					if err := k.Handle(t.Context(), part); err != nil {
						t.Fatal(err)
					}
				}
				got := seenBy(t, pool, "SELECT to_char(sent_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI ') || text FROM agrichat.v_messages")
				if diff := cmp.Diff([]string{c.want}, got); diff != "" {
					t.Errorf("apart %v: -want +got:\n%s", apart, diff)
				}
				if known, err := k.AlreadyStored(t.Context(), c.events); err != nil || slices.Contains(known, false) {
					t.Errorf("apart %v: known is %v: %v", apart, known, err)
				}
			}
		})
	}
}

// TestStore_Handle_unversioned holds that a copy which does not say whether it was edited is no version among real ones.
func TestStore_Handle_unversioned(t *testing.T) {
	t.Parallel()
	at := time.Date(2021, 4, 3, 22, 0, 0, 0, time.UTC)
	page := reading(t, at, event.Reading{Unversioned: true}, event.Unedited, "second")
	edited := reading(t, at, event.Reading{}, event.RevisionAt(at), "second")
	first := reading(t, at, event.Reading{}, event.Unedited, "first")
	for name, c := range map[string]struct {
		events []event.Event
		want   []string
	}{
		"alone":               {[]event.Event{page}, []string{"0 second"}},
		"beside the edited":   {[]event.Event{page, edited}, []string{string(edited.Revision) + " second"}},
		"beside the unedited": {[]event.Event{page, edited, first}, []string{"0 first", string(edited.Revision) + " second"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := database(t)
			log := deliverEach(t, c.events...)
			if err := newSystem(t, pool, newListener(log)).Handle(t.Context(), log); err != nil {
				t.Fatal(err)
			}
			got := seenBy(t, pool, "SELECT revision || ' ' || text FROM agrichat.v_versions ORDER BY 1")
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// TestReports_AlreadyStored_differs holds that a copy with another text is published once, whichever text is stored, and counted.
func TestReports_AlreadyStored_differs(t *testing.T) {
	t.Parallel()
	at := time.Date(2021, 4, 3, 22, 0, 0, 0, time.UTC)
	long := reading(t, at, event.Reading{Unversioned: true}, event.Unedited, "a longer text")
	short := reading(t, at, event.Reading{Unversioned: true}, event.Unedited, "edited")
	log := deliverEach(t, long, short)
	k := newSystem(t, database(t), newListener(log))
	if err := k.Handle(t.Context(), log[:1]); err != nil {
		t.Fatal(err)
	}
	if known, err := k.AlreadyStored(t.Context(), []event.Event{long, short}); err != nil || !known[0] || known[1] {
		t.Fatalf("known is %v: %v", known, err)
	}
	if err := k.Handle(t.Context(), log[1:]); err != nil {
		t.Fatal(err)
	}
	if known, err := k.AlreadyStored(t.Context(), []event.Event{long, short}); err != nil || !known[0] || !known[1] {
		t.Errorf("known is %v: %v", known, err)
	}
	for seq, want := range map[uint64]int64{1: 1, 2: 1} { // the event of the first was changed by the second
		if came, err := k.ImportCounts(t.Context(), seqset.Of(seq)); err != nil || len(came) != 1 || came[0].Differing != want {
			t.Errorf("of message %d came %+v, %v", seq, came, err)
		}
	}
}
