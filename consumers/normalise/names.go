package normalise

import (
	"bytes"
	"cmp"
	"slices"
	"time"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/fact"
)

// identityRow is an identity as it is known.
type identityRow struct {
	key        event.Key
	source     event.Source
	namespace  event.Namespace
	id         event.AuthorID
	name       string
	asOf       *time.Time
	username   string
	usernameAt *time.Time
	bot        bool
	unborn     bool // has a row, but no transaction has written it yet
}

// learn takes over what a later word says. Of two names of one instant the greater stands: any rule will do that does not
// depend on arrival.
func (r *identityRow) learn(o *identityRow) {
	if o.name != "" && laterName(o.asOf, o.name, r.asOf, r.name) {
		r.name, r.asOf = o.name, o.asOf
	}
	if o.username != "" && laterName(o.usernameAt, o.username, r.usernameAt, r.username) {
		r.username, r.usernameAt = o.username, o.usernameAt
	}
	r.bot = r.bot || o.bot
}

// rename replaces names that were read in a charset which has been replaced.
func (r *identityRow) rename(to renamed) {
	r.name, r.username = to.name(r.key, r.name), to.name(r.key, r.username)
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

// sameNames reports whether the fact of both is the same.
func (r *identityRow) sameNames(o *identityRow) bool {
	return r.name == o.name && r.username == o.username && r.bot == o.bot
}

func (r *identityRow) sameTimes(o *identityRow) bool {
	return sameTime(r.asOf, o.asOf) && sameTime(r.usernameAt, o.usernameAt)
}

func sameTime(a, b *time.Time) bool {
	return a == nil && b == nil || a != nil && b != nil && a.Equal(*b)
}

func (r *identityRow) fact() fact.Identity {
	return fact.Identity{Key: r.key.String(), Namespace: string(r.namespace), ID: string(r.id), Name: r.name,
		Username: r.username, Bot: r.bot}
}

// gatherIdentities returns everyone whom the events name, by key, as these events know them, sorted by key. Every copy of an
// event counts for itself: which copies come together is chance. What a copy calls somebody counts for nothing where the event stands in a
// surer charset.
func gatherIdentities(items []item, charsets charsets) []identityRow {
	known := map[event.Key]*identityRow{}
	meet := func(it *item, who event.Person, username string) {
		if who.ID == "" {
			return
		}
		ns := who.Namespace
		if ns == "" {
			ns = it.Namespace
		}
		r := identityRow{key: who.Key(it.Source, it.Namespace), source: it.Source, namespace: ns, id: who.ID, name: who.Name,
			asOf: at(it.Sent), username: username, usernameAt: at(it.Sent), bot: who.Bot}
		if charsets.overruled(it) {
			r.name, r.username = "", ""
		}
		if old, ok := known[r.key]; ok {
			old.learn(&r)
			return
		}
		known[r.key] = &r
	}
	for i := range items {
		eachPerson(&items[i], meet)
	}
	out := make([]identityRow, 0, len(known))
	for _, r := range known {
		if r.name == "" {
			r.asOf = nil
		}
		if r.username == "" {
			r.usernameAt = nil
		}
		out = append(out, *r)
	}
	slices.SortFunc(out, func(a, b identityRow) int { return bytes.Compare(a.key[:], b.key[:]) })
	return out
}

func eachPerson(it *item, meet func(*item, event.Person, string)) {
	switch b := it.Body.(type) {
	case *event.Identity:
		meet(it, it.Author, b.Username)
		return
	case *event.Message:
		if b.Service != nil {
			for _, m := range b.Service.Members {
				meet(it, m, "")
			}
		}
	case *event.Reactions:
		for _, p := range b.People {
			meet(it, p.Person, "")
		}
	}
	meet(it, it.Author, "")
}

// channelRow is what a channel is called.
type channelRow struct {
	place
	name, kind, topic string
	asOf              *time.Time
	event             *[16]byte
	reading           event.Reading // of the event
}

// learn takes over what a later event says; it reports whether it did.
func (r *channelRow) learn(o *channelRow) bool {
	if o.event == nil || r.event != nil && o.compare(r) <= 0 {
		return false
	}
	r.name, r.kind, r.topic, r.asOf, r.event, r.reading = o.name, o.kind, o.topic, o.asOf, o.event, o.reading
	return true
}

// compare orders what two events say: by time, then by how surely their charset is known, then by anything that does not depend on arrival.
func (r *channelRow) compare(o *channelRow) int {
	if !sameTime(r.asOf, o.asOf) {
		switch {
		case r.asOf == nil:
			return -1
		case o.asOf == nil:
			return 1
		}
		return r.asOf.Compare(*o.asOf)
	}
	switch {
	case r.reading.SurerCharset(o.reading):
		return 1
	case o.reading.SurerCharset(r.reading):
		return -1
	}
	return cmp.Or(bytes.Compare(r.event[:], o.event[:]), cmp.Compare(r.name, o.name), cmp.Compare(r.kind, o.kind),
		cmp.Compare(r.topic, o.topic))
}

func (r *channelRow) fact() fact.Channel {
	return fact.Channel{Name: r.name, Type: r.kind, Topic: r.topic}
}

// gatherChannels returns every channel that the events are in, as these events know it, sorted by key.
func gatherChannels(items []item, charsets charsets) []channelRow {
	known := map[event.Key]*channelRow{}
	for i := range items {
		it := &items[i]
		r, ok := known[it.channel]
		if !ok {
			r = &channelRow{place: placeOf(it)}
			known[it.channel] = r
		}
		if info, is := it.Body.(*event.ChannelInfo); is && !charsets.overruled(it) {
			id := [16]byte(it.ID)
			r.learn(&channelRow{name: info.Name, kind: info.Type, topic: info.Topic, asOf: at(it.Sent), event: &id, reading: it.Reading})
		}
	}
	out := make([]channelRow, 0, len(known))
	for _, r := range known {
		out = append(out, *r)
	}
	slices.SortFunc(out, func(a, b channelRow) int { return bytes.Compare(a.key[:], b.key[:]) })
	return out
}

func placeOf(it *item) place {
	return place{source: it.Source, namespace: it.Namespace, channel: it.Channel, key: it.channel}
}
