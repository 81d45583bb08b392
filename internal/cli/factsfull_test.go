package cli_test

import (
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/agrichat/agrichat/internal/bus"
	"github.com/agrichat/agrichat/internal/event"
)

// metric returns the value of a metric without labels; has is false where there is none.
func metric(t *testing.T, url, name string) (value float64, has bool) {
	t.Helper()
	_, text := get(t, url+"/metrics")
	m := regexp.MustCompile(`(?m)^` + name + ` (\S+)$`).FindStringSubmatch(text)
	if m == nil {
		return 0, false
	}
	value, err := strconv.ParseFloat(m[1], 64)
	if err != nil {
		t.Fatal(err)
	}
	return value, true
}

// TestImport_FactsFull has nobody take facts from a stream of one megabyte while three thousand messages are stored: all of them are, the
// facts that found no room are counted, and they come to ClickHouse once somebody takes them.
func TestImport_FactsFull(t *testing.T) {
	t.Parallel()
	const messages = 3000
	w := newOutside(t).with("AGRICHAT_NATS_FACTS_MAX_BYTES=1MB", "AGRICHAT_NORMALISE_BATCH=20")
	where := regexp.MustCompile(`at (http://\S+);`)
	w.run("migrate").want(0)
	normaliser := w.start("ready;", "consume", "normalise")
	at := where.FindStringSubmatch(normaliser.err.String())[1]
	w.publishMessages(messages)
	stored := "0"
	eventually(t, "all messages are stored while FACTS is full", func() bool {
		stored = w.ask("SELECT count(*)::text FROM agrichat.events")[0]
		return stored == fmt.Sprint(messages)
	})
	eventually(t, "unpublished transactions are counted", func() bool {
		n, _ := metric(t, at, "agrichat_normalise_unpublished_transactions")
		age, _ := metric(t, at, "agrichat_normalise_unpublished_age_seconds")
		return n > 0 && age > 0
	})
	if status, text := get(t, at+"/readyz"); status != http.StatusOK {
		t.Errorf("while FACTS is full /readyz answers %d %s", status, text)
	}
	aggregator := w.start("ready;", "consume", "aggregate")
	other := where.FindStringSubmatch(aggregator.err.String())[1]
	if _, has := metric(t, other, "agrichat_normalise_unpublished_transactions"); has {
		t.Error("a role that does not normalise counts unpublished transactions")
	}
	eventually(t, "all facts are published", func() bool {
		n, has := metric(t, at, "agrichat_normalise_unpublished_transactions")
		return has && n == 0
	})
	if c := w.equal(); c.ClickHouse != messages {
		t.Errorf("verify says %+v", c)
	}
	normaliser.stop().want(0)
	aggregator.stop().want(0)
}

// publishMessages publishes messages of one chat, each by itself, as many live sources do.
func (w *world) publishMessages(n int) {
	w.t.Helper()
	b, err := bus.Connect(w.t.Context(), bus.Config{URLs: []string{w.variable("AGRICHAT_NATS_URLS")}, BundleEvents: 1})
	if err != nil {
		w.t.Fatal(err)
	}
	defer b.Close()
	var events []event.Event
	for i := range n {
		e := event.Event{Source: "test", Namespace: "n", Channel: "c", Kind: event.KindMessage, NativeID: event.NativeID(fmt.Sprint(i)),
			Revision: event.Unedited, Body: &event.Message{Type: event.TypeMessage, Text: strings.Repeat(fmt.Sprintf("%d words ", i), 50)}}
		if err := e.Seal(); err != nil {
			w.t.Fatal(err)
		}
		events = append(events, e)
	}
	if _, err := b.Publisher().PublishBatch(w.t.Context(), events); err != nil {
		w.t.Fatal(err)
	}
}
