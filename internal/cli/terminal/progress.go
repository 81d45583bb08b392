// Package terminal shows on standard error how an import goes: bars on a terminal, lines where it can only print, and log records
// where there is no terminal.
//
// It promises that a line which is written while bars are drawn stands whole above them, and that a terminal that goes away ends
// no import. It decides nothing: the importer reports, and this package draws.
package terminal

import (
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/agrichat/agrichat/internal/cli/report"
	"github.com/agrichat/agrichat/internal/importer"
	"github.com/agrichat/agrichat/internal/verify"
)

// Options say where an import is shown.
type Options struct {
	Screen  *Screen
	Environ []string // as os.Environ gives it
	Log     *slog.Logger
	JSON    bool // a script reads the JSON at the end
	Quiet   bool // progress is not shown
}

// Note prints a line for a person, unless a script reads.
func (o Options) Note(format string, args ...any) {
	if !o.JSON {
		fmt.Fprintf(o.Screen, format, args...)
	}
}

// Observer shows the progress of an import: not at all, with bars or, on a terminal that can only print, with lines; or in the
// log.
func (o Options) Observer() importer.Observer {
	out := importer.Observer{Stalled: logStall(o.Log)}
	if o.Quiet {
		return out
	}
	out.File, out.Quiet = printFileDone(o.Note), printQuietFiles(o.Note)
	tty := o.Screen.TTY()
	switch {
	case o.JSON || tty == nil:
		out.Progress, out.Waiting = logProgress(o.Log), logWaiting(o.Log)
	case dumb(o.Environ):
		out.Progress, out.Waiting, out.Stalled = printProgress(o.Note), printWaiting(o.Note), printStall(o.Note)
	default:
		out.Waiting, out.Stalled = printWaiting(o.Note), printStall(o.Note)
		out.Display = func(of *importer.Progress) importer.Display { return newBars(o.Screen, tty, o.Environ, of) }
	}
	return out
}

func logStall(log *slog.Logger) func(importer.Stall) {
	return func(s importer.Stall) {
		log.Warn("nothing is being stored; the import waits", "seconds", int(s.For.Seconds()), "reason", s.Reason)
	}
}

func printStall(note func(string, ...any)) func(importer.Stall) {
	return func(s importer.Stall) {
		note("nothing has been stored for %s: %s; the import waits, Ctrl-C ends it\n", shortly(s.For), strings.Map(report.Printable, s.Reason))
	}
}

// logWaiting and printWaiting report what is waited for when everything has been read.
func logWaiting(log *slog.Logger) func(verify.Remaining) {
	return func(l verify.Remaining) {
		log.Info("waiting", "to_be_stored", l.Sequences, "to_be_told_of", l.Unpublished, "to_be_aggregated", l.Facts)
	}
}

func printWaiting(note func(string, ...any)) func(verify.Remaining) {
	return func(l verify.Remaining) {
		note("waiting: %d messages of the bus to be stored, %d transactions to tell of, %d facts to be aggregated\n", l.Sequences, l.Unpublished, l.Facts)
	}
}

// printFileDone prints what became of a file.
func printFileDone(note func(string, ...any)) func(importer.FileDone) {
	return func(f importer.FileDone) {
		text := fmt.Sprintf("%s: %s, %d read", f.Path, f.Title, f.Read)
		if !f.DryRun {
			text += fmt.Sprintf(", %d published, %d known", f.Published, f.Known)
		}
		text += fmt.Sprintf(", %d unparsed", f.Unparsed)
		if f.Failed {
			text += "; not read to its end: " + f.Error
		}
		if f.Resumed > 0 {
			text += fmt.Sprintf("; an earlier import had read %d before", f.Resumed)
		}
		note("%s\n", text)
	}
}

// printQuietFiles prints the sum of the files that were not printed one by one.
func printQuietFiles(note func(string, ...any)) func(importer.QuietFiles) {
	return func(q importer.QuietFiles) {
		more := ""
		if q.Reported > 0 {
			more = "more "
		}
		note("%d %sfiles; %d records in all, %d unparsed\n", q.Files, more, q.Read, q.Unparsed)
	}
}

func logProgress(log *slog.Logger) func(importer.Snapshot) {
	return func(s importer.Snapshot) {
		args := []any{"files", s.Files, "done", s.Done, "read", s.Counts.Read, "published", s.Counts.Published, "known", s.Counts.Known,
			"unparsed", s.Counts.Unparsed, "bytes", s.Bytes, "of", s.Of, "per_second", int(s.Rate), "in_hand", s.Reading}
		if s.Remaining > 0 {
			args = append(args, "left_seconds", int(s.Remaining.Seconds()))
		}
		if s.Waiting != "" {
			args = append(args, "waiting", s.Waiting)
		}
		log.Info("importing", args...)
	}
}

func printProgress(note func(string, ...any)) func(importer.Snapshot) {
	return func(s importer.Snapshot) {
		note("%d of %d files, %s\n", s.Done, s.Files, progressText(s))
	}
}

// waitingPrefix begins the reason why an import waits.
const waitingPrefix = "waiting: "

// progressText is what stands beside a bar or instead of one.
func progressText(s importer.Snapshot) string {
	out := []string{fmt.Sprintf("%d read", s.Counts.Read)}
	if s.Counts.Known > 0 {
		out = append(out, fmt.Sprintf("%d known", s.Counts.Known))
	}
	if s.Rate >= 1 {
		out = append(out, fmt.Sprintf("%.0f/s", s.Rate))
	}
	if s.Remaining > 0 {
		out = append(out, shortly(s.Remaining)+" left")
	}
	if s.Waiting != "" {
		out = append(out, waitingPrefix+strings.Map(report.Printable, s.Waiting))
	}
	return strings.Join(out, ", ")
}

// shortly is a duration as people write it.
func shortly(d time.Duration) string {
	switch {
	case d >= time.Hour:
		return fmt.Sprintf("%d h %02d min", int(d.Hours()), int(d.Minutes())%60)
	case d >= time.Minute:
		return fmt.Sprintf("%d min %02d s", int(d.Minutes()), int(d.Seconds())%60)
	}
	return fmt.Sprintf("%d s", int(d.Seconds()))
}
