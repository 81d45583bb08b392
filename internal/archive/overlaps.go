package archive

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/agrichat/agrichat/internal/ch"
	"github.com/agrichat/agrichat/internal/event"
)

// OverlapKind is why messages may be stored twice.
type OverlapKind string

// The kinds of overlap.
const (
	OverlapIDs    OverlapKind = "ids"    // by two schemes of ids: two chats of like names, or ids and content keys in one chat
	OverlapPeople OverlapKind = "people" // by two names of one author in one chat
	OverlapZones  OverlapKind = "zones"  // at two times of one chat, a whole number of quarter hours apart, which may be none; one for each distance
)

// Overlap is messages of a chat that may be duplicates of others.
type Overlap struct {
	Kind     OverlapKind
	Key      string        // of the chat, in hexadecimal
	Other    string        // of the other chat of OverlapIDs; may be the same one
	Authors  [2]string     // of OverlapPeople
	Shift    time.Duration // of OverlapZones
	Messages uint64        // that may be duplicates
}

// keysPerQuery bounds the size of a query.
const keysPerQuery = 1000

// Overlaps finds messages that may be stored twice: with equal minute and text in two chats of which one's name contains the other's, or which
// share content keys, or under two schemes of ids in one chat; and, in the chats of again, by two names of an author or in two zones. Chance is
// excluded: at least half of the smaller side and a tenth of the larger must be duplicates in the time that both have in common, a third where
// only the time differs.
// keys and again are from OverlapKey.
func (a *Archive) Overlaps(ctx context.Context, keys []string, again []string) ([]Overlap, error) {
	var out []Overlap
	for _, of := range []struct {
		keys []string
		find func(context.Context, ch.Params) ([]Overlap, error)
	}{{keys, a.overlapIDs}, {again, a.overlapPeople}, {again, a.overlapZones}} {
		for part := range slices.Chunk(of.keys, keysPerQuery) {
			found, err := of.find(ctx, ch.Params{"keys": array(part)})
			if err != nil {
				return nil, err
			}
			out = append(out, found...)
		}
	}
	return unique(out), nil
}

// unique removes duplicate overlaps of a pair, and keeps that of most messages: a pair is found from both of its sides, and once for each two
// schemes of ids.
func unique(of []Overlap) []Overlap {
	at := map[Overlap]int{}
	var out []Overlap
	for _, o := range of {
		pair := o
		if pair.Messages = 0; pair.Other != "" {
			pair.Key, pair.Other = min(o.Key, o.Other), max(o.Key, o.Other)
		}
		if n, was := at[pair]; was {
			if o.Messages > out[n].Messages {
				out[n] = o
			}
			continue
		}
		at[pair] = len(out)
		out = append(out, o)
	}
	return out
}

// array encodes hexadecimal keys as a ClickHouse array of strings.
func array(keys []string) string { return "['" + strings.Join(keys, "','") + "']" }

// span is of minutes since 1970, both included.
type span struct{ first, last int64 }

func (a *Archive) overlapIDs(ctx context.Context, p ch.Params) (out []Overlap, err error) {
	candidates, err := list(ctx, a, "overlap_candidates", p, func(key *string) []any { return []any{key} })
	if err != nil || len(candidates) == 0 {
		return nil, err
	}
	p = ch.Params{"keys": array(candidates), "asked": p["keys"]}
	type pair struct {
		Overlap
		keyed, otherKeyed uint8
	}
	pairs, err := list(ctx, a, "overlap_chats", p, func(o *pair) []any {
		o.Kind = OverlapIDs
		return []any{&o.Key, &o.keyed, &o.Other, &o.otherKeyed, &o.Messages}
	})
	for _, o := range pairs {
		chance, err := a.byChance(ctx, o.Messages, side{o.Key, o.keyed, ""}, side{o.Other, o.otherKeyed, ""})
		if err != nil {
			return nil, err
		}
		if !chance {
			out = append(out, o.Overlap)
		}
	}
	return out, err
}

func (a *Archive) overlapPeople(ctx context.Context, p ch.Params) (out []Overlap, err error) {
	pairs, err := list(ctx, a, "overlap_people", p, func(o *Overlap) []any {
		o.Kind = OverlapPeople
		return []any{&o.Key, &o.Authors[0], &o.Authors[1], &o.Messages}
	})
	for _, o := range pairs {
		chance, err := a.byChance(ctx, o.Messages, side{o.Key, 1, o.Authors[0]}, side{o.Key, 1, o.Authors[1]})
		if err != nil {
			return nil, err
		}
		if !chance {
			out = append(out, o)
		}
	}
	return out, err
}

// zoneShift is messages of one chat at two times, with the same difference as others.
type zoneShift struct {
	Overlap
	span
	seconds int64
}

