package report

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/agrichat/agrichat/internal/files"
	"github.com/agrichat/agrichat/internal/importer"
	"github.com/agrichat/agrichat/internal/reread"
)

// Import prints what became of each chat, the sums, and what is to be noted.
func Import(w io.Writer, r *importer.Report) error {
	if err := printChats(w, r.PerChat); err != nil {
		return err
	}
	if r.DryRun {
		fmt.Fprintln(w, "a dry run: nothing was published, and nothing stored")
	}
	fmt.Fprintf(w, "%s: %d records read as %d events, %d events published, %d known, %d stored, %d updated, %d already stored, %d dead-lettered, %d facts, %d unparsed, %d ambiguous, %d overlapping, in %.1f s\n",
		Counted(r.Files, "file"), r.Read, r.Events, r.Published, r.Known, r.Stored, r.Updated, r.Already, r.Dead, r.Facts, r.Unparsed, r.Ambiguous, r.Overlapping, r.Seconds)
	if len(r.PerChat) > 0 {
		printMeanings(w, r)
	}
	printDead(w, r)
	printNotices(w, r.Notices)
	if r.Resumed > 0 {
		fmt.Fprintf(w, "resumed after %d records that an earlier import had read\n", r.Resumed)
	}
	if r.Rejects != "" {
		fmt.Fprintf(w, "rejected: %d records and files that could not be read; %s lists them with the reasons\n", r.Rejected, r.Rejects)
	}
	if r.Belonging > 0 {
		fmt.Fprintf(w, "not read by themselves: %s of the exports: media, styles, lists\n", Counted(r.Belonging, "file"))
	}
	for i, s := range r.Skipped {
		if i == importer.MaxListed {
			fmt.Fprintf(w, "... and %d more files skipped; --output json lists them\n", len(r.Skipped)-i)
			break
		}
		fmt.Fprintf(w, "skipped %s: %s\n", s.Path, strings.Map(Printable, s.Why))
	}
	for i, p := range r.Places {
		if i == importer.MaxListed {
			fmt.Fprintf(w, "... and %d more; --output json lists them\n", r.Unparsed-i)
			break
		}
		fmt.Fprintf(w, "unparsed: %s, line %d, offset %d: %s\n", p.File, p.Line, p.Offset, strings.Map(Printable, p.Reason))
	}
	return nil
}

// printMeanings explains the counts of an import that are not 0. Their names are the same in the table, in the line and in the JSON.
func printMeanings(w io.Writer, r *importer.Report) {
	for _, m := range []struct {
		said bool
		text string
	}{
		{true, "records: what the files consist of: messages, lines"},
		{true, "events: what was made of the records: messages and their versions, reactions, names of people and of chats"},
		{r.Published > 0, "published: events that were sent to be stored"},
		{r.Known > 0, "known: events that were stored before, and were not published again"},
		{r.Stored > 0, "stored: published events that are new in PostgreSQL"},
		{r.Updated > 0, "updated: published events that PostgreSQL held, and that were completed or corrected"},
		{r.Already > 0, "already stored: published events that PostgreSQL held unchanged; two files may contain the same"},
		{r.Dead > 0, "dead-lettered: published events that could not be stored; agrichat dlq list shows them"},
		{r.Facts > 0, "facts, in the table aggregated: states that these events changed, now in ClickHouse"},
		{r.Unparsed > 0, "unparsed: records that could not be parsed; they are stored as they are"},
		{r.Ambiguous > 0, "ambiguous: records without an id that may be duplicates of others (the same text in one minute, or no time), and that were distinguished by their number"},
		{r.Overlapping > 0, "overlapping: messages that may be stored twice; the notes give the reason"},
	} {
		if m.said {
			fmt.Fprintln(w, "  "+m.text)
		}
	}
}

// printChats prints what became of each chat, and an empty line; nothing if there is none.
func printChats(w io.Writer, chats []importer.ChatReport) error {
	if len(chats) == 0 {
		return nil
	}
	t := NewTable(w)
	updated := slices.ContainsFunc(chats, func(c importer.ChatReport) bool { return c.Updated > 0 })
	row := func(source, namespace, chat string, c *importer.ChatReport) {
		cells := []any{source, namespace, chat, c.Read, c.Published, c.Known, c.Stored}
		if updated {
			cells = append(cells, c.Updated)
		}
		t.Row(append(cells, c.Facts, c.Unparsed)...)
	}
	heads := []any{"NETWORK", "NAMESPACE", "CHAT", "EVENTS", "PUBLISHED", "KNOWN", "STORED"}
	if updated {
		heads = append(heads, "UPDATED")
	}
	t.Row(append(heads, "AGGREGATED", "UNPARSED")...)
	shown, rest := largestChats(chats)
	for _, c := range shown {
		row(c.Source, c.Namespace, cmp.Or(c.Name, c.Channel, "-"), &c)
	}
	if n := len(chats) - len(shown); n > 0 {
		row(fmt.Sprintf("... and %d more", n), "", "", &rest)
	}
	t.Row()
	return t.Done()
}

