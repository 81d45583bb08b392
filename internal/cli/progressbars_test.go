package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/agrichat/agrichat/internal/files"
	"github.com/agrichat/agrichat/internal/ingest"
)

// glass is a terminal of 80 columns that shows what is written to it.
type glass struct {
	tty    *os.File // what a program writes to
	master *os.File
	read   sync.WaitGroup

	mu    sync.Mutex // covers all below
	lines []string
	row   int
	all   bytes.Buffer
	more  chan struct{} // closed by the next write
}

func newGlass(t *testing.T) *glass {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skip("no terminals here:", err)
	}
	n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0)
	}
	if err == nil {
		err = unix.IoctlSetWinsize(int(master.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: 80})
	}
	if err != nil {
		t.Fatal(err)
	}
	tty, err := os.OpenFile("/dev/pts/"+strconv.Itoa(n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skip("no terminals here:", err)
	}
	g := &glass{tty: tty, master: master, lines: []string{""}, more: make(chan struct{})}
	g.read.Go(func() { g.watch(master) })
	t.Cleanup(func() {
		_ = tty.Close()
		g.read.Wait() // the last writer has gone
		_ = master.Close()
	})
	return g
}

func (g *glass) watch(master io.Reader) {
	buf := make([]byte, 1<<16)
	var rest []byte
	for {
		n, err := master.Read(buf)
		g.mu.Lock()
		g.all.Write(buf[:n])
		rest = g.show(append(rest, buf[:n]...))
		close(g.more)
		g.more = make(chan struct{})
		g.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// show does what a terminal does with text, and with the sequences that bars need. It returns what is not whole yet.
func (g *glass) show(b []byte) (rest []byte) {
	for len(b) > 0 {
		switch {
		case b[0] == '\r':
		case b[0] == '\n':
			if g.row++; g.row == len(g.lines) {
				g.lines = append(g.lines, "")
			}
		case b[0] == 0x1b:
			end := bytes.IndexAny(b, "AJm")
			if end < 0 {
				return b
			}
			n, _ := strconv.Atoi(strings.TrimLeft(string(b[2:end]), "["))
			switch b[end] {
			case 'A':
				g.row = max(g.row-n, 0)
			case 'J':
				g.lines = append(g.lines[:g.row], "")
			}
			b = b[end:]
		default:
			g.lines[g.row] += string(b[0])
		}
		b = b[1:]
	}
	return nil
}

// until waits until what is shown is as it should be, and returns it.
func (g *glass) until(t *testing.T, what string, as func(lines []string) bool) []string {
	t.Helper()
	late := time.NewTimer(20 * time.Second)
	defer late.Stop()
	for {
		g.mu.Lock()
		lines, more := append([]string(nil), g.lines...), g.more
		g.mu.Unlock()
		if as(lines) {
			return lines
		}
		select {
		case <-more:
		case <-late.C:
			t.Fatalf("%s is not to be seen:\n%s", what, strings.Join(lines, "\n"))
		}
	}
}

func (g *glass) colours() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return strings.Contains(g.all.String(), "m=") || strings.Contains(g.all.String(), "[33m")
}

func has(words ...string) func([]string) bool {
	return func(lines []string) bool {
		for _, w := range words {
			if !strings.Contains(strings.Join(lines, "\n"), w) {
				return false
			}
		}
		return true
	}
}

// TestBarsStandUnderWhatIsSaid shows two files on a real terminal while a log and notes are written by several at once.
func TestBarsStandUnderWhatIsSaid(t *testing.T) {
	t.Parallel()
	for _, env := range [][]string{{"TERM=xterm"}, {"TERM=xterm", "NO_COLOR=1"}} {
		g := newGlass(t)
		a := &app{errOut: g.tty, environ: env, output: "text"}
		list := sized(1000, 3000, 1000)
		in := &findings{Findings: &files.Findings{Files: list}, jobs: 2}
		i := a.newImport(&stack{log: slog.New(slog.NewTextHandler(a.screen(), nil))}, in)
		var want []string
		err := i.watched(t.Context(), func() error {
			one, two := i.progress.begin(list[0]), i.progress.begin(list[1])
			one.observe(reading(50, 5, 500))
			two.observe(ingest.Progress{State: ingest.Waiting, Why: "no room"})
			lines := g.until(t, "the bars", has("0 of 3 files", "export/a", "export/b", " 50 %", "50 read, 5 known", "waiting: no room"))
			if last := lines[len(lines)-2]; !strings.Contains(last, "0 of 3 files") || len(lines) != 4 {
				t.Errorf("the bars are\n%s", strings.Join(lines, "\n"))
			}
			want = said(i)
			one.end()
			g.until(t, "that one file is done", func(lines []string) bool {
				return has("1 of 3 files", "export/b")(lines) && !has("export/a")(lines)
			})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		a.note("the end\n")
		got := g.until(t, "the end", has("the end"))
		checkSaid(t, want, got)
		if g.colours() != (len(env) == 1) {
			t.Errorf("%q: colours: %t", env, g.colours())
		}
	}
}

// said lets several say something at once.
func said(i *importing) (want []string) {
	var g sync.WaitGroup
	for n := range 5 {
		want = append(want, fmt.Sprintf("note %d of somebody\n", n))
		g.Go(func() { i.note("note %d of somebody\n", n) })
		g.Go(func() { i.log.Warn("a warning") })
	}
	g.Wait()
	return want
}

// checkSaid holds that everything which was said is there, in lines of its own, and nothing of the bars.
func checkSaid(t *testing.T, want, got []string) {
	t.Helper()
	warnings, text := 0, "\n"+strings.Join(got, "\n")+"\n"
	for _, line := range got {
		if strings.HasPrefix(line, "time=") && strings.HasSuffix(line, `level=WARN msg="a warning"`) {
			warnings++
		}
	}
	for _, w := range want {
		if !strings.Contains(text, "\n"+w) {
			t.Errorf("%q is not there whole", w)
		}
	}
	if warnings != 5 || len(got) != 12 || strings.Contains(text, "files") {
		t.Errorf("the terminal ends as %s", text)
	}
}

// TestNoBars where nobody would see them, or nobody wants them.
func TestNoBars(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		env    []string
		output string
		quiet  bool
		file   bool
		say    bool
	}{
		"a terminal that only prints": {env: []string{"TERM=dumb"}, output: "text", say: true},
		"no TERM":                     {output: "text", say: true},
		"JSON":                        {env: []string{"TERM=xterm"}, output: "json", say: true},
		"a pipe":                      {env: []string{"TERM=xterm"}, output: "text", file: true, say: true},
		"quiet":                       {env: []string{"TERM=xterm"}, output: "text", quiet: true},
	} {
		a := &app{errOut: io.Discard, environ: c.env, output: c.output}
		if !c.file {
			a.errOut = newGlass(t).tty
		}
		i := a.newImport(&stack{log: slog.New(slog.DiscardHandler)}, &findings{Findings: &files.Findings{Files: sized(1)}, quiet: c.quiet})
		if i.bars != nil || (i.say != nil) != c.say {
			t.Errorf("%s: bars %t, somebody is told %t", name, i.bars != nil, i.say != nil)
		}
	}
}

// TestALogOnATerminalIsText though it goes through the screen.
func TestALogOnATerminalIsText(t *testing.T) {
	t.Parallel()
	a := &app{errOut: newGlass(t).tty}
	pipe := &screen{out: io.Discard}
	got := []string{a.screen().format("auto"), a.screen().format("json"), pipe.format("auto")}
	if diff := cmp.Diff([]string{"text", "json", "auto"}, got); diff != "" {
		t.Error(diff)
	}
}

// TestATerminalThatGoes ends no import.
func TestATerminalThatGoes(t *testing.T) {
	t.Parallel()
	g := newGlass(t)
	a := &app{errOut: g.tty, environ: []string{"TERM=xterm"}, output: "text"}
	list := sized(10)
	i := a.newImport(&stack{log: slog.New(slog.DiscardHandler)}, &findings{Findings: &files.Findings{Files: list}, jobs: 1})
	odd := errors.New("odd")
	err := i.watched(t.Context(), func() error {
		f := i.progress.begin(list[0])
		g.until(t, "the bar", has("export/a"))
		_ = g.master.Close() // at the next line, which its reader still takes
		g.read.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		defer cancel()
		<-ctx.Done() // the bars have been drawn again, or could not be
		f.observe(reading(1, 0, 10))
		i.note("said to nobody\n")
		f.end()
		return odd
	})
	if !errors.Is(err, odd) {
		t.Error(err)
	}
}
