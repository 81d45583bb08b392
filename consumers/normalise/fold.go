package normalise

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/agrichat/agrichat/consumers/normalise/projection"

	"github.com/jackc/pgx/v5"

	"github.com/agrichat/agrichat/internal/event"
)

// folder computes the new states of everything that the events of a transaction are about. Where a stored row and a few events decide a
// state, it reads those only.
type folder struct{ *batchTx }

// addUnreacted adds to every group as of when its message had no reactions, and a group for every message that says so as of a later
// time and may have some: one that was stored before.
func (f *folder) addUnreacted(ctx context.Context, groups map[event.ThingID]*projection.Group, changed []projection.PendingEvent) error {
	latest := map[event.ThingID]int64{}
	for i := range changed {
		it := &changed[i]
		if it.Kind != event.KindMessage || it.Reading.AsOf == 0 {
			continue
		}
		if g := groups[it.ThingID]; g == nil && (f.stored[it.ThingID] != nil || f.force()) {
			groups[it.ThingID] = &projection.Group{ChannelRef: projection.RefOf(it), NativeID: it.NativeID, Whole: true}
		} else if g != nil {
			g.Whole = true
		}
		latest[it.ThingID] = max(latest[it.ThingID], it.Reading.AsOf)
	}
	var stored [][16]byte // of a message that is not stored nothing is known
	for t := range groups {
		if f.stored[t] != nil || f.force() {
			stored = append(stored, t)
		}
	}
	if err := f.readUnreacted(ctx, sortedKeys(stored), latest); err != nil {
		return err
	}
	for t, g := range groups {
		if latest[t] != 0 {
			g.Add(projection.NoReactions(t, latest[t]))
		}
	}
	return nil
}

// readUnreacted raises latest to what is stored of these messages.
func (f *folder) readUnreacted(ctx context.Context, messages [][16]byte, latest map[event.ThingID]int64) error {
	if len(messages) == 0 {
		return nil
	}
	rows, err := f.tx.Query(ctx, f.sql["events_unreacted"], messages)
	if err != nil {
		return fmt.Errorf("reading when messages had no reactions: %w", err)
	}
	var thing [16]byte
	var asOf int64
	_, err = pgx.ForEachRow(rows, []any{&thing, &asOf}, func() error {
		latest[thing] = max(latest[thing], asOf)
		return nil
	})
	if err != nil {
		return fmt.Errorf("reading when messages had no reactions: %w", err)
	}
	return nil
}

// addPolls adds the stored results to every group whose message may show them.
func (f *folder) addPolls(ctx context.Context, groups map[event.ThingID]*projection.Group) error {
	var keys [][16]byte
	for t, g := range groups {
		if g.HasPoll() {
			keys = append(keys, t)
		}
	}
	stored, err := f.readEvents(ctx, "events_polls", sortedKeys(keys))
	if err != nil {
		return err
	}
	for _, it := range stored {
		groups[it.TargetID].AddPoll(it)
	}
	return nil
}

func (f *folder) foldMessages(ctx context.Context, changed []projection.PendingEvent) error {
	groups := map[event.ThingID]*projection.Group{}
	var placeholders []event.ThingID // placeholders, wanted by reactions and polls if no row is stored
	for i, it := range changed {
		t := it.MessageID()
		if t == (event.ThingID{}) {
			continue
		}
		g := groups[t]
		if g == nil {
			g = &projection.Group{ChannelRef: projection.RefOf(&it), NativeID: it.NativeID, Whole: f.force()}
			groups[t] = g
		}
		if it.TargetID != (event.ThingID{}) {
			g.NativeID = it.Target()
			placeholders = append(placeholders, t)
			if it.Kind == event.KindPoll {
				g.AddPoll(it)
			}
			continue
		}
		g.Add(it)
		g.Whole = g.Whole || i >= len(f.inserted)
	}
	for _, t := range placeholders {
		s, g := f.stored[t], groups[t]
		if s != nil && g != nil && len(g.Events) == 0 && (len(g.Polls) == 0 || !s.Versioned) {
			delete(groups, t) // a message that only gets a reaction does not change
		}
	}
	if err := f.addCurrent(ctx, groups); err != nil {
		return err
	}
	if err := f.addStored(ctx, groups); err != nil {
		return err
	}
	if err := f.addPolls(ctx, groups); err != nil {
		return err
	}
	return f.foldGroups(groups)
}

