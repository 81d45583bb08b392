package difftest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/ingest"
	"github.com/agrichat/agrichat/producers"
)

// Reading is what an import of some files brought.
type Reading struct {
	Events    map[event.ID]*event.Event
	Notices   map[string]int // by code
	Ambiguous int
	Unparsed  int
	Exports   map[ingest.Chat][]*ingest.Export
	Refused   []string // files that were not read to their end, and why

	was map[string]bool // author and text of what was edited since, while readings are compared
}

// Add joins what another reading brought, as the record does.
func (r *Reading) Add(o *Reading) {
	if r.Events == nil {
		r.Events, r.Notices, r.Exports = map[event.ID]*event.Event{}, map[string]int{}, map[ingest.Chat][]*ingest.Export{}
	}
	for id, e := range o.Events {
		r.add(id, e)
	}
	for code, n := range o.Notices {
		r.Notices[code] += n
	}
	for chat, of := range o.Exports {
		r.Exports[chat] = append(r.Exports[chat], of...)
	}
	r.Ambiguous += o.Ambiguous
	r.Unparsed += o.Unparsed
	r.Refused = append(r.Refused, o.Refused...)
}

func (r *Reading) add(id event.ID, e *event.Event) {
	if had := r.Events[id]; had != nil {
		e = event.Merge(had, e)
	}
	r.Events[id] = e
}

// Got is a message as it is after an import.
type Got struct {
	Want
	*event.Event
	message *event.Message
}

// Messages returns the messages as they are.
func (r *Reading) Messages() (out []Got) {
	f := r.facts()
	state := map[event.ThingID]*event.Event{}
	for _, e := range r.Events {
		if t := e.Thing(); e.Kind == event.KindMessage && (state[t] == nil || event.CompareVersions(state[t], e) < 0) {
			state[t] = e
		}
	}
	for _, e := range state {
		m, ok := e.Body.(*event.Message)
		if !ok {
			continue
		}
		author := e.Author.Name
		if author == "" {
			author = string(e.Author.ID)
		}
		g := Got{Want: Want{Author: author, Text: m.Text, At: e.Sent.At}, Event: e, message: m}
		if m.Type == event.TypeService {
			g.serve()
		} else {
			g.Rest = f.rest(&g, state)
		}
		out = append(out, g)
	}
	slices.SortFunc(out, func(a, b Got) int { return strings.Compare(a.key(), b.key()) })
	return out
}

// serve takes a message for one of the network's.
func (g *Got) serve() {
	g.Service, g.Text = "service without an action", ""
	s := g.message.Service
	if s == nil {
		return
	}
	if g.Service = s.Action; slices.Contains([]string{event.ActionTitle, event.ActionTopic, event.ActionCreate}, s.Action) {
		g.Text = s.Text
	}
}

// couldBe reports whether the message says that it may have been sent at another time, which is this one.
func (g *Got) couldBe(at time.Time) bool {
	return strings.HasPrefix(g.message.Details["sent_or"], at.UTC().Format("2006-01-02T15:04"))
}

func (w *Want) key() string {
	return w.Service + "\x00" + w.Author + "\x00" + w.Text + "\x00" + w.Rest + "\x00" + w.At.Format(time.RFC3339Nano)
}

func (w *Want) String() string {
	return strings.TrimSpace(fmt.Sprintf("%s %q: %q %s %s", w.At.Format(time.RFC3339Nano), w.Author, w.Text, w.Service, w.Rest))
}

// Difference is a message that is missing, too much, or otherwise than it was written; one of the sides may be empty.
type Difference struct {
	Want *Want
	Got  *Got
	// Reported is the notice code that reports it to the user; empty: the difference is silent.
	Reported string
}

// String says what differs.
func (d *Difference) String() string {
	switch {
	case d.Want == nil:
		return fmt.Sprintf("too much: %s in %s/%s", &d.Got.Want, d.Got.Namespace, d.Got.Channel)
	case d.Got == nil:
		return "missing: " + d.Want.String()
	}
	return fmt.Sprintf("written %s\n     read    %s", d.Want, &d.Got.Want)
}

