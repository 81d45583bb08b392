package discord

import (
	"bytes"
	"io"

	"github.com/agrichat/agrichat/internal/jsonscan"
	"github.com/agrichat/agrichat/producers/filekit"
)

const (
	// window is how much is read at a time.
	window = 256 << 10
	// overlap is how much of a piece that nothing was found in is looked at again with the next piece: no sign by which the
	// next message is found is longer, unless someone indents by hundreds of blanks.
	overlap = 1 << 10
)

// scanner looks at the rows and values in a window on the file. It promises to hold no more than the longest record and a
// window.
type scanner struct {
	*jsonscan.Window
	leads func(byte) bool // of the file's charset
}

func newScanner(r io.Reader, offset int64, line int) *scanner {
	return &scanner{Window: jsonscan.NewWindow(r, window, offset, line, 0)}
}

func (s *scanner) position() filekit.Position {
	return filekit.Position{Offset: s.Offset(), Line: s.Line()}
}

// value looks at the JSON value that begins at the next byte, which Next has found, and leaves it unread. why says what is
// wrong with it.
func (s *scanner) value() (raw []byte, why string) {
	w, i := walker{trails: jsonscan.Trails{Leads: s.leads}}, 0
	for {
		n, done := w.walk(s.Rest()[i:])
		i += n
		switch {
		case w.why != "":
			return nil, w.why
		case done:
			return s.Rest()[:i], ""
		case i >= filekit.MaxRecord:
			return nil, "the record is longer than any message"
		case !s.Fill():
			if w.scalar {
				return s.Rest(), ""
			}
			return nil, "the file ends in the middle of a record"
		}
	}
}

// walker scans one value byte by byte. Its state lets it go on in the next piece. Matching brackets, and what is between them, is left to
// the decoder.
type walker struct {
	why     string
	started bool
	scalar  bool // a number or a word, which ends where something else begins
	quoted  bool
	escaped bool
	depth   int
	trails  jsonscan.Trails
}

// walk follows the value into b; it returns how much of b belongs to it, and whether it ended.
func (w *walker) walk(b []byte) (int, bool) {
	for i := 0; i < len(b); i++ {
		if w.quoted {
			if i += w.inString(b[i:]); i == len(b) || w.why != "" {
				return i, false
			}
			if w.depth == 0 {
				return i + 1, true
			}
			continue
		}
		if !w.started {
			w.start(b[i])
			continue
		}
		switch c := b[i]; {
		case w.scalar:
			if c == ',' || c == '}' || c == ']' || c == ' ' || c == '\n' || c == '\r' || c == '\t' {
				return i, true
			}
		case c == '"':
			w.quoted = true
		case c == '{' || c == '[':
			w.depth++
		case c == '}' || c == ']':
			if w.depth--; w.depth == 0 {
				return i + 1, true
			}
		}
	}
	return len(b), false
}

func (w *walker) start(c byte) {
	w.started = true
	switch c {
	case '{', '[':
		w.depth = 1
	case '"':
		w.quoted = true
	default:
		w.scalar = true
	}
}

// inString returns where the string's last quotation mark stands, or len(b).
func (w *walker) inString(b []byte) int {
	for i := 0; i < len(b); i++ {
		if w.escaped {
			w.escaped = false
			continue
		}
		if w.trails.Leads != nil {
			i += jsonscan.PlainIn(b[i:], &w.trails)
		} else {
			i += jsonscan.Plain(b[i:])
		}
		if i == len(b) {
			break
		}
		switch b[i] {
		case '\\':
			w.escaped = true
		case '"':
			w.quoted = false
			return i
		default: // an exporter escapes a line end: a quotation mark was lost
			w.why = "a string has no end"
			return i
		}
	}
	return len(b)
}

// lost passes what cannot be read, up to where the next thing may begin, which find looks for: it returns -1 if there is none
// in b, and last says that nothing comes after b. What is found is unread then.
func (s *scanner) lost(why string, find func(b []byte, last bool) int) filekit.Damaged {
	d := filekit.Damaged{Position: s.position(), Reason: why}
	from := 1 // something must be passed
	for {
		from = min(from, len(s.Rest()))
		if k := find(s.Rest()[from:], s.EOF()); k >= 0 {
			s.keep(&d, from+k)
			break
		}
		from = max(from, len(s.Rest())-overlap)
		if len(s.Rest()) > filekit.MaxRecord {
			s.keep(&d, from)
			from = 0
		}
		if !s.Fill() && s.EOF() {
			if k := find(s.Rest()[min(from, len(s.Rest())):], true); k >= 0 {
				s.keep(&d, from+k)
				break
			}
			s.keep(&d, len(s.Rest()))
			d.Cut = true
			break
		}
	}
	d.Raw = bytes.TrimRight(d.Raw, ", \t\r\n")
	return d
}

// keep passes n bytes of what is lost, and keeps the first of them.
func (s *scanner) keep(d *filekit.Damaged, n int) {
	b := s.Rest()[:n]
	if d.Size += int64(n); d.Size > filekit.MaxRecord {
		b = b[:max(0, min(len(b), filekit.MaxSample-len(d.Raw)))]
	}
	d.Raw = append(d.Raw, b...)
	s.Skip(n)
}

// nextRecord finds where the next message begins, or where the list of messages ends, by what the exporter writes there and
// nowhere else: each message begins with its id, its type and its time, and a count follows the list.
func nextRecord(b []byte, _ bool) int {
	for i := 0; i < len(b); i++ {
		j := bytes.IndexAny(b[i:], "{]")
		if j < 0 {
			return -1
		}
		i += j
		if b[i] == '{' && beginsMessage(b[i+1:]) || b[i] == ']' && endsMessages(b[i+1:]) {
			return i
		}
	}
	return -1
}

func beginsMessage(b []byte) bool {
	b, ok := after(b, `"id"`, ":", `"`)
	if !ok {
		return false
	}
	if b, ok = after(bytes.TrimLeft(b, "0123456789"), `"`, ",", `"type"`, ":", `"`); !ok {
		return false
	}
	_, ok = after(bytes.TrimLeftFunc(b, isWordPart), `"`, ",", `"timestamp"`)
	return ok
}

func isWordPart(r rune) bool {
	return r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z'
}

func endsMessages(b []byte) bool {
	_, ok := after(b, ",", `"messageCount"`)
	return ok
}

// after passes words with any white space before each.
func after(b []byte, words ...string) (rest []byte, ok bool) {
	for _, w := range words {
		b = bytes.TrimLeft(b, " \t\r\n")
		if b, ok = bytes.CutPrefix(b, []byte(w)); !ok {
			return nil, false
		}
	}
	return b, true
}
