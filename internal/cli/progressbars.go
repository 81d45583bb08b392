package cli

import (
	"fmt"
	"os"
	"path"
	"strings"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
)

// bars are what a person sees of an import on a terminal: a bar for each file that is being read, and one for all of them.
type bars struct {
	screen  *screen
	console *console
	p       *mpb.Progress
	whole   *mpb.Bar
	filled  paint
	waiting paint
}

// fileBar is one file's.
type fileBar struct {
	bar   *mpb.Bar
	whole *mpb.Bar
	of    *progress
}

// raiseBars shows an import on a terminal until lower is called.
func raiseBars(s *screen, terminal *os.File, environ []string, of *progress) *bars {
	c := &console{out: terminal}
	b := &bars{screen: s, console: c, p: mpb.New(mpb.WithConsoleWriter(c)), filled: painter(environ, cyan), waiting: painter(environ, yellow)}
	name := func() string { s := of.standing(); return fmt.Sprintf("%d of %d files", s.Done, s.Files) }
	b.whole = b.add(of.of, 1, name, of.standing)
	s.raise(b.p)
	return b
}

// lower takes the bars away, and shows what was written meanwhile.
func (b *bars) lower() {
	b.screen.lower(func() {
		b.p.Shutdown()                          // does not wait for bars whose files somebody forgot
		_, _ = b.console.WriteTo(b.console.out) // a terminal that has gone shows nothing
	})
}

// file shows one more.
func (b *bars) file(f *fileProgress) *fileBar {
	name := shortName(f.path)
	return &fileBar{bar: b.add(f.size, 0, func() string { return name }, f.standing), whole: b.whole, of: f.whole}
}

// add makes a bar. Those of a lower priority stand above. A bar that ended by itself when it is full would vanish before its
// file is settled, so it is not told its size before it stands.
func (b *bars) add(size int64, priority int, name func() string, of func() standing) *mpb.Bar {
	style := mpb.BarStyle().Lbound("[").Filler("=").Tip(">").Padding(" ").Rbound("]").FillerMeta(b.filled)
	words := decor.Meta(decor.Any(func(decor.Statistics) string { s := of(); return b.words(&s) }), func(text string) string {
		if strings.Contains(text, waitingWord) {
			return b.waiting(text)
		}
		return text
	})
	bar := b.p.New(0, style, mpb.BarPriority(priority),
		mpb.PrependDecorators(decor.Any(func(decor.Statistics) string { return name() }, decor.WCSyncSpaceR)),
		mpb.AppendDecorators(decor.Percentage(decor.WC{W: 5}), words))
	bar.SetTotal(size, false)
	return bar
}

func (*bars) words(s *standing) string { return "  " + s.words() }

// set moves the file's bar and the one for all files.
func (b *fileBar) set(at int64) {
	b.bar.SetCurrent(at)
	b.whole.SetCurrent(b.of.standing().Bytes)
}

// end takes the file's bar away.
func (b *fileBar) end() {
	b.bar.Abort(true)
	b.whole.SetCurrent(b.of.standing().Bytes)
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