// addCurrent adds the current version to every group for which the row and that version say all that is stored.
func (f *folder) addCurrent(ctx context.Context, groups map[event.ThingID]*projection.Group) error {
	wanted := map[event.ThingID]event.ID{}
	for t, g := range groups {
		s := f.stored[t]
		if s == nil || g.Whole {
			continue
		}
		// For a second deletion the row lacks the precision of the first one's time.
		second := s.Deleted && slices.ContainsFunc(g.Events, func(it projection.PendingEvent) bool { return it.Kind == event.KindDeletion })
		if g.Whole = !s.Versioned || second || s.ChangesAssumedTime(g.Events); !g.Whole {
			wanted[t] = s.CurrentVersion()
		}
	}
	keys := make([][16]byte, 0, len(wanted))
	for _, id := range wanted {
		keys = append(keys, id)
	}
	stored, err := f.readEvents(ctx, "events_by_id", sortedKeys(keys))
	if err != nil {
		return err
	}
	found := make(map[event.ThingID]projection.PendingEvent, len(stored))
	for _, it := range stored {
		found[it.ThingID] = it
	}
	for t := range wanted {
		g := groups[t]
		current, ok := found[t]
		if g.Whole = !ok || projection.HidesAuthor(&current, g.Events); !g.Whole {
			g.Base = f.stored[t]
			g.Add(current)
		}
	}
	return nil
}

// addStored adds to every group whose message is folded as a whole the events that are stored of it.
func (f *folder) addStored(ctx context.Context, groups map[event.ThingID]*projection.Group) error {
	var keys [][16]byte
	for t, g := range groups {
		if g.Whole {
			keys = append(keys, t)
		}
	}
	stored, err := f.readEvents(ctx, "events_by_thing", sortedKeys(keys))
	if err != nil {
		return err
	}
	for _, it := range stored {
		groups[it.ThingID].Add(it)
	}
	return nil
}

// foldReactions folds the reactions to whole messages where a snapshot or an event that was stored already has changed, and else
// only those of the people and emoji that are touched.
func (f *folder) foldReactions(ctx context.Context, changed []projection.PendingEvent) error {
	groups := map[event.ThingID]*projection.Group{}
	for i, it := range changed {
		if it.TargetID == (event.ThingID{}) || it.Kind == event.KindPoll {
			continue
		}
		g := groups[it.TargetID]
		if g == nil {
			g = &projection.Group{ChannelRef: projection.RefOf(&it), NativeID: it.Target(), Whole: f.force()}
			groups[it.TargetID] = g
		}
		g.Add(it)
		g.Whole = g.Whole || i >= len(f.inserted) || it.Kind != event.KindReaction
	}
	if err := f.addUnreacted(ctx, groups, changed); err != nil {
		return err
	}
	whole, partial := map[event.ThingID]*projection.Group{}, map[event.ThingID]*projection.Group{}
	for t, g := range groups {
		if g.Whole {
			whole[t] = g
		} else {
			partial[t] = g
		}
	}
	if err := f.foldWholeReactions(ctx, whole); err != nil {
		return err
	}
	if err := f.foldTouchedReactions(ctx, partial); err != nil {
		return err
	}
	slices.SortFunc(f.written.reactions, projection.CompareReactions)
	return nil
}

func (f *folder) foldWholeReactions(ctx context.Context, groups map[event.ThingID]*projection.Group) error {
	if len(groups) == 0 {
		return nil
	}
	targets := sortedMapKeys(groups)
	stored, err := f.readEvents(ctx, "events_by_target", targets)
	if err != nil {
		return err
	}
	for _, it := range stored {
		groups[it.TargetID].Add(it)
	}
	old, err := f.readReactions(ctx, "reactions_of", targets)
	if err != nil {
		return err
	}
	for _, t := range targets {
		g := groups[t]
		stored := projection.SetChannel(g.ChannelRef, old[t])
		known := stored
		if f.force() {
			known = projection.WithLostRows(g, t, stored)
		}
		f.changeReactions(projection.FoldReactions(g.ChannelRef, g.NativeID, t, g.Events, known), stored)
	}
	return nil
}

