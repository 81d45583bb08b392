package bus

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/agrichat/agrichat/consumers"
	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/fault"
)

// in puts events into a channel.
func in(channel event.Channel, events []event.Event) []event.Event {
	for i := range events {
		events[i].Channel = channel
		if err := events[i].Seal(); err != nil {
			panic(err)
		}
	}
	return events
}

// carried returns what is on CHAT, event by event, and how many events each message carries.
func carried(t *testing.T, b *Bus) (ids []string, sizes []int) {
	t.Helper()
	for _, d := range all(t, b) {
		named := slices.Collect(d.IDs())
		i := 0
		for data := range d.Envelopes() {
			e, err := event.Decode(data)
			must(t, err)
			if e.ID.String() != named[i] || ChatSubject(e) != d.Subject {
				t.Fatalf("line %d of %d is %s on %s, and the header says %s", i, d.Sequence, e.ID, d.Subject, named[i])
			}
			i++
		}
		if i != len(named) || d.Events() != i || d.IsBundle() != (i > 1) {
			t.Fatalf("message %d has %d lines and names %d events", d.Sequence, i, d.Events())
		}
		ids, sizes = append(ids, named...), append(sizes, i)
	}
	return ids, sizes
}

func idsOf(events []event.Event) []string {
	var out []string
	for i := range events {
		out = append(out, events[i].ID.String())
	}
	return out
}

func TestPublisher_PublishBatch_bundles(t *testing.T) {
	b := newBus(t, func(c *Config) { c.BundleEvents = 100 })
	long := strings.Repeat("я", 10_000) // twenty-four of them fit
	var events []event.Event
	events = append(events, in("a", sealed(250))...)
	events = append(events, in("b", sealed(3))...)
	events = append(events, in("a", sealed(1, "again"))...)
	events = append(events, in("c", sealed(70, long))...)
	acks, err := b.Publisher().PublishBatch(t.Context(), events)
	must(t, err)
	ids, sizes := carried(t, b)
	if !slices.Equal(ids, idsOf(events)) {
		t.Error("they do not stand in the order in which they were published")
	}
	if want := []int{100, 100, 50, 3, 1, 24, 24, 22}; !slices.Equal(sizes, want) {
		t.Errorf("the messages carry %v events, want %v", sizes, want)
	}
	if want := []Ack{{1, 1}, {2, 2}, {3, 8}}; !slices.Equal(acks, want) { // a full one that comes first needs no batch
		t.Errorf("acknowledged: %v", acks)
	}
	var named []string
	must(t, b.Reader().Range(t.Context(), 1, 8, true, func(d consumers.Delivery) error {
		named = slices.AppendSeq(named, d.IDs())
		return nil
	}))
	if !slices.Equal(named, ids) {
		t.Error("the headers alone name other events")
	}
}

// TestBundler_fits holds that a message and what hangs on it are in one bundle where they can: side by side, two transactions that
// store them write the same row.
func TestBundler_fits(t *testing.T) {
	reactions := func(native string) event.Event {
		e := event.Event{
			Source: "test", Namespace: "net", Account: "me", Channel: "room", NativeID: event.NativeID(native + "#r"), Kind: event.KindReactions,
			Revision: "t1",
			Body:     &event.Reactions{Target: event.NativeID(native), Counts: []event.ReactionCount{{Emoji: "👍", Count: 2}}},
		}
		must(t, e.Seal())
		return e
	}
	edited := one("9", "слово 9")
	edited.Revision = "t2"
	must(t, edited.Seal())
	for _, c := range []struct {
		name   string
		events []event.Event
		want   []int
	}{
		{"reactions behind the last", slices.Concat(in("room", sealed(10)), []event.Event{reactions("9")}), []int{9, 2}},
		{"an edit behind the last", slices.Concat(in("room", sealed(10)), []event.Event{edited}), []int{9, 2}},
		{"both", slices.Concat(in("room", sealed(9)), []event.Event{one("9", "слово 9"), edited, reactions("9")}), []int{9, 3}},
		{"room for them", slices.Concat(in("room", sealed(9)), []event.Event{reactions("8")}, in("room", sealed(1, "again"))), []int{10, 1}},
		{"of another message", slices.Concat(in("room", sealed(10)), []event.Event{reactions("3")}), []int{10, 1}},
		{"more than a bundle", slices.Concat(in("room", sealed(1)), slices.Repeat([]event.Event{reactions("0")}, 14)), []int{10, 5}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBus(t, func(c *Config) { c.BundleEvents = 10 })
			_, err := b.Publisher().PublishBatch(t.Context(), c.events)
			must(t, err)
			if ids, sizes := carried(t, b); !slices.Equal(sizes, c.want) || !slices.Equal(ids, idsOf(c.events)) {
				t.Errorf("the messages carry %v events, want %v", sizes, c.want)
			}
		})
	}
}

