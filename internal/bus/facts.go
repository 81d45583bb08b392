package bus

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"

	"github.com/agrichat/agrichat/internal/fact"
	"github.com/agrichat/agrichat/internal/fault"
)

// factBytes is how large a message of facts may become: large enough that headers weigh nothing, small enough that a consumer
// can hold many. A small stream must have room for several of them.
const (
	factBytes  = 512 << 10
	factShares = 8
)

// factLimits returns how large a message of facts should be, one of a single fact may be, and an atomic batch of messages should be.
func (b *Bus) factLimits() (soft, hard, batch int) {
	soft, hard, batch = factBytes, b.payloadMost(), batchBytes
	if most := b.cfg.FactsBytes; most > 0 { // otherwise the stream has no limit
		soft, hard, batch = int(min(int64(soft), most/factShares)), int(min(int64(hard), most/2)), int(min(int64(batch), most/2))
	}
	return min(soft, hard), hard, batch
}

// PublishFacts publishes batches of facts and waits until all are on the disk of FACTS. It splits what is too
// large, and truncates a single fact that is larger than the server or the stream takes. After an
// error some of them may be there; publishing all again changes nothing for those who read them.
func (b *Bus) PublishFacts(ctx context.Context, batches []fact.Batch) error {
	return b.publishFacts(ctx, batches, batchWorth)
}

func (b *Bus) publishFacts(ctx context.Context, batches []fact.Batch, worth int) error {
	marked, err := b.marks.announce(ctx, b, batches)
	if err != nil {
		return err
	}
	var msgs []parcel
	soft, hard, bytes := b.factLimits()
	for i := range batches {
		more, err := b.factMessages(&batches[i], soft, hard)
		if err != nil {
			return err
		}
		msgs = append(msgs, more...)
	}
	var sent []*pending
	for len(msgs) > 0 && err == nil {
		n := portion(msgs, worth, min(batchMessages, int(b.most.Load())), bytes)
		var p *pending
		if p, err = b.send(msgs[:n]); err == nil {
			sent, msgs = append(sent, p), msgs[n:]
		}
	}
	for _, p := range sent { // also after an error: each holds a subscription
		if _, e := p.Wait(ctx); err == nil {
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

// batchWorth is the number of messages from which an atomic batch is faster, with the disk synced: it costs as much as six to
// eight single messages to begin with, and next to nothing for each of its own (measured on one disk: 16 in 5 ms either way).
const batchWorth = 16

// portion returns how many of the messages go together. A few alone are faster than as a batch, for which the server makes a
// store of its own first.
func portion(msgs []parcel, worth, most, bytes int) int {
	if len(msgs) < worth {
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

func (b *Bus) factMessages(f *fact.Batch, soft, hard int) ([]parcel, error) {
	if f.Len() > 1 && f.Size() > soft { // encoding it to find out would be for nothing
		return b.halves(f, soft, hard)
	}
	data, err := fact.Encode(f)
	if err != nil {
		return nil, fault.AsPoison(err)
	}
	if len(data) > soft && f.Len() > 1 {
		return b.halves(f, soft, hard)
	}
	if len(data) > hard {
		p, err := b.single(f, data, hard)
		return []parcel{p}, err
	}
	return []parcel{{subject: FactSubject(f.Source, f.Namespace, f.Channel), data: data}}, nil
}

func (b *Bus) halves(f *fact.Batch, soft, hard int) ([]parcel, error) {
	first, second := halve(f)
	msgs, err := b.factMessages(&first, soft, hard)
	if err != nil {
		return nil, err
	}
	more, err := b.factMessages(&second, soft, hard)
	return append(msgs, more...), err
}

// halve parts a batch in two of about as many facts.
func halve(f *fact.Batch) (first, second fact.Batch) {
	first, second = *f, *f
	left := f.Len() / 2
	first.Messages, second.Messages = part(f.Messages, &left)
	first.Versions, second.Versions = part(f.Versions, &left)
	first.Reactions, second.Reactions = part(f.Reactions, &left)
	first.Memberships, second.Memberships = part(f.Memberships, &left)
	first.Channels, second.Channels = part(f.Channels, &left)
	first.Identities, second.Identities = part(f.Identities, &left)
	first.Sightings, second.Sightings = part(f.Sightings, &left)
	return first, second
}

func part[T any](all []T, left *int) (first, second []T) {
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

// inflateMost keeps a broken or hostile value from filling the memory: a thousand times what any server bears by default.
const inflateMost = 1 << 30

func inflate(data []byte) ([]byte, error) {
	r, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("unpacking: %w", err)
	}
	out, err := io.ReadAll(io.LimitReader(r, inflateMost))
	if err != nil {
		return nil, fmt.Errorf("unpacking: %w", err)
	}
	return out, nil
}
