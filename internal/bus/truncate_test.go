package bus

import (
	"bytes"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats-server/v2/server"

	"github.com/agrichat/agrichat/internal/fact"
)

// noise returns n bytes that compress badly, of the given alphabet.
func noise(n int, alphabet string) string {
	r := rand.New(rand.NewPCG(1, uint64(n)))
	runes := []rune(alphabet)
	var b strings.Builder
	b.Grow(n + utf8.UTFMax)
	for b.Len() < n {
		b.WriteRune(runes[r.IntN(len(runes))])
	}
	return b.String()
}

const (
	urlAlphabet    = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	escapeAlphabet = "\x01\x02\x03\x04\x05\x06\x07\b\f\n\r\t\x0e\x0f\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f\"\\<>&абвг\u2028\u2029\u007f"
)

// linked returns a message of about so many bytes of links, which its lists repeat.
func linked(firstFactID string, size int) fact.Message {
	var links []string
	for n := 0; n < size; n += 213 {
		links = append(links, "https://x.y/"+noise(200+n%2, urlAlphabet)[:190]+fmt.Sprintf("%010d", n))
	}
	r := rand.New(rand.NewPCG(2, 2))
	for i := range links { // the texts of different links must not repeat each other
		b := []byte(links[i])
		for k := len("https://x.y/"); k < len(b); k++ {
			b[k] = urlAlphabet[r.IntN(len(urlAlphabet))]
		}
		links[i] = string(b)
	}
	return fact.Message{Thing: firstFactID, Text: strings.Join(links, " "), Links: links, Hashtags: []string{"tag"}, Mentions: []string{"anna"}}
}

func room(change func(*fact.Batch)) fact.Batch {
	f := fact.Batch{Version: fact.Version{Generation: 1, Counter: 5}, Source: "test", Namespace: "net", Channel: "room"}
	change(&f)
	return f
}

// consumed returns the batches that hold so many facts together, as a consumer reads them, and acknowledges them.
func (b *Bus) consumed(t *testing.T, facts int) (out []fact.Batch) {
	t.Helper()
	c, err := b.Consumer(t.Context(), Facts, Aggregate)
	must(t, err)
	defer c.Close()
	for n, tries := 0, 0; n < facts; tries++ {
		if tries > 50 {
			t.Fatalf("%d of %d facts came", n, facts)
		}
		msgs, err := c.Fetch(t.Context(), deliverLimits)
		must(t, err)
		for _, m := range msgs {
			f, err := fact.Decode(m.Data)
			must(t, err)
			n += f.Len()
			out = append(out, *f)
		}
		must(t, c.Ack(msgs))
	}
	return out
}

func payload(most int32) func(*server.Options) {
	return func(o *server.Options) { o.MaxPayload = most }
}

