package live

import (
	"strings"
	"time"

	"github.com/ergochat/irc-go/ircmsg"

	"github.com/agrichat/agrichat/internal/charset"
	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/producers"
	"github.com/agrichat/agrichat/producers/irc/chatline"
)

// channel is a channel that we are in, or want to be.
type channel struct {
	id        event.Channel
	name      string
	topic     string
	members   map[string]string // who is there: folded nick to nick; quits and new nicks do not name channels
	progress  progress
	window    *window
	windowEnd time.Time     // of the latest line that the window held when the connection began
	delivery  delivery      // lines outside of batches, which may be those that the window held then
	joined    time.Time     // by the server's clock; zero: it did not say
	catching  *catchUpState // not nil while what was missed is being asked for
}

// catchUpState is the state of asking for what was missed. Until it is done the mark follows only the answers: were it moved by
// live messages, a crash would lose the rest.
type catchUpState struct {
	asked  checkpoint
	byTime bool
	paged  bool       // asked is from an answer
	live   checkpoint // the last live message meanwhile
}

// historyBatch is an open batch of history.
type historyBatch struct {
	channel  *channel
	ref      string
	kind     string
	count    int
	last     checkpoint
	delivery delivery
	// tally counts the lines without msgid and time: an answer has all lines of its minutes, except where its ends cut one.
	tally producers.Tally
}

// emit makes an event of a line of a channel.
func (s *session) emit(r *channel, in *received, what chatline.Line) {
	what = what.Clean()
	sent := when(in)
	e := event.Event{
		Kind: event.KindMessage, Author: chatline.Person(what.Nick), Sent: sent, Body: bodyOf(what, in), Raw: in.raw, Channel: r.id,
	}
	isBot := in.msg.HasTag("bot") || in.msg.HasTag("draft/bot") || in.msg.HasTag("inspircd.org/bot")
	e.Author.Bot = isBot && !e.Author.IsZero()
	_, id := in.msg.GetTag("msgid")
	batch := s.history.batchOf(in)
	e.NativeID = s.nativeID(r, batch, in, sent.At, what, event.NativeID(id))
	e.Reading.Charset = in.charset
	s.seal(e)
	if what.Type != event.TypeService || what.Action == event.ActionNotice {
		_, timed := serverTime(in)
		m := checkpoint{ID: event.NativeID(id)}
		if timed {
			m.Time = sent.At
		}
		r.advance(m, batch)
	}
}

// bodyOf adds what the tags hold to the line itself.
func bodyOf(what chatline.Line, in *received) *event.Message {
	body := what.Body()
	if _, account := in.msg.GetTag("account"); account != "" {
		body.Details = map[string]string{"account": account}
	}
	for _, tag := range [...]string{"+reply", "+draft/reply"} {
		if _, to := in.msg.GetTag(tag); to != "" {
			body.ReplyTo = &event.Ref{NativeID: event.NativeID(to)}
		}
	}
	return body
}

// keyForm is what a line's content key is made of: of one that is not UTF-8 its bytes, so that it does not depend on the charset.
func keyForm(in *received, what chatline.Line) chatline.Line {
	if in.charset == "" {
		return what
	}
	m, err := ircmsg.ParseLine(charset.Key(in.raw))
	if err != nil {
		return what
	}
	if key, ok := parseMessage(&m); ok {
		return key.Clean()
	}
	return what
}

// seal completes an event and puts it into the batch. Everything that an id needs is set by now, so it cannot fail but by
// a mistake here; then it must not pass unseen.
func (s *session) seal(e event.Event) {
	e.Source, e.Namespace, e.Account = chatline.Source, event.Namespace(s.live.cfg.Network), s.live.account
	if e.Revision == "" {
		e.Revision = event.Unedited
	}
	if err := e.Seal(); err != nil {
		s.err = err
		return
	}
	if e.Kind != event.KindChannel { // comes with a join, which is counted
		s.out.Counts.Read++
	}
	s.out.Events = append(s.out.Events, e)
}

// unparsed keeps a line that is no message, or one that reports something lost.
func (s *session) unparsed(r *channel, in *received, reason string) {
	if r == nil {
		r = s.unknown
	}
	// Its bytes name it, not its text: they may be of any charset.
	what := chatline.Line{Type: event.TypeService, Native: "unparsed", Note: event.Digest(string(in.raw))}
	at := in.at.UTC()
	author, text := what.Key()
	id, ambiguous := r.progress.tally(at.Format("2006-01-02 15:04")).Next(at.Format(time.DateOnly), at.Format("15:04"), author, text)
	if ambiguous {
		s.out.Counts.Ambiguous++
	}
	s.out.Counts.Unparsed++
	s.seal(event.Event{
		Kind: event.KindUnparsed, Channel: r.id, NativeID: id, Raw: in.raw,
		Body: &event.Unparsed{Reason: reason, File: s.live.cfg.Server},
	})
}

// advance moves the mark on after a message has been delivered.
func (r *channel) advance(m checkpoint, batch *historyBatch) {
	if !m.isSet() {
		return
	}
	switch asked := batch != nil && batch.kind != playback && r.catching != nil; {
	case batch != nil:
		batch.last = m
		if asked && (m.ID != "" || !m.before(r.progress.Mark)) || m.Time.After(r.progress.Mark.Time) { // a replay may be all old
			r.progress.Mark = m
		}
	case r.catching != nil && !m.before(r.catching.live):
		r.catching.live = m
	case r.catching == nil && !m.before(r.progress.Mark):
		r.progress.Mark = m
	}
}

// before reports whether m is known to be older than o.
func (m checkpoint) before(o checkpoint) bool { return !m.Time.IsZero() && m.Time.Before(o.Time) }

// when is the server's time of a line, else the time at which we received it, which is then marked as assumed.
func when(in *received) event.Instant {
	if t, ok := serverTime(in); ok {
		if t.Nanosecond() == 0 { // histories that keep seconds print .000
			return event.NewInstant(t, event.PrecisionSecond)
		}
		return event.NewInstant(t, event.PrecisionMilli)
	}
	i := event.NewInstant(in.at.Truncate(time.Second), event.PrecisionSecond)
	i.Assumed = true
	return i
}

func serverTime(in *received) (time.Time, bool) {
	_, v := in.msg.GetTag("time")
	if v == "" {
		return time.Time{}, false
	}
	t, err := time.Parse(time.RFC3339Nano, v)
	return t.UTC().Truncate(time.Millisecond), err == nil
}

// isPast reports whether a line is from before we joined a channel, in a batch or not.
func (s *session) isPast(r *channel, in *received) bool {
	t, timed := serverTime(in)
	return s.history.batchOf(in) != nil || timed && t.Add(clocksApart).Before(r.joined)
}

// clocksApart is how far the clocks of a network's servers may differ. It is less than rejoinDelay: what made us leave is past.
const clocksApart = 10 * time.Second

// speaker is who sent a message; empty for a server, which is not a person.
func speaker(m *ircmsg.Message) string {
	nick, _, full := strings.Cut(m.Source, "!")
	if !full && strings.Contains(nick, ".") {
		return ""
	}
	nick, _, _ = strings.Cut(nick, "@")
	return nick
}
