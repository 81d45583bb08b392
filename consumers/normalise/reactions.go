package normalise

import (
	"bytes"
	"cmp"
	"slices"
	"time"

	"github.com/agrichat/agrichat/internal/event"
)

// reactor is one person with one emoji.
type reactor struct {
	person event.Key
	emoji  string
}

// word is the latest that was said of a reactor.
type word struct {
	decided event.Instant // when the word was true
	by      event.ID      // decides between two words of one instant
	shown   event.Instant // when the person reacted, if known
	person  event.Person
	removed bool
	undated bool // by a list whose export may be of any age
}

func (w word) later(than word) bool {
	if !w.decided.At.Equal(than.decided.At) {
		return w.decided.Later(than.decided)
	}
	return bytes.Compare(w.by[:], than.by[:]) > 0
}

// foldReactions returns the reactions to a message from all events about them, each once, in any order. old are the rows
// that stand: those that nothing supports any more are returned as removed, because somebody was told of them.
func foldReactions(p place, target event.NativeID, message event.ThingID, events []item, old []reactionRow) []reactionRow {
	words, shown, latest := hear(p, events)
	rows, named := namedRows(p, target, message, words, shown)
	rows = append(rows, unnamedRows(p, target, message, latest, named)...)
	rows = append(rows, withdrawn(rows, old)...)
	slices.SortFunc(rows, func(a, b reactionRow) int { return bytes.Compare(a.thing[:], b.thing[:]) })
	return rows
}

// namedRows returns a row for every reactor, and how many of them stand by each emoji.
func namedRows(p place, target event.NativeID, message event.ThingID, words map[reactor]word, shown []*snapshot) ([]reactionRow, map[string]int) {
	rows := make([]reactionRow, 0, len(words))
	named := map[string]int{}
	for who, w := range words {
		for _, s := range shown { // the youngest first
			if !s.at.Later(w.decided) {
				break
			}
			if s.Kind == event.KindMessage && w.undated {
				continue
			}
			if s.dismisses(who) {
				w.removed, w.shown = true, s.at
				break
			}
		}
		if !w.removed {
			named[who.emoji]++
		}
		rows = append(rows, personRow(p, target, message, who, w))
	}
	return rows, named
}

// snapshot is an export's list of reactions.
type snapshot struct {
	*item
	*event.Reactions
	at     event.Instant // the latest at which it was true
	people map[reactor]struct{}
	open   map[string]int // by emoji, how many more people reacted than are named
}

// dismisses reports whether a list that is complete for the emoji does not know the reactor. What a younger word says of him stands.
func (s *snapshot) dismisses(who reactor) bool {
	_, there := s.people[who]
	return !there && s.complete(who.emoji)
}

// complete reports whether nobody reacted with the emoji who is not named: the list says so, or it counts as many as it names. A list
// that counts at all counts every emoji.
func (s *snapshot) complete(emoji string) bool {
	return s.Complete || len(s.Counts) > 0 && s.open[emoji] <= 0
}

