// Package live follows the channels of an IRC server over IRCv3, and servers without it.
//
// It promises that a message has the same id however often the server sends it: by msgid where there is one, else by a content key of the
// server's time to the millisecond, else of the minute in which it was received. Histories and bouncers may replay a line without its msgid, or
// with its time cut to the second: of the latest lines of a channel, which the cursor holds, such a line keeps its id; of older ones it may be
// stored twice, which is a notice. A line received just before a crash, after which the cursor was not saved, may be stored twice without one. It does not
// reconnect, wait or retry: the runner does, and the errors say how long to back off.
package live

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/fault"
	"github.com/agrichat/agrichat/producers"
)

const (
	cursorVersion = 1
	// batchEvents bounds a batch where many lines have come.
	batchEvents = 500
)

// liveCursor says what of each channel has been delivered.
type liveCursor struct {
	Version  int                        `json:"v"`
	Channels map[event.Channel]progress `json:"channels"`
}

// progress is what a channel's cursor remembers.
type progress struct {
	Mark    checkpoint    `json:"mark,omitzero"`
	Minutes []minuteTally `json:"minutes,omitempty"`
	Window  *storedWindow `json:"window,omitempty"`

	// Recent and Untimed are of older programs: lines of the last second, and lines without a time.
	Recent  []recentLine `json:"recent,omitempty"`
	Untimed []recentLine `json:"untimed,omitempty"`
}

// recentLine is a line in the cursor of an older program.
type recentLine struct {
	Time time.Time      `json:"time"`
	Line string         `json:"line"` // digest of author and text
	ID   event.NativeID `json:"id"`
}

// checkpoint is the last message up to which nothing is missing.
type checkpoint struct {
	ID   event.NativeID `json:"id,omitempty"`  // msgid, if it had one
	Time time.Time      `json:"time,omitzero"` // the server's, if it sent one
}

func (m checkpoint) isSet() bool { return m != checkpoint{} }

// minuteTally counts the equal lines of one minute that came without a server time. A live source needs only the last few.
type minuteTally struct {
	Minute string          `json:"minute"`
	Tally  producers.Tally `json:"tally"`
}

const minutesKept = 4

// session is one connection. Its fields belong to the caller of Next, except for those of conn.
type session struct {
	live     *Source
	conn     *conn
	nick     string
	caps     map[string]bool
	channels map[event.Channel]*channel
	unknown  *channel // lines that belong to no channel
	history  history
	out      producers.Batch
	err      error // what the session ended with; Next returns it after the events before it

	lines *queue
	done  chan struct{} // closed by the reading goroutine, after readErr is set
	once  sync.Once

	readErr error
}

// Connect dials, registers and asks to join.
func (l *Source) Connect(ctx context.Context, from producers.Cursor) (producers.Session, error) {
	cur := liveCursor{Version: cursorVersion}
	if len(from) > 0 {
		if err := json.Unmarshal(from, &cur); err != nil {
			return nil, fault.AsFatal(fmt.Errorf("reading the cursor of %s: %w", l.cfg.Network, err))
		}
	}
	if cur.Version != cursorVersion {
		return nil, fault.AsFatal(fmt.Errorf(
			"cursor of %s has version %d, this program reads %d", l.cfg.Network, cur.Version, cursorVersion))
	}
	windows, err := cur.windows()
	if err != nil {
		return nil, fault.AsFatal(fmt.Errorf("reading the cursor of %s: %w", l.cfg.Network, err))
	}
	dialling, cancel := context.WithTimeout(ctx, l.cfg.ConnectTimeout)
	defer cancel()
	c, err := l.dial(dialling)
	if err != nil {
		return nil, err
	}
	r, err := l.register(ctx, c)
	if err != nil {
		_ = c.net.Close() // what failed says more
		return nil, err
	}
	s := newSession(l, c, r, cur, windows)
	go func() { // Close waits for it
		defer close(s.done)
		s.readErr = c.pump(l, s.lines)
		s.lines.close()
	}()
	if err := s.join(); err != nil {
		_ = s.Close()
		return nil, err
	}
	return s, nil
}

// windows takes the windows out of the cursor.
func (c *liveCursor) windows() (map[event.Channel]*window, error) {
	out := map[event.Channel]*window{}
	for id, p := range c.Channels {
		w, err := p.load()
		if err != nil {
			return nil, fmt.Errorf("channel %s: %w", id, err)
		}
		c.Channels[id], out[id] = p, w
	}
	return out, nil
}

