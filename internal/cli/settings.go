package cli

import (
	"encoding/json"
	"fmt"
	"log/slog"

	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v3"

	"github.com/spf13/cobra"

	"github.com/agrichat/agrichat/internal/config"
	"github.com/agrichat/agrichat/internal/obs"
	"github.com/agrichat/agrichat/producers"
	"github.com/agrichat/agrichat/producers/all"
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

// config loads the configuration, and makes the log that it wants.
func (a *app) config() (config.Config, *slog.Logger, error) {
	var kinds []string
	for _, d := range all.Definitions() {
		if d.Live != nil {
			kinds = append(kinds, string(d.Name))
		}
	}
	c, err := config.Load(config.Input{File: a.configFile, Environ: a.environ, Flags: a.given.values(), Kinds: kinds,
		Spare: []string{dieVariable, sweepVariable, "AGRICHAT_LAB", "AGRICHAT_LAB_DIR", "AGRICHAT_LAB_ROOT"}})
	if err != nil {
		return config.Config{}, nil, misuse{err}
	}
	log, err := obs.Logger(a.screen(), c.Log.Level, a.screen().format(c.Log.Format))
	if err != nil {
		return config.Config{}, nil, misuse{err}
	}
	return c, log, nil
}

func (a *app) configCommand() *cobra.Command {
	return &cobra.Command{
		Use: "config", Short: "Print the configuration that holds, without its secrets", Args: noArgs,
		Long: "Prints every key with the value that holds: the file (--config), the environment and flags are read, and the later of them\n" +
			"counts. The key nats.chat_max_bytes is AGRICHAT_NATS_CHAT_MAX_BYTES in the environment. What is printed may stand in a\n" +
			"file again, once the secrets are back in their places. Mistakes are told all at once, and the exit status is 2.",
		Example: "  # what holds here\n" +
			"  agrichat config\n\n" +
			"  # is this file in order?\n" +
			"  agrichat config --config agrichat.yaml\n\n" +
			"  # all keys, as a file to begin with\n" +
			"  agrichat config > agrichat.yaml\n\n" +
			"  # one value, for a script\n" +
			"  agrichat config --output json | jq -r .data",
		RunE: func(*cobra.Command, []string) error {
			c, _, err := a.config()
			if err != nil {
				return err
			}
			if a.output == "json" {
				return a.printJSON(c)
			}
			b, err := yaml.Marshal(c)
			if err != nil {
				return fmt.Errorf("printing the configuration: %w", err)
			}
			_, err = a.out.Write(b)
			return err
		},
	}
}

// printJSON prints one JSON object.
func (a *app) printJSON(v any) error {
	enc := json.NewEncoder(a.out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// definition finds a source by its name.
func definition(name string) (producers.Definition, error) {
	var names []string
	for _, d := range all.Definitions() {
		if string(d.Name) == name {
			return d, nil
		}
		names = append(names, string(d.Name))
	}
	return producers.Definition{}, misuse{fmt.Errorf("there is no source %q; there are %q", name, names)}
}
