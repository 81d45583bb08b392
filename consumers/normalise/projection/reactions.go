package projection

import (
	"bytes"
	"cmp"
	"slices"
	"time"

	"github.com/agrichat/agrichat/internal/event"
)

// Reactor is one person with one emoji.
type Reactor struct {
	Person event.Key
	Emoji  string
}

// reactionObservation is the latest observation of a reactor.
type reactionObservation struct {
	asOf      event.Instant // when the observation was true
	eventID   event.ID      // decides between two observations of one instant
	reactedAt event.Instant // when the person reacted; zero if the list does not say
	person    event.Person
	removed   bool
	undated   bool // by a list whose export may be of any age
}

func (o reactionObservation) later(than reactionObservation) bool {
	if !o.asOf.At.Equal(than.asOf.At) {
		return o.asOf.Later(than.asOf)
	}
	return bytes.Compare(o.eventID[:], than.eventID[:]) > 0
}

// FoldReactions returns the reactions to a message from all events about them, each once, in any order. old are the stored
// rows: those that no event supports any more are returned as removed, because they were published.
func FoldReactions(p ChannelRef, target event.NativeID, message event.ThingID, events []PendingEvent, old []ReactionRow) []ReactionRow {
	observations, snapshots, latest := observeReactions(p, events)
	rows, named := namedRows(p, target, message, observations, snapshots)
	rows = append(rows, unnamedRows(p, target, message, latest, named)...)
	rows = append(rows, withdrawn(rows, old)...)
	slices.SortFunc(rows, func(a, b ReactionRow) int { return bytes.Compare(a.Thing[:], b.Thing[:]) })
	return rows
}

// namedRows returns a row for every reactor, and how many of them are not removed, by emoji.
func namedRows(p ChannelRef, target event.NativeID, message event.ThingID, observations map[Reactor]reactionObservation, snapshots []*snapshot) ([]ReactionRow, map[string]int) {
	rows := make([]ReactionRow, 0, len(observations))
	named := map[string]int{}
	for who, w := range observations {
		for _, s := range snapshots { // the youngest first
			if !s.at.Later(w.asOf) {
				break
			}
			if s.Kind == event.KindMessage && w.undated {
				continue
			}
			if s.excludes(who) {
				w.removed, w.reactedAt = true, s.at
				break
			}
		}
		if !w.removed {
			named[who.Emoji]++
		}
		rows = append(rows, namedRow(p, target, message, who, w))
	}
	return rows, named
}

// snapshot is an export's list of reactions.
type snapshot struct {
	*PendingEvent
	*event.Reactions
	at      event.Instant // the latest at which it was true
	people  map[Reactor]struct{}
	unnamed map[string]int // by emoji, how many more people reacted than are named
}

// excludes reports whether a list that is complete for the emoji does not name the reactor. A younger observation outweighs it.
func (s *snapshot) excludes(who Reactor) bool {
	_, there := s.people[who]
	return !there && s.complete(who.Emoji)
}

// complete reports whether everyone who reacted with the emoji is named: the list says so, or it counts as many as it names. A list
// that counts at all counts every emoji.
func (s *snapshot) complete(emoji string) bool {
	return s.Complete || len(s.Counts) > 0 && s.unnamed[emoji] <= 0
}

// countUnnamed fills open.
func (s *snapshot) countUnnamed() {
	if s.Complete {
		return
	}
	s.unnamed = make(map[string]int, len(s.Counts))
	for _, c := range s.Counts {
		s.unnamed[c.Emoji] += min(max(c.Count, 0), maxCount)
	}
	for who := range s.people {
		s.unnamed[who.Emoji]--
	}
}

func (s *snapshot) total() int {
	n := 0
	for _, c := range s.Counts {
		n += c.Count
	}
	return n
}

// compare orders snapshots: the later instant comes first, then the fuller list, then the higher id.
func (s *snapshot) compare(o *snapshot) int {
	return cmp.Or(o.at.At.Compare(s.at.At), cmp.Compare(o.total(), s.total()), bytes.Compare(o.ID[:], s.ID[:]))
}

