package bus

import (
	"slices"

	"github.com/nats-io/nats.go"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/fault"
)

// Bounds of a bundle. What the server does for a message, and what a consumer does to have it and to acknowledge it, it does for
// all of its events at once; deploy/benchmark.md has what that gives. Larger ones gave nothing more.
const (
	bundleEvents = 500
	bundleBytes  = 480 << 10
)

// outMsg is an outgoing message before it is given the headers of its batch.
type outMsg struct {
	subject string
	data    []byte
	ids     string      // of the events it carries, for EventIDHeader; may be empty
	header  nats.Header // all others; nil for nearly every event
}

func (p *outMsg) set(key, value string) {
	if p.header == nil {
		p.header = nats.Header{}
	}
	p.header.Set(key, value)
}

// bundler encodes events into messages. Its buffers are reused: they are free as soon as the messages are sent, because the
// connection copies what it is given.
//
// Exports that alternate chats have several bundles open at once, one a subject. They are bounded by the messages and the bytes
// of one atomic batch, and all of them are sent with it: nothing stays open from one batch to the next, so that a cursor still
// means that all before it is acknowledged.
type bundler struct {
	most    int    // bytes that the server takes in a message
	bundle  int    // events that one may carry
	data    []byte // the envelopes, in the order of the events
	ids     []byte // of the events
	entries []entry
	bundles []bundle
	open    map[string]int // by subject, the bundle that takes more; the last bundle is not looked up
	before  *event.Event   // the event that was added last
	runs    int            // messages it takes if the order of all events is kept

	grouped    []byte // the envelopes by bundle, where events of several alternate
	groupedIDs []byte
}

// entry is an event in data and ids: where it begins, with what separates it from the one before, and its bundle.
type entry struct{ bundle, data, ids int }

// bundle is a message that is being built.
type bundle struct {
	outMsg
	events    int
	data, ids int // bytes of them
}

// maxBundlerBytes bounds the buffers that a pooled bundler keeps: two thousand events of half a kilobyte, with their raw forms, take two
// megabytes.
const maxBundlerBytes = 4 << 20

// bundlerPoolSize is the size of the pool: one is in use at a time, and hardly ever a second. A sync.Pool would be emptied by every
// second garbage collection.
const bundlerPoolSize = 2

func (p *Publisher) getBundler() *bundler {
	var k *bundler
	select {
	case k = <-p.bundlers:
	default:
		k = new(bundler)
	}
	k.most, k.bundle = p.c.maxPayload(), p.c.cfg.BundleEvents
	k.data, k.ids, k.entries, k.bundles, k.runs, k.before = k.data[:0], k.ids[:0], k.entries[:0], k.bundles[:0], 0, nil
	return k
}

func (p *Publisher) putBundler(k *bundler) {
	clear(k.bundles)
	clear(k.open)
	k.before = nil
	if cap(k.data)+cap(k.grouped) > 2*maxBundlerBytes {
		return
	}
	select {
	case p.bundlers <- k:
	default:
	}
}

// pack encodes as many events as are published together, and at least one, and returns how many they are. They are what one atomic
// batch holds; or, where the first of them fill a bundle, that bundle: the server stores what comes in a batch twice.
func (k *bundler) pack(events []event.Event, most int) (n int, err error) {
	for n < len(events) && len(k.data) < batchBytes {
		added, err := k.add(events[n:], most)
		if err != nil {
			return 0, err
		}
		if !added {
			break
		}
		k.before = &events[n]
		n++
	}
	return n, nil
}

// add encodes the first of these events: into the open bundle of its subject, or into a new one. Behind a single bundle that is full it adds nothing,
// nor where the batch has as many messages as it may have.
func (k *bundler) add(events []event.Event, most int) (bool, error) {
	e := &events[0]
	data, ids := len(k.data), len(k.ids)
	p, err := k.encode(e)
	if err != nil {
		return false, err
	}
	size, named := len(k.data)-data, len(k.ids)-ids
	to, found := k.bundleOf(&p)
	if found && !k.fits(&k.bundles[to], size+named, events) {
		if found = false; len(k.bundles) == 1 && k.bundles[to].events > 1 {
			k.data, k.ids = k.data[:data], k.ids[:ids]
			return false, nil
		}
	}
	if !found {
		if to = len(k.bundles); to >= most && to > 0 {
			k.data, k.ids = k.data[:data], k.ids[:ids]
			return false, nil
		}
		k.begin(p)
	}
	if n := len(k.entries); n == 0 || k.entries[n-1].bundle != to {
		k.runs++
	}
	k.entries = append(k.entries, entry{to, data, ids})
	u := &k.bundles[to]
	u.events, u.data, u.ids = u.events+1, u.data+size, u.ids+named
	return true, nil
}

// bundleOf returns the open bundle that an event may be added to. Most often it is that of the event before.
func (k *bundler) bundleOf(p *outMsg) (at int, found bool) {
	if n := len(k.entries); n > 0 {
		if last := k.entries[n-1].bundle; k.bundles[last].sameSubject(p) {
			return last, true
		}
	}
	at, found = k.open[p.subject]
	return at, found && k.bundles[at].sameSubject(p)
}

