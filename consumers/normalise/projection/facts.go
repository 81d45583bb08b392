package projection

import (
	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/fact"
)

// FactBuilder builds the facts of one transaction, in batches by channel.
type FactBuilder struct {
	version  fact.Version
	batches  map[event.Key]*fact.Batch
	order    []event.Key
	Count    int
	capHints map[event.Key]capHint
}

// capHint is how many facts of a channel there will be, of the kinds that are many.
type capHint struct{ messages, versions int }

func NewFactBuilder(v fact.Version) *FactBuilder {
	return &FactBuilder{version: v, batches: map[event.Key]*fact.Batch{}, capHints: map[event.Key]capHint{}}
}

// batch returns the batch of a channel, and counts the fact that is about to be put into it.
func (g *FactBuilder) batch(p ChannelRef) *fact.Batch {
	g.Count++
	b := g.batches[p.Key]
	if b == nil {
		b = &fact.Batch{Version: g.version, Source: string(p.Source), Namespace: string(p.Namespace), Channel: string(p.Channel)}
		if p.Key != (event.Key{}) {
			b.ChannelKey = p.Key.String()
		}
		if n := g.capHints[p.Key]; n != (capHint{}) {
			b.Messages, b.Versions = make([]fact.Message, 0, n.messages), make([]fact.Edition, 0, n.versions)
		}
		g.batches[p.Key] = b
		g.order = append(g.order, p.Key)
	}
	return b
}

func (g *FactBuilder) AddMessage(r *MessageRow) {
	if r.Kind == nil {
		return // placeholder rows publish no fact
	}
	b := g.batch(r.ChannelRef)
	b.Messages = append(b.Messages, r.Fact())
}

func (g *FactBuilder) AddVersion(p ChannelRef, it *PendingEvent) {
	b := g.batch(p)
	b.Versions = append(b.Versions, it.Fact())
}

func (g *FactBuilder) AddReaction(r *ReactionRow) {
	b := g.batch(r.ChannelRef)
	b.Reactions = append(b.Reactions, r.Fact())
}

func (g *FactBuilder) AddMembership(r *MembershipRow) {
	b := g.batch(r.ChannelRef)
	b.Memberships = append(b.Memberships, r.Fact())
}

func (g *FactBuilder) AddChannel(r *ChannelRow) {
	b := g.batch(r.ChannelRef)
	b.Channels = append(b.Channels, r.Fact())
}

func (g *FactBuilder) AddSighting(r *SightingRow) {
	b := g.batch(r.ChannelRef)
	b.Sightings = append(b.Sightings, r.Fact())
}

// AddIdentity goes into a batch of its source and of no channel: it belongs to none.
func (g *FactBuilder) AddIdentity(r *IdentityRow) {
	p := ChannelRef{Source: r.Source, Namespace: r.Namespace, Key: event.Key{}}
	b := g.batch(p)
	if b.Source != string(r.Source) { // identities of several sources in one transaction
		p.Key = event.ChannelKey(r.Source, "", "")
		g.Count--
		b = g.batch(p)
		b.ChannelKey = ""
	}
	b.Identities = append(b.Identities, r.Fact())
}

func (g *FactBuilder) Batches() []fact.Batch {
	out := make([]fact.Batch, 0, len(g.order))
	for _, k := range g.order {
		out = append(out, *g.batches[k])
	}
	return out
}

// Reserve counts what is many, so that lists need not grow.
func (g *FactBuilder) Reserve(messages []*MessageRow, events ...[]PendingEvent) {
	for _, r := range messages {
		n := g.capHints[r.Key]
		n.messages++
		g.capHints[r.Key] = n
	}
	for _, list := range events {
		for i := range list {
			n := g.capHints[list[i].ChannelID]
			n.versions++
			g.capHints[list[i].ChannelID] = n
		}
	}
}
