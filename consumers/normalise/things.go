package normalise

import (
	"github.com/agrichat/agrichat/consumers"
	"github.com/agrichat/agrichat/internal/event"
)

// AffectedIDs returns the ids of all that a delivery can have made or changed in the record, whatever became of it: what was lost
// there is made anew by whatever names it here. Of a delivery that cannot be read there are none.
func (k *Store) AffectedIDs(d consumers.Delivery) [][16]byte {
	items, err := decodeMessage(nil, &d)
	if err != nil {
		return nil
	}
	var out [][16]byte
	for i := range items {
		p := placeOf(&items[i])
		out = append(append(out, reactionThings(p, &items[i])...), items[i].ID, items[i].thing, items[i].channel)
		if items[i].Kind == event.KindPoll {
			out = append(out, items[i].target)
		}
		for _, w := range memberWords(p, &items[i]) {
			out = append(out, w.thing)
		}
	}
	for _, r := range gatherIdentities(items, nil) {
		out = append(out, r.key)
	}
	return out
}

func reactionThings(p place, it *item) [][16]byte {
	var out [][16]byte
	target := it.Target()
	named := func(who event.Person, emoji string) {
		out = append(out, personThing(p, target, reactor{who.Key(p.source, p.namespace), emoji}))
	}
	switch b := it.Body.(type) {
	case *event.Reaction:
		named(it.Author, b.Emoji)
	case *event.Reactions:
		for _, rp := range b.People {
			named(rp.Person, rp.Emoji)
		}
		for _, c := range b.Counts {
			out = append(out, unnamedThing(p, target, c.Emoji))
		}
	}
	return out
}
