package projection

import (
	"github.com/agrichat/agrichat/internal/event"
)

// SightingRow records that an account collected an event, in addition to the account in the event's own row. That one is of the copy
// at the lowest position, so it is the same in whatever order the copies arrive.
type SightingRow struct {
	ChannelRef
	ID      [16]byte      `pg:"sighting_id" fact:"ID"`
	Event   event.ID      `pg:"event_id" fact:"Event"`
	Thing   event.ThingID `pg:"thing_id" fact:"Thing"`
	Account string        `pg:"account" fact:"Account"`
	Removed bool          `pg:"removed" fact:"Removed"` // the account is in the event's own row now
}

// SightingID is the key of an event and an account.
func SightingID(id event.ID, account string) [16]byte {
	return event.Thing("", "", event.Channel(id[:]), event.NativeID(account), "sighting")
}

// CollectSightings returns, by id, a row for every account that collected a copy of an event that is new, changed or seen again, except
// the account in the event's own row.
func CollectSightings(inserted, updated, sighted []PendingEvent) map[[16]byte]SightingRow {
	out := map[[16]byte]SightingRow{}
	add := func(it *PendingEvent, accounts []string, removed bool) {
		for _, account := range accounts {
			r := SightingRow{ChannelRef: RefOf(it), ID: SightingID(it.ID, account), Event: it.ID, Thing: it.ThingID, Account: account, Removed: removed}
			out[r.ID] = r
		}
	}
	for _, list := range [][]PendingEvent{inserted, updated, sighted} {
		for i := range list {
			add(&list[i], list[i].OtherAccounts, false)
		}
	}
	for i := range updated { // a copy at a lower position may have taken the place of another one in the event's row
		add(&updated[i], updated[i].Accounts, true)
	}
	return out
}
