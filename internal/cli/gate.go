package cli

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/agrichat/agrichat/internal/app"
	"github.com/agrichat/agrichat/internal/cli/report"
	"github.com/agrichat/agrichat/internal/gate"
)

func gateCommand(p *program) *cobra.Command {
	c := group(&cobra.Command{
		Use: "gate", Short: "Shut the gate by hand, for planned work on PostgreSQL, and open it again",
		Long: "While the gate is shut nothing is written to PostgreSQL. Sources go on publishing, and what they publish waits on the\n" +
			"bus. agrichat status shows the gate.",
		Example: "  # before work on PostgreSQL, and after it\n" +
			"  agrichat gate pause --why 'upgrading PostgreSQL to 18'\n" +
			"  agrichat gate resume",
	})
	c.AddCommand(gatePauseCommand(p), gateResumeCommand(p))
	return c
}

func gatePauseCommand(p *program) *cobra.Command {
	var why string
	c := &cobra.Command{
		Use: "pause --why TEXT", Short: "Shut the gate for every writer, until it is resumed", Args: noArgs,
		Long: "Shuts the gate, and keeps it shut whoever starts or stops, until agrichat gate resume. agrichat status shows to everybody\n" +
			"who shut it, when and why.",
		Example: "  # for planned work\n" +
			"  agrichat gate pause --why 'upgrading PostgreSQL to 18'\n\n" +
			"  # beside the servers that a configuration names\n" +
			"  agrichat gate pause --why 'a new disk' --config /etc/agrichat/agrichat.yaml",
		RunE: func(c *cobra.Command, _ []string) error {
			if why == "" {
				return app.UsageErrorf("say why: agrichat gate pause --why TEXT; whoever finds the gate shut will want to know")
			}
			return changeGate(c.Context(), p, func(ctx context.Context, a *app.App) error { return a.PauseGate(ctx, why) },
				func(gate.Status) bool { return true }, 0)
		},
	}
	c.Flags().StringVar(&why, "why", "", "the reason, which agrichat status shows")
	return c
}

func gateResumeCommand(p *program) *cobra.Command {
	var adopt bool
	var wait time.Duration
	c := &cobra.Command{
		Use: "resume", Short: "Let the gate be opened again", Args: noArgs,
		Long: "Takes back a pause. Where a Patroni cluster is followed the controller opens the gate, after it has proved the leader and\n" +
			"the ledger's gaps are backfilled; this waits for it. The exit status is 1 if it is still shut when the time is over.",
		Example: "  # the work is done\n" +
			"  agrichat gate resume\n\n" +
			"  # there is much to recover\n" +
			"  agrichat gate resume --wait 10m\n\n" +
			"  # after the cluster was made anew, on purpose\n" +
			"  agrichat gate resume --adopt",
		RunE: func(c *cobra.Command, _ []string) error {
			return changeGate(c.Context(), p, func(ctx context.Context, a *app.App) error { return a.ResumeGate(ctx, adopt) },
				func(st gate.Status) bool { return st.State == gate.Opened }, wait)
		},
	}
	c.Flags().BoolVar(&adopt, "adopt", false, "write to the cluster that is there now, though it is another one than before")
	c.Flags().DurationVar(&wait, "wait", 30*time.Second, "how long to wait until it is open")
	return c
}

// changeGate changes the desired state, waits until the gate is as wanted, and prints it.
func changeGate(ctx context.Context, p *program, change func(context.Context, *app.App) error, wanted func(gate.Status) bool, wait time.Duration) error {
	return p.run(ctx, app.Options{Requirements: app.Requirements{Bus: true, Gate: true}}, func(ctx context.Context, a *app.App) error {
		if err := change(ctx, a); err != nil {
			return err
		}
		st := a.AwaitGate(ctx, wait, wanted)
		r := app.NewGateReport(st, a.Config().Etcd.Followed())
		err := p.print(r, func(w io.Writer) error {
			t := report.NewTable(w)
			printGate(t, r)
			return t.Done()
		})
		if err == nil && !wanted(st) {
			return errProblems
		}
		return err
	})
}

// printGate prints a gate in rows of a name and a value.
func printGate(t *report.Table, r app.GateReport) {
	state := string(r.State)
	if r.Reason != "" {
		state += " (" + string(r.Reason) + ")"
	}
	if r.Since != nil {
		state += " since " + r.Since.Local().Format(time.DateTime)
	}
	t.Row("gate", state)
	if r.Detail != "" {
		t.Row("", r.Detail)
	}
	if h := r.Hold; h != nil {
		t.Row("", fmt.Sprintf("shut by %s at %s: %s; agrichat gate resume opens it", h.By, h.Since.Local().Format(time.DateTime), h.Why))
	}
	if !r.Followed {
		return
	}
	if r.Leader != "" {
		t.Row("leader", fmt.Sprintf("%s at %s, token %d", r.Leader, r.Address, r.Token))
	}
	etcd := "never answered"
	if r.LastReply != nil {
		etcd = fmt.Sprintf("answered %.1f s ago", *r.LastReply)
	}
	if r.Remaining != nil {
		etcd += fmt.Sprintf("; the lease is good for %.1f s", *r.Remaining)
	}
	t.Row("etcd", etcd)
}
