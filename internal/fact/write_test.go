package fact_test

import (
	"bytes"
	"encoding/json"
	"os"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/agrichat/agrichat/internal/fact"
)

func times() *rapid.Generator[*time.Time] {
	return rapid.Custom(func(t *rapid.T) *time.Time {
		if rapid.Bool().Draw(t, "none") {
			return nil
		}
		v := time.UnixMicro(rapid.Int64Range(-60_000_000_000_000_000, 260_000_000_000_000_000).Draw(t, "micros")).UTC()
		return &v // some of them later than the year 9999, which JSON does not take
	})
}

// hashes are known or not.
func hashes() *rapid.Generator[fact.Hash] {
	return rapid.Custom(func(t *rapid.T) (h fact.Hash) {
		if rapid.Bool().Draw(t, "known") {
			copy(h[:], rapid.SliceOfN(rapid.Byte(), len(h), len(h)).Draw(t, "bytes"))
		}
		return h
	})
}

// texts hold what an encoder of our own gets wrong.
func texts() *rapid.Generator[string] {
	return rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{
		"", "<&>\"\\/", "0123456<", "01234567&", "\u2028 at the end of this\u2029", "well — said", "длинная строка без всего", "eight of \xff", "\x00\x1f\x7f\b\f\n\r\t", "\u2027\u2028\u2029", "\xe2\x80", "\xff\xfeя", "🙂", "\xed\xa0\x80", "\ufffd",
	}))
}

func batches() *rapid.Generator[*fact.Batch] {
	lists := rapid.SliceOfN(texts(), 0, 2)
	return rapid.Custom(func(t *rapid.T) *fact.Batch {
		text := func(name string) string { return texts().Draw(t, name) }
		b := &fact.Batch{Version: versions().Draw(t, "version"), Source: text("source"), Namespace: text("namespace"),
			Channel: text("channel"), ChannelKey: text("key"), RepublishID: text("again"),
			Truncated: rapid.Bool().Draw(t, "truncated")}
		for range rapid.IntRange(0, 2).Draw(t, "messages") {
			b.Messages = append(b.Messages, fact.Message{Thing: text("thing"), ExternalID: text("id"), Kind: text("kind"),
				AuthorKey: text("author key"), Author: text("author"), AuthorName: text("author name"), SentAt: times().Draw(t, "sent"),
				Precision: rapid.Uint8().Draw(t, "precision"), Assumed: rapid.Bool().Draw(t, "assumed"), Text: text("text"),
				Revision: text("revision"), EditedAt: times().Draw(t, "edited"), Deleted: rapid.Bool().Draw(t, "deleted"),
				DeletedAt: times().Draw(t, "deleted at"), ReplyTo: text("reply"), Thread: text("thread"),
				Forwarded: rapid.Bool().Draw(t, "forwarded"), Action: text("action"), Media: lists.Draw(t, "media"),
				Links: lists.Draw(t, "links"), Hashtags: lists.Draw(t, "hashtags"), Mentions: lists.Draw(t, "mentions"),
				Accounts: lists.Draw(t, "accounts"), Position: rapid.Uint64().Draw(t, "sequence"), Hash: hashes().Draw(t, "hash")})
		}
		for range rapid.IntRange(0, 2).Draw(t, "versions") {
			b.Versions = append(b.Versions, fact.Edition{Event: text("event"), Thing: text("thing"), Kind: text("kind"),
				Revision: text("revision"), SentAt: times().Draw(t, "sent"), Position: rapid.Uint64().Draw(t, "sequence"), Hash: hashes().Draw(t, "hash")})
		}
		for range rapid.IntRange(0, 2).Draw(t, "reactions") {
			b.Reactions = append(b.Reactions, fact.Reaction{Thing: text("thing"), Message: text("message"), Target: text("target"),
				PersonKey: text("person key"), Person: text("person"), PersonName: text("person name"), Emoji: text("emoji"),
				Count: rapid.Uint32().Draw(t, "count"), At: times().Draw(t, "at"), Removed: rapid.Bool().Draw(t, "removed"), Hash: hashes().Draw(t, "hash")})
		}
		for range rapid.IntRange(0, 2).Draw(t, "memberships") {
			b.Memberships = append(b.Memberships, fact.Membership{Thing: text("thing"), IdentityKey: text("identity key"),
				Identity: text("identity"), Name: text("name"), State: text("state"), At: times().Draw(t, "at"), Hash: hashes().Draw(t, "hash")})
		}
		for range rapid.IntRange(0, 2).Draw(t, "channels") {
			b.Channels = append(b.Channels, fact.Channel{Name: text("name"), Type: text("type"), Topic: text("topic"), Hash: hashes().Draw(t, "hash")})
		}
		for range rapid.IntRange(0, 2).Draw(t, "identities") {
			b.Identities = append(b.Identities, fact.Identity{Key: text("key"), Namespace: text("namespace"), ID: text("id"),
				Name: text("name"), Username: text("username"), Bot: rapid.Bool().Draw(t, "bot"), Hash: hashes().Draw(t, "hash")})
		}
		for range rapid.IntRange(0, 2).Draw(t, "sightings") {
			b.Sightings = append(b.Sightings, fact.Sighting{ID: text("id"), Event: text("event"), Thing: text("thing"),
				Account: text("account"), Removed: rapid.Bool().Draw(t, "removed"), Hash: hashes().Draw(t, "hash")})
		}
		return b
	})
}