func TestPublisher_PublishFacts_tooLarge(t *testing.T) {
	// The servers take less than usual, for compression is slow under the race detector.
	escapes := fact.Message{Thing: "escapes", Text: noise(112_500, escapeAlphabet), Links: []string{"https://x.y/"}}
	name := noise(187_500, urlAlphabet)
	for _, c := range []struct {
		name    string
		payload int32
		batch   fact.Batch
		text    bool // all of the text
		whole   bool // all of the fact
	}{
		{"0.8 MB of links on 1 MB", 1 << 20, room(func(f *fact.Batch) { f.Messages = []fact.Message{linked("links", 800_000)} }), true, false},
		{"110 kB of escapes on 128 kB", 128 << 10, room(func(f *fact.Batch) { f.Messages = []fact.Message{escapes} }), true, true},
		{"250 kB of escapes on 128 kB", 128 << 10, room(func(f *fact.Batch) {
			f.Messages = []fact.Message{{Thing: "escapes", Text: noise(250_000, escapeAlphabet)}}
		}), false, false},
		{"190 kB of links on 128 kB", 128 << 10, room(func(f *fact.Batch) { f.Messages = []fact.Message{linked("links", 187_500)} }), false, false},
		{"names of messages", 128 << 10, room(func(f *fact.Batch) {
			f.Messages = []fact.Message{{Thing: "m", Text: "short", AuthorName: name}}
		}), true, false},
		{"attachments and accounts", 128 << 10, room(func(f *fact.Batch) {
			f.Messages = []fact.Message{{Thing: "m", Text: "short", Media: []string{name}, Accounts: []string{name}}}
		}), true, false},
		{"ids", 128 << 10, room(func(f *fact.Batch) {
			f.Messages = []fact.Message{{Thing: "m", Text: "short", ReplyTo: name, Thread: name}}
		}), true, false},
		{"reactions", 128 << 10, room(func(f *fact.Batch) { f.Reactions = []fact.Reaction{{Thing: "r", Emoji: name, PersonName: name}} }), true, false},
		{"memberships", 128 << 10, room(func(f *fact.Batch) { f.Memberships = []fact.Membership{{Thing: "m", Name: name}} }), true, false},
		{"channels", 128 << 10, room(func(f *fact.Batch) { f.Channels = []fact.Channel{{Name: name, Topic: name}} }), true, false},
		{"identities", 128 << 10, room(func(f *fact.Batch) { f.Identities = []fact.Identity{{Key: "k", ID: name, Name: name, Username: name}} }), true, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			var log bytes.Buffer
			b := newServer(t, payload(c.payload)).connect(func(cfg *Config) { cfg.Log = slog.New(slog.NewTextHandler(&log, nil)) })
			must(t, b.Ensure(t.Context()))
			c.batch.SetHashes()
			before := must2(fact.Encode(&c.batch))(t)
			var got []fact.Batch
			for range 2 { // the same fact is cut the same way every time
				must(t, b.Publisher().PublishFacts(t.Context(), []fact.Batch{c.batch}))
				got = append(got, b.consumed(t, 1)...)
			}
			if !bytes.Equal(before, must2(fact.Encode(&c.batch))(t)) {
				t.Error("the caller's fact was changed")
			}
			if d := cmp.Diff(got[0], got[1]); d != "" || len(got) != 2 {
				t.Errorf("published %d times, differing by %.1000s", len(got), d)
			}
			if warned := strings.Contains(log.String(), "level=WARN"); got[0].Truncated == c.whole || warned == c.whole || c.whole != (b.Publisher().truncated.Load() == 0) {
				t.Errorf("truncated %v, %d times; log %.1000s", got[0].Truncated, b.Publisher().truncated.Load(), log.String())
			}
			for i, m := range got[0].Messages {
				want := c.batch.Messages[i]
				if m.Hash != want.Hash || m.Hash.IsZero() {
					t.Errorf("the hash of %s is %x, and of the whole %x", m.Thing, m.Hash, want.Hash)
				}
				if m.Thing != want.Thing || m.Text == "" || !strings.HasPrefix(want.Text, m.Text) || c.text != (m.Text == want.Text) {
					t.Errorf("%d of %d bytes of the text of %s are left", len(m.Text), len(want.Text), m.Thing)
				}
				if len(m.Text) < len(want.Text)/3 {
					t.Errorf("only %d of %d bytes of text are left", len(m.Text), len(want.Text))
				}
			}
		})
	}
}

func TestPublisher_PublishFacts_oneOfManyTooLarge(t *testing.T) {
	b := newBus(t)
	f := room(func(f *fact.Batch) {
		for i := range 40 {
			f.Messages = append(f.Messages, fact.Message{Thing: fmt.Sprint(i), Text: "hello", Links: []string{"https://x.y/"}})
			f.Versions = append(f.Versions, fact.Edition{Event: fmt.Sprint(i)})
		}
		f.Messages[3] = linked("3", 1_500_000)
	})
	must(t, b.Publisher().PublishFacts(t.Context(), []fact.Batch{f}))
	got := map[string]fact.Message{}
	for _, f := range b.consumed(t, 80) {
		for _, m := range f.Messages {
			got[m.Thing] = m
			if f.Truncated != (m.Thing == "3") {
				t.Errorf("message %s: truncated is %v", m.Thing, f.Truncated)
			}
		}
	}
	for i, m := range f.Messages {
		if d := cmp.Diff(m, got[m.Thing]); i != 3 && d != "" {
			t.Error(d)
		}
	}
	if m := got["3"]; len(m.Text) < 1_000_000 || len(m.Links) > 0 || m.Hashtags == nil || m.Mentions == nil {
		t.Errorf("%d bytes of text, %d links, %v, %v", len(m.Text), len(m.Links), m.Hashtags, m.Mentions)
	}
}

func TestPublisher_PublishFacts_smallStream(t *testing.T) {
	b := newServer(t, payload(8<<20)).connect(func(c *Config) { c.FactsBytes = 256 << 10 })
	must(t, b.Ensure(t.Context()))
	many := room(func(f *fact.Batch) {
		for i := range 200 {
			f.Messages = append(f.Messages, fact.Message{Thing: fmt.Sprint(i), Text: noise(800, urlAlphabet)})
		}
	})
	must(t, b.Publisher().PublishFacts(t.Context(), []fact.Batch{many}))
	for _, f := range b.consumed(t, 200) {
		if data := must2(fact.Encode(&f))(t); len(data) > 32<<10 || f.Truncated {
			t.Errorf("a message of %d bytes of facts, truncated: %v", len(data), f.Truncated)
		}
	}
	b.settled(t, Facts)
	must(t, b.Publisher().PublishFacts(t.Context(), []fact.Batch{room(func(f *fact.Batch) { f.Messages = []fact.Message{linked("1", 400_000)} })}))
	if got := b.consumed(t, 1); !got[0].Truncated || len(got[0].Messages[0].Text) < 100_000 {
		t.Errorf("truncated %v, %d bytes of text", got[0].Truncated, len(got[0].Messages[0].Text))
	}
}
