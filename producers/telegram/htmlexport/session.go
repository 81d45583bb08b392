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
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/agrichat/agrichat/internal/charset"
	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/fault"
	"github.com/agrichat/agrichat/producers"
	"github.com/agrichat/agrichat/producers/filekit"
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
	Begun    bool                              `json:"begun,omitempty"` // what is before the first message was read
	Done     bool                              `json:"done,omitempty"`
	Chat     export.Chat                       `json:"chat,omitzero"`
	Previous previous                          `json:"said,omitzero"`
	Threads  map[event.NativeID]event.NativeID `json:"threads,omitempty"` // of the page's messages that are in a topic
	Day      string                            `json:"day,omitempty"`     // the date that was last put between the messages
	Zone     string                            `json:"zone,omitempty"`    // the distance from UTC that was last printed

	// Observed is the time of the export's newest message, as of which results of polls are emitted; read at the first poll.
	Observed        time.Time `json:"observed,omitzero"`
	ObservedUnnamed time.Time `json:"observed_unnamed,omitzero"` // as chat.Unnamed
}

// previous is the author of a message that does not print one, because the one before it did.
type previous struct {
	From      string        `json:"from,omitempty"`
	FromKey   string        `json:"from_key,omitempty"` // as ids have it, where the name is not UTF-8
	Via       string        `json:"via,omitempty"`
	Forwarded event.Forward `json:"forwarded,omitzero"`
}

// source is a page and how to read it.
type source struct {
	filekit.Archive
	cache *Cache // shared by all files of an import
}

// New makes a source of a page, which is read in batches of so many events. Pages of one import share what they find beside them.
func New(f producers.File, o producers.Options, batch int, beside *Cache) producers.Source {
	return &source{Archive: filekit.Archive{File: f, Options: o, BatchSize: batch}, cache: beside}
}

// Connect opens the page and goes to where the cursor points.
func (a *source) Connect(_ context.Context, from producers.Cursor) (producers.Session, error) {
	st := state{Page: true, Line: 1}
	if len(from) > 0 {
		var err error
		st, err = filekit.DecodeCursor(a.File, from, state{Line: 1}, func(st state) bool { return st.Page && st.Offset >= 0 && st.Line >= 1 })
		if err != nil {
			return nil, err
		}
	}
	chars, err := charset.NewDecoder(cmp.Or(a.Options.Charset, metaCharset(a.File.Head)), a.File.Open)
	if err != nil {
		return nil, fault.AsFatal(err)
	}
	in, err := producers.OpenAt(a.File, st.Offset)
	if err != nil {
		return nil, err
	}
	s := &session{
		source: a, Output: a.NewOutput(), state: st, scan: &scanner{r: in, at: st.Offset, line: st.Line},
		clock: export.Clock{Zone: a.Options.Zone}, media: export.OpenFolder(a.File), chars: chars,
	}
	return filekit.NewSession(a.File, s.media.CloseWith(in), &s.Output, s), nil
}

// session is one reading of a file of an HTML export. An export of a long chat has several; each is read by itself, since each
// begins anew: it names its chat, and the author and the day of its first message.
type session struct {
	*source
	filekit.Output
	state

	scan  *scanner
	chars *charset.Decoder
	clock export.Clock
	media *export.Folder
}

// At is where the next message begins.
func (p *session) At() filekit.Position {
	return filekit.Position{Offset: p.scan.at, Line: p.scan.line}
}

// Cursor is where the session resumes.
func (p *session) Cursor() any {
	st := p.state
	st.Offset, st.Line = p.scan.at, p.scan.line
	return st
}

// Step reads a message and what follows it, or what is before the first.
func (p *session) Step(ctx context.Context) error {
	if p.Done {
		return io.EOF
	}
	raw, whole, err := p.scan.next()
	switch {
	case err != nil:
		return err
	case !p.Begun:
		return p.begin(ctx, raw, whole)
	case len(raw) == 0:
		return p.finish()
	case !whole:
		err := p.unparsed(raw[:filekit.MaxSample], fmt.Sprintf("this is longer than any message: the first %d bytes are kept", filekit.MaxSample))
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

// after looks at what follows a message of n bytes: nothing, but at the end of a file the last tags.
func (p *session) after(rest []byte, n int) error {
	last := p.scan.last(n + len(rest))
	garbage := bytes.Clone(bytes.Trim(rest, " \t\r\n"))
	p.scan.advance(n)
	why := ""
	if !isLayout(rest) {
		why = "this stands between messages and is none"
	}
	if last && !bytes.Contains(rest, []byte("</html")) {
		why = "the file ends before its last tag: the export was interrupted"
	}
	if why != "" {
		if err := p.unparsed(garbage, why); err != nil {
			return err
		}
	}
	p.scan.advance(len(rest))
	if last {
		return p.finish()
	}
	return nil
}

// isLayout reports whether what follows a message is only layout: end tags, and the link to the next page.
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
	at := event.NewInstant(p.Chat.Latest, event.PrecisionSecond)
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

// unparsed keeps what could not be parsed and begins just here. Its id is made as in JSON.
func (p *session) unparsed(raw []byte, why string) error {
	p.Chat.Broken++
	e := p.UnparsedAfter(filekit.Damaged{Position: p.At(), Raw: raw, Reason: why}, string(p.Chat.LastID), p.Chat.Broken)
	e.Namespace = p.namespace()
	return p.emit(e)
}

// emit fills in what all events of a page share, and adds the event to the batch.
func (p *session) emit(e event.Event) error {
	e.Source, e.Account, e.Channel = export.Source, p.owner().Account(), p.Chat.Channel
	return p.Emit(&e)
}

// advance notes what later messages need to know of this one.
func (p *session) advance(id event.NativeID, at filekit.LocalTime) {
	p.Chat.LastID, p.Chat.Broken = id, 0
	if at.IsZero() {
		return
	}
	p.Chat.Before = at.At
	if at.At.After(p.Chat.Latest) {
		p.Chat.Latest, p.Chat.Unnamed = at.At, at.Printed
	}
}

// days dates service messages.
func (p *session) days() *dayClock { return &dayClock{clock: p.clock, day: p.Day, zone: p.Zone} }
