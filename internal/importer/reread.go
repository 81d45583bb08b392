package importer

import (
	"context"
	"errors"
	"time"

	"github.com/agrichat/agrichat/internal/ingest"
	"github.com/agrichat/agrichat/internal/reread"
)

// RereadReport is the result of reading the log again. Scripts rely on the names in its JSON.
type RereadReport struct {
	Changed   int          `json:"changed"`   // events that are read otherwise now
	Published int          `json:"published"` // of these, published: they were not stored so
	Notices   []Notice     `json:"notices"`   // what was changed, and what could not be
	Chats     []RereadChat `json:"per_chat"`
	Seconds   float64      `json:"seconds"`
}

// RereadChat is a chat of which something was published.
type RereadChat struct {
	Source    string `json:"source"`
	Namespace string `json:"namespace"`
	Channel   string `json:"channel"`
	Published int    `json:"published"`
}

// Reread reads the log again as what says, publishes the events that change, and waits until they are stored. Made for it, an Importer has no files.
func (i *Importer) Reread(ctx context.Context, what reread.Config) (*RereadReport, error) {
	b, c, err := i.ingestConfig(ctx)
	if err != nil {
		return &RereadReport{}, err
	}
	what.Log = b.Reader()
	if what.Last, err = b.Reader().LastSequence(ctx); err != nil {
		return &RereadReport{}, err
	}
	if c.Source, err = reread.New(what); err != nil {
		return &RereadReport{}, err
	}
	now := time.Now().UnixMilli()
	c.ZoneNamed, c.CharsetNamed, c.Cursors = 0, 0, nil
	if what.Zone != nil {
		c.ZoneNamed = now
	}
	if what.Charset != "" {
		c.CharsetNamed = now
	}
	c.Name, c.Label = "reread", "archive/reread"
	result, err := ingest.Run(ctx, c)
	i.result.Add(result)
	if err == nil {
		err = i.settle(ctx)
	}
	return i.rereadReport(), errors.Join(err, i.report.incomplete())
}

func (i *Importer) rereadReport() *RereadReport {
	r := &RereadReport{Changed: i.result.Events, Published: i.result.Published, Notices: []Notice{}}
	for _, n := range i.result.Notices {
		switch n.Code {
		case reread.NoticeZone, reread.NoticeCharset, reread.NoticeUnchanged:
			r.Notices = append(r.Notices, Notice{Code: n.Code, Text: n.Text, Option: n.Option, Count: n.Count, Files: []string{}})
		}
	}
	for _, c := range i.report.PerChat {
		r.Chats = append(r.Chats, RereadChat{c.Source, c.Namespace, c.Channel, c.Published})
	}
	return r
}
