package live

import (
	"time"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/producers"
	"github.com/agrichat/agrichat/producers/irc/chatline"
)

// nativeID names a line: by the network's id, else by a content key. Where the network prints its time to the millisecond, that is part of the
// key. Else the key is that of logs: of the minute in which we received it. A duplicate in another form keeps the id of the first copy.
func (s *session) nativeID(r *channel, batch *historyBatch, in *received, at time.Time, what chatline.Line, named event.NativeID) event.NativeID {
	author, text := keyForm(in, what).Key()
	service := what.Type == event.TypeService && what.Action != event.ActionNotice
	stamped, timed := serverTime(in)
	if timed {
		t := candidate{windowLine: windowLine{at: stamped, line: hashOf(author, text), id: named, service: service}}
		t.mayRepeat, t.past = r.mayRepeat(batch, stamped), s.isPast(r, in)
		p := &r.delivery
		if batch != nil {
			p = &batch.delivery
		}
		return r.timedID(&s.out, p, &t, batch, author, text)
	}
	if named != "" {
		return named
	}
	var id event.NativeID
	var ambiguous bool
	switch day, minute := at.Format(time.DateOnly), at.Format("15:04"); {
	case batch != nil:
		id, ambiguous = batch.tally.Next(day, minute, author, text)
	default:
		id, ambiguous = r.progress.tally(day+" "+minute).Next(day, minute, author, text)
		if s.caps["server-time"] && what.Type != event.TypeService { // a bouncer that sends times only for its buffer
			r.window.large = true
			r.window.add(windowLine{at: at, line: hashOf(author, text), id: id, untimed: true, service: service})
		}
	}
	if ambiguous {
		s.out.Counts.Ambiguous++
	}
	return id
}

// mayRepeat reports whether a line may have come before: in a batch, or over a new connection up to the time at which we joined.
func (r *channel) mayRepeat(batch *historyBatch, at time.Time) bool {
	return batch != nil || !at.After(r.windowEnd.Add(receivedWithin)) && (r.joined.IsZero() || !at.After(r.joined.Add(clocksApart)))
}

// timedID returns the id of a line with a server time.
func (r *channel) timedID(out *producers.Batch, p *delivery, t *candidate, batch *historyBatch, author event.AuthorID, text string) event.NativeID {
	w := r.window
	if p.begun.IsZero() {
		p.begun = t.at
	}
	if t.past {
		p.fine = p.fine || !isCut(t.at)
		t.cut = isCut(t.at) && !p.fine
	}
	var known *windowLine
	rank := 0
	if t.mayRepeat {
		known, rank = w.find(p, t)
	}
	if known == nil {
		return w.addNew(out, p, t, author, text)
	}
	p.markMatched(known.seq)
	switch same := rank == 3 && (known.id == "" || producers.IsContentKey(known.id)); {
	case t.id == known.id && t.id != "":
	case t.id != "":
		out.Notices.Add(noticeOtherID())
		w.large = true
		known.id, known.untimed = t.id, false
	case same:
		id, count := p.next(t.at, t.line, author, text)
		if count > 1 || batch == nil && !t.past && isCut(t.at) {
			out.Counts.Ambiguous++
		}
		return id
	default:
		w.large = true
		if isCut(t.at) && (batch == nil || batch.kind == playback) && r.isEdge(p, t.at) {
			out.Counts.Ambiguous++
		}
		return known.nativeID(author, text)
	}
	return t.id
}

// isEdge reports whether a delivery begins within the last second of which lines are known: it may lack those of that second that came, and have
// equal ones that did not.
func (r *channel) isEdge(p *delivery, at time.Time) bool {
	return p.begun.Truncate(time.Second).Equal(at) && r.windowEnd.Truncate(time.Second).Equal(at)
}

// addNew returns the id of a line that is no duplicate, and adds it to the window.
func (w *window) addNew(out *producers.Batch, p *delivery, t *candidate, author event.AuthorID, text string) event.NativeID {
	l, id := t.windowLine, t.id
	if id == "" {
		if id, l.count = p.next(t.at, t.line, author, text); l.count > countPacked {
			l.id = id
		}
		if l.count > 1 {
			out.Counts.Ambiguous++
		}
	}
	if t.past && w.mayDuplicate(p, t) {
		w.large = true
		out.Notices.Add(noticeTwice())
		return id // it is older than what is remembered
	}
	if seq := w.add(l); p.limit == 0 { // else a line of this delivery cannot repeat itself
		p.markMatched(seq)
	}
	return id
}

// What a live source cannot decide.

func noticeOtherID() producers.Notice {
	return producers.Notice{Count: 1, Code: "overlap-ids",
		Text: "lines that came without an id of the network came again with one: they are stored twice, under two kinds of ids"}
}

func noticeTwice() producers.Notice {
	return producers.Notice{Count: 1, Code: "overlap-replay",
		Text: "lines were replayed with other times or ids than live lines have, and are older than the cached lines: they may be stored twice"}
}
