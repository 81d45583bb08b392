package normalise_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/agrichat/agrichat/consumers"
	"github.com/agrichat/agrichat/internal/event"
)

// collectedBy returns deliveries of the same n messages, once for each account, from a sequence on.
func collectedBy(t *testing.T, first uint64, n int, accounts ...event.Account) (log []consumers.Delivery, events []event.Event) {
	t.Helper()
	for _, account := range accounts {
		for i := range n {
			e := event.Event{Source: "test", Namespace: "n", Channel: "c", Kind: event.KindMessage, Account: account,
				NativeID: event.NativeID(fmt.Sprint(i)), Revision: event.Unedited,
				Body: &event.Message{Type: event.TypeMessage, Text: fmt.Sprint("text ", i)}}
			if err := e.Seal(); err != nil {
				t.Fatal(err)
			}
			data, err := event.Encode(&e)
			if err != nil {
				t.Fatal(err)
			}
			log = append(log, consumers.Delivery{Sequence: first, Data: data, EventIDs: e.ID.String()})
			events = append(events, e)
			first++
		}
	}
	return log, events
}

// seenBy returns what a query finds, a string a row.
func seenBy(t *testing.T, pool *pgxpool.Pool, sql string) []string {
	t.Helper()
	rows, err := pool.Query(t.Context(), sql)
	if err != nil {
		t.Fatal(err)
	}
	out, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestStore_Handle_accounts holds that a second account's copies of messages add rows of their own and rewrite nothing, and that
// the views know all accounts whatever came first.
func TestStore_Handle_accounts(t *testing.T) {
	t.Parallel()
	const (
		versions = "SELECT thing_id::text || ' ' || changed || ' ' || xmin::text FROM agrichat.messages ORDER BY 1"
		events   = "SELECT event_id::text || ' ' || changed || ' ' || xmin::text FROM agrichat.events ORDER BY 1"
		seen     = "SELECT external_id || ' ' || account FROM agrichat.v_seen_by ORDER BY 1"
		accounts = "SELECT DISTINCT array_to_string(accounts, ',') FROM agrichat.v_messages ORDER BY 1"
		edition  = "SELECT DISTINCT array_to_string(accounts, ',') FROM agrichat.v_versions ORDER BY 1"
	)
	log, sent := collectedBy(t, 1, 20, "bob", "alice", "carol")
	pool := database(t)
	k := newSystem(t, pool, newListener(log))
	if err := k.Handle(t.Context(), log[:20]); err != nil {
		t.Fatal(err)
	}
	messages, stored := seenBy(t, pool, versions), seenBy(t, pool, events)
	if known, err := k.AlreadyStored(t.Context(), sent); err != nil || slices.Contains(known[:20], false) || slices.Contains(known[20:], true) {
		t.Fatalf("known is %v: %v", known, err)
	}
	for _, part := range [][]consumers.Delivery{log[20:40], log[40:], log[20:40]} {
		if err := k.Handle(t.Context(), part); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(messages, seenBy(t, pool, versions)); diff != "" {
		t.Errorf("messages were rewritten: %s", diff)
	}
	if diff := cmp.Diff(stored, seenBy(t, pool, events)); diff != "" {
		t.Errorf("events were rewritten: %s", diff)
	}
	if got := seenBy(t, pool, seen); len(got) != 60 || got[0] != "0 alice" || got[1] != "0 bob" || got[2] != "0 carol" {
		t.Errorf("v_seen_by has %v", got)
	}
	for _, view := range []string{accounts, edition} {
		if got := seenBy(t, pool, view); !slices.Equal(got, []string{"alice,bob,carol"}) {
			t.Errorf("%s finds %v", view, got)
		}
	}
	if known, err := k.AlreadyStored(t.Context(), sent); err != nil || slices.Contains(known, false) {
		t.Errorf("known is %v: %v", known, err)
	}
	if n := len(seenBy(t, pool, "SELECT account FROM agrichat.sightings")); n != 40 {
		t.Errorf("there are %d sightings, want 40", n)
	}
}

// TestStore_Handle_accountsOutOfOrder has the copies arrive in every order: the row of the event names the account of the copy at
// the lowest position, the others are sightings.
func TestStore_Handle_accountsOutOfOrder(t *testing.T) {
	t.Parallel()
	log, _ := collectedBy(t, 1, 1, "bob", "alice", "bob", "carol")
	for _, order := range [][]int{{0, 1, 2, 3}, {3, 2, 1, 0}, {2, 1, 0, 3}, {1, 3, 2, 0}, {1, 0, 3, 2}} {
		t.Run(fmt.Sprint(order), func(t *testing.T) {
			t.Parallel()
			pool := database(t)
			k := newSystem(t, pool, newListener(log))
			for _, i := range order {
				if err := k.Handle(t.Context(), log[i:i+1]); err != nil {
					t.Fatal(err)
				}
			}
			if got := seenBy(t, pool, "SELECT unnest(accounts) FROM agrichat.events"); !slices.Equal(got, []string{"bob"}) {
				t.Errorf("the event names %v", got)
			}
			got := seenBy(t, pool, "SELECT account FROM agrichat.sightings WHERE NOT removed ORDER BY 1")
			if !slices.Equal(got, []string{"alice", "carol"}) {
				t.Errorf("the sightings are of %v", got)
			}
		})
	}
}

// TestStore_Handle_accountsOfOldRows keeps what rows name that were written when an event's row named all accounts.
func TestStore_Handle_accountsOfOldRows(t *testing.T) {
	t.Parallel()
	log, sent := collectedBy(t, 1, 1, "bob", "carol")
	pool := database(t)
	k := newSystem(t, pool, newListener(log))
	if err := k.Handle(t.Context(), log[:1]); err != nil {
		t.Fatal(err)
	}
	execute(t, pool, "UPDATE agrichat.events SET accounts = '{alice,bob}'")
	execute(t, pool, "UPDATE agrichat.messages SET accounts = '{alice,bob}'")
	if err := k.Handle(t.Context(), log[1:]); err != nil {
		t.Fatal(err)
	}
	if got := seenBy(t, pool, "SELECT account FROM agrichat.v_seen_by ORDER BY 1"); !slices.Equal(got, []string{"alice", "bob", "carol"}) {
		t.Errorf("v_seen_by has %v", got)
	}
	if known, err := k.AlreadyStored(t.Context(), sent); err != nil || slices.Contains(known, false) {
		t.Errorf("known is %v: %v", known, err)
	}
}
