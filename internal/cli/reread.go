package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/files"
	"github.com/agrichat/agrichat/internal/ingest"
	"github.com/agrichat/agrichat/internal/reread"
)

type rereadFlags struct {
	source, namespace, channel string
	zone, charset              string
}

// rereadReport is what reading the log again ends with. Its names are relied upon by scripts.
type rereadReport struct {
	Changed   int          `json:"changed"`   // events that are read otherwise now
	Published int          `json:"published"` // of these, published: the record did not hold them so
	Notices   []notice     `json:"notices"`   // what was changed, and what could not be
	Chats     []rereadChat `json:"per_chat"`
	Seconds   float64      `json:"seconds"`
}

// rereadChat is a chat of which something was published.
type rereadChat struct {
	Source    string `json:"source"`
	Namespace string `json:"namespace"`
	Channel   string `json:"channel"`
	Published int    `json:"published"`
}

func (a *app) rereadCommand() *cobra.Command {
	var f rereadFlags
	c := &cobra.Command{
		Use:   "reread",
		Short: "Read what is stored again, in the zone or charset that was assumed wrongly",
		Long: "Imports read times without a zone as UTC, and text that is not UTF-8 in a guessed charset, unless the zone or charset is named;\n" +
			"they say so. This command puts it right without the files: it reads the log again and publishes every event that comes out\n" +
			"otherwise, under its old id. The later word counts: what was named before is read again too. Times whose zone the network gave,\n" +
			"and text that was UTF-8, stay as they are.",
		Example: "  # the WhatsApp exports were made in Moscow\n" +
			"  agrichat reread --source whatsapp --zone Europe/Moscow\n\n" +
			"  # an old log, which was taken for Western European\n" +
			"  agrichat reread --source irc --namespace libera --channel '#go' --charset koi8-r",
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			began := time.Now()
			if f.zone == "" && f.charset == "" {
				return misuse{errors.New("nothing to read again: name --zone or --charset")}
			}
			cfg := reread.Config{Charset: f.charset, Source: event.Source(f.source), Namespace: event.Namespace(f.namespace), Channel: event.Channel(f.channel)}
			if f.source != "" {
				if _, err := definition(f.source); err != nil {
					return err
				}
			}
			if f.zone != "" {
				zone, err := time.LoadLocation(f.zone)
				if err != nil {
					return misuse{fmt.Errorf("--zone: %q is not a zone; write it like Europe/Moscow or UTC", f.zone)}
				}
				cfg.Zone = zone
			}
			if _, err := reread.New(cfg); err != nil {
				return misuse{err}
			}
			return a.within(c.Context(), session{consume: true, needs: everything()}, func(ctx context.Context, s *stack) error {
				r, err := a.reread(ctx, s, cfg)
				r.Seconds = time.Since(began).Seconds()
				return errors.Join(a.printReread(r), err)
			})
		},
	}
	fl := c.Flags()
	fl.StringVar(&f.zone, "zone", "", "time zone of times that carry none, such as Europe/Moscow")
	fl.StringVar(&f.charset, "charset", "", "character set of text that is not UTF-8, such as windows-1251")
	fl.StringVar(&f.source, "source", "", "only what this source brought, such as whatsapp")
	fl.StringVar(&f.namespace, "namespace", "", "only this network or workspace")
	fl.StringVar(&f.channel, "channel", "", "only this channel")
	return c
}

// reread publishes what comes out otherwise, and waits until it is stored.
func (a *app) reread(ctx context.Context, s *stack, cfg reread.Config) (*rereadReport, error) {
	i := a.newImport(s, &findings{Findings: &files.Findings{}, quiet: true, jobs: 1})
	b, c, err := i.ingesting(ctx)
	if err != nil {
		return &rereadReport{}, err
	}
	cfg.Log = b
	if cfg.Last, err = b.LastSequence(ctx); err != nil {
		return &rereadReport{}, err
	}
	if c.Source, err = reread.New(cfg); err != nil {
		return &rereadReport{}, err
	}
	now := time.Now().UnixMilli()
	c.ZoneNamed, c.CharsetNamed, c.Cursors = 0, 0, nil
	if cfg.Zone != nil {
		c.ZoneNamed = now
	}
	if cfg.Charset != "" {
		c.CharsetNamed = now
	}
	c.Name, c.Label = "reread", "archive/reread"
	result, err := ingest.Run(ctx, c)
	i.result.Add(result)
	if err == nil {
		err = i.settle(ctx)
	}
	return i.reread(), errors.Join(err, i.report.incomplete())
}

func (i *importing) reread() *rereadReport {
	r := &rereadReport{Changed: i.result.Events, Published: i.result.Published, Notices: []notice{}}
	for _, n := range i.result.Notices {
		switch n.Code {
		case reread.NoticeZone, reread.NoticeCharset, reread.NoticeUnchanged:
			r.Notices = append(r.Notices, notice{Code: n.Code, Text: n.Text, Option: n.Option, Count: n.Count, Files: []string{}})
		}
	}
	for _, c := range i.report.PerChat {
		r.Chats = append(r.Chats, rereadChat{c.Source, c.Namespace, c.Channel, c.Published})
	}
	return r
}

func (a *app) printReread(r *rereadReport) error {
	if a.output == "json" {
		return a.printJSON(r)
	}
	return printRereadText(a.out, r)
}

func printRereadText(w io.Writer, r *rereadReport) error {
	if len(r.Chats) > 0 {
		t := newTable(w)
		t.row("NETWORK", "NAMESPACE", "CHAT", "CHANGED")
		for _, c := range r.Chats {
			t.row(c.Source, c.Namespace, c.Channel, c.Published)
		}
		t.row()
		if err := t.done(); err != nil {
			return err
		}
	}
	printNotices(w, r.Notices)
	if r.Changed == 0 {
		_, err := fmt.Fprintf(w, "nothing is read otherwise now: all was read so before, or --source, --namespace and --channel fit nothing that is stored; in %.1f s\n", r.Seconds)
		return err
	}
	_, err := fmt.Fprintf(w, "%d events are read otherwise now, %d published, in %.1f s\n", r.Changed, r.Published, r.Seconds)
	return err
}
