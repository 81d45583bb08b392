package bus

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"

	"github.com/agrichat/agrichat/consumers"
	"github.com/agrichat/agrichat/internal/clock"
	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/fact"
	"github.com/agrichat/agrichat/internal/fault"
	"github.com/agrichat/agrichat/internal/ingest"
)

// all returns what is on CHAT.
func all(t testing.TB, b *Bus) []consumers.Delivery {
	t.Helper()
	last, err := b.Reader().LastSequence(t.Context())
	must(t, err)
	var out []consumers.Delivery
	must(t, b.Reader().Range(t.Context(), 1, last, false, func(d consumers.Delivery) error {
		out = append(out, d)
		return nil
	}))
	return out
}

func TestPublisher_PublishBatch(t *testing.T) {
	b := newBus(t)
	for _, n := range []int{1, 2, 999, 1000, 2500} {
		before, err := b.Reader().LastSequence(t.Context())
		must(t, err)
		events := sealed(n)
		acks, err := b.Publisher().PublishBatch(t.Context(), events)
		must(t, err)
		if first, last := acks[0].First, acks[len(acks)-1].Last; first != before+1 || last != before+uint64(n) {
			t.Fatalf("%d events after %d stand at %v", n, before, acks)
		}
		i := 0
		must(t, b.Reader().Range(t.Context(), before+1, before+uint64(n), false, func(d consumers.Delivery) error {
			e, err := event.Decode(d.Data)
			if err != nil {
				return err
			}
			if e.ID != events[i].ID || d.EventIDs != e.ID.String() || d.Subject != "chat.test.me.room" {
				t.Fatalf("at %d stands %s (%s)", d.Sequence, e.ID, d.EventIDs)
			}
			i++
			return nil
		}))
		if i != n {
			t.Fatalf("%d of %d found", i, n)
		}
	}
}

func TestPublisher_Begin_order(t *testing.T) {
	b := newBus(t)
	var waits []ingest.Pending
	const batches, size = 40, 25
	for i := range batches {
		events := make([]event.Event, size)
		for j := range events {
			events[j] = one(fmt.Sprintf("%04d-%04d", i, j), "x")
		}
		n, p, err := b.Publisher().Begin(t.Context(), events, false)
		if err != nil || n != size {
			t.Fatal(n, err)
		}
		waits = append(waits, p)
	}
	for _, p := range waits {
		if _, err := p.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	last := event.NativeID("")
	for _, d := range all(t, b) {
		e, err := event.Decode(d.Data)
		must(t, err)
		if e.NativeID <= last {
			t.Fatalf("%s stands behind %s", e.NativeID, last)
		}
		last = e.NativeID
	}
}

func TestPublisher_PublishBatch_contiguous(t *testing.T) {
	ts := newServer(t)
	must(t, ts.connect().Ensure(t.Context()))
	var wg sync.WaitGroup
	for range 4 {
		b := ts.connect()
		wg.Go(func() {
			events := sealed(100)
			for range 10 {
				acks, err := b.Publisher().PublishBatch(t.Context(), events)
				if err != nil {
					t.Error(err)
					return
				}
				i := 0
				err = b.Reader().Range(t.Context(), acks[0].First, acks[0].Last, true, func(d consumers.Delivery) error {
					if d.EventIDs != events[i].ID.String() {
						return fmt.Errorf("another's event at %d", d.Sequence)
					}
					i++
					return nil
				})
				if err != nil || i != len(events) {
					t.Error(i, err)
				}
			}
		})
	}
	wg.Wait()
}

func TestPublisher_PublishLive(t *testing.T) {
	copyOf := func(change func(*event.Event)) event.Event {
		e := one("1", "привет")
		change(&e)
		must(t, e.Seal())
		return e
	}
	for name, c := range map[string]struct {
		second event.Event
		stored int
	}{
		"the same event again is a duplicate":       {copyOf(func(*event.Event) {}), 1},
		"when it was received is not content":       {copyOf(func(e *event.Event) { e.Seen = time.Now() }), 1},
		"another account's copy is stored":          {copyOf(func(e *event.Event) { e.Account = "bob" }), 2},
		"a copy with a fuller text is stored":       {copyOf(func(e *event.Event) { e.Body.(*event.Message).Text = "привет, мир" }), 2},
		"a copy that knows the author is stored":    {copyOf(func(e *event.Event) { e.Author.Name = "Анна" }), 2},
		"a copy with a more precise time is stored": {copyOf(func(e *event.Event) { e.Sent = event.NewInstant(time.Unix(1, 0), event.PrecisionSecond) }), 2},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBus(t)
			e := one("1", "привет")
			must(t, second(b.Publisher().PublishLive(t.Context(), &e)))
			must(t, second(b.Publisher().PublishLive(t.Context(), &c.second)))
			if got := all(t, b); len(got) != c.stored {
				t.Fatalf("%d messages are stored, want %d", len(got), c.stored)
			}
			if e.ID != c.second.ID {
				t.Fatal("the copies are of two events")
			}
		})
	}
	t.Run("a batch may repeat an event", func(t *testing.T) {
		b := newBus(t)
		e := one("1", "привет")
		must(t, second(b.Publisher().PublishLive(t.Context(), &e)))
		must(t, second(b.Publisher().PublishBatch(t.Context(), []event.Event{e, e})))
		if got := all(t, b); len(got) != 3 {
			t.Fatalf("%d messages are stored, want 3", len(got))
		}
	})
}