// trueAt is the latest at which a list was surely true.
func trueAt(it *PendingEvent) event.Instant {
	if asOf := event.NewInstant(time.UnixMilli(it.Reading.AsOf), event.PrecisionMilli); it.Reading.AsOf != 0 && asOf.Later(it.Sent) {
		return asOf
	}
	return it.Sent
}

// NoReactions is the empty list of reactions that a message implies whose export has all reactions, and none to it.
func NoReactions(message event.ThingID, asOf int64) PendingEvent {
	return PendingEvent{Event: &event.Event{ID: event.ID(message), Kind: event.KindMessage, Reading: event.Reading{AsOf: asOf}, Body: &event.Reactions{Complete: true}}}
}

// latestCounts returns the list whose counts are current. That a message had no reactions takes counts away, as it does people, only where the list
// that has them says as of when it was true: others may be as old as the message itself, whenever their export was made.
func latestCounts(snapshots []*snapshot) (latest *snapshot) {
	var none *snapshot
	for _, s := range snapshots {
		switch {
		case s.Kind != event.KindMessage:
			if none != nil && s.Reading.AsOf != 0 {
				return none
			}
			return s
		case none == nil:
			none = s
		}
	}
	return none
}

// observeReactions returns the latest observation of every reactor, the snapshots, the youngest first, and the one whose counts are
// current.
func observeReactions(p ChannelRef, events []PendingEvent) (observations map[Reactor]reactionObservation, snapshots []*snapshot, latest *snapshot) {
	observations = map[Reactor]reactionObservation{}
	observe := func(who event.Person, emoji string, o reactionObservation) Reactor {
		key := Reactor{who.Key(p.Source, p.Namespace), emoji}
		if old, found := observations[key]; who.ID != "" && (!found || o.later(old)) {
			observations[key] = o
		}
		return key
	}
	for i := range events {
		it := &events[i]
		switch b := it.Body.(type) {
		case *event.Reaction:
			observe(it.Author, b.Emoji, reactionObservation{asOf: it.Sent, eventID: it.ID, reactedAt: it.Sent, person: it.Author, removed: b.Removed})
		case *event.Reactions:
			s := &snapshot{PendingEvent: it, Reactions: b, at: trueAt(it), people: map[Reactor]struct{}{}}
			for _, rp := range b.People {
				s.people[observe(rp.Person, rp.Emoji, reactionObservation{asOf: s.at, eventID: it.ID, reactedAt: rp.Sent, person: rp.Person, undated: it.Reading.AsOf == 0})] = struct{}{}
			}
			s.countUnnamed()
			snapshots = append(snapshots, s)
		}
	}
	slices.SortFunc(snapshots, (*snapshot).compare)
	return observations, snapshots, latestCounts(snapshots)
}

func namedRow(p ChannelRef, target event.NativeID, message event.ThingID, who Reactor, o reactionObservation) ReactionRow {
	key := [16]byte(who.Person)
	return ReactionRow{
		ChannelRef: p, Message: message, Target: string(target), PersonKey: &key, Person: string(o.person.ID),
		Thing:      namedReactionID(p, target, who),
		PersonName: o.person.Name, Emoji: who.Emoji, Count: 1, At: o.reactedAt.Bounded(), Removed: o.removed,
	}
}

// unnamedRows counts, for each emoji of the latest snapshot, the people who are not named. Equal emoji are one reaction: a network may
// list a reaction twice, or write one placeholder for several.
func unnamedRows(p ChannelRef, target event.NativeID, message event.ThingID, s *snapshot, named map[string]int) []ReactionRow {
	if s == nil {
		return nil
	}
	totals := make(map[string]int, len(s.Counts))
	for _, c := range s.Counts {
		totals[c.Emoji] = min(totals[c.Emoji]+min(max(c.Count, 0), maxCount), maxCount)
	}
	rows := make([]ReactionRow, 0, len(totals))
	for emoji, total := range totals {
		if n := total - named[emoji]; n > 0 {
			rows = append(rows, ReactionRow{
				ChannelRef: p, Message: message, Target: string(target), Emoji: emoji, Count: int32(n), At: s.Sent,
				Thing: unnamedReactionID(p, target, emoji),
			})
		}
	}
	return rows
}

