package projection

import (
	"bytes"
	"cmp"
	"slices"
	"time"

	"github.com/agrichat/agrichat/internal/event"
)

// MembershipObservation is what one event says of one membership.
type MembershipObservation struct {
	ChannelRef
	Thing    event.ThingID
	Identity event.Key
	ID       string
	Name     string
	State    string
	Event    event.ID
	At       *time.Time
	Position event.Position
}

// ObserveMemberships returns what an event says of memberships: an event of its own says it of its author, a service message of
// those it names, or else of its author. People without an id cannot be distinguished and are left out.
func ObserveMemberships(p ChannelRef, it *PendingEvent) []MembershipObservation {
	switch b := it.Body.(type) {
	case *event.Membership:
		return membershipsOf(p, it, b.State, it.Author)
	case *event.Message:
		if b.Service == nil {
			return nil
		}
		state := memberState(b.Service.Action)
		if state == "" {
			return nil
		}
		if len(b.Service.Members) == 0 && (b.Service.Action == event.ActionJoin || b.Service.Action == event.ActionLeave) {
			return membershipsOf(p, it, state, it.Author)
		}
		return membershipsOf(p, it, state, b.Service.Members...)
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

func membershipsOf(p ChannelRef, it *PendingEvent, state string, people ...event.Person) []MembershipObservation {
	var out []MembershipObservation
	seen := make(map[event.ThingID]struct{}, len(people))
	for _, who := range people {
		if who.ID == "" {
			continue
		}
		key := who.Key(p.Source, p.Namespace)
		w := MembershipObservation{ChannelRef: p, Thing: membershipID(p, key), Identity: key, ID: string(who.ID), Name: who.Name,
			State: state, Event: it.ID, At: TimeOrNil(it.Sent), Position: it.Position}
		if _, found := seen[w.Thing]; !found {
			seen[w.Thing] = struct{}{}
			out = append(out, w)
		}
	}
	return out
}

// membershipID names a membership by whose it is: events of different connectors about one person are about one thing.
func membershipID(p ChannelRef, identity event.Key) event.ThingID {
	return event.Thing(p.Source, p.Namespace, p.Channel, event.NativeID(identity.String()), event.ThingMembership)
}

func (r *MembershipRow) Same(o *MembershipRow) bool {
	sameAt := r.At == nil && o.At == nil || r.At != nil && o.At != nil && r.At.Equal(*o.At)
	return sameAt && r.State == o.State && r.Name == o.Name
}

// DistinctObservations sorts and joins equal words: the first place of each counts.
func DistinctObservations(observations []MembershipObservation) []MembershipObservation {
	slices.SortFunc(observations, func(a, b MembershipObservation) int {
		return cmp.Or(a.compare(&b), cmp.Compare(a.Position, b.Position))
	})
	return slices.CompactFunc(observations, func(a, b MembershipObservation) bool { return a.compare(&b) == 0 })
}

func (w *MembershipObservation) compare(o *MembershipObservation) int {
	if c := cmp.Or(bytes.Compare(w.Thing[:], o.Thing[:]), bytes.Compare(w.Event[:], o.Event[:]), cmp.Compare(w.State, o.State),
		cmp.Compare(w.Name, o.Name)); c != 0 || sameTime(w.At, o.At) {
		return c
	}
	switch {
	case w.At == nil:
		return -1
	case o.At == nil:
		return 1
	}
	return w.At.Compare(*o.At)
}
