package whatsapp

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"golang.org/x/text/unicode/norm"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/fault"
	"github.com/agrichat/agrichat/producers"
	"github.com/agrichat/agrichat/producers/filekit"
	"github.com/agrichat/agrichat/producers/whatsapp/header"
)

// archive is one exported chat and how to read it.
type archive struct {
	filekit.Archive
	namespace event.Namespace
	chat      string
	zone      *time.Location
	order     header.Order // that the user named
	copied    bool         // the chat's name lost the number of a copy
	phrases   *phrases
}

var (
	errNameless = errors.New("a WhatsApp export does not say whose it is, and its ids are good for one account only: " +
		"name the account that exported it with --account")
	errChatless = errors.New("neither the file nor its folder says which chat it is: name it with --channel, or put the file " +
		"into a folder called after the chat")
)

func newArchive(f producers.File, o producers.Options) (producers.Source, error) {
	p, err := newPhrases()
	if err != nil {
		return nil, err
	}
	a := &archive{
		Archive:   filekit.Archive{File: f, Options: o, BatchSize: filekit.BatchSize},
		namespace: o.Namespace, chat: string(o.Channel), zone: o.Zone, order: header.NamedOrder(o.DateOrder), phrases: p,
	}
	if a.chat == "" {
		name := strings.ToValidUTF8(f.Path, "_")
		a.chat, a.copied = chatOf(name), copied(name)
	}
	if a.namespace == "" && o.Account != "" {
		a.namespace = event.Namespace(sourceName) + ":" + event.Namespace(o.Account)
	}
	if a.zone == nil {
		a.zone = time.UTC
	}
	if _, err := a.decoder(); err != nil {
		return nil, fault.AsFatal(fmt.Errorf("reading %s: %w", f.Path, err))
	}
	switch {
	case a.namespace == "":
		return nil, fault.AsFatal(fmt.Errorf("reading %s: %w", f.Path, errNameless))
	case a.chat == "":
		return nil, fault.AsFatal(fmt.Errorf("reading %s: %w", f.Path, errChatless))
	}
	return a, nil
}

// decoder returns a decoder of the file's text.
func (a *archive) decoder() (*decoder, error) {
	return newDecoder(a.Options.Charset, a.File.Open)
}

// channel is the chat's name: the export has nothing else. Zips of a Mac write accents apart from their letters.
func (a *archive) channel() event.Channel { return event.Channel(norm.NFC.String(a.chat)) }

// cursor says where to go on. It does not hold the tally, which may have an entry for every line of two days: what it held is
// counted again from Tally on, where the older of those days began, and from Years on what it held of years.
type cursor struct {
	Version int      `json:"v"`
	Survey  survey   `json:"survey"`
	Next    position `json:"next"`
	Tally   position `json:"tally"`
	Years   position `json:"years,omitzero"`
	Done    bool     `json:"done,omitempty"`

	// Observed is the time of the file's newest message, as of which results of polls are emitted; read at the first poll.
	Observed event.Instant `json:"observed,omitzero"`
}

// cursorVersion is raised when what the survey finds changes its meaning: a file whose cursor is older is read from its start, which gives
// the same ids.
const cursorVersion = 2

// Connect opens the file, and looks through the whole of it first: the order of day and month is that of the file.
func (a *archive) Connect(ctx context.Context, from producers.Cursor) (producers.Session, error) {
	cur, err := a.cursor(from)
	if err != nil {
		return nil, err
	}
	d, err := a.decoder()
	if err != nil {
		return nil, fault.AsFatal(fmt.Errorf("reading %s: %w", a.File.Path, err))
	}
	begun := cur.Version > 0
	if !begun {
		if cur.Survey, err = a.survey(ctx, d); err != nil {
			return nil, err
		}
	}
	in, err := a.File.Open()
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", a.File.Path, err)
	}
	s := &session{
		Output: a.NewOutput(), archive: a, survey: cur.Survey, decoder: d, begun: begun, done: cur.Done, observed: cur.Observed,
		sidecars: filekit.NewSidecars(nil),
	}
	if a.File.Beside != nil {
		s.sidecars = filekit.NewSidecars(a.beside)
	}
	s.MaxBytes = batchBytes
	if err := s.resume(ctx, in, cur); err != nil {
		return nil, errors.Join(err, in.Close())
	}
	return reading{filekit.NewSession(a.File, in, &s.Output, s), s}, nil
}

// cursor reads a cursor; version 0 is the start. A file that has grown since its end was reached is read anew: its last
// message may have had no end. All ids come out as before.
func (a *archive) cursor(from producers.Cursor) (cursor, error) {
	if len(from) == 0 {
		return cursor{}, nil
	}
	cur, err := filekit.DecodeCursor(a.File, from, cursor{}, func(cursor) bool { return true })
	if err != nil {
		return cur, err
	}
	if 0 < cur.Version && cur.Version < cursorVersion {
		return cursor{}, nil
	}
	if cur.Version != cursorVersion {
		return cur, fault.AsFatal(fmt.Errorf(
			"reading the cursor of %s: it has version %d, this program reads %d", a.File.Path, cur.Version, cursorVersion))
	}
	if cur.Done && a.File.Size > cur.Next.Offset {
		return cursor{}, nil
	}
	return cur, nil
}

// linesPerCheck is how many lines are read between two looks at the context.
const linesPerCheck = 1024

// survey reads all headers once.
func (a *archive) survey(ctx context.Context, d *decoder) (_ survey, err error) {
	head, end := lines(d.head(a.File.Head)), lineEnd(a.File.Head)
	s, _ := styleOf(head) // without a header every line is unparsed, in any style
	r, err := a.File.Open()
	if err != nil {
		return survey{}, fmt.Errorf("opening %s: %w", a.File.Path, err)
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	v, in := newSurveyor(s, a.phrases), bufio.NewReaderSize(r, maxLine)
	begins := true // of a line, not a piece of a long one
	for n := 0; ; n++ {
		if n%linesPerCheck == 0 && ctx.Err() != nil {
			return survey{}, fmt.Errorf("looking through %s: %w", a.File.Path, ctx.Err())
		}
		line, err := in.ReadSlice(end)
		if full := errors.Is(err, bufio.ErrBufferFull); err == nil || full || errors.Is(err, io.EOF) {
			if begins && !full && len(line) > 0 && s.MayBegin(line[0]) {
				v.read(producers.TrimEnd(line), d)
			}
			if begins = !full; err == nil || full {
				continue
			}
			out := v.decide(a.order, func() (header.Order, bool) { return hint(head, s, a.phrases) })
			out.CR = end == '\r'
			return out, nil
		}
		return survey{}, fmt.Errorf("looking through %s: %w", a.File.Path, err)
	}
}
