package live

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/agrichat/agrichat/internal/event"
)

// storedWindow is a window in a cursor.
type storedWindow struct {
	Lines   []byte    `json:"lines,omitempty"` // see pack
	Many    bool      `json:"many,omitempty"`
	Dropped []int64   `json:"dropped,omitempty"` // floors of service lines, then of others, in Unix milliseconds; 0: none
	Told    time.Time `json:"told,omitzero"`
}

// Flags of a packed line.
const (
	packedID = 1 << iota
	packedUntimed
	packedCut
	packedService
)

// countPacked bounds the count of a line: further ones are packed with their ids, which take longer to find out the higher the count.
const countPacked = 16

// store packs the window: for each line its flags, the milliseconds since the one before, its hash, and its id or count.
func (w *window) store() *storedWindow {
	if w.next == 0 && !w.large {
		return nil
	}
	out := &storedWindow{Many: w.large, Told: w.reportedUntil}
	before := int64(0)
	for i := range w.lines {
		l := &w.lines[i]
		flags := byte(0)
		for _, f := range [...]struct {
			is   bool
			flag byte
		}{{l.id != "", packedID}, {l.untimed, packedUntimed}, {l.cut, packedCut}, {l.service, packedService}} {
			if f.is {
				flags |= f.flag
			}
		}
		b := append(out.Lines, flags)
		at := l.at.UnixMilli()
		b = binary.AppendVarint(b, at-before)
		before = at
		b = append(b, byte(l.line>>40), byte(l.line>>32), byte(l.line>>24), byte(l.line>>16), byte(l.line>>8), byte(l.line))
		if l.id != "" {
			b = append(binary.AppendUvarint(b, uint64(len(l.id))), l.id...)
		} else {
			b = binary.AppendUvarint(b, uint64(l.count))
		}
		out.Lines = b
	}
	if w.dropped != [2]dropTimes{} {
		for _, f := range w.dropped {
			for _, at := range [...]time.Time{f.fine, f.coarse, f.named} {
				n := int64(0)
				if !at.IsZero() {
					n = at.UnixMilli()
				}
				out.Dropped = append(out.Dropped, n)
			}
		}
	}
	return out
}

var errWindow = errors.New("the cached lines are damaged")

// load reads what a cursor remembers of a channel; those of older programs have lists of recent lines.
func (p *progress) load() (*window, error) {
	w := &window{}
	for _, list := range []struct {
		lines   []recentLine
		untimed bool
	}{{p.Recent, false}, {p.Untimed, true}} {
		for _, l := range list.lines {
			w.large = w.large || list.untimed
			w.add(windowLine{at: l.Time, line: hashOfDigest(l.Line), id: l.ID, untimed: list.untimed})
		}
	}
	p.Recent, p.Untimed = nil, nil
	if s := p.Window; s != nil {
		w.large, w.reportedUntil = w.large || s.Many, s.Told
		w.loadFloors(s.Dropped)
		if err := w.loadLines(s.Lines); err != nil {
			return nil, err
		}
		p.Window = nil
	}
	return w, nil
}

func (w *window) loadFloors(of []int64) {
	at := func(n int) time.Time {
		if n >= len(of) || of[n] == 0 {
			return time.Time{}
		}
		return time.UnixMilli(of[n]).UTC()
	}
	for i := range w.dropped {
		w.dropped[i] = dropTimes{at(3 * i), at(3*i + 1), at(3*i + 2)}
	}
}

func (w *window) loadLines(b []byte) error {
	at := int64(0)
	for len(b) > 0 {
		flags := b[0]
		delta, n := binary.Varint(b[1:])
		if n <= 0 || len(b) < 1+n+6+1 {
			return errWindow
		}
		b = b[1+n:]
		at += delta
		l := windowLine{at: time.UnixMilli(at).UTC(), untimed: flags&packedUntimed != 0, cut: flags&packedCut != 0, service: flags&packedService != 0}
		for _, c := range b[:6] {
			l.line = l.line<<8 | lineHash(c)
		}
		size, n := binary.Uvarint(b[6:])
		if n <= 0 || flags&packedID != 0 && size > uint64(len(b)-6-n) {
			return errWindow
		}
		if b = b[6+n:]; flags&packedID != 0 {
			l.id, b = event.NativeID(b[:size]), b[size:]
		} else if l.count = int(size); size > countPacked {
			return fmt.Errorf("%w: a line is the %d. of its instant", errWindow, size)
		}
		w.add(l)
	}
	return nil
}

func hashOfDigest(digest string) lineHash {
	n, err := strconv.ParseUint(digest[:min(lineHashDigits, len(digest))], 16, 64)
	if err != nil {
		return 0
	}
	return lineHash(n)
}
