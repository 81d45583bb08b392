package normalise_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/agrichat/agrichat/consumers"
	"github.com/agrichat/agrichat/internal/event"
)

// world makes random events about few things, so that they meet: edits, deletions, reactions and snapshots of them, polls, people
// who rename themselves, memberships, repeats, copies of one event that several accounts collected and that know different much,
// lists with duplicates, and envelopes as only another program writes them.
type world struct {
	r      *rand.Rand
	events []event.Event
}

func newWorld(seed uint64, n int) *world {
	w := &world{r: rand.New(rand.NewPCG(seed, 1))}
	for len(w.events) < n {
		w.step()
	}
	return w
}

// instant is one of few, so that ties happen.
func (w *world) instant() event.Instant {
	t := time.Date(2024, 3, 1, 12, w.r.IntN(5), 0, 0, time.UTC)
	switch w.r.IntN(4) {
	case 0:
		return event.Instant{At: t, Precision: event.PrecisionMinute, Assumed: true, Zone: "Europe/Moscow"}
	case 1:
		return event.Instant{}
	default:
		return event.NewInstant(t.Add(time.Duration(w.r.IntN(60))*time.Second), event.PrecisionSecond)
	}
}

func (w *world) person() event.Person {
	n := w.r.IntN(5)
	return event.Person{ID: event.AuthorID(fmt.Sprint("u", n)), Name: []string{"Анна", "Anna", "A", "", "Ваня 🙂"}[w.r.IntN(5)]}
}

func (w *world) emit(kind event.Kind, native event.NativeID, rev event.Revision, body event.Body, author event.Person) {
	e := event.Event{Source: "test", Namespace: "n", Channel: event.Channel(fmt.Sprint("c", w.r.IntN(2))), Kind: kind,
		NativeID: native, Revision: rev, Body: body, Author: author, Sent: w.instant(),
		Account: event.Account([]string{"", "me", "you"}[w.r.IntN(3)])}
	if kind == event.KindMessage && w.r.IntN(3) == 0 || kind == event.KindReactions && w.r.IntN(2) == 0 {
		e.Reading.AsOf = time.Date(2024, 3, 1, 12, w.r.IntN(6), 0, 0, time.UTC).UnixMilli()
	}
	if kind == event.KindUnparsed {
		e.Raw = []byte("broken \x00\xff bytes " + string(native))
	}
	if w.r.IntN(40) == 0 { // a time at the end of what can be written
		e.Sent = event.Instant{At: time.Date(9999, 12, 31, 23, 59, 59, 0, time.FixedZone("", -5*3600)), Precision: event.PrecisionSecond}
	}
	if err := e.Seal(); err != nil {
		panic(err)
	}
	w.events = append(w.events, e)
}

func (w *world) message() event.NativeID { return event.NativeID(fmt.Sprint(w.r.IntN(8))) }

func (w *world) step() {
	target := w.message()
	rev := []event.Revision{event.Unedited, event.Unedited, event.RevisionSeq(1), event.RevisionSeq(2)}[w.r.IntN(4)]
	switch w.r.IntN(14) {
	case 12, 13:
		w.poll(target)
	case 0, 1, 2, 3:
		w.emit(event.KindMessage, target, rev, w.text(rev), w.person())
	case 4:
		w.emit(event.KindDeletion, target, event.RevisionDeleted(rev), &event.Deletion{}, event.Person{})
	case 5, 6:
		p, emoji := w.person(), []string{"👍", "🔥"}[w.r.IntN(2)]
		native := event.ReactionNative(target, p.Key("test", "n"), emoji)
		w.emit(event.KindReaction, native, event.RevisionSeq(w.r.Uint64N(4)),
			&event.Reaction{Target: target, Emoji: emoji, Removed: w.r.IntN(3) == 0}, p)
	case 7:
		w.snapshot(target)
	case 8:
		p := w.person()
		w.emit(event.KindMembership, event.NativeID(p.ID), event.RevisionSeq(w.r.Uint64N(6)),
			&event.Membership{State: []string{event.MemberJoined, event.MemberLeft}[w.r.IntN(2)]}, p)
	case 9:
		w.emit(event.KindMessage, target+"s", event.Unedited, &event.Message{Type: event.TypeService,
			Service: &event.Service{Action: []string{event.ActionInvite, event.ActionKick, event.ActionTopic}[w.r.IntN(3)],
				Members: twice(w, []event.Person{w.person(), w.person()})}}, w.person())
	case 10:
		w.emit(event.KindChannel, "info", event.RevisionSeq(w.r.Uint64N(4)),
			&event.ChannelInfo{Name: fmt.Sprint("Комната ", w.r.IntN(3)), Type: "group"}, event.Person{})
	default:
		if w.r.IntN(2) == 0 {
			p := w.person()
			w.emit(event.KindIdentity, event.NativeID(p.ID), event.RevisionSeq(w.r.Uint64N(4)),
				&event.Identity{Username: fmt.Sprint("user", w.r.IntN(3))}, p)
			return
		}
		w.emit(event.KindUnparsed, target, event.Unedited, &event.Unparsed{Reason: "for the test", Line: 1}, event.Person{})
	}
}

