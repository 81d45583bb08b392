package irc

import (
	"strings"
	"time"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/producers"
)

// room is a channel that we are in, or want to be.
type room struct {
	id       event.Channel
	name     string
	topic    string
	people   map[string]string // who is there: folded nick to nick; quits and new nicks do not name channels
	progress progress
	catching *catching // not nil while what was missed is being asked for
}

// catching is the state of asking for what was missed. Until it is done the mark follows only the answers: were it moved by
// what is said meanwhile, a crash would lose the rest.
type catching struct {
	asked  mark
	byTime bool
	live   mark // the last message said meanwhile
}

// replay is an open batch of history.
type replay struct {
	room  *room
	count int
	last  mark
	// tally counts the lines without msgid: an answer has all lines of its minutes, except where its ends cut one.
	tally producers.Tally
}

// emit makes an event of what was said in a room.
func (s *session) emit(r *room, in *received, what said) {
	what = what.clean()
	sent := when(in)
	e := event.Event{
		Kind: event.KindMessage, Author: person(what.Nick), Sent: sent, Body: s.details(what, in), Raw: in.raw, Channel: r.id,
	}
	isBot := in.msg.HasTag("bot") || in.msg.HasTag("draft/bot") || in.msg.HasTag("inspircd.org/bot")
	e.Author.Bot = isBot && !e.Author.IsZero()
	_, id := in.msg.GetTag("msgid")
	batch := s.batchOf(in)
	if e.NativeID = event.NativeID(id); id == "" {
		e.NativeID = s.contentKey(r, batch, sent.At, what)
	}
	s.seal(e)
	if what.Type != event.TypeService || what.Action == event.ActionNotice {
		_, told := serverTime(in)
		m := mark{ID: event.NativeID(id)}
		if told {
			m.Time = sent.At
		}
		r.advance(m, batch)
	}
}

// details adds what the tags tell beside the line itself.
func (s *session) details(what said, in *received) *event.Message {
	body := what.body()
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

func (s *session) contentKey(r *room, batch *replay, at time.Time, what said) event.NativeID {
	day, minute := at.Format(time.DateOnly), at.Format("15:04")
	tally := r.progress.tally(day + " " + minute)
	if batch != nil {
		tally = &batch.tally
	}
	author, text := what.key()
	id, ambiguous := tally.Next(day, minute, author, text)
	if ambiguous {
		s.out.Counts.Ambiguous++
	}
	return id
}

// seal completes an event and puts it into the batch. Everything that an id needs is set by now, so it cannot fail but by
// a mistake here; then it must not pass unseen.
func (s *session) seal(e event.Event) {
	e.Source, e.Namespace, e.Account = sourceName, event.Namespace(s.live.cfg.Network), s.live.account
	if e.Revision == "" {
		e.Revision = event.Unedited
	}
	if err := e.Seal(); err != nil {
		s.err = err
		return
	}
	if e.Kind != event.KindChannel { // told along with a join, which is counted
		s.out.Counts.Read++
	}
	s.out.Events = append(s.out.Events, e)
}

// unparsed keeps a line that is no message, or one that tells of something lost.
func (s *session) unparsed(r *room, in *received, reason string) {
	if r == nil {
		r = s.stray
	}
	// Its bytes name it, not its text: they may be of any charset.
	what := said{Type: event.TypeService, Native: "unparsed", Note: event.Digest(string(in.raw))}
	id := s.contentKey(r, nil, in.at.UTC(), what)
	s.out.Counts.Unparsed++
	s.seal(event.Event{
		Kind: event.KindUnparsed, Channel: r.id, NativeID: id, Raw: in.raw,
		Body: &event.Unparsed{Reason: reason, File: s.live.cfg.Server},
	})
}

// advance moves the mark on after a message has been delivered.
func (r *room) advance(m mark, batch *replay) {
	if !m.known() {
		return
	}
	switch {
	case batch != nil:
		batch.last = m
		if r.catching != nil || m.Time.After(r.progress.Mark.Time) { // a replay that nobody asked for may be all old
			r.progress.Mark = m
		}
	case r.catching != nil:
		r.catching.live = m
	default:
		r.progress.Mark = m
	}
}

// when is the server's time of a line, else the time at which we received it, which is then marked as assumed.
func when(in *received) event.Instant {
	if t, ok := serverTime(in); ok {
		if t.Nanosecond() == 0 { // histories that keep seconds print .000
			return event.Known(t, event.PrecisionSecond)
		}
		return event.Known(t, event.PrecisionMilli)
	}
	i := event.Known(in.at.Truncate(time.Second), event.PrecisionSecond)
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

// speaker is who sent a message; empty for a server, which is not a person.
func speaker(in *received) string {
	nick, _, full := strings.Cut(in.msg.Source, "!")
	if !full && strings.Contains(nick, ".") {
		return ""
	}
	nick, _, _ = strings.Cut(nick, "@")
	return nick
}