// shownChats is how many chats are listed for a person; the JSON has all.
const shownChats = 50

// largestChats returns those with most events, in the order in which they come, and the sum of all others.
func largestChats(chats []importer.ChatReport) (shown []importer.ChatReport, rest importer.ChatReport) {
	if len(chats) <= shownChats {
		return chats, rest
	}
	sizes := make([]int, len(chats))
	for i, c := range chats {
		sizes[i] = c.Read
	}
	slices.SortFunc(sizes, func(a, b int) int { return cmp.Compare(b, a) })
	least := sizes[shownChats-1]
	equal := 0 // of that size, shown
	for _, n := range sizes[:shownChats] {
		if n == least {
			equal++
		}
	}
	for _, c := range chats {
		if c.Read > least || c.Read == least && equal > 0 {
			if c.Read == least {
				equal--
			}
			shown = append(shown, c)
			continue
		}
		rest.Read, rest.Published, rest.Known = rest.Read+c.Read, rest.Published+c.Published, rest.Known+c.Known
		rest.Stored, rest.Facts, rest.Unparsed = rest.Stored+c.Stored, rest.Facts+c.Facts, rest.Unparsed+c.Unparsed
		rest.Updated += c.Updated
	}
	return shown, rest
}

// printDead prints why events are dead letters; nothing if none is.
func printDead(w io.Writer, r *importer.Report) {
	if r.Dead == 0 {
		return
	}
	fmt.Fprintf(w, "dead letters: %d; %s\n", r.Dead, importer.DeadLetterHint)
	listed := int64(0)
	for _, c := range r.Causes {
		var at []string
		for _, e := range c.First {
			at = append(at, e.Position)
		}
		if c.Events > int64(len(c.First)) {
			at = append(at, "...")
		}
		fmt.Fprintf(w, "  %d at sequence %s: %s\n", c.Events, strings.Join(at, ", "), strings.Map(Printable, c.Cause))
		listed += c.Events
	}
	if r.Dead > listed {
		fmt.Fprintf(w, "  %d of other causes\n", r.Dead-listed)
	}
}

// printNotices prints a line for each notice.
func printNotices(w io.Writer, of []importer.Notice) {
	for i, n := range of {
		if i == importer.MaxListed {
			fmt.Fprintf(w, "... and %d more notices; --output json lists them\n", len(of)-i)
			return
		}
		text := fmt.Sprintf("note: %s%s: %s", Counted(n.Count, unitOf(n.Code)), filesOf(n), strings.Map(Printable, n.Text))
		if n.Option != "" {
			text += "; " + n.Option + " settles it"
		}
		fmt.Fprintln(w, text)
	}
}

// unitOf is what the notices of a code count.
func unitOf(code string) string {
	switch {
	case code == files.NoticeZipNames:
		return "name"
	case code == reread.NoticeZone || code == reread.NoticeCharset || code == reread.NoticeUnchanged:
		return "event"
	case strings.HasPrefix(code, "overlap-"):
		return "message"
	}
	return "record"
}

func filesOf(n importer.Notice) string {
	switch n.FileCount {
	case 0:
		return ""
	case 1:
		return " in " + strings.Map(Printable, n.Files[0])
	}
	return fmt.Sprintf(" in %d files", n.FileCount)
}

// Reread prints what changed.
func Reread(w io.Writer, r *importer.RereadReport) error {
	if len(r.Chats) > 0 {
		t := NewTable(w)
		t.Row("NETWORK", "NAMESPACE", "CHAT", "CHANGED")
		for _, c := range r.Chats {
			t.Row(c.Source, c.Namespace, c.Channel, c.Published)
		}
		t.Row()
		if err := t.Done(); err != nil {
			return err
		}
	}
	printNotices(w, r.Notices)
	if r.Changed == 0 {
		_, err := fmt.Fprintf(w, "nothing changed: all was read so before, or nothing that is stored matches --source, --namespace and --channel; in %.1f s\n", r.Seconds)
		return err
	}
	_, err := fmt.Fprintf(w, "%d events changed, %d published, in %.1f s\n", r.Changed, r.Published, r.Seconds)
	return err
}
