package telegram

import (
	"bytes"
	"io"

	"github.com/agrichat/agrichat/internal/jsonscan"
)

const (
	// window is how much is read at a time.
	window = 256 << 10
	// longest is the longest record that is taken whole: the longest message has 4096 characters, so anything near it is a
	// record whose end is lost. The bus must take what an event of this size becomes.
	longest = 4 << 20
	// sampled is how much is kept of what is longer than longest.
	sampled = 64 << 10

	misplaced = "this is not where a value ends or begins"
)

func newScanner(r io.Reader, leads func(byte) bool, offset int64, line, indent int) *jsonscan.Scanner {
	return jsonscan.NewScanner(jsonscan.NewWindow(r, window, offset, line, indent), &jsonscan.Policy{
		Longest: longest, Sampled: sampled, Next: nextRecord, Match: true, Leads: leads,
	})
}

// nextRecord finds where the next message begins in a file without lines, where nothing else tells: the exporter and its
// imitators write the id first. Zero if there is none, or if lines tell.
func nextRecord(b []byte, lines bool) int {
	if lines || len(b) < 2 {
		return 0
	}
	return 1 + bytes.Index(b[1:], []byte(`{"id":`))
}