// fits reports whether a bundle takes the first of these events, of so many bytes. What hangs on a message goes with it where it can: two
// transactions that store a message and its reactions side by side write the same row, and one of them is retried.
func (k *bundler) fits(u *bundle, more int, events []event.Event) bool {
	bytes, most := u.data+u.ids+more, min(bundleBytes, k.most)
	if u.events >= k.bundle || bytes > most {
		return false
	}
	kept := most - most/32 // the bytes of what follows are not computed yet
	if u.events+maxFollowers < k.bundle && bytes <= kept || k.before != nil && sameMessage(k.before, &events[0]) {
		return true
	}
	n := followers(events)
	return n == 0 || u.events+1+n <= k.bundle && bytes <= kept
}

// maxFollowers bounds how far followers looks.
const maxFollowers = 16

// followers counts the events behind the first that are about the same message.
func followers(events []event.Event) int {
	n := 0
	for n < maxFollowers && n+1 < len(events) && sameMessage(&events[0], &events[n+1]) {
		n++
	}
	return n
}

// sameMessage reports whether two events are about one message.
func sameMessage(a, b *event.Event) bool {
	message := messageOf(a)
	return message != "" && message == messageOf(b) && a.Channel == b.Channel && a.Namespace == b.Namespace && a.Source == b.Source
}

// messageOf returns the message that an event is about or hangs on; empty if none.
func messageOf(e *event.Event) event.NativeID {
	switch e.Kind {
	case event.KindMessage, event.KindDeletion:
		return e.NativeID
	}
	return e.Target()
}

// begin opens a bundle. It replaces an open one of its subject, so that the order within a subject is kept.
func (k *bundler) begin(p outMsg) {
	if k.open == nil {
		k.open = map[string]int{}
	}
	k.open[p.subject] = len(k.bundles)
	k.bundles = append(k.bundles, bundle{outMsg: p})
}

// sameSubject reports whether an event may be in one message with those of the bundle: of the same subject, and without headers of
// its own.
func (u *bundle) sameSubject(e *outMsg) bool {
	return u.subject == e.subject && u.header == nil && e.header == nil
}

// encode writes an envelope, and its id, behind what separates it from the one before. An event that does not fit, or that JSON
// cannot hold, is made to.
func (k *bundler) encode(e *event.Event) (outMsg, error) {
	var p outMsg
	before := append(k.data, event.LineEnd...)
	data, err := event.Append(before, e)
	if size := len(data) - len(before); err != nil || size > k.most {
		small := *e
		var large []byte
		if err == nil {
			large = data[len(before):]
		}
		p.set(TrimmedHeader, oneLine(shrink(&small, large, err, k.most)))
		if data, err = event.Append(before, &small); err != nil {
			return outMsg{}, fault.AsPoison(err) // what Seal accepted and strings alone are left of always encodes
		}
		e = &small
	}
	k.data = data
	k.ids = append(append(k.ids, event.IDSeparator...), e.ID.String()...)
	p.subject = ChatSubject(e)
	return p, nil
}

// messages returns what is encoded, for batches of at most so many messages; it is valid until the bundler is put back. Events keep
// their order, across subjects too, unless their subjects alternate so that it takes twice the messages or more: then only the
// order within each subject is kept.
func (k *bundler) messages(most int) []outMsg {
	if k.runs > most || k.runs >= 2*len(k.bundles) {
		return k.bySubject()
	}
	out := make([]outMsg, 0, k.runs)
	data, ids := len(k.data), len(k.ids)
	for i := len(k.entries) - 1; i >= 0; i-- {
		e := &k.entries[i]
		if i > 0 && k.entries[i-1].bundle == e.bundle {
			continue
		}
		out = append(out, k.bundles[e.bundle].with(k.data[e.data:data:data], k.ids[e.ids:ids]))
		data, ids = e.data, e.ids
	}
	slices.Reverse(out)
	return out
}

// with returns the message of a bundle with these envelopes and ids, each behind what separates it from the one before.
func (u *bundle) with(data, ids []byte) outMsg {
	p := u.outMsg
	p.data, p.ids = data[len(event.LineEnd):], string(ids[len(event.IDSeparator):])
	return p
}

// bySubject brings the events of each bundle together.
func (k *bundler) bySubject() []outMsg {
	k.grouped, k.groupedIDs = slices.Grow(k.grouped[:0], len(k.data))[:len(k.data)], slices.Grow(k.groupedIDs[:0], len(k.ids))[:len(k.ids)]
	ends := make([]entry, len(k.bundles)) // of what has been copied of each
	for i := 1; i < len(k.bundles); i++ {
		before := &k.bundles[i-1]
		ends[i].data, ends[i].ids = ends[i-1].data+before.data, ends[i-1].ids+before.ids
	}
	for i, e := range k.entries {
		data, ids := k.data[e.data:], k.ids[e.ids:]
		if i+1 < len(k.entries) {
			data, ids = data[:k.entries[i+1].data-e.data], ids[:k.entries[i+1].ids-e.ids]
		}
		end := &ends[e.bundle]
		end.data += copy(k.grouped[end.data:], data)
		end.ids += copy(k.groupedIDs[end.ids:], ids)
	}
	out := make([]outMsg, len(k.bundles))
	for i, u := range k.bundles {
		end := ends[i]
		out[i] = u.with(k.grouped[end.data-u.data:end.data:end.data], k.groupedIDs[end.ids-u.ids:end.ids])
	}
	return out
}