// maxCount is the highest stored count of one reaction.
const maxCount = 1 << 30

func namedReactionID(p ChannelRef, target event.NativeID, who Reactor) event.ThingID {
	return event.Thing(p.Source, p.Namespace, p.Channel, event.ReactionNative(target, who.Person, who.Emoji), event.ThingReaction)
}

func unnamedReactionID(p ChannelRef, target event.NativeID, emoji string) event.ThingID {
	return event.Thing(p.Source, p.Namespace, p.Channel, event.NativeID(event.Digest("unnamed", string(target), emoji)),
		event.ThingReaction)
}

// everCounted returns a row for every emoji that any snapshot counts, even if all were named later: the rows of those who
// were named later stay, withdrawn, and are lost with the others.
func everCounted(p ChannelRef, target event.NativeID, message event.ThingID, events []PendingEvent) []ReactionRow {
	var rows []ReactionRow
	seen := map[event.ThingID]struct{}{}
	for i := range events {
		s, ok := events[i].Body.(*event.Reactions)
		if !ok {
			continue
		}
		for _, c := range s.Counts {
			row := ReactionRow{ChannelRef: p, Thing: unnamedReactionID(p, target, c.Emoji), Message: message, Target: string(target), Emoji: c.Emoji}
			if _, found := seen[row.Thing]; c.Count > 0 && !found {
				seen[row.Thing] = struct{}{}
				rows = append(rows, row)
			}
		}
	}
	return rows
}

// byReaction indexes rows by the reaction they are of.
func byReaction(rows []ReactionRow) map[event.ThingID]*ReactionRow {
	out := make(map[event.ThingID]*ReactionRow, len(rows))
	for i := range rows {
		out[rows[i].Thing] = &rows[i]
	}
	return out
}

// withdrawn returns the rows of old that are not among rows, as removed and with a count of zero: whether they were ever published
// depends on the order of arrival, so they count for nothing.
func withdrawn(rows, old []ReactionRow) []ReactionRow {
	var out []ReactionRow
	current := byReaction(rows)
	for _, o := range old {
		if current[o.Thing] == nil {
			o.Removed, o.Count, o.At = true, 0, event.Instant{}
			out = append(out, o)
		}
	}
	return out
}

// Same reports whether two rows of one reaction say the same.
func (r *ReactionRow) Same(o *ReactionRow) bool {
	return r.Count == o.Count && r.Removed == o.Removed && r.At.At.Equal(o.At.At) && r.Person == o.Person &&
		r.PersonName == o.PersonName
}

// WithLostRows adds to the stored rows those that may have been lost.
func WithLostRows(g *Group, message event.ThingID, stored []ReactionRow) []ReactionRow {
	all, found := slices.Clone(stored), byReaction(stored)
	for _, r := range everCounted(g.ChannelRef, g.NativeID, message, g.Events) {
		if found[r.Thing] == nil {
			all = append(all, r)
		}
	}
	return all
}

// ChangedReactions returns the rows that differ from the stored ones, all of them with force, and which of them replace a stored one.
func ChangedReactions(rows, stored []ReactionRow, force bool) (changed []ReactionRow, replaced [][16]byte) {
	old := byReaction(stored)
	for _, row := range rows {
		o := old[row.Thing]
		if o != nil && o.Same(&row) && !force {
			continue
		}
		if o != nil {
			replaced = append(replaced, row.Thing)
		}
		changed = append(changed, row)
	}
	return changed, replaced
}