func TestPublisher_PublishBatch_fullStream(t *testing.T) {
	b := newBus(t, func(c *Config) { c.ChatBytes = 64 << 10 })
	events := sealed(100)
	var err error
	for err == nil {
		_, err = b.Publisher().PublishBatch(t.Context(), events)
	}
	if fault.Of(err) != fault.Transient || fault.RetryAfter(err) == 0 || !strings.Contains(err.Error(), "raise its size limit") {
		t.Fatal(err)
	}
	if n := len(all(t, b)); n%100 != 0 {
		t.Fatalf("%d messages: a batch was stored in part", n)
	}
	for { // what fits alone goes in until that does not fit either
		if _, err = b.Publisher().PublishBatch(t.Context(), events[:1]); err != nil {
			break
		}
	}
	if fault.Of(err) != fault.Transient || fault.RetryAfter(err) == 0 {
		t.Fatal(err)
	}
	s, err := b.c.js.Stream(t.Context(), Chat)
	must(t, err)
	must(t, s.Purge(t.Context()))
	if _, err = b.Publisher().PublishBatch(t.Context(), events); err != nil {
		t.Fatal("drained, and still: ", err)
	}
}

func TestPublisher_Fit(t *testing.T) {
	b := newBus(t)
	most := int(b.c.nc.MaxPayload())
	raw := one("raw", "короткий текст")
	raw.Raw = []byte(strings.Repeat("я", most))
	text := one("text", strings.Repeat("<\x01>", most/3))
	lost := event.Event{Source: "test", Namespace: "net", NativeID: "u", Kind: event.KindUnparsed, Revision: event.Unedited,
		Body: &event.Unparsed{Reason: strings.Repeat("why", most), Offset: 7}, Raw: []byte(strings.Repeat("\x01\xff", most))}
	must(t, lost.Seal())
	when := one("when", "в двадцатитысячном году")
	when.Sent = event.NewInstant(time.Date(20000, 1, 1, 0, 0, 0, 0, time.UTC), event.PrecisionSecond)
	name := one("name", "x")
	name.Author.Name = strings.Repeat("n", most)
	events := append([]event.Event{raw, text, lost, when, name}, sealed(3)...)
	acks, err := b.Publisher().PublishBatch(t.Context(), events)
	must(t, err)
	if len(acks) != 1 || acks[0].Last-acks[0].First != 7 {
		t.Fatal(acks)
	}
	got := all(t, b)
	kinds := make([]event.Kind, len(got))
	for i, d := range got {
		e, err := event.Decode(d.Data)
		must(t, err)
		kinds[i] = e.Kind
		fitted := events[i]
		if i != 3 && i != 4 { // those are not looked at unless they are published
			b.Publisher().Fit(&fitted)
			if fitted.ID != e.ID {
				t.Errorf("event %d: fitted it is %s, published %s", i, fitted.ID, e.ID)
			}
		}
		if u, ok := e.Body.(*event.Unparsed); ok && (u.Reason == "" || i < 3 && len(e.Raw) < 1000) {
			t.Errorf("event %d: reason %q, %d bytes kept", i, u.Reason, len(e.Raw))
		}
	}
	want := []event.Kind{"message", "unparsed", "unparsed", "unparsed", "unparsed", "message", "message", "message"}
	if d := cmp.Diff(want, kinds); d != "" {
		t.Fatal(d)
	}
}

