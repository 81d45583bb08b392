package normalise

import (
	"bytes"
	"cmp"
	"slices"
	"time"

	"github.com/agrichat/agrichat/internal/event"
)

// memberWord is what one event says of one membership.
type memberWord struct {
	place
	thing    event.ThingID
	identity event.Key
	id       string
	name     string
	state    string
	event    event.ID
	at       *time.Time
	position event.Position
}

// memberWords returns what an event says of memberships: an event of its own says it of its author, a service message of
// those it names, or else of its author. People without an id cannot be told apart and are left out.
func memberWords(p place, it *item) []memberWord {
	switch b := it.Body.(type) {
	case *event.Membership:
		return sayOf(p, it, b.State, it.Author)
	case *event.Message:
		if b.Service == nil {
			return nil
		}
		state := memberState(b.Service.Action)
		if state == "" {
			return nil
		}
		if len(b.Service.Members) == 0 && (b.Service.Action == event.ActionJoin || b.Service.Action == event.ActionLeave) {
			return sayOf(p, it, state, it.Author)
		}
		return sayOf(p, it, state, b.Service.Members...)
	}
	return nil
}

func memberState(action string) string {
	switch action {
	case event.ActionJoin, event.ActionInvite:
		return event.MemberJoined
	case event.ActionLeave, event.ActionKick:
		return event.MemberLeft
	case event.ActionBan:
		return event.MemberBanned
	}
	return ""
}

func sayOf(p place, it *item, state string, people ...event.Person) []memberWord {
	var out []memberWord
	seen := make(map[event.ThingID]struct{}, len(people))
	for _, who := range people {
		if who.ID == "" {
			continue
		}
		key := who.Key(p.source, p.namespace)
		w := memberWord{place: p, thing: membershipThing(p, key), identity: key, id: string(who.ID), name: who.Name,
			state: state, event: it.ID, at: at(it.Sent), position: it.position}
		if _, found := seen[w.thing]; !found {
			seen[w.thing] = struct{}{}
			out = append(out, w)
		}
	}
	return out
}

// membershipThing names a membership by whose it is: events of different connectors about one person are about one thing.
func membershipThing(p place, identity event.Key) event.ThingID {
	return event.Thing(p.source, p.namespace, p.channel, event.NativeID(identity.String()), event.ThingMembership)
}

func (r *membershipRow) same(o *membershipRow) bool {
	sameAt := r.at == nil && o.at == nil || r.at != nil && o.at != nil && r.at.Equal(*o.at)
	return sameAt && r.state == o.state && r.name == o.name
}

// distinctWords sorts and joins equal words: the first place of each counts.
func distinctWords(words []memberWord) []memberWord {
	slices.SortFunc(words, func(a, b memberWord) int { return cmp.Or(a.compare(&b), cmp.Compare(a.position, b.position)) })
	return slices.CompactFunc(words, func(a, b memberWord) bool { return a.compare(&b) == 0 })
}

func (w *memberWord) compare(o *memberWord) int {
	if c := cmp.Or(bytes.Compare(w.thing[:], o.thing[:]), bytes.Compare(w.event[:], o.event[:]), cmp.Compare(w.state, o.state),
		cmp.Compare(w.name, o.name)); c != 0 || sameTime(w.at, o.at) {
		return c
	}
	switch {
	case w.at == nil:
		return -1
	case o.at == nil:
		return 1
	}
	return w.at.Compare(*o.at)
}
