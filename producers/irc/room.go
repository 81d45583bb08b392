package irc

import (
	"slices"
	"strings"
	"time"

	"github.com/ergochat/irc-go/ircmsg"

	"github.com/agrichat/agrichat/internal/charset"
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
	before   []recentLine // what progress held of Recent when the connection began
	untimed  []recentLine // the same of Untimed, less what has come again
	passing  pass
	joined   time.Time // by the server's clock; zero: it did not say
	catching *catching // not nil while what was missed is being asked for
}

// catching is the state of asking for what was missed. Until it is done the mark follows only the answers: were it moved by
// what is said meanwhile, a crash would lose the rest.
type catching struct {
	asked  mark
	byTime bool
	paged  bool // asked is from an answer
	live   mark // the last message said meanwhile
}

// replay is an open batch of history.
type replay struct {
	room    *room
	ref     string
	kind    string
	count   int
	last    mark
	passing pass
	before  []recentLine // of room, those that have not come again
	// tally counts the lines without msgid and time: an answer has all lines of its minutes, except where its ends cut one.
	tally producers.Tally
}

// pass counts the equal lines of one instant while a server tells a channel's lines in order. A line that comes again, in a batch or
// over a new connection, is counted from the start, and so has the id that it had.
type pass struct {
	at    time.Time
	tally producers.Tally
}

func (p *pass) next(at time.Time, author event.AuthorID, text string) (event.NativeID, bool) {
	if !at.Equal(p.at) {
		p.at, p.tally = at, producers.Tally{}
	}
	return p.tally.Next(at.Format(time.DateOnly), at.Format("15:04:05.000"), author, text)
}

// recentLine is a line of the last second that was told to the millisecond: a history may keep only seconds.
type recentLine struct {
	Time time.Time      `json:"time"`
	Line string         `json:"line"` // digest of author and text
	ID   event.NativeID `json:"id"`
}

// recentKept bounds the lines of a second.
const recentKept = 64

func digestOf(author event.AuthorID, text string) string {
	return event.Digest(string(author), producers.NormaliseText(text))
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
		e.NativeID = s.contentKey(r, batch, in, sent.At, what)
	}
	e.Reading.Charset = in.charset
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

// contentKey names a line that the network gave no id. Where the network tells its time to the millisecond, that is part of the key:
// however the line comes, it has the same one. Else the key is that of logs: of the minute in which we received it.
func (s *session) contentKey(r *room, batch *replay, in *received, at time.Time, what said) event.NativeID {
	author, text := keyForm(in, what).key()
	day, minute := at.Format(time.DateOnly), at.Format("15:04")
	var id event.NativeID
	var ambiguous bool
	switch stamped, timed := serverTime(in); {
	case timed && s.recallUntimed(r, stamped, author, text, &id):
	case timed && batch != nil:
		if known, ok := batch.recall(stamped, author, text); ok {
			return known
		}
		id, ambiguous = batch.passing.next(stamped, author, text)
	case timed:
		id, ambiguous = r.passing.next(stamped, author, text)
		r.progress.keep(stamped, author, text, id)
	case batch != nil:
		id, ambiguous = batch.tally.Next(day, minute, author, text)
	default:
		id, ambiguous = r.progress.tally(day+" "+minute).Next(day, minute, author, text)
		if s.caps["server-time"] && what.Type != event.TypeService {
			r.progress.keepUntimed(at, author, text, id)
		}
	}
	if ambiguous {
		s.out.Counts.Ambiguous++
	}
	return id
}

// keyForm is what a line's content key is made of: of one that is not UTF-8 its bytes, so that it does not depend on the charset.
func keyForm(in *received, what said) said {
	if in.charset == "" {
		return what
	}
	m, err := ircmsg.ParseLine(charset.Key(in.raw))
	if err != nil {
		return what
	}
	if key, ok := saidIn(&m); ok {
		return key.clean()
	}
	return what
}

// keep remembers a line until one of a later second comes.
func (p *progress) keep(at time.Time, author event.AuthorID, text string, id event.NativeID) {
	second := at.Truncate(time.Second)
	if n := len(p.Recent); n > 0 {
		last := p.Recent[n-1].Time.Truncate(time.Second)
		if second.Before(last) { // told again
			return
		}
		if second.After(last) {
			p.Recent = p.Recent[:0]
		}
	}
	if second.Equal(at) || len(p.Recent) == recentKept {
		return
	}
	p.Recent = append(p.Recent, recentLine{at, digestOf(author, text), id})
}

// untimedKept bounds what is remembered for a bouncer that tells the times only of what it kept: more than those keep by default.
const untimedKept = 500

// keepUntimed remembers a line that came without a time from a server that tells times: older bouncers do when they replay it.
func (p *progress) keepUntimed(at time.Time, author event.AuthorID, text string, id event.NativeID) {
	if len(p.Untimed) == untimedKept {
		p.Untimed = slices.Delete(p.Untimed, 0, 1)
	}
	p.Untimed = append(p.Untimed, recentLine{at, digestOf(author, text), id})
}

// recallUntimed finds the id of a line that came over an earlier connection without its time.
func (s *session) recallUntimed(r *room, at time.Time, author event.AuthorID, text string, id *event.NativeID) bool {
	if len(r.untimed) == 0 {
		return false
	}
	line := digestOf(author, text)
	i := slices.IndexFunc(r.untimed, func(l recentLine) bool {
		return l.Line == line && l.Time.Sub(at).Abs() <= receivedWithin
	})
	if i < 0 {
		return false
	}
	*id = r.untimed[i].ID
	r.untimed = slices.Delete(r.untimed, i, i+1)
	return true
}

// receivedWithin is how far our clock and the way to us may put a line from its time.
const receivedWithin = time.Minute

// recall returns the id of a line that came before with its milliseconds.
func (b *replay) recall(at time.Time, author event.AuthorID, text string) (event.NativeID, bool) {
	if len(b.before) == 0 || at.Nanosecond() != 0 || !b.before[0].Time.Truncate(time.Second).Equal(at) {
		return "", false
	}
	line := digestOf(author, text)
	i := slices.IndexFunc(b.before, func(r recentLine) bool { return r.Line == line })
	if i < 0 {
		return "", false
	}
	id := b.before[i].ID
	b.before = slices.Delete(b.before, i, i+1)
	return id, true
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
	at := in.at.UTC()
	author, text := what.key()
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
func (r *room) advance(m mark, batch *replay) {
	if !m.known() {
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
func (m mark) before(o mark) bool { return !m.Time.IsZero() && m.Time.Before(o.Time) }

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

// isPast reports whether a line tells of what was before we joined a channel, in a batch or not.
func (s *session) isPast(r *room, in *received) bool {
	t, timed := serverTime(in)
	return s.batchOf(in) != nil || timed && t.Add(clocksApart).Before(r.joined)
}

// clocksApart is how far the clocks of a network's servers may be apart. It is less than rejoinDelay: what made us leave is past.
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
