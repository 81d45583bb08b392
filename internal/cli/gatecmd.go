package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/user"
	"time"

	"github.com/spf13/cobra"

	"github.com/agrichat/agrichat/internal/bus"
	"github.com/agrichat/agrichat/internal/gate"
)

func (a *app) gateCommand() *cobra.Command {
	c := chooses(&cobra.Command{
		Use: "gate", Short: "Shut the gate by hand, for planned work on PostgreSQL, and open it again",
		Long: "While the gate is shut nothing is written to PostgreSQL. Sources go on publishing, and what they publish waits on the\n" +
			"bus. agrichat status shows the gate.",
		Example: "  # before work on PostgreSQL, and after it\n" +
			"  agrichat gate pause --why 'upgrading PostgreSQL to 18'\n" +
			"  agrichat gate resume",
	})
	c.AddCommand(a.gatePauseCommand(), a.gateResumeCommand())
	return c
}

func (a *app) gatePauseCommand() *cobra.Command {
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
				return misuse{errors.New("say why: agrichat gate pause --why TEXT; whoever finds the gate shut will want to know")}
			}
			return a.order(c.Context(), func(o gate.Order, now time.Time) gate.Order {
				o.State, o.Reason, o.Detail, o.Since = gate.Shut, gate.ByHand, why, now
				o.Hand = &gate.Hand{Why: why, By: operator(), Since: now}
				return o
			}, func(gate.Standing) bool { return true }, 0)
		},
	}
	c.Flags().StringVar(&why, "why", "", "what is going on; it is shown to whoever asks")
	return c
}

func (a *app) gateResumeCommand() *cobra.Command {
	var adopt bool
	var wait time.Duration
	c := &cobra.Command{
		Use: "resume", Short: "Let the gate be opened again", Args: noArgs,
		Long: "Takes back a pause. Where a Patroni cluster is followed the controller opens the gate, after it has proved the leader and\n" +
			"the ledger's holes are filled; this waits for it. The exit status is 1 if it is still shut when the time is over.",
		Example: "  # the work is done\n" +
			"  agrichat gate resume\n\n" +
			"  # there is much to recover\n" +
			"  agrichat gate resume --wait 10m\n\n" +
			"  # after the cluster was made anew, on purpose\n" +
			"  agrichat gate resume --adopt",
		RunE: func(c *cobra.Command, _ []string) error {
			return a.order(c.Context(), func(o gate.Order, now time.Time) gate.Order {
				o.Hand, o.Since = nil, now
				o.State, o.Reason, o.Detail = gate.Shut, gate.Starting, ""
				if adopt {
					o.System, o.Timeline = "", 0
				}
				return o
			}, func(st gate.Standing) bool { return st.State == gate.Opened }, wait)
		},
	}
	c.Flags().BoolVar(&adopt, "adopt", false, "write to the cluster that is there now, though it is another one than before")
	c.Flags().DurationVar(&wait, "wait", 30*time.Second, "how long to wait until it is open")
	return c
}

// order changes the standing order, whoever else does so at the same time, and waits until the gate is as it should be.
func (a *app) order(ctx context.Context, change func(gate.Order, time.Time) gate.Order, done func(gate.Standing) bool, wait time.Duration) error {
	return a.within(ctx, session{needs: needs{bus: true, gate: true}}, func(ctx context.Context, s *stack) error {
		b, err := s.openBus(ctx)
		if err != nil {
			return err
		}
		orders, err := b.Orders(ctx)
		if err != nil {
			return err
		}
		o, err := swap(ctx, orders, func(o gate.Order) gate.Order {
			o = change(o, time.Now().UTC())
			o.By = operator()
			if !s.cfg.Etcd.Followed() && o.Hand == nil {
				o.State, o.Reason, o.Token = gate.Opened, "", 0 // nobody else would open it
			}
			return o
		})
		if err != nil {
			return err
		}
		s.door.Order(o)
		st := s.await(ctx, wait, done)
		if err := a.printGate(reportGate(st, s.cfg.Etcd.Followed())); err != nil {
			return err
		}
		if !done(st) {
			return errAmiss
		}
		return nil
	})
}

