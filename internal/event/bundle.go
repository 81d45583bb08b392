package event

import "fmt"

// A bundle is a message of the stream that carries several events of one subject: their envelopes, each on a line of its own, in
// the order in which they were read. An envelope as Append writes it has no line ends. The message's header names the ids of its
// events in the same order, and that it names several makes it a bundle: others may write the envelope of a message that carries
// one over many lines.
const (
	LineEnd     = "\n" // between two envelopes of a bundle
	IDSeparator = ","  // between two ids in its header
)

// positionBits is how much of a position says which event of its message it is.
const positionBits = 10

// MaxBundle is how many events a bundle may carry.
const MaxBundle = 1 << positionBits

// Position is the place of an event on the stream: after those of all messages before its own, and within its message after those
// of the lines above. The stores keep it as one number, sequence * 1024 + line, whose order is that of the stream.
type Position uint64

// At returns the position of the event on a line, from 0, of the message at a sequence. Lines beyond the limit of a bundle, which
// only other programs write, share the position of the last.
func At(sequence uint64, line int) Position {
	return Position(sequence<<positionBits | uint64(min(line, MaxBundle-1)))
}

// Sequence returns that of the message.
func (p Position) Sequence() uint64 { return uint64(p) >> positionBits }

// Line returns the line of its message that the event is on, from 0.
func (p Position) Line() int { return int(p & (MaxBundle - 1)) }

// String names the sequence, and the line if it is not the first.
func (p Position) String() string {
	if p.Line() == 0 {
		return fmt.Sprint(p.Sequence())
	}
	return fmt.Sprintf("%d, line %d", p.Sequence(), p.Line()+1)
}
