package normalise

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/fact"
	"github.com/agrichat/agrichat/internal/pg"
)

// SightingRow records that an account collected an event, beside the account in the event's own row. That one is of the copy at
// the lowest position, so it is the same in whatever order the copies arrive.
type SightingRow struct {
	ChannelRef
	ID      [16]byte
	Event   event.ID
	Thing   event.ThingID
	Account string
	Removed bool // the account stands in the event's row now
}

// SightingID is the key of an event and an account.
func SightingID(id event.ID, account string) [16]byte {
	return event.Thing("", "", event.Channel(id[:]), event.NativeID(account), "sighting")
}

// sightingColumns is as messageColumns.
const sightingColumns = 8

func (r *SightingRow) put(c *pg.Copy, s rowVersion) {
	c.Row()
	c.UUID(r.ID)
	c.UUID(r.Event)
	c.UUID(r.Thing)
	c.UUID(r.Key)
	c.Text(r.Account)
	c.Bool(r.Removed)
	s.put(c)
}

func (r *SightingRow) Fact() fact.Sighting {
	return fact.Sighting{ID: event.ThingID(r.ID).String(), Event: r.Event.String(), Thing: r.Thing.String(), Account: r.Account, Removed: r.Removed}
}

// foldSightings adds a row for every account that an event was collected by and that is new, and updates those of accounts that
// have moved into the event's row. Rows that nothing changes are left alone, unless everything is written again. The rows of the
// events are locked, so these need no lock of their own.
func (w *work) foldSightings(ctx context.Context) error {
	wanted := map[[16]byte]SightingRow{}
	add := func(it *PendingEvent, accounts []string, removed bool) {
		for _, account := range accounts {
			r := SightingRow{ChannelRef: RefOf(it), ID: SightingID(it.ID, account), Event: it.ID, Thing: it.ThingID, Account: account, Removed: removed}
			wanted[r.ID] = r
		}
	}
	for _, list := range [][]PendingEvent{w.fresh, w.grown, w.sighted} {
		for i := range list {
			add(&list[i], list[i].OtherAccounts, false)
		}
	}
	for i := range w.grown { // a copy at a lower position may have taken the place of another one in the event's row
		add(&w.grown[i], w.grown[i].Accounts, true)
	}
	if len(wanted) == 0 {
		return nil
	}
	stored, err := w.storedSightings(ctx, wanted)
	if err != nil {
		return err
	}
	for id, r := range wanted {
		removed, found := stored[id]
		if !found && r.Removed || found && removed == r.Removed && !w.anew() {
			continue
		}
		if found {
			w.written.gone.sightings = append(w.written.gone.sightings, id)
		}
		w.written.sightings = append(w.written.sightings, r)
	}
	slices.SortFunc(w.written.sightings, func(a, b SightingRow) int { return bytes.Compare(a.ID[:], b.ID[:]) })
	return nil
}

// storedSightings returns which of the rows are stored, and whether they are removed.
func (w *work) storedSightings(ctx context.Context, wanted map[[16]byte]SightingRow) (map[[16]byte]bool, error) {
	keys := make([][16]byte, 0, len(wanted))
	for id := range wanted {
		keys = append(keys, id)
	}
	rows, err := w.tx.Query(ctx, w.sql["sightings_of"], sortedKeys(keys))
	if err != nil {
		return nil, fmt.Errorf("reading sightings: %w", err)
	}
	stored := make(map[[16]byte]bool, len(wanted))
	var id [16]byte
	var removed bool
	if _, err := pgx.ForEachRow(rows, []any{&id, &removed}, func() error {
		stored[id] = removed
		return nil
	}); err != nil {
		return nil, fmt.Errorf("reading sightings: %w", err)
	}
	return stored, nil
}
