package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/agrichat/agrichat/internal/app"
	"github.com/agrichat/agrichat/internal/config"
	"github.com/agrichat/agrichat/internal/obs"
)

// errIncomplete says that the report lists problems.
var errIncomplete = errors.New("the report is not complete")

// Main runs the command agrichat-bench, and returns an exit status like agrichat's.
func Main(ctx context.Context, args, environ []string, out, errOut io.Writer) int {
	c := command(environ, out, errOut)
	c.SetArgs(args)
	c.SetOut(out)
	c.SetErr(errOut)
	err := c.ExecuteContext(ctx)
	var usage app.UsageError
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errIncomplete):
		return 1
	case errors.As(err, &usage):
		fmt.Fprintln(errOut, "agrichat-bench:", app.OneLine(err.Error()))
		return 2
	}
	fmt.Fprintln(errOut, "agrichat-bench:", app.OneLine(err.Error()))
	return 1
}

// settings are the flags that are not about what is measured.
type settings struct{ file, output, data, level, format string }

func command(environ []string, out, errOut io.Writer) *cobra.Command {
	f := Config{Environ: environ, Stderr: errOut}
	var s settings
	c := &cobra.Command{
		Use: "agrichat-bench", Short: "Measure the whole way: archive, bus, PostgreSQL, ClickHouse, verification, and live", Args: cobra.NoArgs,
		Long: "Makes an archive (a Telegram Desktop export, half Russian, the same on every machine) and the same in other formats,\n" +
			"imports them into servers of its own in a new folder, with everything durable, counts the rows in the stores, and prints\n" +
			"medians of several runs beside what the machine itself can do. What matters is measured twice in each run: how far the\n" +
			"two are apart is the machine's noise. A million messages take about ten gigabytes of the disk and twelve minutes a run on\n" +
			"two processors. The exit status is 1 if a row is missing.",
		Example: "  # everything, as it is meant\n  agrichat-bench\n\n" +
			"  # a quick look at one thing\n  agrichat-bench --runs 1 --messages 100000 --only import\n\n" +
			"  # memory at ten million as well\n  agrichat-bench --large 10000000 --output json",
		SilenceUsage: true, SilenceErrors: true,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := s.apply(&f, errOut); err != nil {
				return err
			}
			r, err := Run(c.Context(), f)
			if err != nil {
				return err
			}
			if err := s.print(out, r); err != nil {
				return err
			}
			if !r.Complete {
				return errIncomplete
			}
			return nil
		},
	}
	c.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return app.UsageErrorf("%w; see %s --help", err, c.CommandPath())
	})
	fl := c.Flags()
	fl.IntVar(&f.Runs, "runs", 3, "how often everything is measured")
	fl.IntVar(&f.Corpus.Messages, "messages", 1_000_000, "how many messages the archive has")
	fl.IntVar(&f.Corpus.Bytes, "bytes", 425, "how long a message is in the Telegram archive, in the mean")
	fl.Uint64Var(&f.Corpus.Seed, "seed", 1, "another number makes another archive")
	fl.StringSliceVar(&f.Formats, "formats", Formats(), "formats that are published on the bus, beside telegram")
	fl.StringSliceVar(&f.Only, "only", Parts(), "parts to measure")
	fl.IntVar(&f.Large, "large", 0, "import an archive of so many messages too, once, and see how much memory that takes (0: none)")
	fl.DurationVar(&f.Live, "live", 20*time.Second, "how long the live path is measured in each run, and again during an import for as long as that runs")
	fl.IntVar(&f.Rate, "rate", 100, "messages a second on the live path")
	fl.StringVar(&f.Keep, "keep", "", "work in this folder, which must be new, and leave everything there")
	fl.StringVar(&f.Program, "agrichat", "", "the program that is measured (default: agrichat in the folder of this one)")
	fl.StringVar(&s.file, "config", "", "configuration file (default: $XDG_CONFIG_HOME/agrichat/agrichat.yaml)")
	fl.StringVar(&s.output, "output", "text", "text or json")
	fl.StringVar(&s.data, "data", "", "folder in which it works")
	fl.StringVar(&s.level, "log-level", "", "debug, info, warn or error")
	fl.StringVar(&s.format, "log-format", "", "auto, text or json")
	return c
}

// apply completes what is measured by the settings.
func (s *settings) apply(c *Config, errOut io.Writer) (err error) {
	if s.output != "text" && s.output != "json" {
		return app.UsageErrorf("--output is text or json, not %q", s.output)
	}
	var flags []config.Flag
	for _, f := range []config.Flag{{Name: "--data", Key: "data", Value: s.data}, {Name: "--log-level", Key: "log.level", Value: s.level},
		{Name: "--log-format", Key: "log.format", Value: s.format}} {
		if f.Value != "" {
			flags = append(flags, f)
		}
	}
	if c.Settings, err = app.LoadConfig(s.file, c.Environ, flags); err != nil {
		return err
	}
	if c.Log, err = obs.Logger(errOut, c.Settings.Log.Level, c.Settings.Log.Format); err != nil {
		return app.UsageError{Err: err}
	}
	c.Notify = func(format string, args ...any) {
		if s.output == "text" {
			fmt.Fprintf(errOut, format, args...)
		}
	}
	if c.Program == "" {
		self, err := os.Executable()
		if err != nil {
			return fmt.Errorf("finding the program to measure: %w; name it with --agrichat", err)
		}
		c.Program = filepath.Join(filepath.Dir(self), "agrichat")
	}
	if _, err := os.Stat(c.Program); err != nil {
		return app.UsageErrorf("finding the program to measure: %w; name it with --agrichat", err)
	}
	return nil
}

// print prints the report as text or as one JSON object.
func (s *settings) print(out io.Writer, r *Report) error {
	if s.output == "text" {
		return printReport(out, r)
	}
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(r)
}