func (w *world) text(rev event.Revision) *event.Message {
	m := &event.Message{Type: event.TypeMessage, Text: fmt.Sprintf("текст %s see https://example.org/%d #метка\x00 %s", rev,
		w.r.IntN(2), []string{"", "longer"}[w.r.IntN(2)])}
	if rev != event.Unedited {
		m.Edited = w.instant()
	}
	if w.r.IntN(3) == 0 {
		m.ReplyTo = &event.Ref{NativeID: w.message()}
		m.Attachments = []event.Attachment{{Kind: "photo", Name: "a.jpg", Bytes: 5}}
		m.Forward = &event.Forward{From: event.Person{Name: "X"}}
	}
	m.Poll = w.randomPoll()
	m.Mentions = twice(w, []event.Person{w.person(), w.person()})
	m.Links = twice(w, []string{"https://example.org/a", ""})
	m.Hashtags = twice(w, []string{"#метка", "b"})
	m.Attachments = twice(w, m.Attachments)
	if m.Poll != nil {
		m.Poll.Options = twice(w, m.Poll.Options)
	}
	if w.r.IntN(8) == 0 { // keys that are one key once they can be stored
		m.Details = map[string]string{"a\x00": "1", "a\uFFFD": "2"}
	}
	return m
}

func (w *world) snapshot(target event.NativeID) {
	b := &event.Reactions{Target: target, Complete: w.r.IntN(2) == 0}
	for range w.r.IntN(3) {
		b.People = append(b.People, event.ReactionPerson{Person: w.person(), Emoji: "👍", Sent: w.instant()})
	}
	b.Counts = []event.ReactionCount{{Emoji: "👍", Count: len(b.People) + w.r.IntN(2)}, {Emoji: "🎉", Count: w.r.IntN(3)}}
	for range w.r.IntN(3) { // a placeholder of the network's, or a name that it repeats
		b.Counts = append(b.Counts, event.ReactionCount{Emoji: []string{"👍", "custom:(not included)"}[w.r.IntN(2)], Count: 1 + w.r.IntN(2)})
	}
	b.People = twice(w, b.People)
	w.emit(event.KindReactions, target, event.RevisionSeq(w.r.Uint64N(1<<40)), b, event.Person{})
}

// twice repeats an element of a list, now and then.
func twice[T any](w *world, list []T) []T {
	if len(list) == 0 || w.r.IntN(3) > 0 {
		return list
	}
	return append(list, list[w.r.IntN(len(list))])
}

// deliveries numbers the events as a stream would.
func (w *world) deliveries() []consumers.Delivery {
	out := make([]consumers.Delivery, len(w.events))
	for i := range w.events {
		data, err := event.Encode(&w.events[i])
		if err != nil {
			panic(err)
		}
		out[i] = consumers.Delivery{Sequence: uint64(i + 1), Data: data, EventIDs: w.events[i].ID.String()}
		if i%7 == 3 { // another program's: no header with the id, and members in another order
			out[i].EventIDs, out[i].Data = "", reordered(data)
		}
	}
	return out
}

// reordered is the same object with its members sorted, as another program may write it.
func reordered(data []byte) []byte {
	var members map[string]json.RawMessage
	err := json.Unmarshal(data, &members)
	out, other := json.Marshal(members)
	if err = errors.Join(err, other); err != nil {
		panic(err)
	}
	return out
}