// count fills open.
func (s *snapshot) count() {
	if s.Complete {
		return
	}
	s.open = make(map[string]int, len(s.Counts))
	for _, c := range s.Counts {
		s.open[c.Emoji] += min(max(c.Count, 0), countMost)
	}
	for who := range s.people {
		s.open[who.emoji]--
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
func trueAt(it *item) event.Instant {
	if asOf := event.Known(time.UnixMilli(it.Reading.AsOf), event.PrecisionMilli); it.Reading.AsOf != 0 && asOf.Later(it.Sent) {
		return asOf
	}
	return it.Sent
}

// unreacted is the list that a message stands for whose export told all reactions, and none to it.
func unreacted(message event.ThingID, asOf int64) item {
	return item{Event: &event.Event{ID: event.ID(message), Kind: event.KindMessage, Reading: event.Reading{AsOf: asOf}, Body: &event.Reactions{Complete: true}}}
}

// latestOf returns the list whose counts stand. That nobody had reacted to a message takes counts away, as it does people, only where the list
// that has them says as of when it was true: others may be as old as the message itself, whenever their export was made.
func latestOf(shown []*snapshot) (latest *snapshot) {
	var none *snapshot
	for _, s := range shown {
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

// hear gathers the latest word on every reactor, the snapshots, of which the youngest comes first, and that one alone.
func hear(p place, events []item) (words map[reactor]word, shown []*snapshot, latest *snapshot) {
	words = map[reactor]word{}
	say := func(who event.Person, emoji string, w word) reactor {
		key := reactor{who.Key(p.source, p.namespace), emoji}
		if old, heard := words[key]; who.ID != "" && (!heard || w.later(old)) {
			words[key] = w
		}
		return key
	}
	for i := range events {
		it := &events[i]
		switch b := it.Body.(type) {
		case *event.Reaction:
			say(it.Author, b.Emoji, word{decided: it.Sent, by: it.ID, shown: it.Sent, person: it.Author, removed: b.Removed})
		case *event.Reactions:
			s := &snapshot{item: it, Reactions: b, at: trueAt(it), people: map[reactor]struct{}{}}
			for _, rp := range b.People {
				s.people[say(rp.Person, rp.Emoji, word{decided: s.at, by: it.ID, shown: rp.Sent, person: rp.Person, undated: it.Reading.AsOf == 0})] = struct{}{}
			}
			s.count()
			shown = append(shown, s)
		}
	}
	slices.SortFunc(shown, (*snapshot).compare)
	return words, shown, latestOf(shown)
}

func personRow(p place, target event.NativeID, message event.ThingID, who reactor, w word) reactionRow {
	key := [16]byte(who.person)
	return reactionRow{
		place: p, message: message, target: string(target), personKey: &key, person: string(w.person.ID),
		thing:      personThing(p, target, who),
		personName: w.person.Name, emoji: who.emoji, count: 1, at: w.shown.Bounded(), removed: w.removed,
	}
}

// unnamedRows counts, for each emoji of the latest snapshot, those whom nobody named. Equal emoji are one reaction: a network may
// list a reaction twice, or write one placeholder for several.
func unnamedRows(p place, target event.NativeID, message event.ThingID, s *snapshot, named map[string]int) []reactionRow {
	if s == nil {
		return nil
	}
	totals := make(map[string]int, len(s.Counts))
	for _, c := range s.Counts {
		totals[c.Emoji] = min(totals[c.Emoji]+min(max(c.Count, 0), countMost), countMost)
	}
	rows := make([]reactionRow, 0, len(totals))
	for emoji, total := range totals {
		if n := total - named[emoji]; n > 0 {
			rows = append(rows, reactionRow{
				place: p, message: message, target: string(target), emoji: emoji, count: int32(n), at: s.Sent,
				thing: unnamedThing(p, target, emoji),
			})
		}
	}
	return rows
}

// countMost is the highest count of one reaction that is stored.
const countMost = 1 << 30

func personThing(p place, target event.NativeID, who reactor) event.ThingID {
	return event.Thing(p.source, p.namespace, p.channel, event.ReactionNative(target, who.person, who.emoji), event.ThingReaction)
}

func unnamedThing(p place, target event.NativeID, emoji string) event.ThingID {
	return event.Thing(p.source, p.namespace, p.channel, event.NativeID(event.Digest("unnamed", string(target), emoji)),
		event.ThingReaction)
}

// everCounted returns a row for every emoji that any snapshot counts, whoever it then turned out to be: the rows of those who
// were named later stay, withdrawn, and are lost with the others.
func everCounted(p place, target event.NativeID, message event.ThingID, events []item) []reactionRow {
	var rows []reactionRow
	seen := map[event.ThingID]struct{}{}
	for i := range events {
		s, ok := events[i].Body.(*event.Reactions)
		if !ok {
			continue
		}
		for _, c := range s.Counts {
			row := reactionRow{place: p, thing: unnamedThing(p, target, c.Emoji), message: message, target: string(target), emoji: c.Emoji}
			if _, found := seen[row.thing]; c.Count > 0 && !found {
				seen[row.thing] = struct{}{}
				rows = append(rows, row)
			}
		}
	}
	return rows
}

// byReaction indexes rows by the reaction they are of.
func byReaction(rows []reactionRow) map[event.ThingID]*reactionRow {
	out := make(map[event.ThingID]*reactionRow, len(rows))
	for i := range rows {
		out[rows[i].thing] = &rows[i]
	}
	return out
}

// withdrawn returns the rows of old that are not among rows, as removed and counting nobody: whether they were ever told
// depends on what came first, so they stand for nothing.
func withdrawn(rows, old []reactionRow) []reactionRow {
	var out []reactionRow
	current := byReaction(rows)
	for _, o := range old {
		if current[o.thing] == nil {
			o.removed, o.count, o.at = true, 0, event.Instant{}
			out = append(out, o)
		}
	}
	return out
}

// same reports whether two rows of one reaction say the same.
func (r *reactionRow) same(o *reactionRow) bool {
	return r.count == o.count && r.removed == o.removed && r.at.At.Equal(o.at.At) && r.person == o.person &&
		r.personName == o.personName
}
