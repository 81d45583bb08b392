package projection

import (
	"bytes"
	"cmp"
	"slices"
	"time"

	"github.com/agrichat/agrichat/internal/event"
)

// IdentityRow is an identity with its latest names.
type IdentityRow struct {
	Key         event.Key `fact:"Key"`
	Source      event.Source
	Namespace   event.Namespace `pg:"namespace" fact:"Namespace"`
	ID          event.AuthorID  `pg:"identity" fact:"ID"`
	Name        string          `pg:"name" fact:"Name"`
	AsOf        *time.Time
	Username    string `pg:"username" fact:"Username"`
	UsernameAt  *time.Time
	Bot         bool `pg:"bot" fact:"Bot"`
	Placeholder bool // the row was inserted without a version, and no transaction has written it yet
}

// Merge takes over the later names. Of two names of one instant the greater wins: any rule will do that does not depend on the order of
// arrival.
func (r *IdentityRow) Merge(o *IdentityRow) {
	if o.Name != "" && laterName(o.AsOf, o.Name, r.AsOf, r.Name) {
		r.Name, r.AsOf = o.Name, o.AsOf
	}
	if o.Username != "" && laterName(o.UsernameAt, o.Username, r.UsernameAt, r.Username) {
		r.Username, r.UsernameAt = o.Username, o.UsernameAt
	}
	r.Bot = r.Bot || o.Bot
}

// Rename replaces names that were read in a charset which has been replaced.
func (r *IdentityRow) Rename(to Renames) {
	r.Name, r.Username = to.Apply(r.Key, r.Name), to.Apply(r.Key, r.Username)
}

func laterName(at *time.Time, name string, thanAt *time.Time, than string) bool {
	if than == "" {
		return true
	}
	switch {
	case at == nil && thanAt == nil:
		return name > than
	case at == nil:
		return false
	case thanAt == nil:
		return true
	case !at.Equal(*thanAt):
		return at.After(*thanAt)
	}
	return name > than
}

// SameNames reports whether the fact of both is the same.
func (r *IdentityRow) SameNames(o *IdentityRow) bool {
	return r.Name == o.Name && r.Username == o.Username && r.Bot == o.Bot
}

func (r *IdentityRow) SameTimes(o *IdentityRow) bool {
	return sameTime(r.AsOf, o.AsOf) && sameTime(r.UsernameAt, o.UsernameAt)
}

func sameTime(a, b *time.Time) bool {
	return a == nil && b == nil || a != nil && b != nil && a.Equal(*b)
}

// CollectIdentities returns every person whom the events name, with the latest names in these events, sorted by key. Every copy of an
// event counts for itself: which copies share a batch is chance. Names in a copy are ignored where the stored event has a surer charset.
func CollectIdentities(items []PendingEvent, charsets Charsets) []IdentityRow {
	found := map[event.Key]*IdentityRow{}
	add := func(it *PendingEvent, who event.Person, username string) {
		if who.ID == "" {
			return
		}
		ns := who.Namespace
		if ns == "" {
			ns = it.Namespace
		}
		r := IdentityRow{Key: who.Key(it.Source, it.Namespace), Source: it.Source, Namespace: ns, ID: who.ID, Name: who.Name,
			AsOf: TimeOrNil(it.Sent), Username: username, UsernameAt: TimeOrNil(it.Sent), Bot: who.Bot}
		if charsets.overrules(it) {
			r.Name, r.Username = "", ""
		}
		if old, ok := found[r.Key]; ok {
			old.Merge(&r)
			return
		}
		found[r.Key] = &r
	}
	for i := range items {
		eachPerson(&items[i], add)
	}
	out := make([]IdentityRow, 0, len(found))
	for _, r := range found {
		if r.Name == "" {
			r.AsOf = nil
		}
		if r.Username == "" {
			r.UsernameAt = nil
		}
		out = append(out, *r)
	}
	slices.SortFunc(out, func(a, b IdentityRow) int { return bytes.Compare(a.Key[:], b.Key[:]) })
	return out
}

func eachPerson(it *PendingEvent, add func(*PendingEvent, event.Person, string)) {
	switch b := it.Body.(type) {
	case *event.Identity:
		add(it, it.Author, b.Username)
		return
	case *event.Message:
		if b.Service != nil {
			for _, m := range b.Service.Members {
				add(it, m, "")
			}
		}
	case *event.Reactions:
		for _, p := range b.People {
			add(it, p.Person, "")
		}
	}
	add(it, it.Author, "")
}

// ChannelRow is what a channel is called.
type ChannelRow struct {
	ChannelRef
	Name    string `pg:"name" fact:"Name"`
	Kind    string `pg:"type" fact:"Type"`
	Topic   string `pg:"topic" fact:"Topic"`
	AsOf    *time.Time
	Event   *[16]byte
	Reading event.Reading // of the event
}

// Merge takes over the names of a later event; it reports whether it did.
func (r *ChannelRow) Merge(o *ChannelRow) bool {
	if o.Event == nil || r.Event != nil && o.compare(r) <= 0 {
		return false
	}
	r.Name, r.Kind, r.Topic, r.AsOf, r.Event, r.Reading = o.Name, o.Kind, o.Topic, o.AsOf, o.Event, o.Reading
	return true
}

// compare orders what two events say: by time, then by the surer charset, then by anything that does not depend on arrival.
func (r *ChannelRow) compare(o *ChannelRow) int {
	if !sameTime(r.AsOf, o.AsOf) {
		switch {
		case r.AsOf == nil:
			return -1
		case o.AsOf == nil:
			return 1
		}
		return r.AsOf.Compare(*o.AsOf)
	}
	switch {
	case r.Reading.SurerCharset(o.Reading):
		return 1
	case o.Reading.SurerCharset(r.Reading):
		return -1
	}
	return cmp.Or(bytes.Compare(r.Event[:], o.Event[:]), cmp.Compare(r.Name, o.Name), cmp.Compare(r.Kind, o.Kind),
		cmp.Compare(r.Topic, o.Topic))
}

// CollectChannels returns every channel that the events are in, as these events know it, sorted by key.
func CollectChannels(items []PendingEvent, charsets Charsets) []ChannelRow {
	found := map[event.Key]*ChannelRow{}
	for i := range items {
		it := &items[i]
		r, ok := found[it.ChannelID]
		if !ok {
			r = &ChannelRow{ChannelRef: RefOf(it)}
			found[it.ChannelID] = r
		}
		if info, is := it.Body.(*event.ChannelInfo); is && !charsets.overrules(it) {
			id := [16]byte(it.ID)
			r.Merge(&ChannelRow{Name: info.Name, Kind: info.Type, Topic: info.Topic, AsOf: TimeOrNil(it.Sent), Event: &id, Reading: it.Reading})
		}
	}
	out := make([]ChannelRow, 0, len(found))
	for _, r := range found {
		out = append(out, *r)
	}
	slices.SortFunc(out, func(a, b ChannelRow) int { return bytes.Compare(a.Key[:], b.Key[:]) })
	return out
}
