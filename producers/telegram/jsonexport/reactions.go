package jsonexport

import (
	"strconv"
	"time"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/producers"
	"github.com/agrichat/agrichat/producers/filekit"
	"github.com/agrichat/agrichat/producers/telegram/export"
)

// reactions puts into the batch what the export shows of the message's reactions. The export does not say when it was made;
// the latest time known of the message is the latest at which this was surely not yet different.
func (m *mapping) reactions(edited filekit.LocalTime) error {
	if len(m.r.reactions) == 0 {
		return nil
	}
	body := &event.Reactions{Target: m.id}
	var at export.Latest
	at.Add(m.at)
	at.Add(edited)
	total := 0
	clock, shift := m.reactionClock()
	parts := []string{"reactions"}
	for i, x := range m.r.reactions {
		emoji, key := x.name(), &m.key.reactions[i]
		body.Counts = append(body.Counts, event.ReactionCount{Emoji: emoji, Count: x.count})
		total += x.count
		parts = append(parts, key.name(), strconv.Itoa(x.count))
		for j, p := range x.recent {
			sent := clock.Read(p.date, "", m.at.At)
			if sent.Printed = sent.Printed.Add(-shift); sent.IsZero() {
				sent = filekit.LocalTime{}
			}
			at.Add(sent)
			who := export.Person(p.fromID, p.from, m.r.unix != "")
			body.People = append(body.People, event.ReactionPerson{Person: who, Emoji: emoji, Sent: sent.Instant})
			parts = append(parts, key.name(), string(who.ID), key.recent[j].from)
		}
	}
	producers.NumberRepeats(body) // custom emoji that were not exported have one placeholder
	body.Complete = total > 0 && total == len(body.People)
	read := m.read
	read.AsOf = max(m.asOf(), 0)
	return m.session.Emit(&event.Event{
		Source: export.Source, Namespace: m.ns, Account: m.owner().Account(), Channel: m.Chat.Channel, NativeID: m.id,
		Kind: event.KindReactions, Revision: at.Revision() + "." + event.Revision(event.Digest(parts...)), Sent: at.Instant, Reading: read, Body: body,
	})
}

// reactionsAsOf is as of when the export shows all reactions to a message that was not changed after the given instant; zero if it knows
// of nothing later.
func (m *mapping) reactionsAsOf(at event.Instant) int64 {
	if at.IsZero() {
		return 0
	}
	if asOf := m.asOf(); asOf > at.At.UnixMilli() {
		return asOf
	}
	return 0
}

func latestOf(a, b event.Instant) event.Instant {
	if b.Later(a) {
		return b
	}
	return a
}

// name is how a reaction is called where it has no sign of its own.
func (x *reaction) name() string {
	switch {
	case x.emoji != "":
		return x.emoji
	case x.document != "":
		return "custom:" + x.document
	case x.kind != "":
		return x.kind // "paid" has neither
	}
	return "unknown"
}

// reactionClock reads the times of reactions, which are printed without zone even where messages have absolute times: the
// user's zone, or else the one that the message's own two times show, which revisions are made of: shift is how far it is from UTC.
func (m *mapping) reactionClock() (_ export.Clock, shift time.Duration) {
	if m.at.Assumed || m.at.Zone == "" {
		return m.clock, 0
	}
	at, err := time.Parse("-07:00", m.at.Zone)
	if err != nil {
		return m.clock, 0
	}
	_, seconds := at.Zone()
	if shift = time.Duration(seconds) * time.Second; m.clock.Zone != nil {
		return m.clock, shift
	}
	return export.Clock{Zone: time.FixedZone(m.at.Zone, seconds)}, shift
}
