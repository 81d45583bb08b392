package event

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"
)

// The names by which a network calls things. Only the connector of that network makes them or looks inside.
type (
	Source    string // the network or format: "telegram", "irc", "jsonl"
	Namespace string // the scope in which the network's own ids are unique
	Account   string // whose collection this came from; provenance, never part of an id
	Channel   string // a chat within a namespace, with its type in it where numbers overlap
	NativeID  string // a thing within its channel, as the network calls it, or a content key
	AuthorID  string // an identity within a namespace
)

// ID names one state of one thing: hash(thing, revision).
type ID [16]byte

// ThingID names a thing whatever its state: hash(source, namespace, channel, native id, kind of thing).
type ThingID [16]byte

// Key names a place or a party that things hang on: a channel or an identity.
type Key [16]byte

// String returns 32 hexadecimal digits.
func (id ID) String() string { return hex.EncodeToString(id[:]) }

// String returns 32 hexadecimal digits.
func (id ThingID) String() string { return hex.EncodeToString(id[:]) }

// String returns 32 hexadecimal digits.
func (k Key) String() string { return hex.EncodeToString(k[:]) }

// ParseID reads what ID.String wrote.
func ParseID(s string) (ID, error) {
	var id ID
	if len(s) != 2*len(id) {
		return ID{}, fmt.Errorf("event id %q has %d characters, not 32", s, len(s))
	}
	if _, err := hex.Decode(id[:], []byte(s)); err != nil {
		return ID{}, fmt.Errorf("reading event id %q: %w", s, err)
	}
	return id, nil
}

// ThingKind is what kind of thing an id names.
type ThingKind string

// The kinds of thing.
const (
	ThingMessage    ThingKind = "message"
	ThingReaction   ThingKind = "reaction"
	ThingReactions  ThingKind = "reactions"
	ThingPoll       ThingKind = "poll"
	ThingMembership ThingKind = "membership"
	ThingChannel    ThingKind = "channel"
	ThingIdentity   ThingKind = "identity"
	ThingUnparsed   ThingKind = "unparsed"
)

// Thing derives the id of a thing.
func Thing(s Source, n Namespace, c Channel, native NativeID, k ThingKind) ThingID {
	return ThingID(digest("thing", string(s), string(n), string(c), string(native), string(k)))
}

// StateID derives the id of the event that carries a state of a thing.
func StateID(t ThingID, r Revision) ID { return ID(digest("event", string(t[:]), string(r))) }

// ChannelKey derives the key of a channel.
func ChannelKey(s Source, n Namespace, c Channel) Key {
	return Key(digest("channel", string(s), string(n), string(c)))
}

// IdentityKey derives the key of a person's identity on a network.
func IdentityKey(s Source, n Namespace, a AuthorID) Key {
	return Key(digest("identity", string(s), string(n), string(a)))
}

// ReactionNative names the reaction of one person with one emoji to one message: it has no id of its own on most networks.
func ReactionNative(target NativeID, person Key, emoji string) NativeID {
	d := digest("reaction", string(target), person.String(), emoji)
	return NativeID(hex.EncodeToString(d[:]))
}

// Digest hashes parts so that no two different lists of parts give the same bytes: each part is preceded by its length.
// Connectors use it for content keys.
func Digest(parts ...string) string {
	d := digest(parts...)
	return hex.EncodeToString(d[:])
}

// digest is called twice for every event, so it joins the parts in one place, which is on the stack unless they are long.
func digest(parts ...string) [16]byte {
	var buf [512]byte
	b := buf[:0]
	for _, p := range parts {
		b = binary.BigEndian.AppendUint64(b, uint64(len(p)))
		b = append(b, p...)
	}
	sum := sha256.Sum256(b)
	return [16]byte(sum[:16])
}

// Revision orders the states of one thing as the network orders them. Comparing two revisions as strings compares the
// states; the zero state is the smallest.
type Revision string

// Unedited is the first state of every thing.
const Unedited Revision = "0"

// RevisionAt is a state named by the network's instant of the change.
func RevisionAt(t time.Time) Revision {
	return Revision(fmt.Sprintf(revisionOfTime+"%020d", uint64(t.UnixMicro()+revisionBias)))
}

const revisionOfTime = "t"

// revisionBias keeps instants before 1970 positive, so that they sort: 1<<62 microseconds is far outside any clock.
const revisionBias = 1 << 62

// RevisionSeq is a state named by the network's own rising number of the change.
func RevisionSeq(n uint64) Revision { return Revision(fmt.Sprintf("s%020d", n)) }

// RevisionChange is a state named by the network's id of the change; order counts the changes before it, from 1.
func RevisionChange(order uint64, id string) Revision {
	return Revision(fmt.Sprintf("c%020d.%s", order, id))
}

// RevisionContent is a state that the network does not name: its content and the state before it name it, so that the
// contents A, B, A, B stay four states. order counts the changes before it, from 1.
func RevisionContent(order uint64, previous Revision, content string) Revision {
	return Revision(fmt.Sprintf("h%020d.%s", order, Digest(string(previous), content)))
}

// RevisionDeleted is the revision of a deletion; the given revision distinguishes one deletion of a thing from another.
func RevisionDeleted(of Revision) Revision { return "x" + of }

// CompareVersions orders two versions of one message as the network orders them. Their revisions do, unless one is made of the printed time of
// an edit, which no zone goes with (producers.Unnamed): such a version is ordered by when the edit was in the zone that the time is read in now. Of two at
// one instant the surer comes last, then the higher revision, so that the order depends on nothing but the two.
func CompareVersions(a, b *Event) int {
	x, openX := a.order()
	y, openY := b.order()
	return cmp.Or(cmp.Compare(x, y), compareBool(!openX, !openY), cmp.Compare(a.Revision, b.Revision))
}

// order is the revision that the version would have if the time of its edit had been printed with the zone that it is read in.
func (e *Event) order() (r Revision, open bool) {
	m, ok := e.Body.(*Message)
	if !ok || !strings.HasPrefix(string(e.Revision), revisionOfTime) || !(readTime{Instant: m.Edited}).isOpen() {
		return e.Revision, false
	}
	return RevisionAt(m.Edited.At), true
}

// ErrNewer: a newer program wrote the envelope, which is not at fault.
var ErrNewer = errors.New("the envelope is of a newer version")

// ErrIncomplete: a part of the event that its id is made of is empty.
var ErrIncomplete = errors.New("event is incomplete")