func TestPublisher_Begin_boundedBytes(t *testing.T) {
	b := newBus(t)
	big := strings.Repeat("x", 500<<10)
	acks, err := b.Publisher().PublishBatch(t.Context(), sealed(40, big))
	must(t, err)
	if len(acks) < 2 {
		t.Fatalf("20 MB went as %d batch", len(acks))
	}
	if got := all(t, b); len(got) != 40 {
		t.Fatal(len(got))
	}
}

func TestPublisher_Begin_restart(t *testing.T) {
	ts := newServer(t)
	b := ts.connect()
	must(t, b.Ensure(t.Context()))
	events := sealed(100)
	acked := 0
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			if _, err := b.Publisher().PublishBatch(t.Context(), events); err == nil {
				acked++
			} else if fault.Of(err) != fault.Transient {
				t.Error(err)
			}
		}
	})
	for range 3 {
		ts.stop()
		ts.start()
		reconnected(t, b)
	}
	close(stop)
	wg.Wait()
	if _, err := b.Publisher().PublishBatch(t.Context(), events); err != nil {
		t.Fatal(err)
	}
	if n := len(all(t, b)); n < (acked+1)*100 {
		t.Fatalf("%d batches were acknowledged, %d messages are there", acked+1, n)
	}
}

// reconnected waits until the streams answer again.
func reconnected(t testing.TB, b *Bus) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for {
		if _, err := b.Reader().LastSequence(ctx); err == nil {
			return
		} else if ctx.Err() != nil {
			t.Fatal(err)
		}
		_ = clock.Sleep(ctx, 10*time.Millisecond)
	}
}

func TestPublisher_PublishFacts(t *testing.T) {
	b := newBus(t)
	big := fact.Batch{Source: "test", Namespace: "net", Channel: "room", Version: fact.Version{Generation: 1, Counter: 5}}
	for i := range 3000 {
		big.Messages = append(big.Messages, fact.Message{Thing: fmt.Sprint(i), Text: strings.Repeat("текст ", 50)})
		big.Versions = append(big.Versions, fact.Edition{Event: fmt.Sprint(i)})
	}
	huge := fact.Batch{Source: "test", Namespace: "net", Channel: "other",
		Messages: []fact.Message{{Thing: "huge", Text: strings.Repeat("<", 400<<10)}}}
	must(t, b.Publisher().PublishFacts(t.Context(), []fact.Batch{big, huge, {Source: "test", Namespace: "net"}}))
	c, err := b.Consumer(t.Context(), Facts, Aggregate)
	must(t, err)
	defer c.Close()
	things, editions, tries := map[string]string{}, 0, 0
	for len(things) < 3001 || editions < 3000 {
		if tries++; tries > 50 {
			t.Fatal(len(things), editions)
		}
		msgs, err := c.Fetch(t.Context(), deliverLimits)
		must(t, err)
		for _, m := range msgs {
			f, err := fact.Decode(m.Data)
			must(t, err)
			for _, x := range f.Messages {
				things[x.Thing] = x.Text
			}
			editions += len(f.Versions)
		}
		must(t, c.Ack(msgs))
	}
	if len(things["huge"]) != 400<<10 {
		t.Fatal("a large fact was changed")
	}
	b.settled(t, Facts) // interest retention: what is acknowledged goes
}

// bearing sets the limit of a server for messages in an atomic batch.
func bearing(messages int) func(*server.Options) {
	return func(o *server.Options) { o.JetStreamLimits.MaxBatchSize = messages }
}

// larger lets a bus make batches of so many messages.
func larger(messages int) func(*Config) { return func(c *Config) { c.BatchMessages = messages } }

func TestPublisher_PublishBatch_largeBatches(t *testing.T) {
	b := newServer(t, bearing(2500)).connect(larger(2500))
	must(t, b.Ensure(t.Context()))
	acks, err := b.Publisher().PublishBatch(t.Context(), sealed(5001))
	if d := cmp.Diff([]Ack{{1, 2500}, {2501, 5000}, {5001, 5001}}, acks); err != nil || d != "" {
		t.Fatal(err, d)
	}
}

