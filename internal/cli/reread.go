package cli

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/agrichat/agrichat/internal/app"
	"github.com/agrichat/agrichat/internal/cli/report"
	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/files"
	"github.com/agrichat/agrichat/internal/importer"
	"github.com/agrichat/agrichat/internal/reread"
)

type rereadFlags struct {
	source, namespace, channel string
	zone, charset              string
}

func rereadCommand(p *program) *cobra.Command {
	var f rereadFlags
	c := &cobra.Command{
		Use:   "reread",
		Short: "Correct the zone or charset of stored messages that was assumed wrongly",
		Long: "Imports read times without a zone as UTC, and text that is not UTF-8 in a guessed charset, unless the zone or charset is named;\n" +
			"notes list how many. This command corrects it without the files: it reads the log again and publishes every event that\n" +
			"changes, under its old id. The zone or charset named last takes precedence over those named before. Times whose zone the\n" +
			"network gave, and text that was UTF-8, do not change.",
		Example: "  # the WhatsApp exports were made in Moscow\n" +
			"  agrichat reread --source whatsapp --zone Europe/Moscow\n\n" +
			"  # an old log, which was taken for Western European\n" +
			"  agrichat reread --source irc --namespace libera --channel '#go' --charset koi8-r",
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			began := time.Now()
			if f.zone == "" && f.charset == "" {
				return app.UsageErrorf("nothing to read again: name --zone or --charset")
			}
			cfg := reread.Config{Charset: f.charset, Source: event.Source(f.source), Namespace: event.Namespace(f.namespace), Channel: event.Channel(f.channel)}
			if f.source != "" {
				if _, err := app.Definition(f.source); err != nil {
					return err
				}
			}
			if f.zone != "" {
				zone, err := time.LoadLocation(f.zone)
				if err != nil {
					return app.UsageErrorf("--zone: %q is not a zone; write it like Europe/Moscow or UTC", f.zone)
				}
				cfg.Zone = zone
			}
			if _, err := reread.New(cfg); err != nil {
				return app.UsageError{Err: err}
			}
			return p.run(c.Context(), app.Options{Consume: true, Requirements: app.AllStores()}, func(ctx context.Context, a *app.App) error {
				r, err := p.newImport(a, importFlags{quiet: true, jobs: 1}, &files.Findings{}).Reread(ctx, cfg)
				r.Seconds = time.Since(began).Seconds()
				return errors.Join(p.printReread(r), err)
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

func (p *program) printReread(r *importer.RereadReport) error {
	return p.print(r, func(w io.Writer) error { return report.Reread(w, r) })
}
