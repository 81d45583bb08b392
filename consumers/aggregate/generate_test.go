package aggregate_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/agrichat/agrichat/consumers"
	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/fact"
)

// world makes random facts about a few things, so that every thing gets several states.
type world struct {
	r       *rand.Rand
	version fact.Version
	things  map[event.ThingID]uint64 // the sequence of each thing's first event
}

func newWorld(seed uint64) *world {
	return &world{
		r:       rand.New(rand.NewPCG(seed, 7)),
		version: fact.Version{Generation: 1},
		things:  make(map[event.ThingID]uint64),
	}
}

// generate makes n deliveries, in the order in which the store would.
func generate(t testing.TB, seed uint64, n int) []consumers.Delivery {
	t.Helper()
	w := newWorld(seed)
	out := make([]consumers.Delivery, n)
	for i := range out {
		w.advance()
		b := w.batch()
		if w.r.IntN(5) > 0 { // the others are of an older program
			b.SetHashes()
		}
		data, err := fact.Encode(b)
		if err != nil {
			t.Fatal(err)
		}
		out[i] = consumers.Delivery{Sequence: uint64(i + 1), Data: data, Attempts: 1}
	}
	return out
}

// advance begins the next transaction; now and then under a new leader, or in a store that was rebuilt, and both
// may begin again with lower counters.
func (w *world) advance() {
	switch w.r.IntN(12) {
	case 0:
		w.version.Token += 1 << 40
		w.version.Counter -= min(w.version.Counter, 5)
	case 1:
		w.version = fact.Version{Generation: w.version.Generation + 1, Token: w.version.Token / 2}
	}
	w.version.Counter++
}

func (w *world) batch() *fact.Batch {
	b := &fact.Batch{
		Version: w.version, Source: pick(w.r, "telegram", "irc"), Namespace: pick(w.r, "", "net\t'1'\\"),
		Channel: pick(w.r, "chat:1", "#каналы", "user:-5"),
	}
	if b.Namespace == "" {
		b.Namespace = b.Source
	}
	b.ChannelKey = event.ChannelKey(event.Source(b.Source), event.Namespace(b.Namespace), event.Channel(b.Channel)).String()
	for _, id := range w.some(6) {
		b.Messages = append(b.Messages, w.message(b, id))
		b.Versions = append(b.Versions, w.edition(b, id))
	}
	for range w.r.IntN(5) {
		// One batch holds one state of a thing.
		a := w.reaction(b)
		if !slices.ContainsFunc(b.Reactions, func(o fact.Reaction) bool { return o.Thing == a.Thing }) {
			b.Reactions = append(b.Reactions, a)
		}
	}
	for _, id := range w.some(3) {
		b.Memberships = append(b.Memberships, w.membership(b, id))
	}
	if w.r.IntN(3) == 0 {
		b.Channels = []fact.Channel{{Name: w.text(), Type: pick(w.r, "group", "private"), Topic: w.text()}}
	}
	for _, id := range w.some(3) {
		b.Sightings = append(b.Sightings, w.sighting(b, id))
	}
	for _, id := range w.some(2) {
		b.Identities = append(b.Identities, w.identity(b, id))
	}
	return b
}

// some picks different numbers below n.
func (w *world) some(n int) []int { return w.r.Perm(n)[:w.r.IntN(n+1)] }

func pick[T any](r *rand.Rand, values ...T) T { return values[r.IntN(len(values))] }

func (w *world) text() string {
	return pick(w.r, "", "hello, world", "Привет, как дела-то? Don't 42", "e\u0301te\u0301 👩‍👩‍👧", "a\x00b\tc\n'\"\\", "日本語 です",
		"https://example.org/?q=1", fmt.Sprint("number ", w.r.IntN(1000)))
}

func (w *world) time() *time.Time {
	if w.r.IntN(5) == 0 {
		return nil
	}
	t := time.Date(2024, 1, 1+w.r.IntN(3), w.r.IntN(24), w.r.IntN(60), 5, w.r.IntN(1e6)*1e3, time.UTC)
	switch w.r.IntN(20) {
	case 0:
		t = time.Date(1931, 5, 6, 7, 8, 9, 0, time.UTC)
	case 1:
		t = time.Date(9999, 5, 6, 7, 8, 9, 0, time.UTC)
	case 2:
		t = time.Date(2150, 5, 6, 7, 8, 9, 0, time.UTC)
	}
	return &t
}

func (w *world) thing(b *fact.Batch, native string, k event.ThingKind) event.ThingID {
	return event.Thing(event.Source(b.Source), event.Namespace(b.Namespace), event.Channel(b.Channel), event.NativeID(native), k)
}