// Compare holds what was read against what was written.
func (r *Reading) Compare(want []Want) (out []Difference) {
	out = append(r.mixed(want), r.unparsed()...)
	left, got := map[string][]*Want{}, r.Messages()
	r.was = map[string]bool{}
	for i := range want {
		r.was[want[i].Author+"\x00"+want[i].Was] = want[i].Was != ""
	}
	untimed := slices.ContainsFunc(want, func(w Want) bool { return w.Service != "" && w.At.IsZero() })
	for i := range want {
		left[want[i].key()] = append(left[want[i].key()], &want[i])
	}
	var extra []*Got
	for i := range got {
		if untimed && got[i].Service != "" {
			got[i].At, got[i].Want.Author = time.Time{}, ""
		}
		if k := got[i].key(); len(left[k]) > 0 {
			left[k] = left[k][1:]
			continue
		}
		extra = append(extra, &got[i])
	}
	var missing []*Want
	for _, ws := range left {
		missing = append(missing, ws...)
	}
	slices.SortFunc(missing, func(a, b *Want) int { return strings.Compare(a.key(), b.key()) })
	for _, alike := range []func(*Want, *Got) bool{
		func(w *Want, g *Got) bool {
			return w.Author == g.Want.Author && w.Text == g.Want.Text && w.At.Equal(g.At)
		},
		func(w *Want, g *Got) bool {
			return w.Author == g.Want.Author && w.Text == g.Want.Text && g.couldBe(w.At)
		},
		func(w *Want, g *Got) bool { return w.Author == g.Want.Author && w.Text == g.Want.Text },
		func(w *Want, g *Got) bool {
			return w.At.Equal(g.At) && (w.Author == g.Want.Author || w.Text == g.Want.Text)
		},
		func(w *Want, g *Got) bool { return w.At.Equal(g.At) },
		func(w *Want, g *Got) bool { return w.Author == g.Want.Author && g.couldBe(w.At) },
	} {
		missing = slices.DeleteFunc(missing, func(w *Want) bool {
			i := slices.IndexFunc(extra, func(g *Got) bool { return alike(w, g) })
			if i < 0 {
				return false
			}
			out = append(out, r.explain(w, extra[i]))
			extra = slices.Delete(extra, i, i+1)
			return true
		})
	}
	for _, w := range missing {
		out = append(out, r.explain(w, nil))
	}
	for _, g := range extra {
		out = append(out, r.explain(nil, g))
	}
	return out
}

// mixed returns messages of one chat that are in a channel with those of the other.
func (r *Reading) mixed(want []Want) (out []Difference) {
	of := map[string][2]int{}
	for i := range want {
		n := of[want[i].key()]
		if n[0]++; want[i].Other {
			n[1]++
		}
		of[want[i].key()] = n
	}
	channels := map[event.Key][2]*Got{}
	got := r.Messages()
	for i := range got {
		n := of[got[i].key()]
		if n[0] == 0 || n[1] != 0 && n[1] != n[0] { // both chats have this one
			continue
		}
		sides := channels[got[i].ChannelKey()]
		sides[min(n[1], 1)] = &got[i]
		channels[got[i].ChannelKey()] = sides
	}
	for _, sides := range channels {
		if sides[0] != nil && sides[1] != nil {
			out = append(out, Difference{Got: sides[1], Reported: r.first("channel-from-path", "channel-guessed")})
		}
	}
	return out
}

