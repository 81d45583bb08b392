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

// sightingRow records that an account collected an event, beside the account in the event's own row. That one is of the copy at
// the lowest position, so it is the same in whatever order the copies arrive.
type sightingRow struct {
	place
	id      [16]byte
	event   event.ID
	thing   event.ThingID
	account string
	removed bool // the account stands in the event's row now
}

// sightingID is the key of an event and an account.
func sightingID(id event.ID, account string) [16]byte {
	return event.Thing("", "", event.Channel(id[:]), event.NativeID(account), "sighting")
}

// sightingColumns is as messageColumns.
const sightingColumns = 8

func (r *sightingRow) put(c *pg.Copy, s stamp) {
	c.Row()
	c.UUID(r.id)
	c.UUID(r.event)
	c.UUID(r.thing)
	c.UUID(r.key)
	c.Text(r.account)
	c.Bool(r.removed)
	s.put(c)
}

func (r *sightingRow) fact() fact.Sighting {
	return fact.Sighting{ID: event.ThingID(r.id).String(), Event: r.event.String(), Thing: r.thing.String(), Account: r.account, Removed: r.removed}
}

// foldSightings adds a row for every account that an event was collected by and that is new, and updates those of accounts that
// have moved into the event's row. Rows that nothing changes are left alone, unless everything is written again. The rows of the
// events are locked, so these need no lock of their own.
func (w *work) foldSightings(ctx context.Context) error {
	wanted := map[[16]byte]sightingRow{}
	add := func(it *item, accounts []string, removed bool) {
		for _, account := range accounts {
			r := sightingRow{place: placeOf(it), id: sightingID(it.ID, account), event: it.ID, thing: it.thing, account: account, removed: removed}
			wanted[r.id] = r
		}
	}
	for _, list := range [][]item{w.fresh, w.grown, w.sighted} {
		for i := range list {
			add(&list[i], list[i].others, false)
		}
	}
	for i := range w.grown { // a copy at a lower position may have taken the place of another one in the event's row
		add(&w.grown[i], w.grown[i].accounts, true)
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
		if !found && r.removed || found && removed == r.removed && !w.anew() {
			continue
		}
		if found {
			w.written.gone.sightings = append(w.written.gone.sightings, id)
		}
		w.written.sightings = append(w.written.sightings, r)
	}
	slices.SortFunc(w.written.sightings, func(a, b sightingRow) int { return bytes.Compare(a.id[:], b.id[:]) })
	return nil
}

// storedSightings returns which of the rows are stored, and whether they are removed.
func (w *work) storedSightings(ctx context.Context, wanted map[[16]byte]sightingRow) (map[[16]byte]bool, error) {
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