// changeReactions writes the rows that differ from those that are stored.
func (f *folder) changeReactions(rows, stored []projection.ReactionRow) {
	changed, replaced := projection.ChangedReactions(rows, stored, f.force())
	f.written.reactions = append(f.written.reactions, changed...)
	f.written.replaced.reactions = append(f.written.replaced.reactions, replaced...)
}

// foldTouchedReactions gives the same rows as a fold of the whole would: the state of one person with one emoji follows from the
// events about both and from the snapshots, and the number of unnamed people from the latest snapshot and the rows of the named.
func (f *folder) foldTouchedReactions(ctx context.Context, groups map[event.ThingID]*projection.Group) error {
	var list []*projection.TouchedReactions
	var things [][16]byte
	for _, m := range sortedMapKeys(groups) {
		if t := projection.NewTouchedReactions(m, groups[m]); len(t.Reactors) > 0 {
			list = append(list, t)
			things = append(things, t.RowIDs()...)
		}
	}
	if len(list) == 0 {
		return nil
	}
	if err := f.addTouched(ctx, groups, list); err != nil {
		return err
	}
	for _, t := range list {
		t.Observe()
	}
	things = sortedKeys(things)
	named, err := f.namedBeside(ctx, list, things)
	if err != nil {
		return err
	}
	old, err := f.readReactions(ctx, "reactions_by_id", things)
	if err != nil {
		return err
	}
	for _, t := range list {
		stored := projection.SetChannel(t.ChannelRef, old[t.Message])
		f.changeReactions(t.Fold(named[t.Message], stored), stored)
	}
	return nil
}

// addTouched adds the stored events that decide the state of the touched reactors.
func (f *folder) addTouched(ctx context.Context, groups map[event.ThingID]*projection.Group, list []*projection.TouchedReactions) error {
	var targets, messages [][16]byte
	var people, emoji []string
	for _, t := range list {
		messages = append(messages, t.Message)
		for who, id := range t.Reactors {
			targets, people, emoji = append(targets, t.Message), append(people, string(id)), append(emoji, who.Emoji)
		}
	}
	stored, err := f.readEvents(ctx, "events_by_reactor", targets, people, emoji)
	if err != nil {
		return err
	}
	snapshots, err := f.readEvents(ctx, "events_snapshots", messages, people)
	if err != nil {
		return err
	}
	for _, it := range slices.Concat(stored, snapshots) {
		groups[it.TargetID].Add(it)
	}
	return nil
}

