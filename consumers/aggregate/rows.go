package aggregate

import (
	"encoding/hex"
	"fmt"
	"math/big"

	"github.com/agrichat/agrichat/internal/ch"
	"github.com/agrichat/agrichat/internal/fact"
)

// rows buffers the facts of a batch by table. The last block of each list is the one that grows.
type rows struct {
	messages, versions, reactions, memberships, channels, identities, sightings blocks
	republishID                                                                 string // distinguishes a republication of these facts

	reader fact.Reader
	raw    []byte // for the ids of one batch
}

type blocks struct {
	table  ch.Table
	sql    string
	layout func() []column
	list   []*block
	pool   []*block // emptied ones
}

func newRows() *rows {
	return &rows{
		messages:    blocks{table: ch.Messages, sql: insertMessages, layout: messageLayout},
		versions:    blocks{table: ch.Versions, sql: insertVersions, layout: editionLayout},
		reactions:   blocks{table: ch.Reactions, sql: insertReactions, layout: reactionLayout},
		memberships: blocks{table: ch.Memberships, sql: insertMemberships, layout: membershipLayout},
		channels:    blocks{table: ch.Channels, sql: insertChannels, layout: channelLayout},
		identities:  blocks{table: ch.Identities, sql: insertIdentities, layout: identityLayout},
		sightings:   blocks{table: ch.Sightings, sql: insertSightings, layout: sightingLayout},
	}
}

// open returns the block that takes the next row.
func (b *blocks) open() *block {
	if n := len(b.list); n > 0 && !b.list[n-1].full() {
		return b.list[n-1]
	}
	var next *block
	if n := len(b.pool); n > 0 {
		next, b.pool = b.pool[n-1], b.pool[:n-1]
	} else {
		next = newBlock(b.table, b.sql, b.layout())
	}
	b.list = append(b.list, next)
	return next
}

func (r *rows) tables() []*blocks {
	return []*blocks{&r.channels, &r.identities, &r.messages, &r.versions, &r.reactions, &r.memberships, &r.sightings}
}

// empty makes rows ready for another batch. They keep the buffers of this one, and release those that are far larger than it needed:
// after an import come single messages.
func (r *rows) empty() {
	for _, t := range r.tables() {
		clear(t.pool[:cap(t.pool)]) // this batch has not needed them
		t.pool = t.pool[:0]
		for _, b := range t.list {
			if !b.oversized() {
				b.empty()
				t.pool = append(t.pool, b)
			}
		}
		clear(t.list)
		t.list = t.list[:0]
	}
	r.republishID = ""
	r.reader.Reset()
}

// blocks returns what is to be inserted: names before what refers to them, so that a page seldom shows a chat without a name.
func (r *rows) blocks() []*block {
	var all []*block
	for _, t := range r.tables() {
		all = append(all, t.list...)
	}
	return all
}

// add adds a whole batch of facts, or none of it.
func (r *rows) add(f *fact.Batch) error {
	ids, err := r.ids(f)
	if err != nil {
		return err
	}
	r.republishID += f.RepublishID
	p := place{Batch: f, key: ids.next(), number: f.Version.Big()}
	r.addFacts(p, ids)
	return nil
}

// place is what all facts of a batch have in common.
type place struct {
	*fact.Batch
	key    string
	number *big.Int
}

func (p place) begin(b *block, key string) *block {
	return b.row(key, p.Version).text(p.key).version(p.number).text(p.Source, p.Namespace, p.Channel)
}

// ids are the ids, keys and hashes of a batch, as 16 bytes each, in the order in which addFacts takes them. They are read before
// the first row is made, so that a wrong one leaves nothing half done.
type ids struct {
	raw string
	pos int
}

func (d *ids) next() string {
	d.pos += 16
	return d.raw[d.pos-16 : d.pos]
}

func (all *rows) ids(f *fact.Batch) (*ids, error) {
	if f.Version.Token > fact.MaxPart || f.Version.Counter > fact.MaxPart {
		return nil, fmt.Errorf("the version %s does not fit into 128 bits", f.Version)
	}
	r := idReader{raw: all.raw[:0]}
	r.facts(f)
	all.raw = r.raw
	return &ids{raw: string(r.raw)}, r.err
}

type idReader struct {
	raw []byte
	err error
}

// hash appends a hash; 16 zero bytes for one that is missing.
func (r *idReader) hash(h fact.Hash) { r.raw = append(r.raw, h[:]...) }

// read appends one id; 16 zero bytes for one that is not given and need not be.
func (r *idReader) read(what, s string, needed bool) {
	if r.err != nil {
		return
	}
	if s == "" && !needed {
		r.raw = append(r.raw, make([]byte, 16)...)
		return
	}
	if len(s) != 32 {
		r.err = fmt.Errorf("the id of a fact (%s) has %d characters, not 32", what, len(s))
		return
	}
	raw, err := hex.AppendDecode(r.raw, []byte(s))
	if err != nil {
		r.err = fmt.Errorf("reading the id of a fact (%s): %w", what, err)
		return
	}
	r.raw = raw
}
