// Package report prints reports as text for people.
//
// It promises that text of a chat cannot move the cursor of a terminal, and that long lists are truncated, with a line that says
// so. The JSON of a report, which has everything, is not made here.
package report

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// Table prints rows in columns; the first error of writing is returned by Done.
type Table struct {
	w   *tabwriter.Writer
	err error
}

// NewTable makes a table.
func NewTable(w io.Writer) *Table { return &Table{w: tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)} }

// Row adds a row.
func (t *Table) Row(cells ...any) {
	text := make([]string, len(cells))
	for i, c := range cells {
		text[i] = strings.Map(Printable, fmt.Sprint(c))
	}
	if _, err := fmt.Fprintln(t.w, strings.Join(text, "\t")); t.err == nil {
		t.err = err
	}
}

// Counted gives a number with what it counts.
func Counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// Done prints the rows.
func (t *Table) Done() error { return cmp.Or(t.err, t.w.Flush()) }

// Printable keeps text of a chat from moving a terminal's cursor.
func Printable(r rune) rune {
	if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 {
		return ' '
	}
	return r
}
