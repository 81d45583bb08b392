package ingest

import (
	"cmp"
	"slices"
	"strconv"
	"time"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/producers"
)

// Key is a content key, cut to 63 bits, and whether the record held the message: two exports of one chat are compared by them.
type Key uint64

// Known reports whether the record held the message.
func (k Key) Known() bool { return k&1 != 0 }

func (k Key) compare(o Key) int { return cmp.Compare(k|1, o|1) }

// MaxKeys bounds Result.Keys, in all chats of a run together.
const MaxKeys = 4_000_000

// Export is what one file brought of a chat's messages with content keys, in their order.
type Export struct {
	Keys []Key
	// ByName says that the chat goes by its name, and that its messages have the network's ids, of which these are keys.
	ByName bool
	// First and Last are how many of them are of the first minute, and of the last one.
	First, Last int
	// Resumed says that an earlier run had read what stands before.
	Resumed bool

	begin, end int64 // those minutes
	low, high  int64 // the first and the last minute by time
}

// Minutes returns the span of the messages, in minutes since 1970, both included.
func (x *Export) Minutes() (first, last int64) { return x.low, x.high }

// add notes a message's key.
func (x *Export) add(k Key, sent time.Time) {
	minute := sent.Unix() / 60
	if len(x.Keys) == 0 {
		x.begin, x.low, x.high = minute, minute, minute
	}
	x.low, x.high = min(x.low, minute), max(x.high, minute)
	if x.First == len(x.Keys) && minute == x.begin {
		x.First++
	}
	if len(x.Keys) == 0 || minute != x.end {
		x.Last, x.end = 0, minute
	}
	x.Last++
	x.Keys = append(x.Keys, k)
}

// key notes the content key of a message that has a time. A live source's are not noted: it is no export, has no end, and tells messages
// again after it connected again.
func (t *tally) key(chat Chat, e *event.Event, known bool) {
	if t.live || e.Kind != event.KindMessage || e.Sent.IsZero() || t.keys == MaxKeys {
		return
	}
	id, byName := e.NativeID, false
	if !producers.IsContentKey(id) {
		if byName = producers.IsByName(e.Channel); !byName {
			return
		}
		id = event.NativeID("k" + event.Digest(string(id)))
	}
	k, ok := keyOf(id)
	if !ok {
		return
	}
	if !known {
		k &^= 1
	}
	if t.sum.Keys == nil {
		t.sum.Keys = map[Chat]*Export{}
	}
	x := t.sum.Keys[chat]
	if x == nil {
		x = &Export{ByName: byName}
		t.sum.Keys[chat] = x
	}
	x.add(k, e.Sent.At)
	t.keys++
}

// keyOf reads a content key, as one that is known.
func keyOf(id event.NativeID) (Key, bool) {
	if len(id) < 17 {
		return 0, false
	}
	k, err := strconv.ParseUint(string(id[1:17]), 16, 64)
	return Key(k | 1), err == nil
}

// Join takes in another file of the export.
func (x *Export) Join(o *Export) {
	x.low, x.high = min(x.low, o.low), max(x.high, o.high)
	x.Keys = append(x.Keys, o.Keys...)
}

// sharedKeys returns what says whether a message of one of the exports of a chat is held by another one or by the record.
func sharedKeys(of []*Export) func(Key) bool {
	var all []Key
	for _, x := range of {
		all = append(all, x.Keys...)
	}
	slices.SortFunc(all, Key.compare)
	return func(k Key) bool {
		i, _ := slices.BinarySearchFunc(all, k, Key.compare)
		return k.Known() || i+1 < len(all) && all[i+1].compare(k) == 0
	}
}

