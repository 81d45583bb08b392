package normalise_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/agrichat/agrichat/consumers"
	"github.com/agrichat/agrichat/internal/event"
)

// sealed is an event of the test's channel, with its id.
func sealed(t *testing.T, native event.NativeID, rev event.Revision, body event.Body, author event.Person) event.Event {
	t.Helper()
	kinds := map[string]event.Kind{"*event.Message": event.KindMessage, "*event.Reactions": event.KindReactions,
		"*event.Membership": event.KindMembership, "*event.Identity": event.KindIdentity, "*event.ChannelInfo": event.KindChannel}
	e := event.Event{Source: "test", Namespace: "n", Channel: "c", Kind: kinds[fmt.Sprintf("%T", body)], NativeID: native,
		Revision: rev, Body: body, Author: author,
		Sent: event.NewInstant(time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC), event.PrecisionSecond)}
	if err := e.Seal(); err != nil {
		t.Fatal(err)
	}
	return e
}

// delivery carries one event.
func delivery(t *testing.T, sequence uint64, e event.Event) consumers.Delivery {
	t.Helper()
	data, err := event.Encode(&e)
	if err != nil {
		t.Fatal(err)
	}
	return consumers.Delivery{Sequence: sequence, Data: data, EventIDs: e.ID.String()}
}

func TestStore_Handle_duplicates(t *testing.T) {
	t.Parallel()
	ann := event.Person{ID: "ann", Name: "Ann"}
	for name, tt := range map[string]struct {
		body event.Body
		sql  string
		want string
	}{
		"equal emoji are summed": {&event.Reactions{Target: "m", Complete: true, Counts: []event.ReactionCount{{Emoji: "👍", Count: 2},
			{Emoji: "👍", Count: 3}, {Emoji: "🔥", Count: 1}, {Emoji: "👍", Count: -7}}},
			"SELECT string_agg(emoji || count, ' ' ORDER BY count) FROM agrichat.reactions WHERE count > 0", "🔥1 👍5"},
		"a person twice, with equal emoji": {&event.Reactions{Target: "m", Complete: true,
			People: []event.ReactionPerson{{Person: ann, Emoji: "👍"}, {Person: ann, Emoji: "👍"}, {Person: event.Person{ID: "ann"}, Emoji: "🔥"}},
			Counts: []event.ReactionCount{{Emoji: "👍", Count: 2}, {Emoji: "👍", Count: 1}, {Emoji: "🔥", Count: 1}}},
			"SELECT string_agg(emoji || count || person, ' ' ORDER BY emoji, count, person) FROM agrichat.reactions WHERE count > 0", "👍1ann 👍2 🔥1ann"},
		"more than a counter holds": {&event.Reactions{Target: "m", Counts: []event.ReactionCount{{Emoji: "👍", Count: 1 << 62}, {Emoji: "👍", Count: 1 << 62}}},
			"SELECT count::text FROM agrichat.reactions", "1073741824"},
		"emoji that differ in a character that cannot be stored": {&event.Reactions{Target: "m", Counts: []event.ReactionCount{{Emoji: "a\x00", Count: 1}, {Emoji: "a\uFFFD", Count: 2}}},
			"SELECT count::text FROM agrichat.reactions", "3"},
		"members": {&event.Message{Type: event.TypeService, Service: &event.Service{Action: event.ActionInvite,
			Members: []event.Person{ann, ann, {ID: "ann", Name: "Another"}, {ID: "bob"}, {ID: "bob"}, {}, {}}}},
			"SELECT string_agg(state, ' ') FROM agrichat.memberships", "joined joined"},
		"mentions": {&event.Message{Text: "@ann @ann", Mentions: []event.Person{ann, ann, {Name: "Ann"}, {}, {}}},
			"SELECT mentions::text FROM agrichat.messages", "{Ann}"},
		"links": {&event.Message{Text: "https://a.example https://a.example", Links: []string{"https://a.example", "https://a.example", "", ""}},
			"SELECT links::text FROM agrichat.messages", "{https://a.example}"},
		"hashtags": {&event.Message{Text: "#tag #tag", Hashtags: []string{"tag", "#tag", "", ""}},
			"SELECT hashtags::text FROM agrichat.messages", "{tag}"},
		"attachments": {&event.Message{Attachments: []event.Attachment{{Kind: "photo", Name: "a"}, {Kind: "photo", Name: "a"}}},
			"SELECT jsonb_array_length(attachments)::text FROM agrichat.messages", "2"},
		"poll options": {&event.Message{Poll: &event.Poll{Question: "?", Options: []event.PollOption{{Text: "a", Votes: 1}, {Text: "a", Votes: 2}}}},
			"SELECT jsonb_array_length(body->'poll'->'options')::text FROM agrichat.messages", "2"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := database(t)
			k := newSystem(t, pool, newListener(nil))
			e := sealed(t, "m", event.Unedited, tt.body, ann)
			for seq := uint64(1); seq < 3; seq++ { // the second changes nothing
				if err := k.Handle(t.Context(), []consumers.Delivery{delivery(t, seq, e)}); err != nil {
					t.Fatal(err)
				}
				var got string
				if err := pool.QueryRow(t.Context(), tt.sql).Scan(&got); err != nil || got != tt.want {
					b, _ := json.Marshal(tt.body)
					t.Errorf("%s is stored as %q, want %q: %v", b, got, tt.want, err)
				}
			}
		})
	}
	t.Run("accounts, names and events of one batch", func(t *testing.T) {
		t.Parallel()
		pool := database(t)
		k := newSystem(t, pool, newListener(nil))
		var batch []consumers.Delivery
		for i := range 12 {
			bodies := []event.Body{&event.Message{Text: "x"}, &event.Identity{Username: "ann"}, &event.ChannelInfo{Name: "C"}, &event.Membership{State: event.MemberJoined}}
			e := sealed(t, "ann", event.Unedited, bodies[i%4], ann)
			e.Account = []event.Account{"me", "me", "me", "me", "you", "you", "you", "you"}[i%8]
			batch = append(batch, delivery(t, uint64(i+1), e))
		}
		if err := k.Handle(t.Context(), batch); err != nil {
			t.Fatal(err)
		}
		var got string
		if err := pool.QueryRow(t.Context(), "SELECT (SELECT count(*) FROM agrichat.events) || ' ' || (SELECT count(*) FROM agrichat.identities)").Scan(&got); err != nil || got != "4 1" {
			t.Errorf("got %s: %v", got, err)
		}
	})
}
