// Package jsonscan reads JSON that may be broken, a piece at a time: what the connectors of exported files have in common.
//
// Window holds the piece of a file that is being looked at, and knows where it is. Scanner finds where values begin and end
// by their brackets and by how their lines are indented. It promises not to lose its place for longer than the value that is
// broken, as long as the file is laid out in lines or the Policy knows how a record begins; to pass every byte once; to hold
// no more than the longest value and a window; and that what it finds does not depend on how the bytes arrive, unless it is
// longer than the longest. Decoder parses single values, and treats what is of another type than the usual as missing.
//
// It does not promise that what it finds is JSON: what is between the brackets is left to who decodes it. What a record is,
// what is done with damage, and which bytes are worth keeping, are the connector's own. Nothing here is safe for concurrent
// use.
package jsonscan

import "bytes"

// Policy is what a connector knows of its files. It does not change while they are read.
type Policy struct {
	// Longest is the longest value that is taken whole: anything longer is one whose end is lost.
	Longest int
	// Sampled is how much is kept of what is longer than Longest; no more than that.
	Sampled int
	// Next finds where in b, which begins with a record whose end is lost, the next one begins; zero if nothing shows it. lines says
	// that the lost one is laid out in lines. It must not keep b.
	Next func(b []byte, lines bool) int
	// Objects says that only objects are read, so that only a brace closes one.
	Objects bool
	// Match says that brackets are compared with those that they close, and that an object after a comma in another is taken
	// for the beginning of the next record.
	Match bool
	// Flat says that a file may have lines which are not indented, and which show nothing then.
	Flat bool
	// Leads are those of the file's charset, so that a backslash which is part of a character escapes nothing; nil for most.
	Leads func(byte) bool
}

// Found is a value, or whatever is where one should be.
type Found struct {
	Raw  []byte // good until the scanner is used again
	Why  string // what is wrong with it; empty if its ends are where they should be
	Cut  bool   // the file ends in it
	Size int64  // of all of it, where Raw is only its beginning
}

const (
	noEnd   = "the record has no end"
	cutOff  = "the file ends in the middle of a record"
	tooLong = "the record is longer than any message"
)

// Scanner finds values in a window.
type Scanner struct {
	*Window
	policy *Policy
}

// NewScanner returns a scanner of what is in the window.
func NewScanner(w *Window, p *Policy) *Scanner { return &Scanner{Window: w, policy: p} }

// Value reads the value that begins at the next byte, which Next has found. inArray says where it is, which decides what
// may follow it when its own end is lost.
func (s *Scanner) Value(inArray bool) Found {
	return s.read(&walker{policy: s.policy, indent: s.indent, inArray: inArray}, s.policy.Longest)
}

// Pass reads a value, however long, and forgets it.
func (s *Scanner) Pass() Found { return s.read(&walker{policy: s.policy, indent: s.indent}, 0) }

// Junk reads what should not be there, for the reason given, up to where a value may begin again.
func (s *Scanner) Junk(inArray bool, why string) Found {
	return s.read(&walker{policy: s.policy, indent: s.indent, inArray: inArray, why: why}, s.policy.Longest)
}

func (s *Scanner) read(w *walker, limit int) Found {
	i, done := 0, false
	for {
		var n int
		n, done = w.walk(s.buf[s.pos+i:])
		i += n
		if done {
			break
		}
		if i >= limit {
			if k := s.another(w, i); limit > 0 && k > 0 {
				return s.take(k, noEnd, false)
			}
			return s.overlong(w, i, limit)
		}
		if !s.Fill() {
			break
		}
	}
	if !done && !w.scalar {
		if k := s.another(w, i); k > 0 {
			return s.take(k, noEnd, false)
		}
		return s.take(i, cutOff, true)
	}
	return s.take(i, w.why, false)
}

// another finds where the next record begins in the n bytes that were taken for one.
func (s *Scanner) another(w *walker, n int) int {
	if !w.inArray {
		return 0
	}
	return s.policy.Next(s.buf[s.pos:s.pos+n], w.pretty)
}

func (s *Scanner) take(n int, why string, cut bool) Found {
	raw := s.buf[s.pos : s.pos+n]
	s.Skip(n)
	raw = bytes.TrimRight(raw, " \t\r\n")
	if why != "" {
		raw = bytes.TrimRight(raw, ", \t\r\n")
	}
	return Found{Raw: raw, Why: why, Cut: cut, Size: int64(n)}
}

// overlong passes the rest of a value of which i bytes are longer than anything that is kept.
func (s *Scanner) overlong(w *walker, i, limit int) Found {
	f := Found{Why: w.why, Size: int64(i)}
	if limit > 0 {
		f.Why, f.Raw = tooLong, bytes.Clone(s.buf[s.pos:s.pos+s.policy.Sampled])
	}
	s.Skip(i)
	for {
		if !s.Fill() {
			f.Cut, f.Why = true, cutOff
			return f
		}
		n, done := w.walk(s.buf[s.pos:])
		s.Skip(n)
		f.Size += int64(n)
		if done {
			return f
		}
	}
}
