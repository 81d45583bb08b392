package aggregate_test

import (
	"encoding/hex"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/agrichat/agrichat/consumers"
	"github.com/agrichat/agrichat/internal/ch"
	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/fact"
	"github.com/agrichat/agrichat/internal/fault"
)

// states reads which state of each thing the tables hold.
func states(t *testing.T, db *ch.DB) map[ch.Table]map[string]ch.State {
	t.Helper()
	out := map[ch.Table]map[string]ch.State{}
	from, to := ch.AllIDs()
	for _, table := range ch.Tables() {
		out[table] = map[string]ch.State{}
		err := db.States(t.Context(), table, from, to, func(s ch.State) error {
			out[table][hex.EncodeToString(s.ID[:])] = s
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// hashes are those that the tables should hold.
func (m *model) hashes() map[ch.Table]map[string]fact.Hash {
	return map[ch.Table]map[string]fact.Hash{
		ch.Messages:    hashesOf(m.messages, func(f fact.Message) fact.Hash { return f.Hash }),
		ch.Versions:    hashesOf(m.versions, func(f fact.Edition) fact.Hash { return f.Hash }),
		ch.Reactions:   hashesOf(m.reactions, func(f fact.Reaction) fact.Hash { return f.Hash }),
		ch.Memberships: hashesOf(m.memberships, func(f fact.Membership) fact.Hash { return f.Hash }),
		ch.Channels:    hashesOf(m.channels, func(f fact.Channel) fact.Hash { return f.Hash }),
		ch.Identities:  hashesOf(m.identities, func(f fact.Identity) fact.Hash { return f.Hash }),
		ch.Sightings:   hashesOf(m.sightings, func(f fact.Sighting) fact.Hash { return f.Hash }),
	}
}

func hashesOf[T any](all map[string]state[T], of func(T) fact.Hash) map[string]fact.Hash {
	out := map[string]fact.Hash{}
	for id, s := range all {
		out[id] = of(s.is)
	}
	return out
}

// TestHandler_Handle_hashes: the tables hold the hashes that came, and ClickHouse computes the same ones of its columns.
func TestHandler_Handle_hashes(t *testing.T) {
	t.Parallel()
	for seed := range uint64(3) {
		db := store(t)
		deliveries := generate(t, 100+seed, 60)
		if err := handler(t, db).Handle(t.Context(), deliveries); err != nil {
			t.Fatal(err)
		}
		got := map[ch.Table]map[string]fact.Hash{}
		known := map[ch.Table]int{}
		for table, things := range states(t, db) {
			got[table] = map[string]fact.Hash{}
			for id, s := range things {
				got[table][id] = s.Hash
				if !s.Intact || s.Truncated {
					t.Errorf("%s %s: intact is %v, truncated %v", table, id, s.Intact, s.Truncated)
				}
				if !s.Hash.IsZero() {
					known[table]++
				}
			}
		}
		if diff := cmp.Diff(modelOf(t, deliveries).hashes(), got); diff != "" {
			t.Errorf("the hashes (-want +got):\n%s", diff)
		}
		if len(known) != len(ch.Tables()) {
			t.Errorf("only %v have hashes", known)
		}
	}
}

// TestHandler_Handle_truncated: what was truncated says so, and keeps the hash of the whole.
func TestHandler_Handle_truncated(t *testing.T) {
	t.Parallel()
	db := store(t)
	b := newWorld(1).batch()
	b.Messages, b.Versions, b.Reactions, b.Memberships, b.Channels, b.Identities, b.Sightings = nil, nil, nil, nil, nil, nil, nil
	id := event.ThingID{1}.String()
	b.Messages = []fact.Message{{Thing: id, Kind: "message", Text: strings.Repeat("x", 100), Links: []string{"https://a"}}}
	b.SetHashes()
	whole := b.Messages[0].Hash
	b.Truncated, b.Messages[0].Text, b.Messages[0].Links = true, "x", nil
	data, err := fact.Encode(b)
	if err != nil {
		t.Fatal(err)
	}
	if err := handler(t, db).Handle(t.Context(), []consumers.Delivery{{Sequence: 1, Data: data}}); err != nil {
		t.Fatal(err)
	}
	if s := states(t, db)[ch.Messages][id]; !s.Truncated || !s.Intact || s.Hash != whole {
		t.Errorf("the table holds %+v", s)
	}
}

// TestHandler_Handle_altered: what was changed in ClickHouse is found without anybody else's word.
func TestHandler_Handle_altered(t *testing.T) {
	t.Parallel()
	at := time.Date(2024, 1, 2, 3, 4, 5, 6000, time.UTC)
	id := event.ThingID{1}.String()
	for table, set := range map[ch.Table]string{
		ch.Messages: "text = 'other'", ch.Versions: "revision = '7'", ch.Reactions: "count = 2", ch.Memberships: "at = NULL", ch.Channels: "name = ''",
		ch.Identities: "bot = NOT bot", ch.Sightings: "account = 'eve'",
	} {
		db := store(t)
		b := &fact.Batch{Source: "s", Namespace: "n", Channel: "c", ChannelKey: event.ChannelKey("s", "n", "c").String(),
			Messages: []fact.Message{{Thing: id, Text: "text"}}, Versions: []fact.Edition{{Event: id, Thing: id}},
			Reactions: []fact.Reaction{{Thing: id, Message: id, Count: 1}}, Memberships: []fact.Membership{{Thing: id, IdentityKey: id, At: &at}},
			Channels: []fact.Channel{{Name: "name"}}, Identities: []fact.Identity{{Key: id}}, Sightings: []fact.Sighting{{ID: id, Event: id, Thing: id}}}
		b.SetHashes()
		data, err := fact.Encode(b)
		if err != nil {
			t.Fatal(err)
		}
		if err := handler(t, db).Handle(t.Context(), []consumers.Delivery{{Sequence: 1, Data: data}}); err != nil {
			t.Fatal(err)
		}
		if err := db.Exec(t.Context(), "ALTER TABLE "+string(table)+" UPDATE "+set+" WHERE true SETTINGS mutations_sync = 2"); err != nil {
			t.Fatal(err)
		}
		for other, things := range states(t, db) {
			for _, s := range things {
				if s.Intact == (other == table) {
					t.Errorf("%s was changed, and a row of %s is intact: %v", table, other, s.Intact)
				}
			}
		}
	}
}

// TestHandler_Handle_newer: facts of a newer program are left for another one, with all that came with them.
func TestHandler_Handle_newer(t *testing.T) {
	t.Parallel()
	db := store(t)
	batch := append(generate(t, 7, 3), consumers.Delivery{Sequence: 4, Data: []byte(`{"v":2,"messages":{"of":"another type"}}`)})
	err := handler(t, db).Handle(t.Context(), batch)
	var partial *consumers.PartialError
	if fault.Of(err) != fault.Fatal || errors.As(err, &partial) || !errors.Is(err, fact.ErrNewer) {
		t.Fatalf("facts of a newer form: %v (%v)", err, fault.Of(err))
	}
	if got := states(t, db)[ch.Versions]; len(got) > 0 {
		t.Errorf("%d events were stored with it", len(got))
	}
}
