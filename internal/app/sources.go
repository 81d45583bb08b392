package app

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"

	"github.com/agrichat/agrichat/internal/config"
	"github.com/agrichat/agrichat/internal/ingest"
	"github.com/agrichat/agrichat/internal/supervise"
	"github.com/agrichat/agrichat/producers"
	"github.com/agrichat/agrichat/producers/all"
)

// Definition finds a source by its name.
func Definition(name string) (producers.Definition, error) {
	var names []string
	for _, d := range all.Definitions() {
		if string(d.Name) == name {
			return d, nil
		}
		names = append(names, string(d.Name))
	}
	return producers.Definition{}, UsageErrorf("there is no source %q; there are %q", name, names)
}

// SelectSources returns the configured sources with these names, or all of them if no names are given.
func SelectSources(sources []config.Source, names []string) ([]config.Source, error) {
	if len(names) == 0 {
		return sources, nil
	}
	left := slices.Clone(names)
	var out []config.Source
	for _, src := range sources {
		if slices.Contains(names, src.Name) {
			left = slices.DeleteFunc(left, func(n string) bool { return n == src.Name })
			out = append(out, src)
		}
	}
	if len(left) > 0 {
		return nil, UsageErrorf("no source named %s is configured: sources: in the configuration lists them, agrichat sources shows samples",
			strings.Join(left, ", "))
	}
	return out, nil
}

// producers of the configured live sources with these names, after the given components. One that fails for good leaves the
// others alone.
func (w *workers) producers(after, names []string) ([]supervise.Component, error) {
	sources, err := SelectSources(w.cfg.Sources, names)
	if err != nil {
		return nil, err
	}
	var list []supervise.Component
	for _, src := range sources {
		c, err := w.producer(src)
		if err != nil {
			return nil, err
		}
		c.After = after
		list = append(list, c)
	}
	return list, nil
}

func (w *workers) producer(src config.Source) (supervise.Component, error) {
	d, err := Definition(src.Kind)
	if err != nil {
		return supervise.Component{}, err
	}
	source, err := d.Live(src.Decode)
	if err != nil {
		return supervise.Component{}, UsageErrorf("source %s: %w", src.Name, err)
	}
	return supervise.Component{Name: "source " + src.Name, Run: func(ctx context.Context) error {
		b, err := w.connections.Bus(ctx)
		if err != nil {
			return err
		}
		cursors, err := b.Cursors(ctx)
		if err != nil {
			return err
		}
		_, err = ingest.Run(ctx, ingest.Config{Name: "live/" + src.Name, Source: source, Live: true, Publisher: b.Publisher(), Cursors: cursors,
			Metrics: w.ingest, Log: w.log, Hook: w.fail.Prefixed("ingest."),
			Noticed: func(n producers.Notice) { w.notices.add(src.Name, n) }})
		return err
	}}, nil
}

// LiveNotice is what a live source assumed, or what may be a duplicate, since the process began.
type LiveNotice struct {
	Source string `json:"source"` // as configured
	Code   string `json:"code"`
	Text   string `json:"text"`
	Count  int    `json:"count"`
}

// liveNotices adds up the notices of live sources. The zero value is ready.
type liveNotices struct {
	mu  sync.Mutex // covers all
	all []LiveNotice
}

func (l *liveNotices) add(source string, n producers.Notice) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range l.all {
		if o := &l.all[i]; o.Source == source && o.Code == n.Code && o.Text == n.Text {
			o.Count += n.Count
			return
		}
	}
	l.all = append(l.all, LiveNotice{source, n.Code, n.Text, n.Count})
}

func (l *liveNotices) list() []LiveNotice {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := slices.Clone(l.all)
	slices.SortFunc(out, func(a, b LiveNotice) int {
		return cmp.Or(cmp.Compare(a.Source, b.Source), cmp.Compare(a.Code, b.Code), cmp.Compare(a.Text, b.Text))
	})
	return out
}
