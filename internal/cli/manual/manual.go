// Package manual writes the manual pages of the commands of a program.
//
// It promises that a page can be copied from: hyphens stay hyphens, which the pages of cobra/doc do not promise (they leave them
// to groff, which may print dashes that no shell takes). The same program writes the same pages.
package manual

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Write writes the pages of a command and of all below it into a directory, which it creates.
func Write(root *cobra.Command, dir string) (pages int, err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return 0, fmt.Errorf("making the folder of the manual: %w", err)
	}
	root.InitDefaultCompletionCmd() // cobra adds it only where it is asked for
	return writePages(root, dir)
}

func writePages(c *cobra.Command, dir string) (pages int, err error) {
	if err := os.WriteFile(filepath.Join(dir, pageName(c)+".1"), []byte(manPage(c)), 0o644); err != nil {
		return 0, fmt.Errorf("writing the manual: %w", err)
	}
	pages = 1
	for _, sub := range shownCommands(c) {
		n, err := writePages(sub, dir)
		if err != nil {
			return 0, err
		}
		pages += n
	}
	return pages, nil
}

func shownCommands(c *cobra.Command) (list []*cobra.Command) {
	for _, sub := range c.Commands() {
		if sub.IsAvailableCommand() && !sub.IsAdditionalHelpTopicCommand() {
			list = append(list, sub)
		}
	}
	return list
}

func pageName(c *cobra.Command) string { return strings.ReplaceAll(c.CommandPath(), " ", "-") }

// manPage is a command's page in the language of man. It bears no date and no version, so that the same program writes the same.
func manPage(c *cobra.Command) string {
	c.InitDefaultHelpFlag()
	var b strings.Builder
	fmt.Fprintf(&b, ".TH %s 1 \"\" AGriChat \"AGriChat manual\"\n", strings.ToUpper(pageName(c)))
	fmt.Fprintf(&b, ".SH NAME\n%s \\- %s\n", roff(pageName(c)), roff(c.Short))
	fmt.Fprintf(&b, ".SH SYNOPSIS\n\\fB%s\\fR\n", roff(c.UseLine()))
	about := c.Long
	if about == "" {
		about = c.Short + "."
	}
	b.WriteString(".SH DESCRIPTION\n")
	manText(&b, about)
	manFlags(&b, "OPTIONS", c.NonInheritedFlags())
	manFlags(&b, "GENERAL OPTIONS", c.InheritedFlags())
	if c.Example != "" {
		fmt.Fprintf(&b, ".SH EXAMPLES\n.EX\n%s\n.EE\n", roffLines(c.Example))
	}
	manSeeAlso(&b, c)
	return b.String()
}

// manText writes paragraphs, which empty lines part.
func manText(b *strings.Builder, text string) {
	for paragraph := range strings.SplitSeq(text, "\n\n") {
		fmt.Fprintf(b, ".PP\n%s\n", roffLines(strings.TrimSpace(paragraph)))
	}
}

func manFlags(b *strings.Builder, title string, flags *pflag.FlagSet) {
	if !flags.HasAvailableFlags() {
		return
	}
	fmt.Fprintf(b, ".SH %s\n", title)
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Hidden || f.Deprecated != "" {
			return
		}
		value, usage := pflag.UnquoteUsage(f)
		name := "--" + f.Name
		if f.Shorthand != "" {
			name = "-" + f.Shorthand + ", " + name
		}
		fmt.Fprintf(b, ".TP\n\\fB%s\\fR", roff(name))
		if value != "" {
			fmt.Fprintf(b, " \\fI%s\\fR", roff(value))
		}
		fmt.Fprintf(b, "\n%s%s\n", roffLines(usage), standardValue(f))
	})
}

// standardValue is what holds where a flag is not given, if that says anything.
func standardValue(f *pflag.Flag) string {
	switch f.DefValue {
	case "", "false", "0", "[]", "0s":
		return ""
	}
	return " (default " + roff(f.DefValue) + ")"
}

func manSeeAlso(b *strings.Builder, c *cobra.Command) {
	var names []string
	if c.HasParent() {
		names = append(names, pageName(c.Parent()))
	}
	for _, sub := range shownCommands(c) {
		names = append(names, pageName(sub))
	}
	if len(names) == 0 {
		return
	}
	for i, n := range names {
		names[i] = "\\fB" + roff(n) + "\\fR(1)"
	}
	fmt.Fprintf(b, ".SH \"SEE ALSO\"\n%s\n", strings.Join(names, ",\n"))
}

// roff keeps what is no command of the language from being one: a backslash anywhere, and a hyphen, which would be printed as
// a dash that no shell takes.
func roff(text string) string {
	return strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(text)
}

// roffLines does the same for whole lines, which must not begin with a dot or a quote.
func roffLines(text string) string {
	var b strings.Builder
	for s := bufio.NewScanner(strings.NewReader(text)); s.Scan(); {
		if b.Len() > 0 {
			b.WriteByte('\n')
		}
		line := roff(s.Text())
		if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
			b.WriteString(`\&`)
		}
		b.WriteString(line)
	}
	return b.String()
}
