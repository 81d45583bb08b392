package cli

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/agrichat/agrichat/consumers"
	"github.com/agrichat/agrichat/internal/bus"
	"github.com/agrichat/agrichat/internal/event"
)

func (a *app) dlqCommand() *cobra.Command {
	c := chooses(&cobra.Command{
		Use: "dlq", Short: "Dead letters: what could not be stored, and why",
		Long: "A message that fails again and again while others succeed is set aside with its cause. It is in no store; it can be\n" +
			"requeued after what was wrong has been mended, or dropped.",
		Example: "  # what was set aside, and one of it in full\n" +
			"  agrichat dlq list\n" +
			"  agrichat dlq show 17\n\n" +
			"  # what was wrong is mended: all of it once more\n" +
			"  agrichat dlq requeue all",
	})
	c.AddCommand(
		&cobra.Command{
			Use: "list", Short: "List dead letters, with the cause of each", Args: noArgs, RunE: a.dlq(needs{bus: true}, a.dlqList),
			Example: "  # each with its id, which the other commands take\n" +
				"  agrichat dlq list\n\n" +
				"  # how often each cause\n" +
				"  agrichat dlq list --output json | jq -r '.[].cause' | sort | uniq -c",
		},
		&cobra.Command{
			Use: "show ID", Short: "Show a dead letter, with its message", Args: someArgs(1, 1, "one id (agrichat dlq list)"), RunE: a.dlq(needs{bus: true}, a.dlqShow),
			Example: "  # what failed, how often, since when and why\n" +
				"  agrichat dlq show 17\n\n" +
				"  # the message as it came, into a file\n" +
				"  agrichat dlq show 17 --output json | jq -r .data | base64 -d > letter-17",
		},
		&cobra.Command{
			Use: "requeue ID...", Short: "Give dead letters to the consumers once more", Args: someArgs(1, -1, "at least one id, or all"),
			RunE: a.dlq(needs{bus: true, record: true}, a.dlqRequeue),
			Long: "Publishes the messages of dead letters once more, and removes the letters; all stands for every one there is. A message\n" +
				"that fails again is set aside again.",
			Example: "  # two of them\n" +
				"  agrichat dlq requeue 17 18\n\n" +
				"  # what was wrong is mended: all of them\n" +
				"  agrichat dlq requeue all",
		},
		&cobra.Command{
			Use: "drop ID...", Short: "Forget dead letters: they will be in no store", Args: someArgs(1, -1, "at least one id, or all"),
			RunE: a.dlq(needs{bus: true, record: true}, a.dlqDrop),
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

func (a *app) dlq(n needs, do func(ctx context.Context, s *stack, args []string) error) func(*cobra.Command, []string) error {
	return func(c *cobra.Command, args []string) error {
		return a.within(c.Context(), session{needs: n}, func(ctx context.Context, s *stack) error {
			if _, err := s.openBus(ctx); err != nil {
				return err
			}
			return do(ctx, s, args)
		})
	}
}

func (a *app) dlqList(ctx context.Context, s *stack, _ []string) error {
	letters := []bus.Letter{}
	err := s.bus.Letters(ctx, false, func(l bus.Letter) error {
		letters = append(letters, l)
		return nil
	})
	if err != nil {
		return err
	}
	if a.output == "json" {
		for i := range letters {
			letters[i].Line = lineNumber(letters[i].Line)
		}
		return a.printJSON(letters)
	}
	t := newTable(a.out)
	t.row("ID", "STREAM", "SEQUENCE", "SUBJECT", "ATTEMPTS", "LAST", "CAUSE")
	for _, l := range letters {
		t.row(l.ID, l.Stream, event.At(l.Sequence, l.Line), l.Subject, l.Attempts, l.Last.Format(time.RFC3339), l.Cause)
	}
	return t.done()
}

// lineNumber is a line of a bundle as people count, and as event.Position prints it: the first one is not named.
func lineNumber(line int) int {
	if line == 0 {
		return 0
	}
	return line + 1
}

func (a *app) dlqShow(ctx context.Context, s *stack, args []string) error {
	id, err := letterID(args[0])
	if err != nil {
		return err
	}
	l, err := s.bus.Letter(ctx, id)
	if err != nil {
		return err
	}
	if a.output == "json" {
		l.Line = lineNumber(l.Line)
		return a.printJSON(l)
	}
	t := newTable(a.out)
	t.row("id", l.ID)
	t.row("message", fmt.Sprintf("%s %s, %s", l.Stream, event.At(l.Sequence, l.Line), l.Subject))
	t.row("event", l.EventID)
	t.row("consumer", l.Consumer)
	t.row("cause", l.Cause)
	t.row("attempts", l.Attempts)
	t.row("first", l.First.Format(time.RFC3339))
	t.row("last", l.Last.Format(time.RFC3339))
	if err := t.done(); err != nil {
		return err
	}
	_, err = fmt.Fprintf(a.out, "\n%s\n", strings.Map(printable, string(l.Data)))
	return err
}

// dlqRequeue publishes first, notes second, removes last: a crash in between means that something is requeued twice.
func (a *app) dlqRequeue(ctx context.Context, s *stack, args []string) error {
	return a.dlqSettle(ctx, s, args, "requeued", func(l bus.Letter) error {
		_, err := s.bus.Requeue(ctx, l.ID)
		return err
	})
}

func (a *app) dlqDrop(ctx context.Context, s *stack, args []string) error {
	return a.dlqSettle(ctx, s, args, "dropped", func(bus.Letter) error { return nil })
}

func (a *app) dlqSettle(ctx context.Context, s *stack, args []string, state string, first func(bus.Letter) error) error {
	ids, err := s.letters(ctx, args)
	if err != nil {
		return err
	}
	for _, id := range ids {
		l, err := s.bus.Letter(ctx, id)
		if err != nil {
			return err
		}
		if err := first(l); err != nil {
			return err
		}
		s.reach("dlq.published")
		if err := s.settleLetter(ctx, l, state); err != nil {
			return err
		}
		s.reach("dlq.noted")
		if err := s.bus.RemoveLetter(ctx, id); err != nil {
			return err
		}
	}
	if a.output == "json" {
		return a.printJSON(map[string]any{state: ids})
	}
	_, err = fmt.Fprintf(a.out, "%d %s\n", len(ids), state)
	return err
}

// settleLetter notes in the record what became of a letter about the log; facts are no part of its ledger.
func (s *stack) settleLetter(ctx context.Context, l bus.Letter, state string) error {
	if l.Stream != bus.Chat {
		return nil
	}
	k, err := s.openKeeper(ctx)
	if err != nil {
		return err
	}
	return k.ResolveDeadLetter(ctx, consumers.Delivery{Sequence: l.Sequence, Line: l.Line, Subject: l.Subject, EventIDs: l.EventID}, state)
}

// letters reads ids of dead letters; "all" stands for every one there is.
func (s *stack) letters(ctx context.Context, args []string) ([]uint64, error) {
	var ids []uint64
	for _, arg := range args {
		if arg == "all" {
			err := s.bus.Letters(ctx, false, func(l bus.Letter) error {
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
		return 0, misuse{fmt.Errorf("%q is no id of a dead letter: agrichat dlq list shows them", arg)}
	}
	return id, nil
}
