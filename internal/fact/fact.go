// Package fact is what the normaliser publishes after each transaction: the current state of a thing.
//
// It promises that a fact is a full state and never a difference, that its key is the thing's id, and that of two facts
// with one key the one with the higher version is right, whatever happened to the stores in between. A batch may come
// twice, late, or behind a newer one.
package fact

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"time"
)

// Version orders the states of a thing: the generation of the store that made it, the token of the leader it was written
// under, and the counter of the transaction. A rebuilt store has a higher generation, so its facts overwrite an old one's.
type Version struct {
	Generation uint16
	Token      uint64 // at most MaxPart
	Counter    uint64 // at most MaxPart
}

// MaxPart bounds token and counter, so that a version fits into 128 bits: 16 for the generation, 56 for each of them.
const MaxPart = 1<<56 - 1

// Compare returns -1, 0 or 1 as v is lower than, equal to or higher than w.
func (v Version) Compare(w Version) int { return v.Big().Cmp(w.Big()) }

// Big returns the version as the 128-bit unsigned number that ClickHouse keeps.
func (v Version) Big() *big.Int {
	n := new(big.Int).SetUint64(uint64(v.Generation))
	n.Lsh(n, 56).Or(n, new(big.Int).SetUint64(v.Token&MaxPart))
	return n.Lsh(n, 56).Or(n, new(big.Int).SetUint64(v.Counter&MaxPart))
}

// FromBig reads what Big wrote.
func FromBig(n *big.Int) Version {
	mask := new(big.Int).SetUint64(MaxPart)
	part := func(shift uint) uint64 { return new(big.Int).And(new(big.Int).Rsh(n, shift), mask).Uint64() }
	return Version{Generation: uint16(part(112)), Token: part(56), Counter: part(0)}
}

// String returns "generation.token.counter".
func (v Version) String() string { return fmt.Sprintf("%d.%d.%d", v.Generation, v.Token, v.Counter) }

// Batch is the facts that one transaction made about one channel, or a part of them: one message of the stream FACTS.
// Ids and keys are 32 hexadecimal digits.
type Batch struct {
	V          int     `json:"v" codec:"form"` // of this form: 1
	Version    Version `json:"version"`
	Source     string  `json:"source"`
	Namespace  string  `json:"namespace"`
	Channel    string  `json:"channel,omitempty"`     // empty for identities alone
	ChannelKey string  `json:"channel_key,omitempty"` // empty for identities alone
	// RepublishID is set where facts are republished because a store may have lost them: a store that drops duplicate blocks
	// must not drop this one. It differs from one republication to the next.
	RepublishID string `json:"again,omitempty"`
	// Truncated is set if the batch holds one fact that no message could carry: its lists may be missing and its strings cut.
	// Postgres holds all of it, and the fact's hash is of all of it.
	Truncated   bool         `json:"truncated,omitempty"`
	Messages    []Message    `json:"messages,omitempty"`
	Versions    []Edition    `json:"versions,omitempty"`
	Reactions   []Reaction   `json:"reactions,omitempty"`
	Memberships []Membership `json:"memberships,omitempty"`
	Channels    []Channel    `json:"channels,omitempty"`
	Identities  []Identity   `json:"identities,omitempty"`
	Sightings   []Sighting   `json:"sightings,omitempty"`
}

// FormVersion is the form that Encode writes and Decode reads.
const FormVersion = 1

// The structs below are the one declaration of a fact's columns; what follows from them is generated (internal/codegen): the JSON codec, the
// hash, what may be truncated, the tables' columns in consumers/aggregate and the queries that compare them. Besides the name in JSON
// a field may have these tags:
//
//	ch    the column in ClickHouse, where it is not the name in JSON; ",key": 32 hexadecimal digits, kept as 16 bytes
//	cut   what may be taken from a fact that is too large for a message: a reference, text, list or id; "-": it stays whole
//	hash  the place in the content that is hashed: "last", or "extra" for a field that came later: it is part of the content, behind its
//	      name, only where it is set, so that facts without it keep their hash

// Message is the current state of a message.
type Message struct {
	Thing      string     `json:"thing" ch:"thing_id,key"`
	ExternalID string     `json:"external_id" cut:"id"`
	Kind       string     `json:"kind" cut:"-"` // message, action, service, unparsed
	AuthorKey  string     `json:"author_key,omitempty" ch:",key"`
	Author     string     `json:"author,omitempty" cut:"id"`
	AuthorName string     `json:"author_name,omitempty" cut:"text"` // as shown on this message
	SentAt     *time.Time `json:"sent_at,omitempty"`
	Precision  uint8      `json:"precision"` // event.Precision
	Assumed    bool       `json:"assumed,omitempty" ch:"zone_assumed"`
	Text       string     `json:"text,omitempty" hash:"last" cut:"text"`
	Revision   string     `json:"revision" cut:"-"`
	EditedAt   *time.Time `json:"edited_at,omitempty"`
	Deleted    bool       `json:"deleted,omitempty"`
	DeletedAt  *time.Time `json:"deleted_at,omitempty"`
	ReplyTo    string     `json:"reply_to,omitempty" cut:"id"` // external id
	Thread     string     `json:"thread,omitempty" cut:"id"`   // external id
	Forwarded  bool       `json:"forwarded,omitempty"`
	Action     string     `json:"action,omitempty" cut:"text"` // of a service message
	Media      []string   `json:"media,omitempty" cut:"list"`  // kinds of the attachments
	Links      []string   `json:"links,omitempty" cut:"reference"`
	Hashtags   []string   `json:"hashtags,omitempty" cut:"reference"`
	Mentions   []string   `json:"mentions,omitempty" cut:"reference"`
	Accounts   []string   `json:"accounts,omitempty" cut:"list"` // which collected its events first; sightings are of the others
	Position   uint64     `json:"position"`                      // event.Position of the first event about it; orders messages of one instant
	Hash       Hash       `json:"hash,omitzero" ch:"content_hash"`
}

