package normalise_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/agrichat/agrichat/consumers"
	"github.com/agrichat/agrichat/internal/event"
)

// named returns a message and the channel it is in, whose names were read in one way.
func named(t *testing.T, native event.NativeID, at time.Time, r event.Reading, name string) []event.Event {
	t.Helper()
	sent := event.Instant{At: at, Precision: event.PrecisionSecond, Assumed: true}
	out := []event.Event{
		{NativeID: native, Kind: event.KindMessage, Author: event.Person{ID: "user1", Name: name}, Revision: event.Unedited,
			Body: &event.Message{Type: event.TypeMessage, Text: "t"}},
		{NativeID: "farm", Kind: event.KindChannel, Revision: event.Revision("1." + native), Body: &event.ChannelInfo{Name: "#" + name, Type: "group", Topic: name}},
		{NativeID: "user1", Author: event.Person{ID: "user1", Name: name}, Kind: event.KindIdentity, Revision: event.Revision("1." + native), Body: &event.Identity{Username: "@" + name}},
	}
	for i := range out {
		e := &out[i]
		e.Source, e.Namespace, e.Account, e.Sent, e.Reading = "telegram", "net", "me", sent, r
		if e.Kind != event.KindIdentity {
			e.Channel = "farm"
		}
		if err := e.Seal(); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// TestStore_Handle_namesReread holds that names read in a charset that was named later win, in whatever order copies come and also where
// the zone was named with it.
func TestStore_Handle_namesReread(t *testing.T) {
	t.Parallel()
	at := time.Date(2021, 4, 3, 22, 0, 0, 0, time.UTC)
	guess, first, last := event.Reading{Charset: "windows-1252"}, event.Reading{Charset: "koi8-r", CharsetNamed: 1}, event.Reading{Charset: "windows-1251", CharsetNamed: 2}
	// The wrong ones sort last, and came first.
	g1, g2 := named(t, "1", at, guess, "ÿGuess"), named(t, "2", at.Add(time.Minute), guess, "ÿGuess")
	k1, k2 := named(t, "1", at, first, "яKoi"), named(t, "2", at.Add(time.Minute), first, "яKoi")
	w1, w2 := named(t, "1", at.Add(-3*time.Hour), last, "Вера"), named(t, "2", at.Add(-3*time.Hour+time.Minute), last, "Вера")
	for name, c := range map[string]struct {
		events [][]event.Event
		want   string
	}{
		"a guess":           {[][]event.Event{g1, g2}, "ÿGuess"},
		"named":             {[][]event.Event{g1, g2, k1, k2}, "яKoi"},
		"named before":      {[][]event.Event{k1, k2, g1, g2}, "яKoi"},
		"mixed":             {[][]event.Event{k1, g2, g1, k2}, "яKoi"},
		"named twice":       {[][]event.Event{g1, g2, k1, k2, w1, w2}, "Вера"},
		"last named before": {[][]event.Event{w2, w1, k1, k2, g2, g1}, "Вера"},
		"each its turn":     {[][]event.Event{g1, k1, w1, g2, k2, w2}, "Вера"},
		"later ones first":  {[][]event.Event{g2, k2, w2, g1, k1, w1}, "Вера"},
		"backwards":         {[][]event.Event{k2, g2, w1, g1, w2, k1}, "Вера"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, apart := range []bool{false, true} {
				pool := database(t)
				log := deliverEach(t, slices.Concat(c.events...)...)
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
				got := seenBy(t, pool, "SELECT 'channel ' || name FROM agrichat.channels WHERE name <> '' UNION SELECT 'topic ' || topic FROM agrichat.channels WHERE topic <> '' "+
					"UNION SELECT 'person ' || name FROM agrichat.identities UNION SELECT 'username ' || username FROM agrichat.identities "+
					"UNION SELECT 'author ' || author_name FROM agrichat.messages ORDER BY 1")
				if diff := cmp.Diff([]string{"author " + c.want, "channel #" + c.want, "person " + c.want, "topic " + c.want, "username @" + c.want}, got); diff != "" {
					t.Errorf("apart %v: -want +got:\n%s", apart, diff)
				}
			}
		})
	}
}

// TestStore_Handle_channelReread holds that of two events of one instant that name a channel the one in the surer charset wins, whichever
// id it has.
func TestStore_Handle_channelReread(t *testing.T) {
	t.Parallel()
	at := time.Date(2021, 4, 3, 22, 0, 0, 0, time.UTC)
	for _, native := range []event.NativeID{"a", "b", "c", "d", "e"} {
		guessed := named(t, native, at, event.Reading{Charset: "windows-1252"}, "guess")[1]
		settled := named(t, "x", at, event.Reading{Charset: "koi8-r", CharsetNamed: 1}, "Вера")[1]
		for _, events := range [][]event.Event{{guessed, settled}, {settled, guessed}} {
			pool := database(t)
			log := deliverEach(t, events...)
			k := newSystem(t, pool, newListener(log))
			for _, d := range log {
				if err := k.Handle(t.Context(), []consumers.Delivery{d}); err != nil {
					t.Fatal(err)
				}
			}
			if got := seenBy(t, pool, "SELECT name FROM agrichat.channels WHERE name <> ''"); got[0] != "#Вера" {
				t.Errorf("%s: the channel is called %q", native, got)
			}
		}
	}
}
