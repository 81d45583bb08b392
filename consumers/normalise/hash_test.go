package normalise_test

import (
	"encoding/hex"
	"math"
	"math/rand/v2"
	"os"
	"regexp"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/fact"
)

var publishedHash = regexp.MustCompile(`"hash":"([^"]+)"`)

// hashes are those that were published, by kind and id.
func (l *listener) hashes(t *testing.T) map[string]fact.Hash {
	t.Helper()
	out := map[string]fact.Hash{}
	for key, text := range l.facts {
		var h fact.Hash
		if m := publishedHash.FindStringSubmatch(text); m != nil {
			if err := h.UnmarshalText([]byte(m[1])); err != nil {
				t.Fatal(err)
			}
		}
		out[key] = h
	}
	return out
}

// awkward adds what is easily hashed in two ways.
func (w *world) awkward() {
	for _, at := range []string{"1850-01-01T00:00:00Z", "1899-12-31T23:59:59.999999Z", "1900-01-01T00:00:00Z", "1969-12-31T23:59:59.999999Z",
		"2106-02-07T06:28:16.000001Z", "2261-12-31T23:59:59.999999Z", "2262-01-01T00:00:00Z", "9999-12-31T23:59:59Z"} {
		sent, err := time.Parse(time.RFC3339Nano, at)
		if err != nil {
			panic(err)
		}
		for _, text := range []string{"", "\x1f\x1e \\x41 \\ '\" 日本語 🙂"} {
			e := event.Event{Source: "test", Namespace: "n:1", Channel: event.Channel("awkward " + text), Kind: event.KindMessage, NativeID: event.NativeID(at),
				Revision: event.Unedited, Sent: event.NewInstant(sent, event.PrecisionMicro), Account: "a", Author: event.Person{ID: "u\x1e", Name: text},
				Body: &event.Message{Type: event.TypeMessage, Text: text, ReplyTo: &event.Ref{NativeID: "5"}, Thread: "6",
					Attachments: []event.Attachment{{Kind: "photo"}, {Name: "no kind"}, {Kind: "voice"}}}}
			if err := e.Seal(); err != nil {
				panic(err)
			}
			w.events = append(w.events, e)
		}
	}
	for _, revision := range []event.Revision{event.Unedited, "r\x00"} { // NUL wherever an envelope has text of its own
		e := event.Event{Source: "te\x00st", Namespace: "n\x00", Channel: "c\x00", Kind: event.KindMessage, NativeID: "m\x00", Revision: revision, Account: "a\x00",
			Author: event.Person{Namespace: "other\x00", ID: "u\x00", Name: "name\x00"}, Body: &event.Message{Type: event.TypeMessage, Text: "x\x00"},
			Sent: event.Instant{At: time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC), Precision: event.PrecisionSecond, Zone: "zone\x00"}}
		if err := e.Seal(); err != nil {
			panic(err)
		}
		w.events = append(w.events, e)
	}
}

// TestStore_Handle_hashes: verification computes the hash of every row that was published with it.
func TestStore_Handle_hashes(t *testing.T) {
	t.Parallel()
	for seed := range uint64(3) {
		w := newWorld(400+seed, 250)
		w.awkward()
		log := w.deliveries()
		pool, l := database(t), newListener(log)
		if err := apply(t.Context(), newSystem(t, pool, l), rand.New(rand.NewPCG(seed, 5)), log); err != nil {
			t.Fatal(err)
		}
		got := map[string]fact.Hash{}
		for table, kind := range map[string]string{"messages": "message", "versions": "version", "reactions": "reaction", "memberships": "membership",
			"channels": "channel", "identities": "identity", "sightings": "sighting"} {
			sql, err := os.ReadFile("../../internal/verify/queries/states_" + table + ".sql")
			if err != nil {
				t.Fatal(err)
			}
			rows, err := pool.Query(t.Context(), string(sql), 1, int64(math.MaxInt64))
			if err != nil {
				t.Fatal(err)
			}
			var id [16]byte
			var changed, token int64
			var counted bool
			var hash []byte
			if _, err := pgx.ForEachRow(rows, []any{&id, &changed, &token, &counted, &hash}, func() error {
				got[kind+" "+hex.EncodeToString(id[:])] = fact.Hash(hash)
				return nil
			}); err != nil {
				t.Fatal(err)
			}
		}
		if diff := cmp.Diff(l.hashes(t), got); diff != "" {
			t.Errorf("the hashes (-published +verified):\n%s", diff)
		}
	}
}
