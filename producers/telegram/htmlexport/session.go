// Package htmlexport reads the pages of Telegram Desktop: messages.html, messages2.html and so on.
//
// It promises that a message has the id that JSON gives it wherever the chat is known: by the result.json beside the pages, or by the id that
// the user names. A message that is broken is kept with its bytes, and costs no other. Pages print no edits, no ids of people and, of service
// messages, no time of day.
package htmlexport

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/agrichat/agrichat/internal/charset"
	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/fault"
	"github.com/agrichat/agrichat/producers"
	"github.com/agrichat/agrichat/producers/telegram/export"
	"github.com/agrichat/agrichat/producers/telegram/markup"
)

// state is all that a session remembers; written out, it is the cursor.
type state struct {
	Page     bool                              `json:"page"`
	Account  event.Account                     `json:"account,omitempty"` // as the JSON beside it names it
	Listed   bool                              `json:"listed,omitempty"`  // it is one of an account's
	Offset   int64                             `json:"offset"`
	Line     int                               `json:"line"`
	Begun    bool                              `json:"begun,omitempty"` // what stands before the first message was read
	Done     bool                              `json:"done,omitempty"`
	Chat     export.Chat                       `json:"chat,omitzero"`
	Previous previous                          `json:"said,omitzero"`
	Threads  map[event.NativeID]event.NativeID `json:"threads,omitempty"` // of the page's messages that stand in a topic
	Day      string                            `json:"day,omitempty"`     // the date that was last put between the messages
	Zone     string                            `json:"zone,omitempty"`    // the distance from UTC that was last printed

	// Observed is the time of the export's newest message, as of which results of polls are emitted; read at the first poll.
	Observed        time.Time `json:"observed,omitzero"`
	ObservedUnnamed time.Time `json:"observed_unnamed,omitzero"` // as chat.Unnamed
}

// previous are whom a message is of that does not say so, because the one before it did.
type previous struct {
	From      string        `json:"from,omitempty"`
	FromKey   string        `json:"from_key,omitempty"` // as ids have it, where the name is not UTF-8
	Via       string        `json:"via,omitempty"`
	Forwarded event.Forward `json:"forwarded,omitzero"`
}

func readCursor(c producers.Cursor) (state, error) {
	st := state{Page: true, Line: 1}
	if len(c) == 0 {
		return st, nil
	}
	st.Page = false
	if err := json.Unmarshal(c, &st); err != nil {
		return state{}, fmt.Errorf("reading the cursor of a Telegram page: %w", err)
	}
	if !st.Page || st.Offset < 0 || st.Line < 1 {
		return state{}, errors.New("reading the cursor of a Telegram page: it is that of another file")
	}
	return st, nil
}

// source is a page and how to read it.
type source struct {
	file     producers.File
	options  producers.Options
	batch    int
	sidecars *Cache // shared by all files of an import
}

// New makes a source of a page. Pages of one import share what they find beside them.
func New(f producers.File, o producers.Options, batch int, beside *Cache) producers.Source {
	return &source{file: f, options: o, batch: batch, sidecars: beside}
}

// Connect opens the page and goes to where the cursor points.
func (a *source) Connect(_ context.Context, from producers.Cursor) (producers.Session, error) {
	st, err := readCursor(from)
	if err != nil {
		return nil, fault.AsFatal(err)
	}
	chars, err := charset.NewDecoder(cmp.Or(a.options.Charset, metaCharset(a.file.Head)), a.file.Open)
	if err != nil {
		return nil, fault.AsFatal(err)
	}
	r, err := producers.OpenAt(a.file, st.Offset)
	if err != nil {
		return nil, err
	}
	return &session{
		source: a, state: st, in: r, scan: &scanner{r: r, at: st.Offset, line: st.Line},
		clock: export.Clock{Zone: a.options.Zone}, media: export.OpenFolder(a.file), chars: chars,
	}, nil
}

// session is one reading of a file of an HTML export. An export of a long chat has several; each is read by itself, since each
// begins anew: it names its chat, and the author and the day of its first message.
type session struct {
	*source
	state

	in    io.Closer
	scan  *scanner
	chars *charset.Decoder
	clock export.Clock
	media *export.Folder

	events  []event.Event
	counts  producers.Counts
	notices export.Notices
}

// Next reads on until a batch is full or the file ends.
func (p *session) Next(ctx context.Context) (producers.Batch, error) {
	if err := ctx.Err(); err != nil {
		return producers.Batch{}, fmt.Errorf("reading %s: %w", p.file.Path, err)
	}
	p.events, p.counts = make([]event.Event, 0, p.batch+4), producers.Counts{}
	start := p.scan.at
	for len(p.events) < p.batch && !p.Done {
		if err := p.step(ctx); err != nil {
			return producers.Batch{}, fmt.Errorf("reading %s, line %d: %w", p.file.Path, p.scan.line, err)
		}
	}
	p.counts.Bytes = p.scan.at - start
	if len(p.events) == 0 && p.counts == (producers.Counts{}) {
		return producers.Batch{}, io.EOF
	}
	p.Offset, p.Line = p.scan.at, p.scan.line
	cursor, err := json.Marshal(p.state)
	if err != nil {
		return producers.Batch{}, fmt.Errorf("writing the cursor: %w", err)
	}
	return producers.Batch{Events: p.events, Cursor: cursor, Counts: p.counts, Notices: p.notices.Take()}, nil
}

