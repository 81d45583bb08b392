package bus

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"unicode/utf8"

	"github.com/agrichat/agrichat/internal/fact"
	"github.com/agrichat/agrichat/internal/fault"
	"github.com/nats-io/nats.go"
)

// factBytes is how large a message of facts may become: large enough that headers weigh nothing, small enough that a consumer
// can hold many. A small stream must have space for several of them.
const (
	factBytes  = 512 << 10
	factShares = 8
)

// factLimits returns how large a message of facts should be, one of a single fact may be, and an atomic batch of messages should be.
func (p *Publisher) factLimits() (soft, hard, batch int) {
	soft, hard, batch = factBytes, p.c.maxPayload(), batchBytes
	if most := p.c.cfg.FactsBytes; most > 0 { // otherwise the stream has no limit
		soft, hard, batch = int(min(int64(soft), most/factShares)), int(min(int64(hard), most/2)), int(min(int64(batch), most/2))
	}
	return min(soft, hard), hard, batch
}

// PublishFacts publishes batches of facts and waits until all are on the disk of FACTS. It splits what is too
// large, and truncates a single fact that is larger than the server or the stream takes. After an
// error some of them may be there; publishing all of them again is idempotent for their consumers.
func (p *Publisher) PublishFacts(ctx context.Context, batches []fact.Batch) error {
	return p.publishFacts(ctx, batches, minBatch)
}

func (p *Publisher) publishFacts(ctx context.Context, batches []fact.Batch, minBatch int) error {
	marked, err := p.state.beginMark(ctx, batches)
	if err != nil {
		return err
	}
	var msgs []outMsg
	soft, hard, bytes := p.factLimits()
	for i := range batches {
		more, err := p.factMessages(&batches[i], soft, hard)
		if err != nil {
			return err
		}
		msgs = append(msgs, more...)
	}
	var sent []*pending
	for len(msgs) > 0 && err == nil {
		n := batchSize(msgs, minBatch, min(batchMessages, int(p.maxBatch.Load())), bytes)
		var batch *pending
		if batch, err = p.send(msgs[:n]); err == nil {
			sent, msgs = append(sent, batch), msgs[n:]
		}
	}
	for _, batch := range sent { // also after an error: each holds a subscription
		if _, e := batch.Wait(ctx); err == nil {
			err = e
		}
	}
	if e := marked(ctx); err == nil {
		err = e
	}
	if err != nil {
		return fmt.Errorf("publishing facts: %w", err)
	}
	return nil
}

// minBatch is the number of messages from which an atomic batch is faster, with the disk synced: it costs as much as six to
// eight single messages to begin with, and next to nothing for each of its own (measured on one disk: 16 in 5 ms either way).
const minBatch = 16

// batchSize returns how many of the messages go together. A few alone are faster than as a batch, for which the server makes a
// store of its own first.
func batchSize(msgs []outMsg, minBatch, most, bytes int) int {
	if len(msgs) < minBatch {
		return 1
	}
	size := 0
	for i := range msgs {
		if size += len(msgs[i].data); i == most || i > 0 && size > bytes {
			return i
		}
	}
	return len(msgs)
}

func (p *Publisher) factMessages(f *fact.Batch, soft, hard int) ([]outMsg, error) {
	if f.Len() > 1 && f.Size() > soft { // encoding it to find out would be for nothing
		return p.splitFacts(f, soft, hard)
	}
	data, err := fact.Encode(f)
	if err != nil {
		return nil, fault.AsPoison(err)
	}
	if len(data) > soft && f.Len() > 1 {
		return p.splitFacts(f, soft, hard)
	}
	if len(data) > hard {
		one, err := p.fitFact(f, data, hard)
		return []outMsg{one}, err
	}
	return []outMsg{{subject: FactSubject(f.Source, f.Namespace, f.Channel), data: data}}, nil
}

func (p *Publisher) splitFacts(f *fact.Batch, soft, hard int) ([]outMsg, error) {
	first, second := halve(f)
	msgs, err := p.factMessages(&first, soft, hard)
	if err != nil {
		return nil, err
	}
	more, err := p.factMessages(&second, soft, hard)
	return append(msgs, more...), err
}

// halve splits a batch in two of about as many facts.
func halve(f *fact.Batch) (first, second fact.Batch) {
	first, second = *f, *f
	left := f.Len() / 2
	first.Messages, second.Messages = splitAt(f.Messages, &left)
	first.Versions, second.Versions = splitAt(f.Versions, &left)
	first.Reactions, second.Reactions = splitAt(f.Reactions, &left)
	first.Memberships, second.Memberships = splitAt(f.Memberships, &left)
	first.Channels, second.Channels = splitAt(f.Channels, &left)
	first.Identities, second.Identities = splitAt(f.Identities, &left)
	first.Sightings, second.Sightings = splitAt(f.Sightings, &left)
	return first, second
}

func splitAt[T any](all []T, left *int) (first, second []T) {
	n := min(*left, len(all))
	*left -= n
	return all[:n:n], all[n:]
}

