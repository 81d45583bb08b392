package difftest

import (
	"bytes"
	"strings"

	"github.com/agrichat/agrichat/internal/event"
)

// facts are what a reading says of messages beside their texts.
type facts struct {
	texts     map[event.ThingID]map[string]bool
	reactions map[event.ThingID]*event.Event // the latest snapshot of those to a message
}

func (r *Reading) facts() *facts {
	f := &facts{map[event.ThingID]map[string]bool{}, map[event.ThingID]*event.Event{}}
	for _, e := range r.Events {
		switch b := e.Body.(type) {
		case *event.Message:
			t := e.Thing()
			if f.texts[t] == nil {
				f.texts[t] = map[string]bool{}
			}
			f.texts[t][b.Text] = true
		case *event.Reactions:
			t := event.Thing(e.Source, e.Namespace, e.Channel, b.Target, event.ThingMessage)
			if later(e, f.reactions[t]) {
				f.reactions[t] = e
			}
		}
	}
	return f
}

// later reports whether a snapshot of reactions is before another one: as of a later time, or with more of them.
func later(e, than *event.Event) bool {
	if than == nil {
		return true
	}
	if !e.Sent.At.Equal(than.Sent.At) {
		return e.Sent.At.After(than.Sent.At)
	}
	if one, other := total(e), total(than); one != other {
		return one > other
	}
	return bytes.Compare(e.ID[:], than.ID[:]) > 0
}

func total(e *event.Event) (n int) {
	if b, ok := e.Body.(*event.Reactions); ok {
		for _, c := range b.Counts {
			n += c.Count
		}
	}
	return n
}

// rest says what a message refers to, and what became of it. state are the messages as they are.
func (f *facts) rest(g *Got, state map[event.ThingID]*event.Event) string {
	var r rest
	to := g.message.Thread
	if ref := g.message.ReplyTo; ref != nil {
		to = ref.NativeID
	}
	if to != "" {
		text := "?"
		if e := state[event.Thing(g.Source, g.Namespace, g.Channel, to, event.ThingMessage)]; e != nil {
			if m, ok := e.Body.(*event.Message); ok {
				text = m.Text
			}
		}
		r.answers(text)
	}
	if at := g.message.Edited; !at.IsZero() && !at.Assumed {
		r.edited(at.At)
	}
	if n := len(f.texts[g.Thing()]); n > 1 {
		r.versions(n)
	}
	if e := f.reactions[g.Thing()]; e != nil {
		if b, ok := e.Body.(*event.Reactions); ok {
			for _, c := range b.Counts {
				r.reacted(c.Emoji, c.Count)
			}
		}
	}
	return r.String()
}

// unparsed returns the records that were not understood: they are reported, each with its count.
func (r *Reading) unparsed() (out []Difference) {
	for _, e := range r.Events {
		if e.Kind == event.KindUnparsed {
			out = append(out, Difference{Got: &Got{Want: Want{Text: string(e.Raw)}, Event: e}, Reported: "unparsed"})
		}
	}
	return out
}

// unread reports whether the text of a message is in a record that was not understood.
func (r *Reading) unread(w *Want) bool {
	line, _, _ := strings.Cut(w.Text, "\n")
	forms := []string{line, strings.Trim(encode(line), `"`), strings.ReplaceAll(line, `"`, `""`)}
	for _, e := range r.Events {
		if e.Kind != event.KindUnparsed {
			continue
		}
		texts := []string{string(e.Raw)}
		for _, charset := range single() {
			if s, err := charset.NewDecoder().String(string(e.Raw)); err == nil {
				texts = append(texts, s)
			}
		}
		for _, s := range texts {
			for _, form := range forms {
				if strings.Contains(s, form) {
					return true
				}
			}
		}
	}
	return false
}