// TestPublisher_PublishBatch_oneEventAMessage holds that operators can have each event in a message of its own, for programs that do not know bundles.
func TestPublisher_PublishBatch_oneEventAMessage(t *testing.T) {
	b := newBus(t, func(c *Config) { c.BundleEvents = 1 })
	_, err := b.Publisher().PublishBatch(t.Context(), sealed(5))
	must(t, err)
	if _, sizes := carried(t, b); !slices.Equal(sizes, []int{1, 1, 1, 1, 1}) {
		t.Errorf("the messages carry %v events", sizes)
	}
}

// TestPublisher_PublishBatch_trimmed holds that the header of a trimmed event is about one event.
func TestPublisher_PublishBatch_trimmed(t *testing.T) {
	b := newBus(t, bundled)
	events := sealed(5)
	events[2].Raw = []byte(strings.Repeat("x", 2<<20))
	_, err := b.Publisher().PublishBatch(t.Context(), events)
	must(t, err)
	if ids, sizes := carried(t, b); !slices.Equal(sizes, []int{2, 1, 2}) || !slices.Equal(ids, idsOf(events)) {
		t.Errorf("the messages carry %v events", sizes)
	}
	m, err := must2(b.c.js.Stream(t.Context(), Chat))(t).GetMsg(t.Context(), 2)
	must(t, err)
	if m.Header.Get(TrimmedHeader) == "" {
		t.Errorf("%v", m.Header)
	}
}

func must2[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		must(t, err)
		return v
	}
}

// TestPublisher_PublishBatch_limitOfServer holds that messages are counted, not events, and that nothing is lost or reordered when the limit is adapted.
func TestPublisher_PublishBatch_limitOfServer(t *testing.T) {
	ts := newServer(t, bearing(3))
	b := ts.connect(bundled)
	must(t, b.Ensure(t.Context()))
	var events []event.Event
	for i := range 20 {
		events = append(events, in(event.Channel(fmt.Sprint("c", i)), sealed(2))...)
	}
	_, err := b.Publisher().PublishBatch(t.Context(), events)
	must(t, err)
	ids, sizes := carried(t, b)
	if !slices.Equal(ids, idsOf(events)) {
		t.Errorf("published were %d events in %v", len(ids), sizes)
	}
}

// TestPublisher_Begin_liveBundle holds that only a single live event has Nats-Msg-Id: what a batch repeats is legal.
func TestPublisher_Begin_liveBundle(t *testing.T) {
	b := newBus(t, bundled)
	for _, n := range []int{2, 2, 1, 1} {
		sent, p, err := b.Publisher().Begin(t.Context(), sealed(n), true)
		must(t, err)
		if _, err := p.Wait(t.Context()); err != nil || sent != n {
			t.Fatal(sent, err)
		}
	}
	if _, sizes := carried(t, b); !slices.Equal(sizes, []int{2, 2, 1}) {
		t.Errorf("the messages carry %v events", sizes)
	}
	m, err := must2(b.c.js.Stream(t.Context(), Chat))(t).GetMsg(t.Context(), 3)
	must(t, err)
	if m.Header.Get(jetstream.MsgIDHeader) == "" {
		t.Error("a single live event can be stored twice")
	}
}

// TestPublisher_Begin_concurrent publishes from several goroutines at once what is compared afterwards: a buffer that is reused while
// it is being sent would show.
func TestPublisher_Begin_concurrent(t *testing.T) {
	b := newBus(t, bundled)
	done := make(chan error)
	for g := range 4 {
		go func() {
			done <- func() error {
				for i := range 30 {
					if _, err := b.Publisher().PublishBatch(context.Background(), in(event.Channel(fmt.Sprint("g", g)), sealed(200, fmt.Sprint(g, " ", i)))); err != nil {
						return err
					}
				}
				return nil
			}()
		}()
	}
	for range 4 {
		must(t, <-done)
	}
	if ids, _ := carried(t, b); len(ids) != 4*30*200 {
		t.Errorf("%d events", len(ids))
	}
}

// TestBundle_culpritIsSplitOff has a handler refuse two events of a hundred: the others are stored, and only these two become
// dead letters.
func TestBundle_culpritIsSplitOff(t *testing.T) {
	b := newBus(t, bundled)
	events := sealed(350)
	_, err := b.Publisher().PublishBatch(t.Context(), events)
	must(t, err)
	want := idsOf([]event.Event{events[150], events[199]})
	consume(t, b, &ledger{fail: func(batch []consumers.Delivery) error {
		for _, d := range batch {
			if d.Carries(want[0]) || d.Carries(want[1]) {
				return fault.AsPoison(errors.New("cannot be stored"))
			}
		}
		return nil
	}}, len(events))
	var culprit []string
	for _, l := range deadLetters(t, b) {
		culprit = append(culprit, l.EventID)
	}
	slices.Sort(culprit)
	slices.Sort(want)
	if !slices.Equal(culprit, want) {
		t.Errorf("dead letters: %v, want %v", culprit, want)
	}
}

