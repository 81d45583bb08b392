package cli

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/agrichat/agrichat/internal/app"
	"github.com/agrichat/agrichat/internal/bus"
	"github.com/agrichat/agrichat/internal/cli/report"
	"github.com/agrichat/agrichat/internal/event"
)

func dlqCommand(p *program) *cobra.Command {
	c := group(&cobra.Command{
		Use: "dlq", Short: "Dead letters: what could not be stored, and why",
		Long: "A message that fails repeatedly while others succeed becomes a dead letter, with its cause. It is in no store; it can be\n" +
			"requeued after the cause has been fixed, or dropped.",
		Example: "  # all of them, and one in full\n" +
			"  agrichat dlq list\n" +
			"  agrichat dlq show 17\n\n" +
			"  # the cause is fixed: all of them once more\n" +
			"  agrichat dlq requeue all",
	})
	c.AddCommand(
		&cobra.Command{
			Use: "list", Short: "List dead letters, with the cause of each", Args: noArgs, RunE: dlq(p, dlqList, app.Requirements{Bus: true}),
			Example: "  # each with its id, which the other commands take\n" +
				"  agrichat dlq list\n\n" +
				"  # how often each cause\n" +
				"  agrichat dlq list --output json | jq -r '.[].cause' | sort | uniq -c",
		},
		&cobra.Command{
			Use: "show ID", Short: "Show a dead letter, with its message", Args: someArgs(1, 1, "one id (agrichat dlq list)"), RunE: dlq(p, dlqShow, app.Requirements{Bus: true}),
			Example: "  # what failed, how often, since when and why\n" +
				"  agrichat dlq show 17\n\n" +
				"  # the message as it came, into a file\n" +
				"  agrichat dlq show 17 --output json | jq -r .data | base64 -d > letter-17",
		},
		&cobra.Command{
			Use: "requeue ID...", Short: "Deliver dead letters to the consumers once more", Args: someArgs(1, -1, "at least one id, or all"),
			RunE: dlq(p, dlqSettle("requeued", func(ctx context.Context, b *bus.Bus, l bus.DeadLetter) error {
				_, err := b.DeadLetters().Requeue(ctx, l.ID)
				return err
			}), app.Requirements{Bus: true, Postgres: true}),
			Long: "Publishes the messages of dead letters once more, and removes the letters; all stands for every one there is. A message\n" +
				"that fails again becomes a dead letter again.",
			Example: "  # two of them\n" +
				"  agrichat dlq requeue 17 18\n\n" +
				"  # the cause is fixed: all of them\n" +
				"  agrichat dlq requeue all",
		},
		&cobra.Command{
			Use: "drop ID...", Short: "Remove dead letters: they will be in no store", Args: someArgs(1, -1, "at least one id, or all"),
			RunE: dlq(p, dlqSettle("dropped", func(context.Context, *bus.Bus, bus.DeadLetter) error { return nil }), app.Requirements{Bus: true, Postgres: true}),
			Long: "Removes dead letters without asking; all stands for every one there is.",
			Example: "  # look first\n" +
				"  agrichat dlq show 17\n" +
				"  agrichat dlq drop 17\n\n" +
				"  # none of them matters\n" +
				"  agrichat dlq drop all",
		},
	)
	return c
}

// dlqWork is the work of a command about dead letters.
type dlqWork func(ctx context.Context, p *program, a *app.App, args []string) error

// dlq runs a command about dead letters.
func dlq(p *program, do dlqWork, r app.Requirements) func(*cobra.Command, []string) error {
	return func(c *cobra.Command, args []string) error {
		return p.run(c.Context(), app.Options{Requirements: r}, func(ctx context.Context, a *app.App) error { return do(ctx, p, a, args) })
	}
}

func dlqList(ctx context.Context, p *program, a *app.App, _ []string) error {
	b, err := a.Bus(ctx)
	if err != nil {
		return err
	}
	letters := []bus.DeadLetter{}
	err = b.DeadLetters().List(ctx, false, func(l bus.DeadLetter) error {
		letters = append(letters, l)
		return nil
	})
	if err != nil {
		return err
	}
	if p.output == "json" {
		for i := range letters {
			letters[i].Line = lineNumber(letters[i].Line)
		}
		return p.printJSON(letters)
	}
	t := report.NewTable(p.out)
	t.Row("ID", "STREAM", "SEQUENCE", "SUBJECT", "ATTEMPTS", "LAST", "CAUSE")
	for _, l := range letters {
		t.Row(l.ID, l.Stream, event.At(l.Sequence, l.Line), l.Subject, l.Attempts, l.Last.Format(time.RFC3339), l.Cause)
	}
	return t.Done()
}

// lineNumber is a line of a bundle as people count, and as event.Position prints it: the first one is not named.
func lineNumber(line int) int {
	if line == 0 {
		return 0
	}
	return line + 1
}

func dlqShow(ctx context.Context, p *program, a *app.App, args []string) error {
	id, err := letterID(args[0])
	if err != nil {
		return err
	}
	b, err := a.Bus(ctx)
	if err != nil {
		return err
	}
	l, err := b.DeadLetters().Find(ctx, id)
	if err != nil {
		return err
	}
	if p.output == "json" {
		l.Line = lineNumber(l.Line)
		return p.printJSON(l)
	}
	t := report.NewTable(p.out)
	t.Row("id", l.ID)
	t.Row("message", fmt.Sprintf("%s %s, %s", l.Stream, event.At(l.Sequence, l.Line), l.Subject))
	t.Row("event", l.EventID)
	t.Row("consumer", l.Consumer)
	t.Row("cause", l.Cause)
	t.Row("attempts", l.Attempts)
	t.Row("first", l.First.Format(time.RFC3339))
	t.Row("last", l.Last.Format(time.RFC3339))
	if err := t.Done(); err != nil {
		return err
	}
	_, err = fmt.Fprintf(p.out, "\n%s\n", strings.Map(report.Printable, string(l.Data)))
	return err
}

// dlqSettle makes the work of a command that settles dead letters: first applies it to each.
func dlqSettle(state string, first func(context.Context, *bus.Bus, bus.DeadLetter) error) dlqWork {
	return func(ctx context.Context, p *program, a *app.App, args []string) error {
		b, err := a.Bus(ctx)
		if err != nil {
			return err
		}
		ids, err := letterIDs(ctx, b, args)
		if err != nil {
			return err
		}
		if err := a.SettleDeadLetters(ctx, ids, state, first); err != nil {
			return err
		}
		return p.printf(map[string]any{state: ids}, "%d %s\n", len(ids), state)
	}
}

// letterIDs reads ids of dead letters; "all" stands for every one there is.
func letterIDs(ctx context.Context, b *bus.Bus, args []string) ([]uint64, error) {
	var ids []uint64
	for _, arg := range args {
		if arg == "all" {
			err := b.DeadLetters().List(ctx, false, func(l bus.DeadLetter) error {
				ids = append(ids, l.ID)
				return nil
			})
			return ids, err
		}
		id, err := letterID(arg)
		if err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, nil
}

func letterID(arg string) (uint64, error) {
	id, err := strconv.ParseUint(arg, 10, 64)
	if err != nil {
		return 0, app.UsageErrorf("%q is no id of a dead letter: agrichat dlq list shows them", arg)
	}
	return id, nil
}