func newSession(l *Source, c *conn, r *registration, cur liveCursor, windows map[event.Channel]*window) *session {
	s := &session{
		live: l, conn: c, nick: r.nick, caps: r.caps,
		channels: map[event.Channel]*channel{}, unknown: &channel{progress: cur.Channels[""]},
		history: history{conn: c, caps: r.caps, page: r.page, first: *l.cfg.History, batches: map[string]*historyBatch{}},
		lines:   newQueue(l.bufferSize), done: make(chan struct{}),
	}
	for _, w := range l.channels {
		known := windows[w.id]
		if known == nil {
			known = &window{}
		}
		known.limit = max(totalWindow/len(l.channels), 1)
		known.large = known.large || r.replays()
		s.channels[w.id] = &channel{id: w.id, name: w.name, progress: cur.Channels[w.id], window: known, members: map[string]string{},
			delivery: delivery{limit: known.next + 1, reportedUntil: known.reportedUntil}, windowEnd: known.last()}
	}
	return s
}

func (s *session) join() error {
	for _, w := range s.live.channels {
		params := []string{w.name}
		if w.key != "" {
			params = append(params, w.key)
		}
		if err := s.conn.send("JOIN", params...); err != nil {
			return fmt.Errorf("joining %s: %w", w.name, err)
		}
	}
	return nil
}

// Next waits for events, and returns all that are there.
func (s *session) Next(ctx context.Context) (producers.Batch, error) {
	s.out = producers.Batch{}
	for len(s.out.Events) == 0 {
		if s.err != nil {
			return producers.Batch{}, s.err
		}
		if s.takeNext() {
			continue
		}
		select {
		case <-ctx.Done():
			return producers.Batch{}, fmt.Errorf("following %s: %w", s.live.cfg.Network, ctx.Err())
		case <-s.lines.ready:
		}
	}
	for s.err == nil && len(s.out.Events) < batchEvents && s.takeNext() {
	}
	cur, err := s.cursor()
	if err != nil {
		return producers.Batch{}, err
	}
	s.out.Cursor = cur
	return s.out, nil
}

// takeNext takes a line, or the end, if there is one.
func (s *session) takeNext() bool {
	in, ok, open := s.lines.take()
	if ok || !open {
		s.take(in, ok)
	}
	return ok || !open
}

func (s *session) take(in received, ok bool) {
	if !ok {
		<-s.done
		s.err = s.readErr
		return
	}
	if in.dropped > 0 {
		s.linesDropped(&in)
		return
	}
	s.out.Counts.Bytes += int64(len(in.raw))
	if err := s.handle(&in); err != nil {
		s.err = fmt.Errorf("following %s: %w", s.live.cfg.Network, err)
	}
}

// linesDropped is where lines were dropped because the runner took none for long. A server that keeps history is asked for them by a new
// connection; of another an unparsed event reports that they are lost.
func (s *session) linesDropped(in *received) {
	if s.history.isKept() {
		s.err = fmt.Errorf("following %s: there was no room for %d lines; they are asked for again", s.live.cfg.Network, in.dropped)
		return
	}
	in.at = s.live.clock()
	s.unparsed(nil, in, fmt.Sprintf("there was no room for %d lines of the server, which are lost", in.dropped))
}

func (s *session) cursor() (producers.Cursor, error) {
	cur := liveCursor{Version: cursorVersion, Channels: map[event.Channel]progress{}}
	for id, r := range s.channels {
		p := r.progress
		p.Window = r.window.store()
		cur.Channels[id] = p
	}
	cur.Channels[""] = s.unknown.progress
	b, err := json.Marshal(cur)
	if err != nil {
		return nil, fmt.Errorf("writing the cursor of %s: %w", s.live.cfg.Network, err)
	}
	return b, nil
}

// Close says goodbye, ends the connection, and waits for the reading goroutine.
func (s *session) Close() error {
	s.once.Do(func() {
		_ = s.conn.net.SetDeadline(time.Now().Add(goodbyeTimeout)) // a server that takes nothing shall not hold us up
		_ = s.conn.sendWithin(goodbyeTimeout, "QUIT")
		_ = s.conn.net.Close()
		<-s.done
	})
	return nil
}

// goodbyeTimeout is how long a line that is being written may take once we are leaving.
const goodbyeTimeout = 500 * time.Millisecond

// tally returns the counts of a minute.
func (p *progress) tally(minute string) *producers.Tally {
	i := slices.IndexFunc(p.Minutes, func(m minuteTally) bool { return m.Minute == minute })
	if i >= 0 {
		return &p.Minutes[i].Tally
	}
	if len(p.Minutes) == minutesKept {
		p.Minutes = slices.Delete(p.Minutes, 0, 1)
	}
	p.Minutes = append(p.Minutes, minuteTally{Minute: minute})
	return &p.Minutes[len(p.Minutes)-1].Tally
}