// swap replaces the order that stands by what change makes of it.
func swap(ctx context.Context, orders *bus.Orders, change func(gate.Order) gate.Order) (gate.Order, error) {
	for {
		o, revision, err := orders.Read(ctx)
		if err != nil {
			return o, err
		}
		o = change(o)
		if _, err = orders.Swap(ctx, o, revision); !errors.Is(err, gate.ErrMoved) {
			return o, err
		}
	}
}

// await waits until the gate is as wanted, or the time is over, and returns how it is then.
func (s *stack) await(ctx context.Context, within time.Duration, wanted func(gate.Standing) bool) gate.Standing {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	for {
		changed := s.door.Changed()
		now := s.door.Standing()
		if wanted(now) {
			return now
		}
		select {
		case <-ctx.Done():
			return now
		case <-changed:
		}
	}
}

// operator is who gives an order by hand.
func operator() string {
	name, host := "somebody", "somewhere"
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	if h, err := os.Hostname(); err == nil {
		host = h
	}
	return name + "@" + host
}

// gateReport is the gate as this process sees it. Its names are relied upon by scripts.
type gateReport struct {
	State    gate.State  `json:"state"`
	Reason   gate.Reason `json:"reason,omitempty"`
	Detail   string      `json:"detail,omitempty"`
	Followed bool        `json:"followed"` // a leader is followed
	Leader   string      `json:"leader,omitempty"`
	Address  string      `json:"address,omitempty"`
	Token    uint64      `json:"token"`
	Word     *float64    `json:"last_word_seconds,omitempty"` // since etcd last answered
	Left     *float64    `json:"safe_for_seconds,omitempty"`  // until the lease must have been renewed
	Since    *time.Time  `json:"since,omitempty"`
	Hand     *gate.Hand  `json:"hand,omitempty"`
}

func reportGate(st gate.Standing, followed bool) gateReport {
	r := gateReport{State: st.State, Reason: st.Reason, Detail: st.Detail, Followed: followed, Hand: st.Hand, Token: st.Token}
	if !st.Since.IsZero() {
		r.Since = &st.Since
	}
	if !followed {
		return r
	}
	r.Leader, r.Address = st.Leader, st.Address
	if !st.Word.IsZero() {
		age := time.Since(st.Word).Seconds()
		r.Word = &age
	}
	if !st.Until.IsZero() {
		left := time.Until(st.Until).Seconds()
		r.Left = &left
	}
	return r
}

func (a *app) printGate(r gateReport) error {
	if a.output == "json" {
		return a.printJSON(r)
	}
	t := newTable(a.out)
	for _, row := range r.rows() {
		t.row(row[0], row[1])
	}
	return t.done()
}

// rows are the gate in words: a name and what is to be said of it.
func (r gateReport) rows() [][2]string {
	state := string(r.State)
	if r.Reason != "" {
		state += " (" + string(r.Reason) + ")"
	}
	if r.Since != nil {
		state += " since " + r.Since.Local().Format(time.DateTime)
	}
	rows := [][2]string{{"gate", state}}
	add := func(name, text string) { rows = append(rows, [2]string{name, text}) }
	if r.Detail != "" {
		add("", r.Detail)
	}
	if r.Hand != nil {
		add("", fmt.Sprintf("shut by %s at %s: %s; agrichat gate resume opens it", r.Hand.By, r.Hand.Since.Local().Format(time.DateTime), r.Hand.Why))
	}
	if !r.Followed {
		return rows
	}
	if r.Leader != "" {
		add("leader", fmt.Sprintf("%s at %s, token %d", r.Leader, r.Address, r.Token))
	}
	word := "never answered"
	if r.Word != nil {
		word = fmt.Sprintf("answered %.1f s ago", *r.Word)
	}
	if r.Left != nil {
		word += fmt.Sprintf("; the lease is good for %.1f s", *r.Left)
	}
	add("etcd", word)
	return rows
}
