package cli

import (
	"cmp"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// versionReport is what the program was built from.
type versionReport struct {
	Version  string `json:"version"`            // of the module: a tag, a pseudo-version, or (devel)
	Revision string `json:"revision,omitempty"` // of the version control system; empty where it was built outside of a checkout
	Time     string `json:"time,omitempty"`     // of that revision, RFC 3339
	Modified bool   `json:"modified"`           // the checkout had changes that the revision has not
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

func versionCommand(p *program) *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print the version of the program, the revision that it was built from, and the version of Go",
		Example: "  agrichat version --output json",
		Args:    noArgs,
		RunE: func(*cobra.Command, []string) error {
			r := buildVersion()
			if p.output == "json" {
				return p.printJSON(r)
			}
			_, err := fmt.Fprintln(p.out, r)
			return err
		},
	}
}

// buildVersion reads what the linker noted.
func buildVersion() versionReport {
	r := versionReport{Version: "(devel)", Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return r
	}
	r.Version = cmp.Or(info.Main.Version, r.Version)
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			r.Revision = s.Value
		case "vcs.time":
			r.Time = s.Value
		case "vcs.modified":
			r.Modified = s.Value == "true"
		}
	}
	return r
}

// String is a line.
func (r versionReport) String() string {
	s := "agrichat " + r.Version
	if r.Revision != "" {
		s += fmt.Sprintf(" (%s, %s", r.Revision, r.Time)
		if r.Modified {
			s += ", modified"
		}
		s += ")"
	}
	return s + fmt.Sprintf(" %s %s", r.Go, r.Platform)
}