// Differing returns how many messages of a chat stand in one export between two that another export or the record holds too, and are
// not held there themselves: they were edited between the exports, their author was renamed, or one of the exports lacks them. Where two
// exports have such messages before the first one that both hold, or after the last, only the longer of the two may begin earlier or end later.
func Differing(of []*Export) (n int) {
	shared := sharedKeys(of)
	before, after := map[Key]ends{}, map[Key]ends{}
	for _, x := range of {
		first, last, pending := -1, -1, 0
		for i, k := range x.Keys {
			switch {
			case !shared(k):
				pending++
				continue
			case first < 0:
				first = i
			default:
				n += pending
			}
			last, pending = i, 0
		}
		if first >= 0 {
			before[x.Keys[first]|1] = before[x.Keys[first]|1].add(first)
			after[x.Keys[last]|1] = after[x.Keys[last]|1].add(pending)
		}
	}
	for _, at := range [...]map[Key]ends{before, after} {
		for _, e := range at {
			n += e.all - e.most
		}
	}
	return n
}

// ends are the messages that exports have beyond the same shared one: of all exports, and of the one that has most.
type ends struct{ all, most int }

func (e ends) add(n int) ends { return ends{e.all + n, max(e.most, n)} }

// Meeting returns how many messages of a chat stand where two exports meet within one minute: an export holds them in its first minute or
// its last, another export or the record holds them too, and nothing else of the export. Whether such a message is the same one or an
// equal one of that minute cannot be told; it counts once. An export of such messages alone is a copy where all others that hold them
// begin with them: a log that grew.
func Meeting(of []*Export) (n int) {
	shared := sharedKeys(of)
	var later []Key
	for _, x := range of {
		met, inner, alone := 0, 0, 0
		for i, k := range x.Keys {
			switch {
			case !shared(k):
				alone++
			case i < x.First:
				met++
			case i < len(x.Keys)-x.Last:
				inner++
			case k.Known(): // else the other export has it in its first minute, and counts it
				met++
			}
		}
		switch {
		case inner > 0:
		case alone > 0:
			n += met
		case x.First == len(x.Keys):
			if later == nil {
				later = keysBehindStart(of)
			}
			for _, k := range x.Keys {
				if _, found := slices.BinarySearch(later, k|1); found {
					n++
				}
			}
		}
	}
	return n
}

// keysBehindStart returns the keys that exports hold behind their first minute, sorted.
func keysBehindStart(of []*Export) []Key {
	var out []Key
	for _, x := range of {
		for _, k := range x.Keys[x.First:] {
			out = append(out, k|1)
		}
	}
	slices.Sort(out)
	return out
}

// Apart returns the exports of a chat that share no message with another one or with the record.
func Apart(of []*Export) (out []*Export) {
	shared := sharedKeys(of)
	for _, x := range of {
		if !slices.ContainsFunc(x.Keys, shared) {
			out = append(out, x)
		}
	}
	return out
}

// Joins reports whether one of the exports of a chat holds a message that the record held.
func Joins(of []*Export) bool {
	return slices.ContainsFunc(of, func(x *Export) bool { return slices.ContainsFunc(x.Keys, Key.Known) })
}

// Held are the messages that the exports of a chat hold, by their keys.
type Held struct {
	all   []Key
	fresh []Key // those that are new to the record and that Differing does not count
}

// Hold notes what the exports of a chat hold.
func Hold(of []*Export) (h Held) {
	shared := sharedKeys(of)
	for _, x := range of {
		first, last := slices.IndexFunc(x.Keys, shared), len(x.Keys)-1
		for first >= 0 && !shared(x.Keys[last]) {
			last--
		}
		for i, k := range x.Keys {
			h.all = append(h.all, k|1)
			between := first >= 0 && first < i && i < last && !shared(k)
			if !k.Known() && !between && (i >= x.First || !x.Resumed) { // of a minute that an earlier run began, it has the beginning
				h.fresh = append(h.fresh, k|1)
			}
		}
	}
	slices.Sort(h.all)
	slices.Sort(h.fresh)
	return h
}

// Has reports whether an export holds a message of the record, and whether it is one that is new to the record and that Differing does not count.
func (h *Held) Has(id event.NativeID) (held, fresh bool) {
	k, ok := keyOf(id)
	if !ok {
		return false, false
	}
	_, held = slices.BinarySearch(h.all, k)
	_, fresh = slices.BinarySearch(h.fresh, k)
	return held, fresh
}
