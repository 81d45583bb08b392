// Package obs is how this program is watched from outside: logs, metrics and health, and the server that shows the latter.
//
// It promises that nothing is global: what registers is given the registry, what logs the logger. Health is what components
// say of themselves; this package measures nothing on its own.
package obs

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime"
	"runtime/debug"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// Logger makes a logger. The level is debug, info, warn or error. The format is text, json, or auto: text where a person
// reads, JSON where w is a file or a pipe.
func Logger(w io.Writer, level, format string) (*slog.Logger, error) {
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		return nil, fmt.Errorf("setting up the log: %w", err)
	}
	options := &slog.HandlerOptions{Level: l}
	switch {
	case format == "text", format == "auto" && terminal(w):
		return slog.New(slog.NewTextHandler(w, options)), nil
	case format == "json", format == "auto":
		options.ReplaceAttr = spellDuration
		return slog.New(slog.NewJSONHandler(w, options)), nil
	}
	return nil, fmt.Errorf("setting up the log: the format %q is neither auto, text nor json", format)
}

// spellDuration writes a duration with its unit: slog's JSON has a number of nanoseconds, and its text does not.
func spellDuration(_ []string, a slog.Attr) slog.Attr {
	if a.Value.Kind() == slog.KindDuration {
		a.Value = slog.StringValue(a.Value.Duration().String())
	}
	return a
}

// terminal says that a person is likely to read w. The null device passes too, which harms nobody.
func terminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// Build is what this program was built from.
type Build struct {
	Version  string `json:"version"`  // the module's; (devel) where it was built from a work tree
	Revision string `json:"revision"` // the commit; empty if unknown
	Modified bool   `json:"modified"` // the work tree differed from the commit
	Go       string `json:"go"`
}

// ReadBuild asks the running program.
func ReadBuild() Build {
	b := Build{Version: "unknown", Go: runtime.Version()}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	b.Version = info.Main.Version
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Revision = s.Value
		case "vcs.modified":
			b.Modified = s.Value == "true"
		}
	}
	return b
}

// NewRegistry makes a registry of metrics that begins with the build, the Go runtime and the process.
func NewRegistry(b Build) *prometheus.Registry {
	r := prometheus.NewRegistry()
	built := prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "agrichat_build_info",
		Help: "Always 1; the labels say what this program was built from.",
	}, []string{"version", "revision", "go"})
	built.WithLabelValues(b.Version, b.Revision, b.Go).Set(1)
	r.MustRegister(built, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return r
}
