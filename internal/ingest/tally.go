package ingest

import (
	"maps"
	"slices"
	"sync"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/producers"
)

// tally adds up a run. The reader and the settler both write to it.
type tally struct {
	mu      sync.Mutex // covers all below
	sum     Result
	notices notices
	keys    int // in sum.Keys
	live    bool
}

func newTally(live bool) *tally {
	return &tally{sum: Result{Chats: map[Chat]ChatCounts{}}, notices: notices{}, live: live}
}

// notice notes what a batch's input left open.
func (t *tally) notice(given []producers.Notice, events []event.Event) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, n := range given {
		t.notices.add(n)
	}
	t.notices.read(events)
}

// take notes what a batch brought; known says what of it is not published, ambiguous how many of its records another may share
// the key of.
func (t *tally) take(events []event.Event, known []bool, ambiguous int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	var chat Chat
	var c ChatCounts
	for i := range events {
		e := &events[i]
		if of := chatOf(e); i == 0 || of != chat {
			if i > 0 {
				t.sum.Chats[chat] = c
			}
			chat, c = of, t.sum.Chats[of]
		}
		c.Read++
		t.sum.Events++
		if known[i] {
			c.Known++
			t.sum.Known++
		}
		t.key(chat, e, known[i])
		if u, unparsed := e.Body.(*event.Unparsed); unparsed {
			c.Unparsed++
			t.sum.Unparsed++
			if len(t.sum.Places) < MaxPlaces {
				t.sum.Places = append(t.sum.Places, Place{File: u.File, Line: u.Line, Offset: u.Offset, Reason: u.Reason})
			}
		}
	}
	if len(events) > 0 {
		t.sum.Chats[chat] = c
	}
	if ambiguous > 0 && ofOneChat(events) {
		c := t.sum.Chats[chatOf(&events[0])]
		c.Ambiguous += ambiguous
		t.sum.Chats[chatOf(&events[0])] = c
	}
}

func ofOneChat(events []event.Event) bool {
	for i := range events {
		if chatOf(&events[i]) != chatOf(&events[0]) {
			return false
		}
	}
	return len(events) > 0
}

// published notes what the stream acknowledged.
func (t *tally) published(events []event.Event, first, last uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sum.Sequences.Add(first, last)
	t.sum.Published += len(events)
	for from := 0; from < len(events); {
		chat, n := chatOf(&events[from]), 1
		for from+n < len(events) && chatOf(&events[from+n]) == chat {
			n++
		}
		c := t.sum.Chats[chat]
		c.Published += n
		t.sum.Chats[chat] = c
		from += n
	}
}

// land notes how the input of a batch was understood.
func (t *tally) land(c producers.Counts) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sum.Read += c.Read
	t.sum.Ambiguous += c.Ambiguous
	t.sum.Bytes += c.Bytes
}

func (t *tally) counts() Counts {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.sum.Counts
}

func (t *tally) result() Result {
	t.mu.Lock()
	defer t.mu.Unlock()
	r := t.sum
	r.Chats, r.Places, r.Notices = maps.Clone(r.Chats), slices.Clone(r.Places), t.notices.sorted()
	return r
}

func chatOf(e *event.Event) Chat {
	return Chat{Source: e.Source, Namespace: e.Namespace, Channel: e.Channel}
}

// Add adds what another run did: an import of several files has one result.
func (r *Result) Add(o Result) {
	r.Counts.add(o.Counts)
	if r.Chats == nil {
		r.Chats = map[Chat]ChatCounts{}
	}
	for chat, c := range o.Chats {
		s := r.Chats[chat]
		r.Chats[chat] = ChatCounts{Read: s.Read + c.Read, Published: s.Published + c.Published, Known: s.Known + c.Known,
			Unparsed: s.Unparsed + c.Unparsed, Ambiguous: s.Ambiguous + c.Ambiguous}
	}
	r.Places = append(r.Places, o.Places[:min(len(o.Places), MaxPlaces-len(r.Places))]...)
	r.Sequences.Union(o.Sequences)
	n := notices{}
	for _, notice := range slices.Concat(r.Notices, o.Notices) {
		n.add(notice)
	}
	r.Notices = n.sorted()
}

func (c *Counts) add(o Counts) {
	c.Read += o.Read
	c.Events += o.Events
	c.Published += o.Published
	c.Known += o.Known
	c.Unparsed += o.Unparsed
	c.Ambiguous += o.Ambiguous
	c.Bytes += o.Bytes
}