func TestPublisher_PublishBatch_serverRefusesSize(t *testing.T) {
	b := newServer(t, bearing(300)).connect(larger(4000))
	must(t, b.Ensure(t.Context()))
	events := sealed(1000)
	var waits []ingest.Pending
	for range 3 { // all on their way before the first is refused
		n, p, err := b.Publisher().Begin(t.Context(), events, false)
		if err != nil || n != len(events) {
			t.Fatal(n, err)
		}
		waits = append(waits, p)
	}
	for _, p := range waits {
		if _, err := p.Wait(t.Context()); fault.Of(err) != fault.Transient || !strings.Contains(err.Error(), "smaller") {
			t.Fatal(err)
		}
	}
	if last, err := b.Reader().LastSequence(t.Context()); err != nil || last != 0 {
		t.Fatal("something of a refused batch was stored: ", last, err)
	}
	acks, err := b.Publisher().PublishBatch(t.Context(), events)
	if d := cmp.Diff([]Ack{{1, 300}, {301, 600}, {601, 900}, {901, 1000}}, acks); err != nil || d != "" {
		t.Fatal(err, d)
	}
	for i, d := range all(t, b) {
		if d.EventIDs != events[i].ID.String() {
			t.Fatalf("at %d stands %s", d.Sequence, d.EventIDs)
		}
	}
}

func TestPublisher_Begin_retryAfterTooLarge(t *testing.T) {
	b := newServer(t, bearing(7)).connect(larger(4000))
	must(t, b.Ensure(t.Context()))
	acks, err := b.Publisher().PublishBatch(t.Context(), sealed(20))
	if d := cmp.Diff([]Ack{{1, 7}, {8, 14}, {15, 20}}, acks); err != nil || d != "" {
		t.Fatal(err, d)
	}
	two := fact.Batch{Source: "test", Namespace: "net", Messages: []fact.Message{{Thing: "a"}}}
	must(t, b.Publisher().PublishFacts(t.Context(), slices.Repeat([]fact.Batch{two}, 30)))
	if s, err := b.Stream(t.Context(), Facts); err != nil || s.Last != 30 {
		t.Fatal(s.Last, err)
	}
}

func TestPublisher_adaptLimit(t *testing.T) {
	tooLarge := func(text string) error {
		return fmt.Errorf("publishing: %w", &jetstream.APIError{Code: 400, ErrorCode: 10199, Description: text})
	}
	for _, tt := range []struct {
		err  error
		want int64
	}{
		{tooLarge("atomic publish batch is too large: 1000"), 1000},
		{tooLarge("atomic publish batch is too large: 5000"), 2000}, // of 4000: that cannot be
		{tooLarge("too much"), 2000},
		{tooLarge("atomic publish batch is too large: 0"), 2000},
		{errLost, 4000},
		{&jetstream.APIError{ErrorCode: codeStoreFailed, Description: "no: 7"}, 4000},
	} {
		b := &Bus{publisher: &Publisher{}}
		b.Publisher().maxBatch.Store(4000)
		b.Publisher().adaptLimit(tt.err, 4000)
		if got := b.Publisher().maxBatch.Load(); got != tt.want {
			t.Errorf("%v: %d, want %d", tt.err, got, tt.want)
		}
		b.Publisher().maxBatch.Store(10)
		if b.Publisher().adaptLimit(tt.err, 4000); b.Publisher().maxBatch.Load() != 10 {
			t.Errorf("%v: batches grew to %d", tt.err, b.Publisher().maxBatch.Load())
		}
	}
}

func TestHeaders_message(t *testing.T) {
	b := newBus(t)
	large := one("large", "x")
	large.Raw = []byte(strings.Repeat("я", int(b.c.nc.MaxPayload())))
	events := []event.Event{one("1", "x"), large, one("3", "x"), one("4", "x")}
	must(t, second(b.Publisher().PublishBatch(t.Context(), events)))
	must(t, second(b.Publisher().PublishLive(t.Context(), &events[0])))
	var got []string
	must(t, b.Reader().rangeOf(t.Context(), Chat, 1, 5, false, func(d consumers.Delivery, h nats.Header) error {
		i := int(d.Sequence-1) % len(events)
		if values := h[EventIDHeader]; len(values) != 1 || values[0] != events[i].ID.String() {
			t.Errorf("%d: ids %q", d.Sequence, values)
		}
		got = append(got, fmt.Sprintf("%s commit=%s trimmed=%v once=%v", h.Get(jetstreamext.BatchSeqHeader), h.Get(jetstreamext.BatchCommitHeader),
			h.Get(TrimmedHeader) != "", strings.HasPrefix(h.Get(jetstream.MsgIDHeader), events[i].ID.String())))
		return nil
	}))
	want := []string{"1 commit= trimmed=false once=false", "2 commit= trimmed=true once=false", "3 commit= trimmed=false once=false",
		"4 commit=1 trimmed=false once=false", " commit= trimmed=false once=true"}
	if d := cmp.Diff(want, got); d != "" {
		t.Fatal(d)
	}
}