// Edition is one event that PostgreSQL holds: a version of a message, a deletion, a reaction, whatever its kind.
type Edition struct {
	Event    string     `json:"event" ch:"event_id,key"`
	Thing    string     `json:"thing" ch:"thing_id,key"`
	Kind     string     `json:"kind"` // event.Kind
	Revision string     `json:"revision"`
	SentAt   *time.Time `json:"sent_at,omitempty"`
	Position uint64     `json:"position"` // event.Position
	Hash     Hash       `json:"hash,omitzero" ch:"content_hash"`
}

// Reaction is the current state of one person's reaction, or (PersonKey empty) of the number of people who are not named.
type Reaction struct {
	Thing      string     `json:"thing" ch:"thing_id,key"`
	Message    string     `json:"message" ch:"message_id,key"` // thing id of the message
	Target     string     `json:"target" cut:"id"`             // its external id
	PersonKey  string     `json:"person_key,omitempty" ch:",key"`
	Person     string     `json:"person,omitempty" cut:"id"`
	PersonName string     `json:"person_name,omitempty" cut:"text"`
	Emoji      string     `json:"emoji" cut:"text"`
	Count      uint32     `json:"count"` // 1 for a person; for the unnamed, all that are not named
	At         *time.Time `json:"at,omitempty"`
	Removed    bool       `json:"removed,omitempty"`
	Hash       Hash       `json:"hash,omitzero" ch:"content_hash"`
}

// Membership is the current state of an identity in a channel.
type Membership struct {
	Thing       string     `json:"thing" ch:"thing_id,key"`
	IdentityKey string     `json:"identity_key" ch:",key"`
	Identity    string     `json:"identity" cut:"id"`
	Name        string     `json:"name,omitempty" cut:"text"`
	State       string     `json:"state" cut:"-"` // joined, left, banned
	At          *time.Time `json:"at,omitempty"`
	Hash        Hash       `json:"hash,omitzero" ch:"content_hash"`
}

// Channel is what a channel is called now.
type Channel struct {
	Name  string `json:"name,omitempty" cut:"text"`
	Type  string `json:"type,omitempty" cut:"text"`
	Topic string `json:"topic,omitempty" cut:"text"`
	Hash  Hash   `json:"hash,omitzero" ch:"content_hash"`
}

// Identity is what an identity is called now.
type Identity struct {
	Key       string `json:"key" ch:",key"`
	Namespace string `json:"namespace" cut:"-"`
	ID        string `json:"id" ch:"identity" cut:"id"`
	Name      string `json:"name,omitempty" cut:"text"`
	Username  string `json:"username,omitempty" cut:"text"`
	Bot       bool   `json:"bot,omitempty"`
	Hash      Hash   `json:"hash,omitzero" ch:"content_hash"`
}

// Sighting is an account that collected an event, in addition to the accounts that the message itself names.
type Sighting struct {
	ID      string `json:"id" ch:"sighting_id,key"` // hash of event and account
	Event   string `json:"event" ch:"event_id,key"`
	Thing   string `json:"thing" ch:"thing_id,key"` // what the event is about
	Account string `json:"account"`
	Removed bool   `json:"removed,omitempty"` // the message names the account now
	Hash    Hash   `json:"hash,omitzero" ch:"content_hash"`
}

// Encode writes a batch.
func Encode(b *Batch) ([]byte, error) {
	b.V = FormVersion
	out, err := appendBatch(make([]byte, 0, b.Size()), b)
	if err != nil {
		return nil, fmt.Errorf("encoding facts: %w", err)
	}
	return out, nil
}

// Decode reads a batch. Who reads many takes a Reader.
func Decode(data []byte) (*Batch, error) { return new(Reader).Read(data) }

func newer(form int) error {
	return fmt.Errorf("%w: form %d, and this program reads form %d: upgrade this program", ErrNewer, form, FormVersion)
}

// formOf reads the form alone; zero if there is none.
func formOf(data []byte) int {
	var f struct {
		V int `json:"v"`
	}
	if json.Unmarshal(data, &f) != nil {
		return 0
	}
	return f.V
}

// ErrNewer: a newer program wrote the batch, which is not at fault.
var ErrNewer = errors.New("the facts are of a newer form")

// Check returns an error for a batch of a form that this program does not read. Decode calls it.
func (b *Batch) Check() error {
	if b.V > FormVersion {
		return newer(b.V)
	}
	if b.V != FormVersion {
		return fmt.Errorf("facts are of form %d: this program reads form %d", b.V, FormVersion)
	}
	return nil
}
