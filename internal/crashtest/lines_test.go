package crashtest

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"time"
)

// scribe writes lines of the project's own format, each at a later second than the one before, so that which state is the
// last never depends on chance.
type scribe struct {
	model  *model
	random *rand.Rand
	clock  int64
	lines  [][]byte
}

type line map[string]any

// linesOf are files of messages with all that can happen to them afterwards, much of it in an earlier place, or an earlier
// file, than the message.
func linesOf(m *model, random *rand.Rand) []file {
	s := &scribe{model: m, random: random, clock: began().Unix()}
	for i := range linesFiles * linesMessages {
		s.message(fmt.Sprintf("m%d", i), []string{"garden", "music"}[i%2])
		if i%25 == 0 {
			s.membership(i / 25 % 12)
		}
	}
	// Everything moves by up to half a file.
	per := (len(s.lines) + linesFiles - 1) / linesFiles
	for i := range s.lines {
		j := min(i+random.IntN(per/2), len(s.lines)-1)
		s.lines[i], s.lines[j] = s.lines[j], s.lines[i]
	}
	var files []file
	for n := range linesFiles {
		part := s.lines[n*per : min((n+1)*per, len(s.lines))]
		files = append(files, file{fmt.Sprintf("3-lines/%d.jsonl", n+1), append(bytes.Join(part, []byte("\n")), '\n')})
	}
	return files
}

// write adds a line, and returns when it says to have happened.
func (s *scribe) write(channel string, l line) int64 {
	s.clock++
	l["network"], l["channel"] = "allotments", channel
	at := time.Unix(s.clock, 0).UTC().Format(time.RFC3339)
	if l["kind"] == "edit" {
		l["edited"] = at
	} else {
		l["sent"] = at
	}
	s.lines = append(s.lines, encoded(l))
	return s.clock
}

func (s *scribe) person() string { return fmt.Sprintf("person%d", s.random.IntN(9)) }

func (s *scribe) message(id, channel string) {
	at := place{"jsonl", "allotments", channel, id}
	author := s.person()
	m := message{Kind: "message", Text: sentence(s.random)}
	l := line{"kind": "message", "id": id, "author": author, "text": m.Text}
	if s.random.IntN(4) == 0 {
		m.Reply = "m" + fmt.Sprint(s.random.IntN(100))
		l["reply_to"] = m.Reply
	}
	if s.random.IntN(20) == 0 {
		m.Kind = "action"
		l["type"] = m.Kind
	}
	sent := time.Unix(s.write(channel, l), 0).UTC().Format(time.RFC3339)
	if s.random.IntN(5) == 0 {
		first := m.Text
		for n := range 1 + s.random.IntN(3) { // there and back again: each is a state of its own
			if m.Text = first; n%2 == 0 {
				m.Text = "edited: " + first
			}
			edit := line{"kind": "edit", "id": id, "author": author, "text": m.Text, "sent": sent, "type": m.Kind}
			if m.Reply != "" {
				edit["reply_to"] = m.Reply
			}
			m.Edited = s.write(channel, edit)
		}
	}
	if s.random.IntN(12) == 0 {
		m.Deleted = s.write(channel, line{"kind": "delete", "id": id, "author": author})
	}
	s.model.Messages[at] = m
	s.react(at, channel)
}

// react sets reactions, takes some back, and sets some of these again.
func (s *scribe) react(at place, channel string) {
	for range s.random.IntN(4) {
		who, emoji := s.person(), []string{"👍", "🔥"}[s.random.IntN(2)]
		key := reactor{at, who, emoji}
		for n := range 1 + s.random.IntN(3) {
			l := line{"kind": "reaction", "target": at.ID, "author": who, "emoji": emoji}
			if n%2 == 1 {
				l["removed"] = true
				delete(s.model.Reactions, key)
			} else {
				s.model.Reactions[key] = 1
			}
			s.write(channel, l)
		}
	}
}

func (s *scribe) membership(who int) {
	state := []string{"joined", "left", "banned"}[s.random.IntN(3)]
	id := fmt.Sprintf("person%d", who)
	s.write("garden", line{"kind": "membership", "author": id, "state": state})
	s.model.Members[place{"jsonl", "allotments", "garden", id}] = state
}
