package normalise

import (
	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/fact"
)

// gathering groups facts of one transaction by channel.
type gathering struct {
	version fact.Version
	batches map[event.Key]*fact.Batch
	order   []event.Key
	count   int
	room    map[event.Key]room
}

// room is how many facts of a channel there will be, of the kinds that are many.
type room struct{ messages, versions int }

func newGathering(v fact.Version) *gathering {
	return &gathering{version: v, batches: map[event.Key]*fact.Batch{}, room: map[event.Key]room{}}
}

// of returns the batch of a channel, and counts the fact that is about to be put into it.
func (g *gathering) of(p place) *fact.Batch {
	g.count++
	b := g.batches[p.key]
	if b == nil {
		b = &fact.Batch{Version: g.version, Source: string(p.source), Namespace: string(p.namespace), Channel: string(p.channel)}
		if p.key != (event.Key{}) {
			b.ChannelKey = p.key.String()
		}
		if n := g.room[p.key]; n != (room{}) {
			b.Messages, b.Versions = make([]fact.Message, 0, n.messages), make([]fact.Edition, 0, n.versions)
		}
		g.batches[p.key] = b
		g.order = append(g.order, p.key)
	}
	return b
}

func (g *gathering) message(r *messageRow) {
	if r.kind == nil {
		return // nobody is told of a stub
	}
	b := g.of(r.place)
	b.Messages = append(b.Messages, r.fact())
}

func (g *gathering) edition(p place, it *item) {
	b := g.of(p)
	b.Versions = append(b.Versions, it.fact())
}

func (g *gathering) reaction(r *reactionRow) {
	b := g.of(r.place)
	b.Reactions = append(b.Reactions, r.fact())
}

func (g *gathering) membership(r *membershipRow) {
	b := g.of(r.place)
	b.Memberships = append(b.Memberships, r.fact())
}

func (g *gathering) channel(r *channelRow) {
	b := g.of(r.place)
	b.Channels = append(b.Channels, r.fact())
}

func (g *gathering) sighting(r *sightingRow) {
	b := g.of(r.place)
	b.Sightings = append(b.Sightings, r.fact())
}

// identity goes into a batch of its source and of no channel: it belongs to none.
func (g *gathering) identity(r *identityRow) {
	p := place{source: r.source, namespace: r.namespace, key: event.Key{}}
	b := g.of(p)
	if b.Source != string(r.source) { // identities of several sources in one transaction
		p.key = event.ChannelKey(r.source, "", "")
		g.count--
		b = g.of(p)
		b.ChannelKey = ""
	}
	b.Identities = append(b.Identities, r.fact())
}

func (g *gathering) all() []fact.Batch {
	out := make([]fact.Batch, 0, len(g.order))
	for _, k := range g.order {
		out = append(out, *g.batches[k])
	}
	return out
}

// expect counts what is many, so that lists need not grow.
func (g *gathering) expect(messages []*messageRow, events ...[]item) {
	for _, r := range messages {
		n := g.room[r.key]
		n.messages++
		g.room[r.key] = n
	}
	for _, list := range events {
		for i := range list {
			n := g.room[list[i].channel]
			n.versions++
			g.room[list[i].channel] = n
		}
	}
}

// facts of everything that the transaction wrote.
func (w *work) facts() ([]fact.Batch, int) {
	g := newGathering(w.life.version(w.stamp))
	g.expect(w.written.messages, w.fresh, w.grown)
	for _, list := range [][]item{w.fresh, w.grown} {
		for i := range list {
			g.edition(placeOf(&list[i]), &list[i])
		}
	}
	for _, r := range w.written.messages {
		g.message(r)
	}
	for i := range w.written.reactions {
		g.reaction(&w.written.reactions[i])
	}
	for i := range w.written.memberships {
		g.membership(&w.written.memberships[i])
	}
	for i := range w.written.channels {
		g.channel(&w.written.channels[i])
	}
	for i := range w.written.identities {
		g.identity(&w.written.identities[i])
	}
	for i := range w.written.sightings {
		g.sighting(&w.written.sightings[i])
	}
	return g.all(), g.count
}

// countFacts is what facts will return, known before the rows are complete.
func (w *work) countFacts() int {
	n := len(w.fresh) + len(w.grown) + len(w.written.reactions) + len(w.written.memberships) + len(w.written.channels) +
		len(w.written.identities) + len(w.written.sightings)
	for _, r := range w.written.messages {
		if r.kind != nil {
			n++
		}
	}
	return n
}