func TestEncode_AsJSON(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		b := batches().Draw(t, "batch")
		got, err := fact.Encode(b)
		want, wantErr := json.Marshal(b)
		if (err == nil) != (wantErr == nil) || string(got) != string(want) {
			t.Errorf("written as %s, %v\nnot as     %s, %v", got, err, want, wantErr)
		}
	})
}

// TestEncode_Golden holds that batches of an earlier writer are read, and written byte for byte as they were.
func TestEncode_Golden(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("testdata/batches.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	lines := bytes.Split(bytes.TrimSuffix(data, []byte("\n")), []byte("\n"))
	if len(lines) < 19 {
		t.Fatalf("only %d batches", len(lines))
	}
	var r fact.Reader
	for i, want := range lines {
		b, err := r.Read(want)
		if err != nil {
			t.Fatalf("line %d: %v", i+1, err)
		}
		if got, err := fact.Encode(b); err != nil || !bytes.Equal(got, want) {
			t.Errorf("line %d is written as %s, %v\nnot as %s", i+1, got, err, want)
		}
	}
}

// thousand is messages as an import brings them.
func thousand() *fact.Batch {
	now := time.Now().UTC().Truncate(time.Second)
	f := &fact.Batch{Source: "telegram", Namespace: "telegram", Channel: "supergroup:1"}
	for range 1000 {
		f.Messages = append(f.Messages, fact.Message{Thing: "f5ca162353898eee77dc516bd914432c", ExternalID: "123456", Kind: "message",
			AuthorKey: "f5ca162353898eee77dc516bd914432c", Author: "user123", AuthorName: "Иван Петров", SentAt: &now, Precision: 3,
			Text: "привет, как дела? а у меня всё хорошо, спасибо", Revision: "0", Accounts: []string{"import"}, Position: 12345})
		f.Versions = append(f.Versions, fact.Edition{Event: "f5ca162353898eee77dc516bd914432c", Thing: "f5ca162353898eee77dc516bd914432c",
			Kind: "message", Revision: "0", SentAt: &now, Position: 12345})
	}
	f.SetHashes()
	return f
}

func BenchmarkBatch_SetHashes(b *testing.B) {
	f := thousand()
	b.ReportAllocs()
	for b.Loop() {
		f.SetHashes()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1000, "ns/message")
}

func BenchmarkEncode(b *testing.B) {
	f := thousand()
	for name, encode := range map[string]func(*fact.Batch) ([]byte, error){
		"ours": fact.Encode, "encoding-json": func(f *fact.Batch) ([]byte, error) { return json.Marshal(f) },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := encode(f); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1000, "ns/message")
		})
	}
}
