package projection

import (
	"github.com/agrichat/agrichat/consumers"
	"github.com/agrichat/agrichat/internal/event"
)

// AffectedIDs returns the ids of all rows that a delivery can have made or changed, whatever became of it: a lost row is made again by
// any delivery that names it here. For a delivery that cannot be decoded there are none.
func AffectedIDs(d consumers.Delivery) [][16]byte {
	items, err := DecodeMessage(nil, &d)
	if err != nil {
		return nil
	}
	var out [][16]byte
	for i := range items {
		p := RefOf(&items[i])
		out = append(append(out, reactionThings(p, &items[i])...), items[i].ID, items[i].ThingID, items[i].ChannelID)
		if items[i].Kind == event.KindPoll {
			out = append(out, items[i].TargetID)
		}
		for _, w := range ObserveMemberships(p, &items[i]) {
			out = append(out, w.Thing)
		}
	}
	for _, r := range CollectIdentities(items, nil) {
		out = append(out, r.Key)
	}
	return out
}

func reactionThings(p ChannelRef, it *PendingEvent) [][16]byte {
	var out [][16]byte
	target := it.Target()
	named := func(who event.Person, emoji string) {
		out = append(out, namedReactionID(p, target, Reactor{who.Key(p.Source, p.Namespace), emoji}))
	}
	switch b := it.Body.(type) {
	case *event.Reaction:
		named(it.Author, b.Emoji)
	case *event.Reactions:
		for _, rp := range b.People {
			named(rp.Person, rp.Emoji)
		}
		for _, c := range b.Counts {
			out = append(out, unnamedReactionID(p, target, c.Emoji))
		}
	}
	return out
}