// TestPublisher_PublishBatch_smallServer holds that a bundle, with the ids in its header, is no larger than what the server takes.
func TestPublisher_PublishBatch_smallServer(t *testing.T) {
	ts := newServer(t, func(o *server.Options) { o.MaxPayload = 12 << 10 })
	b := ts.connect(bundled)
	must(t, b.Ensure(t.Context()))
	events := sealed(300)
	_, err := b.Publisher().PublishBatch(t.Context(), events)
	must(t, err)
	if ids, sizes := carried(t, b); !slices.Equal(ids, idsOf(events)) || len(sizes) < 5 || len(sizes) > 20 {
		t.Errorf("%d events are in %v", len(ids), sizes)
	}
}

// alternating makes events of n chats that take turns.
func alternating(chats, each int) []event.Event {
	var events []event.Event
	byChat := make([][]event.Event, chats)
	for c := range byChat {
		byChat[c] = in(event.Channel(fmt.Sprint("alternating", c)), sealed(each))
	}
	for i := range each {
		for c := range byChat {
			events = append(events, byChat[c][i])
		}
	}
	return events
}

func TestPublisher_PublishBatch_alternating(t *testing.T) {
	ts := newServer(t, bearing(4000))
	b := ts.connect(bundled, larger(4000))
	must(t, b.Ensure(t.Context()))
	for _, c := range []struct{ chats, each, messages int }{{2, 1000, 4}, {50, 40, 50}, {1000, 2, 1000}, {1, 10, 1}} {
		t.Run(fmt.Sprint(c.chats), func(t *testing.T) {
			s := must2(b.Stream(t.Context(), Chat))(t)
			events := alternating(c.chats, c.each)
			_, err := b.Publisher().PublishBatch(t.Context(), events)
			must(t, err)
			if got := must2(b.Stream(t.Context(), Chat))(t).Last - s.Last; got != uint64(c.messages) {
				t.Errorf("%d events of %d chats are in %d messages, want %d", len(events), c.chats, got, c.messages)
			}
			byChat, got := map[string][]string{}, map[string][]string{}
			for i := range events {
				byChat[ChatSubject(&events[i])] = append(byChat[ChatSubject(&events[i])], events[i].ID.String())
			}
			must(t, b.Reader().Range(t.Context(), s.Last+1, s.Last+uint64(c.messages), false, func(d consumers.Delivery) error {
				named := slices.Collect(d.IDs())
				got[d.Subject] = append(got[d.Subject], named...)
				i := 0
				for data := range d.Envelopes() {
					if e, err := event.Decode(data); err != nil || e.ID.String() != named[i] || ChatSubject(e) != d.Subject {
						t.Errorf("line %d of %d: %v, the header says %s", i, d.Sequence, err, named[i])
					}
					i++
				}
				return nil
			}))
			if !maps.EqualFunc(byChat, got, slices.Equal) {
				t.Error("within a chat they do not stand in the order in which they were published")
			}
		})
	}
}

// TestBundler_pack_bounds holds that what alternates is bounded by the messages of a batch, and that a trimmed event keeps its place
// in its chat.
func TestBundler_pack_bounds(t *testing.T) {
	events := alternating(10, 20)
	events[101].Raw = []byte(strings.Repeat("x", 64<<10))
	k := &bundler{most: 32 << 10, bundle: 8}
	ids := map[string][]string{}
	for rest := events; len(rest) > 0; {
		k.data, k.ids, k.entries, k.bundles, k.runs = nil, nil, nil, nil, 0
		clear(k.open)
		n, err := k.pack(rest, 12)
		must(t, err)
		messages := k.messages(12)
		carried := 0
		for _, p := range messages {
			named := strings.Split(p.ids, event.IDSeparator)
			ids[p.subject] = append(ids[p.subject], named...)
			carried += len(named)
			if len(named) > 8 || p.header != nil && len(named) > 1 || len(p.data) > k.most {
				t.Errorf("a message of %d bytes carries %d events, with headers %v", len(p.data), len(named), p.header)
			}
		}
		if n == 0 || carried != n || len(messages) > 12 {
			t.Fatalf("%d of %d events are packed, in %d messages", carried, n, len(messages))
		}
		rest = rest[n:]
	}
	for c := range 10 {
		var want []string
		for i := c; i < len(events); i += 10 {
			want = append(want, events[i].ID.String())
		}
		if got := ids[ChatSubject(&events[c])]; !slices.Equal(got, want) {
			t.Errorf("chat %d has %d events, or in another order", c, len(got))
		}
	}
}
