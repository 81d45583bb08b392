package terminal

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// Screen is standard error. While bars are drawn on it, what is written goes above them.
type Screen struct {
	out io.Writer

	mu    sync.Mutex // covers above, and keeps lines whole
	above io.Writer  // nil: no bars stand
}

// NewScreen makes a screen of standard error. Logs are written to it too: a line that went past it would be written into the bars.
func NewScreen(out io.Writer) *Screen { return &Screen{out: out} }

// Write implements io.Writer.
func (s *Screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.above != nil {
		if n, err := s.above.Write(p); err == nil {
			return n, nil
		}
	}
	return s.out.Write(p)
}

// raise puts bars under what is written from now on.
func (s *Screen) raise(above io.Writer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.above = above
}

// lower removes the bars: writers wait until end is done.
func (s *Screen) lower(end func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	end()
	s.above = nil
}

// TTY returns the terminal that a person reads, nil if none does.
func (s *Screen) TTY() *os.File {
	f, ok := s.out.(*os.File)
	if !ok {
		return nil
	}
	if _, err := unix.IoctlGetWinsize(int(f.Fd()), unix.TIOCGWINSZ); err != nil {
		return nil
	}
	return f
}

// LogFormat is the format of a log: auto means text on a terminal, which the log cannot see behind the screen.
func (s *Screen) LogFormat(wanted string) string {
	if wanted == "auto" && s.TTY() != nil {
		return "text"
	}
	return wanted
}

// console is a terminal as the bars see it. What it holds when they have gone takes the last of them away.
type console struct {
	bytes.Buffer
	out *os.File
}

// IsTerminal says that it is one.
func (c *console) IsTerminal() bool { return true }

// GetTermSize queries the terminal; one that does not know has the size of the first ones.
func (c *console) GetTermSize() (width, height int, err error) {
	w, err := unix.IoctlGetWinsize(int(c.out.Fd()), unix.TIOCGWINSZ)
	if err != nil || w.Col == 0 || w.Row == 0 {
		return 80, 24, nil
	}
	return int(w.Col), int(w.Row), nil
}

// Flush writes what was drawn, and goes back to its first line for the next time.
func (c *console) Flush(lines int) error {
	if _, err := c.WriteTo(c.out); err != nil {
		return err
	}
	if lines > 0 {
		fmt.Fprintf(&c.Buffer, "\x1b[%dA\x1b[J", lines)
	}
	return nil
}