// person returns a key and an id, or neither.
func (w *world) person(b *fact.Batch) (key, id string) {
	n := w.r.IntN(5)
	if n == 4 {
		return "", ""
	}
	id = fmt.Sprint("user", n)
	return w.identityKey(b, n), id
}

func (w *world) identityKey(b *fact.Batch, n int) string {
	return event.IdentityKey(event.Source(b.Source), "people", event.AuthorID(fmt.Sprint("user", n))).String()
}

func (w *world) message(b *fact.Batch, n int) fact.Message {
	id := w.thing(b, fmt.Sprint(n), event.ThingMessage)
	if w.things[id] == 0 {
		w.things[id] = uint64(len(w.things) + 1)
	}
	m := fact.Message{
		Thing: id.String(), ExternalID: fmt.Sprint(n), Kind: pick(w.r, "message", "message", "message", "action", "service", "unparsed", ""),
		AuthorName: w.text(), SentAt: w.time(), Precision: uint8(w.r.IntN(6)), Assumed: w.r.IntN(2) == 0, Text: w.text(),
		Revision: pick(w.r, "0", "t0001", "s2"), Deleted: w.r.IntN(4) == 0, ReplyTo: pick(w.r, "", "3"), Thread: pick(w.r, "", "1"),
		Forwarded: w.r.IntN(2) == 0, Action: pick(w.r, "", "join"), Position: w.things[id], Accounts: []string{"me", w.text()},
		Links: pick(w.r, nil, []string{"https://a", "b'c"}), Media: pick(w.r, nil, []string{"photo", "voice"}),
		Hashtags: pick(w.r, nil, []string{"тег"}), Mentions: pick(w.r, nil, []string{"", "user1"}),
	}
	m.AuthorKey, m.Author = w.person(b)
	if w.r.IntN(4) == 0 {
		m.EditedAt = w.time()
	}
	if m.Deleted {
		m.DeletedAt = w.time()
	}
	return m
}

func (w *world) edition(b *fact.Batch, n int) fact.Edition {
	revision := pick(w.r, "0", "t0001", "s2")
	e := event.Event{
		Source: event.Source(b.Source), Namespace: event.Namespace(b.Namespace), Channel: event.Channel(b.Channel),
		NativeID: event.NativeID(fmt.Sprint(n)), Kind: event.KindMessage, Revision: event.Revision(revision), Body: &event.Message{},
	}
	if err := e.Seal(); err != nil {
		panic(err)
	}
	return fact.Edition{
		Event: e.ID.String(), Thing: e.Thing().String(), Kind: string(e.Kind), Revision: revision, SentAt: w.time(), Position: 7,
	}
}

func (w *world) reaction(b *fact.Batch) fact.Reaction {
	target, emoji := fmt.Sprint(w.r.IntN(6)), pick(w.r, "👍", "❤️")
	a := fact.Reaction{
		Message: w.thing(b, target, event.ThingMessage).String(), Target: target, Emoji: emoji, Count: 1, At: w.time(),
		Removed: w.r.IntN(3) == 0, PersonName: w.text(),
	}
	a.PersonKey, a.Person = w.person(b)
	if a.PersonKey == "" {
		a.Count = uint32(w.r.IntN(50))
	}
	a.Thing = w.thing(b, target+emoji+a.PersonKey, event.ThingReaction).String()
	return a
}

func (w *world) membership(b *fact.Batch, n int) fact.Membership {
	key := w.identityKey(b, n)
	return fact.Membership{
		Thing: w.thing(b, key, event.ThingMembership).String(), IdentityKey: key, Identity: fmt.Sprint("user", n), Name: w.text(),
		State: pick(w.r, "joined", "left", "banned"), At: w.time(),
	}
}

func (w *world) sighting(b *fact.Batch, n int) fact.Sighting {
	thing, account := w.thing(b, fmt.Sprint(n), event.ThingMessage), pick(w.r, "bob", "аня")
	return fact.Sighting{ID: w.thing(b, fmt.Sprint(n)+account, "sighting").String(), Event: w.edition(b, n).Event, Thing: thing.String(),
		Account: account, Removed: w.r.IntN(3) == 0}
}

func (w *world) identity(b *fact.Batch, n int) fact.Identity {
	return fact.Identity{
		Key: w.identityKey(b, n), Namespace: "people", ID: fmt.Sprint("user", n), Name: w.text(), Username: pick(w.r, "", "nick"),
		Bot: w.r.IntN(2) == 0,
	}
}
