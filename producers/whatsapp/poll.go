package whatsapp

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/producers"
	"github.com/agrichat/agrichat/producers/whatsapp/header"
)

// poll reads a poll from a text: its word, the question, then an option a line, each with its votes in brackets. The votes
// change between two exports, so the content key and the text are made without them.
func (r *reader) poll(s *parsed) {
	head, rest, ok := strings.Cut(s.body.Text, "\n")
	word, tail, colon := strings.Cut(head, ":")
	if !ok || !colon || strings.TrimSpace(tail) != "" || !r.phrases.poll[key(word)] {
		return
	}
	question, rest, _ := strings.Cut(rest, "\n")
	p := &event.Poll{Question: strings.TrimSpace(question), Options: []event.PollOption{}}
	var k, asked strings.Builder
	k.WriteString("\x01poll\x01" + p.Question)
	asked.WriteString(head + "\n" + question)
	for line := range strings.SplitSeq(rest, "\n") {
		word, text, ok := strings.Cut(line, ":")
		if ok && r.phrases.option[key(word)] {
			o := option(strings.TrimSpace(text))
			p.Options = append(p.Options, o)
			k.WriteString("\x01" + o.Text)
			line = word + ": " + o.Text
		}
		asked.WriteString("\n" + line)
	}
	if len(p.Options) > 0 {
		s.body.Poll, s.key, s.body.Text = p, k.String(), asked.String()
	}
}

// pollResults takes the results of a message's poll out of the message, and returns them as an event of their own.
func (s *session) pollResults(ctx context.Context, message *event.Event) (event.Event, error) {
	body := message.Body.(*event.Message)
	if err := s.observe(ctx); err != nil {
		return event.Event{}, err
	}
	out, err := producers.PollResults(message.NativeID, body.Poll, s.observed, producers.Unnamed(s.observed, s.archive.zone))
	if err != nil {
		return event.Event{}, err
	}
	body.Poll = body.Poll.WithoutResults()
	out.Source, out.Namespace, out.Account, out.Channel = message.Source, message.Namespace, message.Account, message.Channel
	return out, nil
}

// observe finds the time of the newest message of the whole file, once: an export does not say when it was made.
func (s *session) observe(ctx context.Context) (err error) {
	if !s.observed.IsZero() {
		return nil
	}
	r, err := s.archive.File.Open()
	if err != nil {
		return fmt.Errorf("opening %s to find its newest message: %w", s.archive.File.Path, err)
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	if s.observed, err = newLog(r, s.log.reader, s.archive.zone, s.decoder, cursor{}).latest(ctx); err != nil {
		return fmt.Errorf("looking for the newest message of %s: %w", s.archive.File.Path, err)
	}
	return nil
}

func option(s string) event.PollOption {
	i := strings.LastIndex(s, " (")
	if i < 0 || !strings.HasSuffix(s, ")") {
		return event.PollOption{Text: s}
	}
	n, digits, _ := header.LeadingNumber(s[i+2:], 9)
	if digits == 0 {
		return event.PollOption{Text: s}
	}
	return event.PollOption{Text: s[:i], Votes: n}
}

const mapLink = "https://maps.google.com/?q="

// location reads a place that was sent, and what is in place of a message that could be seen once.
func (r *reader) location(s *parsed, phrase string) {
	if i := strings.Index(s.body.Text, mapLink); i >= 0 {
		word := key(strings.TrimRight(s.body.Text[:i], ": "))
		if word == "" || r.phrases.location[word] {
			where, _, _ := strings.Cut(s.body.Text[i+len(mapLink):], "\n")
			s.detail("location", strings.TrimSpace(where))
		}
		return
	}
	if phrase == "" {
		return
	}
	if r.phrases.live[phrase] {
		s.detail("location", "live")
		return
	}
	for i := range r.phrases.once {
		if _, ok := r.phrases.once[i].match(s.body.Text, false); ok {
			s.detail("view_once", "true")
			s.body.Attachments = append(s.body.Attachments, event.Attachment{Kind: "file", Missing: "it could be seen once only"})
			return
		}
	}
}
