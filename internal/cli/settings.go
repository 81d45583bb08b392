package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v3"

	"github.com/agrichat/agrichat/internal/app"
	"github.com/agrichat/agrichat/internal/cli/terminal"
	"github.com/agrichat/agrichat/internal/config"
	"github.com/agrichat/agrichat/internal/obs"
)

// flags are those that set a key of the configuration.
type flags struct{ list []boundFlag }

type boundFlag struct {
	set  *pflag.FlagSet
	name string
	key  string
}

// add makes a flag that sets a key where it is given.
func (f *flags) add(set *pflag.FlagSet, name, key, usage string) {
	set.String(name, "", usage)
	f.list = append(f.list, boundFlag{set: set, name: name, key: key})
}

func (f *flags) values() []config.Flag {
	var out []config.Flag
	for _, b := range f.list {
		if fl := b.set.Lookup(b.name); fl != nil && fl.Changed {
			out = append(out, config.Flag{Name: "--" + b.name, Key: b.key, Value: fl.Value.String()})
		}
	}
	return out
}

// config loads the configuration, and makes the log that it describes.
func (p *program) config() (config.Config, *slog.Logger, error) {
	c, err := app.LoadConfig(p.configFile, p.environ, p.given.values())
	if err != nil {
		return config.Config{}, nil, err
	}
	log, err := obs.Logger(p.screen(), c.Log.Level, p.screen().LogFormat(c.Log.Format))
	if err != nil {
		return config.Config{}, nil, app.UsageError{Err: err}
	}
	return c, log, nil
}

func configCommand(p *program) *cobra.Command {
	return &cobra.Command{
		Use: "config", Short: "Print the configuration in effect, without its secrets", Args: noArgs,
		Long: "Prints every key with the value in effect: the file (--config), the environment and flags are read, and the later of them\n" +
			"counts. The key nats.chat_max_bytes is AGRICHAT_NATS_CHAT_MAX_BYTES in the environment. What is printed can be used as a\n" +
			"file, once the secrets are back in their places. Errors are listed all at once, and the exit status is 2.",
		Example: "  # the configuration in effect here\n" +
			"  agrichat config\n\n" +
			"  # is this file in order?\n" +
			"  agrichat config --config agrichat.yaml\n\n" +
			"  # all keys, as a file to begin with\n" +
			"  agrichat config > agrichat.yaml\n\n" +
			"  # one value, for a script\n" +
			"  agrichat config --output json | jq -r .data",
		RunE: func(*cobra.Command, []string) error {
			c, _, err := p.config()
			if err != nil {
				return err
			}
			return p.print(c, func(w io.Writer) error {
				b, err := yaml.Marshal(c)
				if err != nil {
					return fmt.Errorf("printing the configuration: %w", err)
				}
				_, err = w.Write(b)
				return err
			})
		},
	}
}

// screen is standard error, which logs and notes share with the bars of an import.
func (p *program) screen() *terminal.Screen {
	s, ok := p.errOut.(*terminal.Screen)
	if !ok {
		s = terminal.NewScreen(p.errOut)
		p.errOut = s
	}
	return s
}

// note prints a line for a person; a script reads the JSON at the end.
func (p *program) note(format string, args ...any) {
	if p.output != "json" {
		fmt.Fprintf(p.errOut, format, args...)
	}
}

// print prints one JSON object, or the same as text for people.
func (p *program) print(v any, text func(io.Writer) error) error {
	if p.output == "json" {
		return p.printJSON(v)
	}
	return text(p.out)
}

// printf prints one JSON object, or a line for people.
func (p *program) printf(v any, format string, args ...any) error {
	return p.print(v, func(w io.Writer) error {
		_, err := fmt.Fprintf(w, format, args...)
		return err
	})
}

// printJSON prints one JSON object.
func (p *program) printJSON(v any) error {
	enc := json.NewEncoder(p.out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}
