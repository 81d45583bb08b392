package bus

import (
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

// parcel is a message before it is given the headers of its batch.
type parcel struct {
	subject string
	data    []byte
	ids     string      // of the events it carries, for EventIDHeader; may be empty
	header  nats.Header // all others; nil for nearly every event
}

func (p *parcel) set(key, value string) {
	if p.header == nil {
		p.header = nats.Header{}
	}
	p.header.Set(key, value)
}

// packing makes parcels of events. What it holds is used again: it is free as soon as the parcels are sent, because the
// connection copies what it is given.
type packing struct {
	most    int    // bytes that the server bears in a message
	bundle  int    // events that one may carry
	data    []byte // the envelopes
	ids     []byte // of the events
	bundles []bundle
}

// bundle is a parcel in the making. Its data and ids go on to where the next one's begin.
type bundle struct {
	parcel
	events    int
	data, ids int // where they begin
}

// packingMost bounds the bytes that one of them keeps: two thousand events of half a kilobyte, with their raw forms, take two
// megabytes.
const packingMost = 4 << 20

// packingsKept is how many are kept: one is in use at a time, and hardly ever a second. A pool would be emptied by every second
// collection of garbage.
const packingsKept = 2

func (b *Bus) packing() *packing {
	var k *packing
	select {
	case k = <-b.packings:
	default:
		k = new(packing)
	}
	k.most, k.bundle = b.payloadMost(), b.cfg.BundleEvents
	k.data, k.ids, k.bundles = k.data[:0], k.ids[:0], k.bundles[:0]
	return k
}

func (b *Bus) release(k *packing) {
	clear(k.bundles)
	if cap(k.data) > packingMost {
		return
	}
	select {
	case b.packings <- k:
	default:
	}
}

// pack packs as many events as are published together, and at least one, and says how many they are. They are what one atomic
// batch holds; or, where the first of them fill a bundle, that bundle: the server stores what comes in a batch twice.
func (k *packing) pack(events []event.Event, most int) (n int, err error) {
	for n < len(events) && len(k.bundles) < most && len(k.data) < batchBytes {
		added, err := k.add(&events[n])
		if err != nil {
			return 0, err
		}
		if !added {
			break
		}
		n++
	}
	return n, nil
}

// add packs an event: into the bundle that the last message is, or becomes, or into a message of its own. Behind a single bundle
// that is full it adds nothing.
func (k *packing) add(e *event.Event) (bool, error) {
	data, ids := len(k.data), len(k.ids)
	p, err := k.encode(e)
	if err != nil {
		return false, err
	}
	if n := len(k.bundles); n > 0 && k.bundles[n-1].akin(&p) {
		switch last := &k.bundles[n-1]; {
		case last.events < k.bundle && len(k.data)-last.data+len(k.ids)-last.ids <= min(bundleBytes, k.most):
			last.events++
			return true, nil
		case n == 1 && last.events > 1:
			k.data, k.ids = k.data[:data], k.ids[:ids]
			return false, nil
		}
	}
	k.bundles = append(k.bundles, bundle{parcel: p, events: 1, data: data, ids: ids})
	return true, nil
}

// akin reports whether an event may stand in one message with those of the bundle: of the same subject, and with nothing to say
// in headers of its own.
func (u *bundle) akin(e *parcel) bool {
	return u.subject == e.subject && u.header == nil && e.header == nil
}

// encode writes an envelope, and its id, behind what separates it from the one before. An event that does not fit, or that JSON
// cannot hold, is made to.
func (k *packing) encode(e *event.Event) (parcel, error) {
	var p parcel
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
			return parcel{}, fault.AsPoison(err) // what Seal accepted and strings alone are left of always encodes
		}
		e = &small
	}
	k.data = data
	k.ids = append(append(k.ids, event.IDSeparator...), e.ID.String()...)
	p.subject = ChatSubject(e)
	return p, nil
}

// parcels returns what is packed; it is good until the packing is released.
func (k *packing) parcels() []parcel {
	out := make([]parcel, len(k.bundles))
	data, ids := len(k.data), len(k.ids)
	for i := len(k.bundles) - 1; i >= 0; i-- {
		u := &k.bundles[i]
		out[i] = u.parcel
		out[i].data, out[i].ids = k.data[u.data+len(event.LineEnd):data:data], string(k.ids[u.ids+len(event.IDSeparator):ids])
		data, ids = u.data, u.ids
	}
	return out
}
