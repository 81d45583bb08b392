package difftest

import (
	"context"
	"errors"
	"fmt"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/files"
	"github.com/agrichat/agrichat/internal/ingest"
	"github.com/agrichat/agrichat/internal/seqset"
	"github.com/agrichat/agrichat/producers"
	"github.com/agrichat/agrichat/producers/all"
)

// Read reads what is under a path as `agrichat import` does, into memory. now is when the user named the options, in Unix milliseconds.
func Read(ctx context.Context, path string, o producers.Options, now int64) (_ *Reading, err error) {
	found, err := files.Find([]string{path}, all.Definitions(), false)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, found.Close()) }()
	out := &Reading{Events: map[event.ID]*event.Event{}, Notices: map[string]int{}, Exports: map[ingest.Chat][]*ingest.Export{}}
	skipped, _ := found.Skipped()
	for _, s := range skipped {
		out.Refused = append(out.Refused, s.Path+": "+s.Why)
	}
	for _, n := range found.Notices {
		out.Notices[n.Notice.Code] += n.Notice.Count
	}
	for _, f := range found.Files {
		if err := out.read(ctx, f, o, now); err != nil {
			out.Refused = append(out.Refused, fmt.Sprintf("%s: %v", f.File.Path, err))
		}
	}
	if n := len(out.unparsed()); n > out.Unparsed {
		return nil, fmt.Errorf("%d records were not understood, and %d are reported", n, out.Unparsed)
	}
	return out, nil
}

func (r *Reading) read(ctx context.Context, f files.Found, o producers.Options, now int64) error {
	src, err := f.Def.Archive(f.File, o)
	if err != nil {
		return err
	}
	c := ingest.Config{Name: f.File.Path, Source: src, Publisher: publisher{r}}
	if o.Zone != nil {
		c.ZoneNamed = now
	}
	if o.Charset != "" {
		c.CharsetNamed = now
	}
	result, err := ingest.Run(ctx, c)
	for _, n := range result.Notices {
		r.Notices[n.Code] += n.Count
	}
	for chat, x := range result.Keys {
		r.Exports[chat] = append(r.Exports[chat], x)
	}
	r.Ambiguous += result.Ambiguous
	r.Unparsed += result.Unparsed
	return err
}

// publisher keeps what is published.
type publisher struct{ *Reading }

// Begin implements ingest.Publisher.
func (p publisher) Begin(_ context.Context, events []event.Event, _ bool) (int, ingest.Pending, error) {
	for i := range events {
		e := events[i]
		p.add(e.ID, &e)
	}
	return len(events), p, nil
}

// Fit implements ingest.Publisher.
func (publisher) Fit(*event.Event) string { return "" }

// Wait implements ingest.Pending.
func (publisher) Wait(context.Context) (seqset.Span, error) {
	return seqset.Span{First: 1, Last: 1}, nil
}