// namedBeside counts the named people of the touched emoji that a snapshot counts, the touched ones left out.
func (f *folder) namedBeside(ctx context.Context, list []*projection.TouchedReactions, without [][16]byte) (map[event.ThingID]map[string]int, error) {
	var messages [][16]byte
	var emoji []string
	for _, t := range list {
		for e := range t.CountedEmoji() {
			messages, emoji = append(messages, t.Message), append(emoji, e)
		}
	}
	out := map[event.ThingID]map[string]int{}
	if len(messages) == 0 {
		return out, nil
	}
	rows, err := f.tx.Query(ctx, f.sql["reactions_named"], messages, emoji, without)
	if err != nil {
		return nil, fmt.Errorf("counting reactions: %w", err)
	}
	var message [16]byte
	var name string
	var n int64
	_, err = pgx.ForEachRow(rows, []any{&message, &name, &n}, func() error {
		if out[message] == nil {
			out[message] = map[string]int{}
		}
		out[message][name] = int(n)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("counting reactions: %w", err)
	}
	return out, nil
}

// fold computes the new states of everything that the inserted and updated events are about.
func (f *folder) fold(ctx context.Context) error {
	changed := slices.Concat(f.inserted, f.updated)
	if err := f.foldMessages(ctx, changed); err != nil {
		return err
	}
	if err := f.foldReactions(ctx, changed); err != nil {
		return err
	}
	if err := f.foldSightings(ctx); err != nil {
		return err
	}
	return f.foldMemberships(ctx)
}

func (f *folder) foldGroups(groups map[event.ThingID]*projection.Group) error {
	for t, g := range groups {
		row, err := projection.FoldMessage(g, t)
		if err != nil {
			return err
		}
		if s, exists := f.stored[t]; exists {
			row.Erased = s.Erased
			f.written.replaced.messages = append(f.written.replaced.messages, t)
		}
		if len(g.Events) == 0 { // a placeholder made by a reaction: it has the reaction's position
			row.Incarnation = f.identity.incarnation
		}
		f.written.messages = append(f.written.messages, row)
	}
	slices.SortFunc(f.written.messages, func(a, b *projection.MessageRow) int { return bytes.Compare(a.Thing[:], b.Thing[:]) })
	return nil
}

// foldMemberships observes every copy of an event for itself, as names are.
func (f *folder) foldMemberships(ctx context.Context) error {
	var observed []projection.MembershipObservation
	for i := range f.copies {
		observed = append(observed, projection.ObserveMemberships(projection.RefOf(&f.copies[i]), &f.copies[i])...)
	}
	if len(observed) == 0 {
		return nil
	}
	observed = projection.DistinctObservations(observed)
	byThing := map[event.ThingID]*projection.MembershipObservation{}
	for i := range observed {
		byThing[observed[i].Thing] = &observed[i]
	}
	keys := sortedMapKeys(byThing)
	old, err := f.readMemberships(ctx, "memberships_lock", keys, byThing)
	if err != nil {
		return err
	}
	if err := f.recordObservations(ctx, observed); err != nil {
		return err
	}
	now, err := f.readMemberships(ctx, "membership_top", keys, byThing)
	if err != nil {
		return err
	}
	for _, t := range keys {
		o, n := old[t], now[t]
		if o != nil && n.Same(o) && !f.force() {
			continue
		}
		if o != nil {
			f.written.replaced.memberships = append(f.written.replaced.memberships, t)
		}
		f.written.memberships = append(f.written.memberships, *n)
	}
	return nil
}

// recordObservations keeps the observations of this batch with all earlier ones.
func (f *folder) recordObservations(ctx context.Context, observed []projection.MembershipObservation) error {
	things, events := make([][16]byte, len(observed)), make([][16]byte, len(observed))
	states, names, ats := make([]string, len(observed)), make([]string, len(observed)), make([]*time.Time, len(observed))
	positions := make([]int64, len(observed))
	for i, m := range observed {
		things[i], events[i], states[i], names[i], ats[i] = m.Thing, m.Event, m.State, m.Name, m.At
		positions[i] = int64(m.Position)
	}
	if _, err := f.tx.Exec(ctx, f.sql["membership_hear"], things, events, states, names, ats, positions); err != nil {
		return fmt.Errorf("recording memberships: %w", err)
	}
	return nil
}

// foldSightings adds a row for every account that an event was collected by and that is new, and updates those of accounts that
// have moved into the event's row. Unchanged rows are left alone, unless everything is forced. The rows of the
// events are locked, so these need no lock of their own.
func (f *folder) foldSightings(ctx context.Context) error {
	wanted := projection.CollectSightings(f.inserted, f.updated, f.sighted)
	if len(wanted) == 0 {
		return nil
	}
	stored, err := f.storedSightings(ctx, wanted)
	if err != nil {
		return err
	}
	for id, r := range wanted {
		removed, found := stored[id]
		if !found && r.Removed || found && removed == r.Removed && !f.force() {
			continue
		}
		if found {
			f.written.replaced.sightings = append(f.written.replaced.sightings, id)
		}
		f.written.sightings = append(f.written.sightings, r)
	}
	slices.SortFunc(f.written.sightings, func(a, b projection.SightingRow) int { return bytes.Compare(a.ID[:], b.ID[:]) })
	return nil
}

// storedSightings returns which of the rows are stored, and whether they are removed.
func (f *folder) storedSightings(ctx context.Context, wanted map[[16]byte]projection.SightingRow) (map[[16]byte]bool, error) {
	keys := make([][16]byte, 0, len(wanted))
	for id := range wanted {
		keys = append(keys, id)
	}
	rows, err := f.tx.Query(ctx, f.sql["sightings_of"], sortedKeys(keys))
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
