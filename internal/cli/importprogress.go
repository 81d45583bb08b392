package cli

import (
	"fmt"
	"log/slog"
	"os"
	"path"
	"strings"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"github.com/agrichat/agrichat/internal/importer"
	"github.com/agrichat/agrichat/internal/verify"
)

// note prints how it goes for a person; a script reads the JSON at the end.
func (a *app) note(format string, args ...any) {
	if a.output == "json" {
		return
	}
	fmt.Fprintf(a.errOut, format, args...)
}

// importObserver shows how an import goes: to nobody, to a person with bars or, on a terminal that can only print, with
// lines; or in the log.
func (a *app) importObserver(log *slog.Logger, quiet bool) importer.Observer {
	o := importer.Observer{Stalled: logStall(log)}
	if quiet {
		return o
	}
	o.File, o.Quiet = printFileDone(a.note), printQuietFiles(a.note)
	terminal := a.screen().terminal()
	switch {
	case a.output == "json" || terminal == nil:
		o.Progress, o.Waiting = logProgress(log), logWaiting(log)
	case dumb(a.environ):
		o.Progress, o.Waiting, o.Stalled = printProgress(a.note), printWaiting(a.note), printStall(a.note)
	default:
		o.Waiting, o.Stalled = printWaiting(a.note), printStall(a.note)
		o.Display = func(p *importer.Progress) importer.Display { return newBars(a.screen(), terminal, a.environ, p) }
	}
	return o
}

func logStall(log *slog.Logger) func(importer.Stall) {
	return func(s importer.Stall) {
		log.Warn("nothing is being stored; the import waits", "seconds", int(s.For.Seconds()), "reason", s.Reason)
	}
}

func printStall(note func(string, ...any)) func(importer.Stall) {
	return func(s importer.Stall) {
		note("nothing has been stored for %s: %s; the import waits, Ctrl-C ends it\n", shortly(s.For), strings.Map(printable, s.Reason))
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
		out = append(out, waitingPrefix+strings.Map(printable, s.Waiting))
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

// bars show an import on a terminal: a bar for each file that is being read, and one for all of them.
type bars struct {
	screen  *screen
	console *console
	p       *mpb.Progress
	whole   *mpb.Bar
	filled  paint
	waiting paint
}

// newBars shows an import on a terminal until Close is called.
func newBars(s *screen, terminal *os.File, environ []string, of *importer.Progress) *bars {
	c := &console{out: terminal}
	b := &bars{screen: s, console: c, p: mpb.New(mpb.WithConsoleWriter(c)), filled: painter(environ, cyan), waiting: painter(environ, yellow)}
	name := func() string { s := of.Snapshot(); return fmt.Sprintf("%d of %d files", s.Done, s.Files) }
	b.whole = b.add(of.Size(), 1, name, of.Snapshot)
	s.raise(b.p)
	return b
}

// Close implements importer.Display: it removes the bars, and shows what was written meanwhile.
func (b *bars) Close() {
	b.screen.lower(func() {
		b.p.Shutdown()                          // does not wait for bars whose files did not end
		_, _ = b.console.WriteTo(b.console.out) // a terminal that has gone shows nothing
	})
}

// File implements importer.Display.
func (b *bars) File(f *importer.FileProgress) (moved func(int64), done func()) {
	name := shortName(f.Path)
	bar := b.add(f.Size, 0, func() string { return name }, f.Snapshot)
	return bar.SetCurrent, func() { bar.Abort(true) }
}

// Moved implements importer.Display.
func (b *bars) Moved(bytes int64) { b.whole.SetCurrent(bytes) }

// add makes a bar. Those of a lower priority stand above. A bar that ended by itself when it is full would vanish before its
// file is settled, so its size is set when it stands already.
func (b *bars) add(size int64, priority int, name func() string, of func() importer.Snapshot) *mpb.Bar {
	style := mpb.BarStyle().Lbound("[").Filler("=").Tip(">").Padding(" ").Rbound("]").FillerMeta(b.filled)
	text := decor.Meta(decor.Any(func(decor.Statistics) string { return "  " + progressText(of()) }), func(text string) string {
		if strings.Contains(text, waitingPrefix) {
			return b.waiting(text)
		}
		return text
	})
	bar := b.p.New(0, style, mpb.BarPriority(priority),
		mpb.PrependDecorators(decor.Any(func(decor.Statistics) string { return name() }, decor.WCSyncSpaceR)),
		mpb.AppendDecorators(decor.Percentage(decor.WC{W: 5}), text))
	bar.SetTotal(size, false)
	return bar
}

// nameLength is how much of a file's name stands before its bar: half of a narrow terminal is left to the bar.
const nameLength = 28

// shortName is the end of a path: the folder too, because the files of some exports are all called the same.
func shortName(file string) string {
	name := []rune(strings.Map(printable, path.Join(path.Base(path.Dir(file)), path.Base(file))))
	if len(name) <= nameLength {
		return string(name)
	}
	return "…" + string(name[len(name)-nameLength+1:])
}
