package cli

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/agrichat/agrichat/internal/app"
)

// TestExamples holds that the help of every command shows how it is called, and that what it shows can be typed.
func TestExamples(t *testing.T) {
	t.Parallel()
	list := ownCommands((&program{}).root())
	if len(list) < 20 {
		t.Fatalf("only %d commands: looked in the wrong place", len(list))
	}
	for _, c := range list {
		for _, wrong := range exampleMistakes(c.CommandPath(), c.Example) {
			t.Errorf("%s: %s", c.CommandPath(), wrong)
		}
	}
}

// ownCommands are a command and those below it, but for cobra's own and for what only the program itself calls.
func ownCommands(c *cobra.Command) (list []*cobra.Command) {
	if slices.Contains([]string{"engine", "help", "completion"}, c.Name()) {
		return nil
	}
	if c.Runnable() {
		list = append(list, c)
	}
	for _, sub := range c.Commands() {
		list = append(list, ownCommands(sub)...)
	}
	return list
}

// exampleMistakes says what is wrong with the examples of a command: one at least must call the command or one below it.
func exampleMistakes(path, example string) (found []string) {
	shown := false
	for line := range strings.Lines(strings.ReplaceAll(example, "\\\n", " ")) {
		line = strings.TrimRight(line, "\n")
		text := strings.TrimSpace(line)
		if text == "" {
			continue
		}
		if !strings.HasPrefix(line, "  ") {
			found = append(found, fmt.Sprintf("%q does not begin with two blanks", line))
		}
		if strings.HasPrefix(text, "#") {
			continue
		}
		called, err := calledBy(text)
		if err != nil {
			found = append(found, fmt.Sprintf("%q: %v", text, err))
		}
		shown = shown || called == path || strings.HasPrefix(called, path+" ")
	}
	if !shown {
		found = append(found, "no example calls it")
	}
	return found
}

// calledBy reads a line as a shell, and then the program, would, up to where a command begins its work. It returns the path of
// the command.
func calledBy(line string) (string, error) {
	args, err := shellWords(line)
	if err != nil {
		return "", err
	}
	if args[0] != "agrichat" {
		return "", errors.New("it does not begin with agrichat")
	}
	a := &program{environ: []string{"HOME=/home/alice"}, errOut: io.Discard}
	root := a.root()
	root.InitDefaultCompletionCmd() // cobra adds it only where it is asked for
	c, rest, err := root.Find(args[1:])
	if err == nil {
		err = c.ParseFlags(rest)
	}
	if err == nil {
		err = c.ValidateArgs(c.Flags().Args())
	}
	if err != nil {
		return "", err
	}
	return c.CommandPath(), errors.Join(usedAsItSays(c), a.valuesHold(c))
}

// usedAsItSays compares a command with its usage: of a|b one must be there, and so must a flag that stands in it.
func usedAsItSays(c *cobra.Command) error {
	for i, word := range strings.Fields(c.Use)[1:] {
		if choice := strings.Split(word, "|"); len(choice) > 1 && !slices.Contains(choice, c.Flags().Arg(i)) {
			return fmt.Errorf("%q is not one of %q", c.Flags().Arg(i), choice)
		}
		if flag, ok := strings.CutPrefix(word, "--"); ok && !c.Flags().Changed(flag) {
			return fmt.Errorf("--%s is missing", flag)
		}
	}
	return nil
}

// valuesHold checks the values of flags as far as they can be checked where no file is.
func (a *program) valuesHold(c *cobra.Command) error {
	errs := []error{a.checkOutput()}
	if a.configFile == "" {
		_, _, err := a.config()
		errs = append(errs, err)
	}
	if f := c.Flags().Lookup("source"); f != nil && f.Changed {
		_, err := app.Definition(f.Value.String())
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// shellWords parts a line as a shell does, up to a comment, a pipe or the name of a file to write to.
func shellWords(line string) (words []string, err error) {
	var word strings.Builder
	var quote rune
	begun := false
	end := func() {
		if begun {
			words = append(words, word.String())
		}
		word.Reset()
		begun = false
	}
	for _, r := range line {
		switch {
		case quote != 0 && r == quote:
			quote = 0
		case quote != 0:
			word.WriteRune(r)
		case r == '\'' || r == '"':
			quote, begun = r, true
		case r == ' ':
			end()
		case r == '#' && !begun, r == '|', r == '>':
			end()
			return words, nil
		default:
			word.WriteRune(r)
			begun = true
		}
	}
	if quote != 0 {
		return nil, fmt.Errorf("the quote %c does not end", quote)
	}
	end()
	return words, nil
}

// TestExamplesFind gives examples that cannot be typed, and some that can.
func TestExamplesFind(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ path, example, want string }{
		{"agrichat stats", "  # a word\n  agrichat stats --top 3 --zone 'Europe/Moscow'    # more\n\n  agrichat status", ""},
		{"agrichat stats", "  agrichat stats --output json | jq .totals", ""},
		{"agrichat stats", "  agrichat stats \\\n      --top 3 > figures", ""},
		{"agrichat dlq", "  agrichat dlq requeue all", ""},
		{"agrichat", "  agrichat completion bash", ""},
		{"agrichat verify", "", "no example calls it"},
		{"agrichat verify", "  # agrichat verify", "no example calls it"},
		{"agrichat verify", "  agrichat stats", "no example calls it"},
		{"agrichat stats", "agrichat stats", "two blanks"},
		{"agrichat stats", "  stats", "does not begin with agrichat"},
		{"agrichat stats", "  agrichat statz", "did you mean status or stats"},
		{"agrichat dlq", "  agrichat dlq lost", "there is no command"},
		{"agrichat dlq show", "  agrichat dlq show", "one id"},
		{"agrichat stats", "  agrichat stats here", "takes no arguments"},
		{"agrichat stats", "  agrichat stats --nosuch", "--nosuch"},
		{"agrichat stats", "  agrichat stats --top many", "--top"},
		{"agrichat stats", "  agrichat stats --output xml", "text or json"},
		{"agrichat stats", "  agrichat stats --zone Mars/X", "Mars/X"},
		{"agrichat import", "  agrichat import x --source frob", "frob"},
		{"agrichat replay", "  agrichat replay everything", "is not one of"},
		{"agrichat gate", "  agrichat gate pause", "--why is missing"},
		{"agrichat gate", "  agrichat gate pause --why 'a new disk", "does not end"},
	} {
		got := strings.Join(exampleMistakes(tc.path, tc.example), "; ")
		if (got == "") != (tc.want == "") || !strings.Contains(got, tc.want) {
			t.Errorf("%q of %s: found %q, want %q", tc.example, tc.path, got, tc.want)
		}
	}
}
