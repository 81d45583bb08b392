package live

import (
	"slices"
	"time"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/producers"
)

// How many of a channel's latest lines are remembered. Bouncers that replay unasked buffer 50 by default and are often configured to buffer 500.
const (
	smallWindow = 50
	largeWindow = 500
	totalWindow = 3000 // of all channels together: a cursor that holds them is small enough to be saved after each batch
)

// window caches a channel's latest lines, to find duplicates. A server or a bouncer may replay a line in another form: with its time cut to the second, or with
// or without a time or an id of its own. In that form the line would have another id; by the window it keeps its first.
//
// A line is a duplicate of one of the window if author and text are equal and so is the id or the instant, or the second where one of the two times is
// cut. Each matches one line of a delivery, in their order: of two equal lines of a second of which one is known, the other one is new. What is
// not in the window is new where the window reaches back as far; where it does not, the line may be a duplicate, which is reported.
type window struct {
	lines         []windowLine // by time
	next          uint64
	limit         int          // of this channel, where all have many
	large         bool         // the server replays more than what was missed, or in another form than live
	dropped       [2]dropTimes // of service lines, of all others
	reportedUntil time.Time    // up to which possible duplicates were reported
}

// windowLine is a line that was received.
type windowLine struct {
	at      time.Time // the server's
	line    lineHash
	id      event.NativeID // empty: the key of its instant and count
	count   int            // of how many equal lines of its instant it is
	seq     uint64         // in the order in which lines came
	untimed bool           // the server sent no time: at is that of receiving, and id the key of its minute
	cut     bool           // the time is that of a replay, and may be cut to the second
	service bool
}

// lineHash is 48 bits of a digest of author and text.
type lineHash uint64

const lineHashDigits = 12

func hashOf(author event.AuthorID, text string) lineHash {
	return hashOfDigest(event.Digest(string(author), producers.NormaliseText(text)))
}

// dropTimes are the latest times of lines that were dropped.
type dropTimes struct{ fine, coarse, named time.Time }

func laterOf(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// delivery is a channel's lines received in order: a batch, or a connection's lines outside of batches. It counts the equal lines of one
// instant. A line that comes again in another delivery is counted from the start, and so has the same id.
type delivery struct {
	at    time.Time
	tally producers.Tally
	count map[lineHash]int

	begun         time.Time // the first line's time
	reportedUntil time.Time // what the window had reported when the delivery began
	limit         uint64    // lines of the window from here on came in this delivery, or cannot be what it repeats; zero: all may be
	matched       map[uint64]struct{}
	fine          bool // it has times to the millisecond
}

func (p *delivery) next(at time.Time, line lineHash, author event.AuthorID, text string) (id event.NativeID, count int) {
	if !at.Equal(p.at) || p.count == nil {
		p.at, p.tally, p.count = at, producers.Tally{}, map[lineHash]int{}
	}
	p.count[line]++
	id, _ = p.tally.Next(at.Format(time.DateOnly), at.Format(clockMilli), author, text)
	return id, p.count[line]
}

const clockMilli = "15:04:05.000"

func (p *delivery) markMatched(seq uint64) {
	if p.matched == nil {
		p.matched = map[uint64]struct{}{}
	}
	p.matched[seq] = struct{}{}
}

// candidate is a line with a server time that may be a duplicate.
type candidate struct {
	windowLine
	mayRepeat bool // it may be one that came before
	past      bool // it is surely from the past
}

func isCut(t time.Time) bool { return t.Nanosecond() == 0 }

// rank is how surely a candidate is a duplicate of a line of the window: zero if it is not.
func (l *windowLine) rank(t *candidate, fine bool) int {
	named := l.id != "" && !l.untimed && !producers.IsContentKey(l.id)
	switch {
	case l.line != t.line || l.service != t.service:
		return 0
	case t.id != "" && l.id == t.id:
		return 4
	case t.id != "" && named:
		return 0
	case l.untimed:
		if l.at.Sub(t.at).Abs() <= receivedWithin {
			return 1
		}
		return 0
	case l.at.Equal(t.at):
		return 3
	case !l.at.Truncate(time.Second).Equal(t.at.Truncate(time.Second)):
		return 0
	case isCut(t.at) && !fine, l.cut:
		return 2
	}
	return 0
}

// receivedWithin is how far our clock and the way to us may put a line from its time.
const receivedWithin = time.Minute

// find returns the line that the candidate duplicates, and how surely.
func (w *window) find(p *delivery, t *candidate) (found *windowLine, rank int) {
	for i := range w.lines {
		l := &w.lines[i]
		if _, used := p.matched[l.seq]; used || l.line != t.line || p.limit > 0 && l.seq >= p.limit {
			continue
		}
		if n := l.rank(t, p.fine); n > rank {
			found, rank = l, n
		}
	}
	return found, rank
}

// add remembers a line, and returns its number.
func (w *window) add(l windowLine) uint64 {
	w.next++
	l.seq = w.next
	at, _ := slices.BinarySearchFunc(w.lines, l.at, func(o windowLine, at time.Time) int {
		if o.at.After(at) {
			return 1
		}
		return -1
	})
	w.lines = slices.Insert(w.lines, at, l)
	most := smallWindow
	if w.large {
		most = largeWindow
	}
	if w.limit > 0 {
		most = min(most, w.limit)
	}
	if n := len(w.lines) - most; n > 0 {
		for i := range n {
			w.drop(&w.lines[i])
		}
		w.lines = slices.Delete(w.lines, 0, n)
	}
	return l.seq
}

func (w *window) drop(l *windowLine) {
	f := &w.dropped[kindOf(l.service)]
	switch {
	case l.untimed:
		f.fine, f.coarse = laterOf(f.fine, l.at), laterOf(f.coarse, l.at)
	case l.id != "" && !producers.IsContentKey(l.id):
		f.named = laterOf(f.named, l.at)
	case isCut(l.at):
		f.coarse = laterOf(f.coarse, l.at)
	default:
		f.fine = laterOf(f.fine, l.at)
	}
}

func kindOf(service bool) int {
	if service {
		return 0
	}
	return 1
}

// mayDuplicate reports whether a replayed line that the window does not hold may be one that was dropped from it and has another id. Each is
// reported once.
func (w *window) mayDuplicate(p *delivery, t *candidate) bool {
	f := w.dropped[kindOf(t.service)]
	floor := laterOf(f.coarse, f.named)
	switch {
	case t.id != "":
		floor = laterOf(f.fine, f.coarse)
	case isCut(t.at) && !p.fine:
		floor = laterOf(f.fine, f.named)
	}
	if floor.Before(t.at) || !t.at.After(p.reportedUntil) {
		return false
	}
	w.reportedUntil = laterOf(w.reportedUntil, t.at)
	return true
}

// last is the time of the latest line.
func (w *window) last() time.Time {
	if len(w.lines) == 0 {
		return time.Time{}
	}
	return w.lines[len(w.lines)-1].at
}

// nativeID is the id that the line has.
func (l *windowLine) nativeID(author event.AuthorID, text string) (id event.NativeID) {
	if l.id != "" {
		return l.id
	}
	var t producers.Tally
	for range l.count {
		id, _ = t.Next(l.at.Format(time.DateOnly), l.at.Format(clockMilli), author, text)
	}
	return id
}
