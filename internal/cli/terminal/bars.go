package terminal

import (
	"fmt"
	"os"
	"path"
	"strings"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"github.com/agrichat/agrichat/internal/cli/report"
	"github.com/agrichat/agrichat/internal/importer"
)

// bars show an import on a terminal: a bar for each file that is being read, and one for all of them.
type bars struct {
	screen  *Screen
	console *console
	p       *mpb.Progress
	whole   *mpb.Bar
	filled  paint
	waiting paint
}

// newBars shows an import on a terminal until Close is called.
func newBars(s *Screen, terminal *os.File, environ []string, of *importer.Progress) *bars {
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
	name := []rune(strings.Map(report.Printable, path.Join(path.Base(path.Dir(file)), path.Base(file))))
	if len(name) <= nameLength {
		return string(name)
	}
	return "…" + string(name[len(name)-nameLength+1:])
}
