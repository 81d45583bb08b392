package terminal

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/agrichat/agrichat/internal/files"
	"github.com/agrichat/agrichat/internal/importer"
	"github.com/agrichat/agrichat/internal/ingest"
	"github.com/agrichat/agrichat/producers"
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

// TestOptions_Observer_bars shows two files on a real terminal while several goroutines write log lines and notes.
func TestOptions_Observer_bars(t *testing.T) {
	t.Parallel()
	for _, env := range [][]string{{"TERM=xterm"}, {"TERM=xterm", "NO_COLOR=1"}} {
		g := newGlass(t)
		a := Options{Screen: NewScreen(g.tty), Environ: env}
		list := sized(1000, 3000, 1000)
		log := slog.New(slog.NewTextHandler(a.Screen, nil))
		a.Log = log
		p := importer.NewProgress(list, time.Now)
		var want []string
		err := p.Watch(t.Context(), a.Observer(), func() error {
			one, two := p.Begin(list[0]), p.Begin(list[1])
			one.Observe(reading(50, 5, 500))
			two.Observe(ingest.Progress{State: ingest.Waiting, Why: "no room"})
			lines := g.until(t, "the bars", has("0 of 3 files", "export/a", "export/b", " 50 %", "50 read, 5 known", "waiting: no room"))
			if last := lines[len(lines)-2]; !strings.Contains(last, "0 of 3 files") || len(lines) != 4 {
				t.Errorf("the bars are\n%s", strings.Join(lines, "\n"))
			}
			want = writeAtOnce(a, log)
			one.End()
			g.until(t, "that one file is done", func(lines []string) bool {
				return has("1 of 3 files", "export/b")(lines) && !has("export/a")(lines)
			})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		a.Note("the end\n")
		got := g.until(t, "the end", has("the end"))
		checkWritten(t, want, got)
		if g.colours() != (len(env) == 1) {
			t.Errorf("%q: colours: %t", env, g.colours())
		}
	}
}

// writeAtOnce writes notes and log lines, several at once.
func writeAtOnce(a Options, log *slog.Logger) (want []string) {
	var g sync.WaitGroup
	for n := range 5 {
		want = append(want, fmt.Sprintf("note %d of somebody\n", n))
		g.Go(func() { a.Note("note %d of somebody\n", n) })
		g.Go(func() { log.Warn("a warning") })
	}
	g.Wait()
	return want
}

// checkWritten holds that everything which was written is there, in lines of its own, and nothing of the bars.
func checkWritten(t *testing.T, want, got []string) {
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

// TestOptions_Observer_noBars holds that no bars are drawn without a terminal, or where they are not wanted.
func TestOptions_Observer_noBars(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		env     []string
		output  string
		quiet   bool
		file    bool
		reports bool
	}{
		"a terminal that only prints": {env: []string{"TERM=dumb"}, output: "text", reports: true},
		"no TERM":                     {output: "text", reports: true},
		"JSON":                        {env: []string{"TERM=xterm"}, output: "json", reports: true},
		"a pipe":                      {env: []string{"TERM=xterm"}, output: "text", file: true, reports: true},
		"quiet":                       {env: []string{"TERM=xterm"}, output: "text", quiet: true},
	} {
		var out io.Writer = io.Discard
		if !c.file {
			out = newGlass(t).tty
		}
		o := Options{Screen: NewScreen(out), Environ: c.env, Log: slog.New(slog.DiscardHandler), JSON: c.output == "json", Quiet: c.quiet}.Observer()
		if o.Display != nil || (o.Progress != nil) != c.reports {
			t.Errorf("%s: bars %t, reports %t", name, o.Display != nil, o.Progress != nil)
		}
	}
}

// TestScreen_LogFormat holds that a log on a terminal is text, though the screen is between them.
func TestScreen_LogFormat(t *testing.T) {
	t.Parallel()
	tty, pipe := NewScreen(newGlass(t).tty), NewScreen(io.Discard)
	got := []string{tty.LogFormat("auto"), tty.LogFormat("json"), pipe.LogFormat("auto")}
	if diff := cmp.Diff([]string{"text", "json", "auto"}, got); diff != "" {
		t.Error(diff)
	}
}

// TestOptions_Observer_terminalGone holds that a terminal that goes away ends no import.
func TestOptions_Observer_terminalGone(t *testing.T) {
	t.Parallel()
	g := newGlass(t)
	a := Options{Screen: NewScreen(g.tty), Environ: []string{"TERM=xterm"}, Log: slog.New(slog.DiscardHandler)}
	list := sized(10)
	p := importer.NewProgress(list, time.Now)
	odd := errors.New("odd")
	err := p.Watch(t.Context(), a.Observer(), func() error {
		f := p.Begin(list[0])
		g.until(t, "the bar", has("export/a"))
		_ = g.master.Close() // at the next line, which its reader still takes
		g.read.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		defer cancel()
		<-ctx.Done() // the bars have been drawn again, or could not be
		f.Observe(reading(1, 0, 10))
		a.Note("read by nobody\n")
		f.End()
		return odd
	})
	if !errors.Is(err, odd) {
		t.Error(err)
	}
}

// files of these sizes, called a, b and so on.
func sized(sizes ...int64) (out []files.Found) {
	for n, size := range sizes {
		out = append(out, files.Found{File: producers.File{Path: "export/" + string(rune('a'+n)), Size: size}})
	}
	return out
}

func reading(read, known int, bytes int64) ingest.Progress {
	return ingest.Progress{State: ingest.Reading, Counts: ingest.Counts{Read: read, Published: read - known, Known: known, Bytes: bytes}}
}

// TestPrintProgress holds that a long import prints every five seconds how far all of its files are, with a rate and the time that remains.
func TestPrintProgress(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var said []string
		observer := importer.Observer{Progress: printProgress(func(format string, args ...any) { said = append(said, fmt.Sprintf(format, args...)) })}
		files := sized(1000, 3000, 0)
		p := importer.NewProgress(files, time.Now)
		err := p.Watch(t.Context(), observer, func() error {
			a, b := p.Begin(files[0]), p.Begin(files[1])
			a.Observe(reading(100, 0, 500))
			time.Sleep(9 * time.Second)
			a.Observe(reading(200, 0, 1000))
			a.End()
			b.Observe(reading(300, 40, 1000))
			time.Sleep(5 * time.Second)
			b.Observe(ingest.Progress{State: ingest.Waiting, Why: "no\aroom", Counts: ingest.Counts{Read: 300, Known: 40, Bytes: 1000}})
			time.Sleep(5 * time.Second)
			b.Observe(reading(900, 40, 9000)) // a session that broke counts some of it twice
			time.Sleep(5 * time.Second)
			return nil
		})
		if err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff([]string{
			"0 of 3 files, 100 read, 20/s, 35 s left\n",
			"1 of 3 files, 500 read, 40 known, 50/s, 10 s left\n",
			"1 of 3 files, 500 read, 40 known, 33/s, 15 s left, waiting: no room\n",
			"1 of 3 files, 1100 read, 40 known, 55/s\n",
		}, said); diff != "" {
			t.Error(diff)
		}
	})
}

func TestLogProgress(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	logProgress(slog.New(slog.NewJSONHandler(&out, nil)))(importer.Snapshot{Files: 3, Done: 1, Counts: ingest.Counts{Read: 7, Published: 5, Known: 2},
		Bytes: 10, Of: 30, Rate: 2.5, Remaining: 8 * time.Second, Reading: []string{"b"}, Waiting: "no room"})
	var got map[string]any
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	delete(got, "time")
	if diff := cmp.Diff(map[string]any{"level": "INFO", "msg": "importing", "files": 3., "done": 1., "read": 7., "published": 5., "known": 2.,
		"unparsed": 0., "bytes": 10., "of": 30., "per_second": 2., "left_seconds": 8., "in_hand": []any{"b"}, "waiting": "no room"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestShortly(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{59 * time.Second: "59 s", 61 * time.Second: "1 min 01 s",
		3*time.Hour + 5*time.Minute: "3 h 05 min"} {
		if got := shortly(d); got != want {
			t.Errorf("%s is written as %q, want %q", d, got, want)
		}
	}
}