func (a *Archive) overlapZones(ctx context.Context, p ch.Params) (out []Overlap, err error) {
	found, err := list(ctx, a, "overlap_shifts", p, func(o *zoneShift) []any {
		o.Kind = OverlapZones
		return []any{&o.Key, &o.seconds, &o.Messages, &o.first, &o.last}
	})
	for _, shifts := range ofOneMove(found) {
		all, _, err := a.overlapSize(ctx, side{shifts[0].Key, 1, ""}, joined(shifts))
		if err != nil {
			return nil, err
		}
		var messages uint64
		for _, o := range shifts {
			messages += o.Messages
		}
		for _, o := range shifts {
			if o.Shift = time.Duration(o.seconds) * time.Second; messages*2*3 >= all {
				out = append(out, o.Overlap)
			}
		}
	}
	return out, err
}

// ofOneMove returns, for each chat, the shift of most messages, which comes first, and those that differ from it by a change to or from summer
// time: two zones seldom change on one day.
func ofOneMove(found []zoneShift) (out [][]zoneShift) {
	at := map[string]int{}
	for _, o := range found {
		n, was := at[o.Key]
		if !was {
			at[o.Key], out = len(out), append(out, []zoneShift{o})
			continue
		}
		switch d := o.seconds - out[n][0].seconds; {
		case out[n][0].seconds == 0 || o.seconds == 0:
		case max(d, -d) == 3600, max(d, -d) == 1800:
			out[n] = append(out[n], o)
		}
	}
	return out
}

// joined is the span that covers several shifts.
func joined(of []zoneShift) span {
	all := of[0].span
	for _, o := range of[1:] {
		all.first, all.last = min(all.first, o.first), max(all.last, o.last)
	}
	return all
}

// Span is the time that an export of a chat covers, in minutes since 1970, both included.
type Span struct {
	Key         string // of the chat, in hexadecimal
	First, Last int64
}

// Within counts, for each span, the messages of its chat in it: those with content keys, or all where the chat is identified by its name.
func (a *Archive) Within(ctx context.Context, spans []Span) ([]uint64, error) {
	out := make([]uint64, 0, len(spans))
	for part := range slices.Chunk(spans, keysPerQuery) {
		var keys, firsts, lasts []string
		for _, s := range part {
			keys = append(keys, s.Key)
			firsts, lasts = append(firsts, strconv.FormatInt(s.First, 10)), append(lasts, strconv.FormatInt(s.Last, 10))
		}
		counts := make([]uint64, len(part))
		p := ch.Params{"keys": array(keys), "firsts": "[" + strings.Join(firsts, ",") + "]", "lasts": "[" + strings.Join(lasts, ",") + "]"}
		err := a.query(ctx, "overlap_within", p, func(rows driver.Rows) error {
			var number uint32
			var n uint64
			err := rows.Scan(&number, &n)
			if err == nil && number >= 1 && int(number) <= len(counts) {
				counts[number-1] = n
			}
			return err
		})
		if err != nil {
			return nil, err
		}
		out = append(out, counts...)
	}
	return out, nil
}

// side is one side of an overlap.
type side struct {
	key    string
	keyed  uint8  // 1: messages under content keys, 0: all others
	author string // empty: all
}

// byChance reports whether less than half of the smaller side's messages are duplicates, or less than a tenth of the larger one's, in the
// time that both sides have in common.
func (a *Archive) byChance(ctx context.Context, messages uint64, one, other side) (bool, error) {
	_, first, err := a.overlapSize(ctx, one, span{})
	if err != nil {
		return false, err
	}
	_, second, err := a.overlapSize(ctx, other, span{})
	if err != nil {
		return false, err
	}
	common := span{max(first.first, second.first), min(first.last, second.last)}
	n, _, err := a.overlapSize(ctx, one, common)
	if err != nil {
		return false, err
	}
	m, _, err := a.overlapSize(ctx, other, common)
	return messages*2 < min(n, m) || messages*10 < max(n, m), err
}

// overlapSize returns how many messages a side has in a span, and its own span.
func (a *Archive) overlapSize(ctx context.Context, of side, in span) (n uint64, own span, err error) {
	p := ch.Params{"key": of.key, "keyed": strconv.Itoa(int(of.keyed)), "author": of.author,
		"first": strconv.FormatInt(in.first, 10), "last": strconv.FormatInt(in.last, 10)}
	err = a.query(ctx, "overlap_size", p, func(rows driver.Rows) error { return rows.Scan(&n, &own.first, &own.last) })
	return n, own, err
}

// OverlapKey identifies a chat for Overlaps and Within.
func OverlapKey(source, namespace, channel string) string {
	return event.ChannelKey(event.Source(source), event.Namespace(namespace), event.Channel(channel)).String()
}
