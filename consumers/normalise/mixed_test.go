package normalise_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/agrichat/agrichat/internal/event"
)

// TestReports_Mixed holds that messages are found which share a minute with ones from before a sequence, by the clocks of whichever zone they were
// read in, and none that are in minutes of their own.
func TestReports_Mixed(t *testing.T) {
	t.Parallel()
	line := func(name string, hour, minute int, zone string) event.Event {
		in, err := time.LoadLocation(zone)
		if err != nil {
			t.Fatal(err)
		}
		e := event.Event{Source: "whatsapp", Namespace: "whatsapp:me", Account: "me", Channel: "Farm", NativeID: event.NativeID("k" + event.Digest(name)),
			Kind: event.KindMessage, Author: event.Person{ID: "Ann"}, Revision: event.Unedited, Body: &event.Message{Type: event.TypeMessage, Text: name},
			Sent: event.Instant{At: time.Date(2024, 1, 25, hour, minute, 0, 0, in).UTC(), Precision: event.PrecisionMinute, Zone: zone, Assumed: true}}
		if name == "numbered" {
			e.NativeID = "17"
		}
		if err := e.Seal(); err != nil {
			t.Fatal(err)
		}
		return e
	}
	log := deliverEach(t,
		line("early", 9, 59, "UTC"), line("old", 10, 0, "UTC"), line("berlin", 10, 1, "Europe/Berlin"), line("own", 10, 4, "Local"),
		line("new", 10, 0, "UTC"), line("york", 10, 1, "America/New_York"), line("late", 10, 2, "UTC"), line("numbered", 9, 59, "UTC"))
	k := newSystem(t, database(t), newListener(log))
	if err := k.Handle(t.Context(), log); err != nil {
		t.Fatal(err)
	}
	mixed, err := k.Mixed(t.Context(), []string{event.ChannelKey("whatsapp", "whatsapp:me", "Farm").String()}, 5)
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]string{}
	for _, name := range []string{"early", "old", "berlin", "own", "new", "york", "late"} {
		names["k"+event.Digest(name)] = name
	}
	var got []string
	for _, m := range mixed {
		got = append(got, fmt.Sprint(m.Minute%60, " ", names[m.ID], " ", m.Fresh))
	}
	slices.Sort(got)
	if diff := cmp.Diff([]string{"0 new true", "0 old false", "1 berlin false", "1 york true"}, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