// Close closes the file.
func (p *session) Close() error {
	if p.in == nil {
		return nil
	}
	err := p.in.Close()
	p.in = nil
	p.media.Close()
	if err != nil {
		return fmt.Errorf("closing %s: %w", p.file.Path, err)
	}
	return nil
}

// step reads a message and what follows it, or what stands before the first.
func (p *session) step(ctx context.Context) error {
	raw, whole, err := p.scan.next()
	switch {
	case err != nil:
		return err
	case !p.Begun:
		return p.begin(ctx, raw, whole)
	case len(raw) == 0:
		return p.finish()
	case !whole:
		err := p.unparsed(raw[:export.KeptBytes], fmt.Sprintf("this is longer than any message: the first %d bytes are kept", export.KeptBytes))
		return errors.Join(err, p.scan.skip())
	}
	root, n, err := markup.Parse(string(raw))
	if err != nil {
		return p.unparsedMessage(raw, err)
	}
	if err := p.message(ctx, p.decoded(root, raw[:n])); err != nil {
		return err
	}
	return p.after(raw[n:], n)
}

// unparsedMessage keeps a message that is broken; at the end of a file, the reason is that the file was cut.
func (p *session) unparsedMessage(raw []byte, why error) error {
	last := p.scan.last(len(raw))
	if last {
		why = errors.New("the file ends in the middle of a message: the export was interrupted")
	}
	if err := p.unparsed(bytes.TrimRight(raw, " \t\r\n"), why.Error()); err != nil {
		return err
	}
	p.scan.advance(len(raw))
	if last {
		return p.finish()
	}
	return nil
}

// after looks at what stands behind a message of n bytes: nothing, but at the end of a file the last tags.
func (p *session) after(rest []byte, n int) error {
	last := p.scan.last(n + len(rest))
	junk := bytes.Clone(bytes.Trim(rest, " \t\r\n"))
	p.scan.advance(n)
	why := ""
	if !isLayout(rest) {
		why = "this stands between messages and is none"
	}
	if last && !bytes.Contains(rest, []byte("</html")) {
		why = "the file ends before its last tag: the export was interrupted"
	}
	if why != "" {
		if err := p.unparsed(junk, why); err != nil {
			return err
		}
	}
	p.scan.advance(len(rest))
	if last {
		return p.finish()
	}
	return nil
}

// isLayout reports whether what stands behind a message is only layout: end tags, and the link to the next page.
func isLayout(rest []byte) bool {
	for {
		rest = bytes.TrimLeft(rest, " \t\r\n")
		switch {
		case len(rest) == 0:
			return true
		case bytes.HasPrefix(rest, []byte("</")):
			i := bytes.IndexByte(rest, '>')
			if i < 0 {
				return false
			}
			rest = rest[i+1:]
		case bytes.HasPrefix(rest, []byte("<a ")):
			link, n, err := markup.Parse(string(rest))
			if err != nil || !link.Is("pagination") {
				return false
			}
			rest = rest[n:]
		default:
			return false
		}
	}
}

// finish is called where the file has no more bytes.
func (p *session) finish() error {
	p.Done = true
	if p.Chat.Latest.IsZero() {
		return nil
	}
	at := event.Known(p.Chat.Latest, event.PrecisionSecond)
	if err := p.emitChannel(p.namespace(), at); err != nil || !p.Chat.Old {
		return err
	}
	return p.emitChannel(p.owner().Private(), at)
}

// emitChannel says what the chat is called.
func (p *session) emitChannel(n event.Namespace, at event.Instant) error {
	revision := event.Unedited
	if !at.IsZero() {
		revision = p.Chat.Revision()
	}
	content := event.Digest("page", p.Chat.KeyName())
	return p.emit(event.Event{
		Namespace: n, NativeID: event.NativeID(p.Chat.Channel), Kind: event.KindChannel,
		Revision: revision + "." + event.Revision(content), Sent: at, Reading: event.Reading{Charset: p.Chat.Charset},
		Body: &event.ChannelInfo{Name: p.Chat.Name, Type: p.Chat.Kind()},
	})
}

// unparsed keeps what could not be read and begins just here. Its id is made as in JSON.
func (p *session) unparsed(raw []byte, why string) error {
	p.counts.Read++
	p.counts.Unparsed++
	p.Chat.Broken++
	return p.emit(event.Event{
		Namespace: p.namespace(), Kind: event.KindUnparsed, Revision: event.Unedited,
		NativeID: event.NativeID(event.Digest("unparsed", string(p.Chat.LastID), fmt.Sprint(p.Chat.Broken), string(raw))),
		Body:     &event.Unparsed{Reason: why, File: p.file.Path, Line: p.scan.line, Offset: p.scan.at},
		Raw:      bytes.Clone(raw),
	})
}

// emit fills in what all events of a page share, seals the event and puts it into the batch.
func (p *session) emit(e event.Event) error {
	e.Source, e.Account, e.Channel = export.Source, p.owner().Account(), p.Chat.Channel
	if err := e.Seal(); err != nil {
		return fmt.Errorf("sealing an event: %w", err)
	}
	p.events = append(p.events, e)
	return nil
}

// advance notes what later messages need to know of this one.
func (p *session) advance(id event.NativeID, at export.Moment) {
	p.Chat.LastID, p.Chat.Broken = id, 0
	if at.IsZero() {
		return
	}
	p.Chat.Before = at.At
	if at.At.After(p.Chat.Latest) {
		p.Chat.Latest, p.Chat.Unnamed = at.At, at.Unnamed
	}
}

// days dates service messages.
func (p *session) days() *dayClock { return &dayClock{clock: p.clock, day: p.Day, zone: p.Zone} }
