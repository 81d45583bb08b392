package jsonexport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/agrichat/agrichat/internal/charset"
	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/jsonscan"
	"github.com/agrichat/agrichat/producers"
	"github.com/agrichat/agrichat/producers/filekit"
	"github.com/agrichat/agrichat/producers/telegram/export"
)

// ahead reads parts of the file out of turn, each with a scanner of its own: what comes later, or again what came before.
type ahead struct {
	file  producers.File
	leads func(byte) bool
	dec   *decoder
	chars *charset.Decoder
}

// open returns a scanner that begins at a position. The caller closes the file.
func (a *ahead) open(ctx context.Context, from export.Position) (*jsonscan.Scanner, io.Closer, error) {
	r, err := producers.OpenAt(a.file, from.Offset)
	if err != nil {
		return nil, nil, err
	}
	return newScanner(filekit.ContextReader(ctx, r), a.leads, from.Offset, from.Line, from.Indent), r, nil
}

// chat finds out which chat the messages are of, where a writer says so only after them.
func (a *ahead) chat(c *export.Chat, from export.Position) (err error) {
	in, file, err := a.open(context.Background(), from)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if f := in.Pass(); f.Why != "" {
		return in.Err()
	}
	for {
		first, ok := in.Next()
		if !ok || first == '}' {
			return in.Err()
		}
		if first == ',' {
			in.Skip(1)
			continue
		}
		name, value := a.member(in)
		if name == "" {
			return in.Err()
		}
		c.Set(name, value)
	}
}

// member reads a member of which only short values matter; no name if there is none.
func (a *ahead) member(in *jsonscan.Scanner) (name string, value export.Text) {
	key := in.Value(false)
	if key.Why != "" {
		return "", export.Text{}
	}
	name = a.dec.text(key.Raw)
	if c, ok := in.Next(); !ok || c != ':' {
		return "", export.Text{}
	}
	in.Skip(1)
	switch c, ok := in.Next(); {
	case !ok:
		return "", export.Text{}
	case c == '[' || c == '{':
		in.Pass()
		return name, export.Text{}
	}
	return name, a.dec.plain(a.chars, in.Value(false).Raw)
}

// newest is the time of the newest message of the chat, of which those before a position were read, and as it is read where no zone is named.
func (a *ahead) newest(ctx context.Context, c *export.Chat, clock export.Clock, from export.Position) (latest, unnamed time.Time, err error) {
	in, file, err := a.open(ctx, from)
	if err != nil {
		return time.Time{}, time.Time{}, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	dec := newDecoder()
	latest, unnamed = c.Latest, c.Unnamed
	for {
		if err := ctx.Err(); err != nil {
			return time.Time{}, time.Time{}, err
		}
		switch first, ok := in.Next(); {
		case !ok || first == ']':
			return latest, unnamed, in.Err()
		case first == ',':
			in.Skip(1)
		case first == '{':
			f := in.Value(true)
			if f.Cut {
				return latest, unnamed, in.Err()
			}
			if f.Why != "" {
				continue
			}
			printed, unix := dec.dates(f.Raw)
			if at := clock.Read(printed, unix, latest); at.At.After(latest) {
				latest, unnamed = at.At, at.Printed
			}
		default:
			if f := in.Junk(true, misplaced); f.Cut {
				return latest, unnamed, in.Err()
			}
		}
	}
}

// threads reads again which messages of a chat with topics are in one, up to an offset: that is too much for a cursor.
func (a *ahead) threads(ctx context.Context, c *export.Chat, to int64) (out threads, err error) {
	out.topics = map[int64]int64{}
	in, file, err := a.open(ctx, c.Start)
	if err != nil {
		return out, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	for in.Offset() < to {
		first, ok := in.Next()
		switch {
		case !ok:
			if err := in.Err(); err != nil {
				return out, fmt.Errorf("reading again which messages stand in topics: %w", err)
			}
			return out, nil
		case first == '{':
			if f := in.Value(true); f.Why == "" {
				a.note(&out, c, f.Raw)
			}
		case first == ',':
			in.Skip(1)
		default:
			in.Junk(true, misplaced)
		}
	}
	return out, nil
}

// note does of a message that was read before what its reading did.
func (a *ahead) note(t *threads, c *export.Chat, raw []byte) {
	text, _, _ := export.Decode(a.chars, raw)
	r, err := a.dec.record(text)
	if err != nil || r.replyPeer != "" {
		return
	}
	if c.IsTopic(r.replyTo) {
		t.add(r.id, event.NativeID(r.replyTo))
		return
	}
	t.add(r.id, t.of(r.replyTo))
}

// threads caches in which topic messages are: an answer to one of them is there too, and the export does not print it.
type threads struct {
	topics map[int64]int64
	order  []int64 // in which they came; once it is full, the oldest is at next
	next   int
}

// maxThreads bounds the cache: answers to older messages are in no topic.
const maxThreads = 1 << 16

// add notes that a message is in a topic.
func (t *threads) add(id string, topic event.NativeID) {
	if topic == "" {
		return
	}
	n, err := strconv.ParseInt(id, 10, 64)
	of, errOf := strconv.ParseInt(string(topic), 10, 64)
	if err != nil || errOf != nil {
		return
	}
	if t.topics == nil {
		t.topics = map[int64]int64{}
	}
	if _, known := t.topics[n]; known {
		return
	}
	t.topics[n] = of
	if len(t.order) < maxThreads {
		t.order = append(t.order, n)
		return
	}
	delete(t.topics, t.order[t.next])
	t.order[t.next] = n
	t.next = (t.next + 1) % maxThreads
}

// of returns the topic in which a message is; empty if it is not known.
func (t *threads) of(id string) event.NativeID {
	if len(t.topics) == 0 {
		return ""
	}
	n, err := strconv.ParseInt(id, 10, 64)
	if err != nil {
		return ""
	}
	if topic, ok := t.topics[n]; ok {
		return event.NativeID(strconv.FormatInt(topic, 10))
	}
	return ""
}