func deflate(data []byte) ([]byte, error) {
	var buf bytes.Buffer
	w := gzip.NewWriter(&buf)
	if _, err := w.Write(data); err != nil {
		return nil, fmt.Errorf("packing: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("packing: %w", err)
	}
	return buf.Bytes(), nil
}

// maxInflated keeps a broken or hostile value from filling the memory: a thousand times the default limit of servers.
const maxInflated = 1 << 30

func inflate(data []byte) ([]byte, error) {
	r, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("unpacking: %w", err)
	}
	out, err := io.ReadAll(io.LimitReader(r, maxInflated))
	if err != nil {
		return nil, fmt.Errorf("unpacking: %w", err)
	}
	return out, nil
}

// minCut is the length that no string is cut below while a longer one can be cut, or an id can be kept.
const minCut = 4 << 10

// fitFact makes a message of one fact that is too large as it is. It compresses the fact; if that does not suffice, it truncates
// a copy. The result depends on nothing but the fact and the limit.
func (p *Publisher) fitFact(f *fact.Batch, data []byte, hard int) (outMsg, error) {
	full := len(data)
	m, err := compressed(f, data, hard)
	if err != nil || len(m.data) <= hard {
		return m, err
	}
	short, parts := f.Truncatable()
	for len(m.data) > hard {
		if !shorten(parts, excess(len(data), len(m.data), hard)) {
			return m, fault.AsPoison(fmt.Errorf("%w: a fact of channel %s takes %d bytes and %d are possible; raise max_payload",
				nats.ErrMaxPayload, cut(f.Channel, min(len(f.Channel), 100)), len(m.data), hard))
		}
		if data, err = fact.Encode(short); err != nil {
			return m, fault.AsPoison(err)
		}
		if m, err = compressed(short, data, hard); err != nil {
			return m, err
		}
	}
	p.c.cfg.Log.Warn("a fact is too large and is published truncated; Postgres holds all of it; raise max_payload to publish such facts whole",
		"thing", cut(firstFactID(f), min(len(firstFactID(f)), 100)), "bytes", full, "limit", hard, "truncated_bytes", len(data), "total", p.truncated.Add(1))
	return m, nil
}

// compressed makes a message of facts, compressed only if they do not fit otherwise: only our own consumer reads them then.
func compressed(f *fact.Batch, data []byte, hard int) (p outMsg, err error) {
	p = outMsg{subject: FactSubject(f.Source, f.Namespace, f.Channel), data: data}
	if len(data) <= hard {
		return p, nil
	}
	p.header = nats.Header{EncodingHeader: {"gzip"}}
	p.data, err = deflate(data)
	return p, err
}

// excess is about how many of raw bytes must go so that what compresses to size fits into limit.
func excess(raw, size, limit int) int { return int(float64(raw) * float64(size-limit) / float64(size)) }

// shorten takes away one list or about so many bytes of one string, and reports whether there was anything to take.
func shorten(l *fact.Parts, bytes int) bool {
	return dropLargest(l.References, minCut) || dropLargest(l.Lists, minCut) || cutLongest(l.Texts, bytes) ||
		dropLargest(l.References, 0) || dropLargest(l.Lists, 0) || cutLongest(l.IDs, bytes)
}

// dropLargest empties the largest list of more than floor bytes.
func dropLargest(lists []*[]string, floor int) bool {
	var largest *[]string
	most := floor
	for _, l := range lists {
		n := 0
		for _, s := range *l {
			n += len(s) + len(`"",`)
		}
		if n > most {
			largest, most = l, n
		}
	}
	if largest == nil {
		return false
	}
	*largest = nil
	return true
}

// cutLongest cuts about so many encoded bytes, and a little more, off the longest string. Where compression is uneven, a
// repetition takes the rest.
func cutLongest(strings []*string, bytes int) bool {
	var longest *string
	most := minCut
	for _, s := range strings {
		if len(*s) > most {
			longest, most = s, len(*s)
		}
	}
	if longest == nil {
		return false
	}
	*longest = cut(*longest, max(most-int(float64(bytes)*float64(most)/float64(encodedLen(*longest)))-most/32-1, minCut-utf8.UTFMax))
	return true
}

// encodedLen is how many bytes a string takes in a fact, escapes included.
func encodedLen(s string) int {
	data, err := fact.Encode(&fact.Batch{RepublishID: s})
	if err != nil { // impossible: only times cannot be encoded
		return len(s)
	}
	return len(data)
}

// firstFactID is what the first fact of a batch is about.
func firstFactID(f *fact.Batch) string {
	switch {
	case len(f.Messages) > 0:
		return f.Messages[0].Thing
	case len(f.Reactions) > 0:
		return f.Reactions[0].Thing
	case len(f.Memberships) > 0:
		return f.Memberships[0].Thing
	case len(f.Identities) > 0:
		return f.Identities[0].Key
	}
	return f.ChannelKey
}