// explain finds the notice that reports a difference to the user.
func (r *Reading) explain(w *Want, g *Got) Difference {
	d := Difference{Want: w, Got: g}
	switch {
	case w != nil && g != nil && w.Service != g.Service:
		if g.Event.Reading.Charset != "" { // its words were not known in that charset
			d.Reported = r.first("charset-guessed")
		}
	case w != nil && g != nil && w.Author == g.Want.Author && w.Text == g.Want.Text && w.At.Equal(g.At): // the rest differs
		if d.Reported = r.first("charset-guessed", "bytes-replaced"); d.Reported == "" && r.differs() { // the text that it answers
			d.Reported = "texts-differ"
		}
	case w != nil && g != nil && strings.HasPrefix(g.Want.Author, w.Author+": ") && w.Text == strings.TrimPrefix(g.Want.Author, w.Author+": ")+": "+g.Want.Text:
		d.Reported = r.first("name-guessed")
	case w != nil && g != nil && w.Author == g.Want.Author && w.Text == g.Want.Text:
		if d.Reported = r.otherTime(w, g); d.Reported == "" && r.Ambiguous > 0 && w.At.Truncate(time.Minute).Equal(g.At.Truncate(time.Minute)) {
			d.Reported = "ambiguous" // which of the equal lines of a minute it is
		}
	case w != nil && g != nil && g.Event.Reading.Differs && (w.At.Equal(g.At) || g.couldBe(w.At)):
		d.Reported = "texts-differ"
	case w != nil && g != nil:
		d.Reported = r.first("charset-guessed", "bytes-replaced")
	}
	switch {
	case d.Reported != "":
	case w != nil && g == nil && r.unread(w):
		d.Reported = "unparsed"
	case w != nil && g == nil && r.meeting():
		d.Reported = "overlap-edge"
	case len(r.Refused) > 0:
		d.Reported = "refused"
	case r.Notices["namespace-assumed"] > 0: // --namespace joins them
		d.Reported = "namespace-assumed"
	case w == nil && r.standsTwice(g):
		d.Reported = "overlap"
	case w == nil && g.Event.Reading.Charset != "" && r.Notices["charset-guessed"] > 0: // what it is a copy of was read in another charset
		d.Reported = "charset-guessed"
	case w == nil && r.was[g.Want.Author+"\x00"+g.Want.Text] && r.differing():
		d.Reported = "overlap-differs"
	}
	return d
}

// meeting reports whether two exports of a chat meet within a minute: of equal lines there one may be missing.
func (r *Reading) meeting() bool {
	for _, of := range r.Exports {
		if ingest.Meeting(of) > 0 {
			return true
		}
	}
	return false
}

// differs reports whether copies of a message had different texts.
func (r *Reading) differs() bool {
	for _, e := range r.Events {
		if e.Reading.Differs {
			return true
		}
	}
	return false
}

// differing reports whether an export of a chat holds messages between two that another one holds too, and that one lacks them.
func (r *Reading) differing() bool {
	for _, of := range r.Exports {
		if ingest.Differing(of) > 0 {
			return true
		}
	}
	return false
}

func (r *Reading) first(codes ...string) string {
	for _, c := range codes {
		if r.Notices[c] > 0 {
			return c
		}
	}
	return ""
}

func (r *Reading) otherTime(w *Want, g *Got) string {
	switch {
	case g.Sent.IsZero():
		return r.first("no-time")
	case g.couldBe(w.At):
		return "sent_or"
	case g.message.Details["skipped_hour"] != "":
		return "skipped-hour"
	case g.Event.Reading.DateGuessed:
		return r.first("date-order-guessed")
	}
	return ""
}

// standsTwice reports whether the same words of the same minute are in another chat of that name, or under the other kind of id: what
// `agrichat import` finds in the record and reports.
func (r *Reading) standsTwice(g *Got) bool {
	names := map[event.Key]string{}
	for _, e := range r.Events {
		if c, ok := e.Body.(*event.ChannelInfo); ok && c.Name != "" {
			names[e.ChannelKey()] = strings.ToLower(c.Name)
		}
	}
	minute := g.At.Truncate(time.Minute)
	for _, o := range r.Messages() {
		other := o.ChannelKey() != g.ChannelKey() && names[o.ChannelKey()] == names[g.ChannelKey()] && names[g.ChannelKey()] != ""
		keyed := o.ChannelKey() == g.ChannelKey() && producers.IsContentKey(o.NativeID) != producers.IsContentKey(g.NativeID)
		near := g.Service != "" && o.At.Sub(g.At).Abs() < 26*time.Hour || // of some only the day is known
			o.At.Truncate(time.Minute).Equal(minute) || g.couldBe(o.At) || o.couldBe(g.At)
		if (other || keyed) && o.Want.Text == g.Want.Text && o.Service == g.Service && near {
			return true
		}
	}
	return false
}
