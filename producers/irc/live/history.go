package live

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// history asks a server for what was missed, and keeps the batches in which it answers.
type history struct {
	conn    *conn
	caps    map[string]bool
	page    int                      // messages that the server gives at once; 0: it does not say
	first   int                      // messages to ask for where nothing is known of a channel
	batches map[string]*historyBatch // open batches by their reference
}

// batch opens or closes a batch. Only history matters to us; other kinds are read as if there were none.
func (s *session) batch(in *received) error {
	p := in.msg.Params
	if len(p) == 0 || len(p[0]) < 2 {
		return nil
	}
	ref := p[0][1:]
	if p[0][0] == '-' {
		b := s.history.batches[ref]
		delete(s.history.batches, ref)
		if b == nil || b.ref != ref || b.kind == playback {
			return nil
		}
		return s.history.batchEnded(b)
	}
	if outer := s.history.batchOf(in); outer != nil { // a netsplit of the past, say
		s.history.batches[ref] = outer
		return nil
	}
	if len(p) < 3 {
		return nil
	}
	switch p[1] {
	case "chathistory", "draft/chathistory", playback:
		if r := s.channel(p[2]); r != nil {
			s.history.batches[ref] = &historyBatch{channel: r, ref: ref, kind: p[1], delivery: delivery{reportedUntil: r.window.reportedUntil}}
			if p[1] == playback {
				r.window.large = true
			}
		}
	}
	return nil
}

// playback is the kind of batches in which a bouncer replays its buffer unasked.
const playback = "znc.in/playback"

// replays reports whether the server is a bouncer, which may replay its buffer unasked.
func (r *registration) replays() bool {
	for name := range r.offered {
		if strings.HasPrefix(name, "znc.in/") || strings.HasPrefix(name, "soju.im/") {
			return true
		}
	}
	return false
}

// isKept reports whether the server can be asked for what was missed.
func (h *history) isKept() bool { return h.caps["draft/chathistory"] && h.caps["batch"] }

// batchOf returns the history that a line belongs to; nil for what happens now.
func (h *history) batchOf(in *received) *historyBatch {
	_, ref := in.msg.GetTag("batch")
	return h.batches[ref]
}

// defaultPage is what to ask for at once of servers that do not say how much they give: the least that servers in use give.
const defaultPage = 100

// catchUp asks for the messages of a channel since its mark, or without one for some of its past. A server without
// chathistory may replay by itself, which then comes as a batch too; or what was missed is lost.
func (h *history) catchUp(r *channel) error {
	if !h.isKept() {
		return nil
	}
	if r.progress.Mark.isSet() {
		r.catching = &catchUpState{asked: r.progress.Mark, byTime: r.progress.Mark.ID == ""}
		return h.askAfter(r)
	}
	n := min(h.first, h.pageSize())
	if n == 0 {
		return nil
	}
	r.catching = &catchUpState{}
	return h.ask("LATEST", r, "*", n)
}

func (h *history) pageSize() int {
	if h.page > 0 {
		return h.page
	}
	return defaultPage
}

func (h *history) askAfter(r *channel) error {
	c := r.catching
	ref := "msgid=" + string(c.asked.ID)
	if c.byTime { // from just before: what has come already comes again harmlessly
		from := c.asked.Time.UTC()
		if !c.paged { // some servers keep no milliseconds in their history
			from = from.Truncate(time.Second)
		}
		ref = "timestamp=" + from.Add(-time.Millisecond).Format("2006-01-02T15:04:05.000Z")
	}
	return h.ask("AFTER", r, ref, h.pageSize())
}

func (h *history) ask(what string, r *channel, ref string, n int) error {
	if err := h.conn.send("CHATHISTORY", what, r.name, ref, strconv.Itoa(n)); err != nil {
		return fmt.Errorf("asking for the history of %s: %w", r.name, err)
	}
	return nil
}

// batchEnded goes on to the next page after a batch of history has ended. Only a batch with nothing new is the last: some
// servers give less than they have. What was asked for without a mark is one page.
func (h *history) batchEnded(b *historyBatch) error {
	r := b.channel
	switch {
	case r.catching == nil:
		return nil
	case !r.catching.asked.isSet() || !b.last.isSet() || b.last == r.catching.asked && (r.catching.paged || !r.catching.byTime):
		r.current()
		return nil
	}
	r.catching.asked, r.catching.byTime, r.catching.paged = b.last, r.catching.byTime || b.last.ID == "", true
	return h.askAfter(r)
}

// current ends catching up: from now on the mark follows live messages.
func (r *channel) current() {
	if live := r.catching.live; live.isSet() {
		r.progress.Mark = live
	}
	r.catching = nil
}

// fail handles a server's refusal to send its history. A message that it has forgotten may still have a time; if that does not
// help either, what was missed is lost, and an unparsed event reports it.
func (s *session) fail(in *received) error {
	p := in.msg.Params
	if len(p) == 0 || p[0] != "CHATHISTORY" {
		return nil
	}
	i := slices.IndexFunc(p, func(v string) bool { r := s.channel(v); return r != nil && r.catching != nil })
	if i < 0 {
		return nil
	}
	r := s.channel(p[i])
	c := r.catching
	if c.asked.ID != "" && !c.byTime && !c.asked.Time.IsZero() {
		c.byTime = true
		return s.history.askAfter(r)
	}
	if c.asked.isSet() {
		s.unparsed(r, in, "server does not tell what was missed: "+strings.Join(p[1:], " "))
	}
	r.current()
	return nil
}
