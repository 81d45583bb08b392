// Package eventtest makes arbitrary events for property tests. It promises that every kind and every field comes up, with
// texts that hold what chats hold: any rune, line ends, zero bytes.
package eventtest

import (
	"time"

	"pgregory.net/rapid"

	"github.com/agrichat/agrichat/internal/event"
)

// Events makes sealed events of every kind.
func Events() *rapid.Generator[*event.Event] {
	return rapid.Custom(func(t *rapid.T) *event.Event {
		e := &event.Event{
			Source:    event.Source(id().Draw(t, "source")),
			Namespace: event.Namespace(id().Draw(t, "namespace")),
			Account:   event.Account(rapid.String().Draw(t, "account")),
			Channel:   event.Channel(id().Draw(t, "channel")),
			NativeID:  event.NativeID(id().Draw(t, "native id")),
			Author:    People().Draw(t, "author"),
			Revision:  event.Revision(id().Draw(t, "revision")),
			Sent:      Instants().Draw(t, "sent"),
			Body:      body(t),
			Raw:       rapid.SliceOf(rapid.Byte()).Draw(t, "raw"),
		}
		if len(e.Raw) == 0 {
			e.Raw = nil
		}
		e.Reading = readings(t, e.Sent)
		e.Kind = KindOf(e.Body)
		if err := e.Seal(); err != nil {
			t.Fatalf("sealing: %v", err)
		}
		return e
	})
}

// Copies makes events that have the id of e, and any author, time and body of the same kind.
func Copies(e *event.Event) *rapid.Generator[*event.Event] {
	return rapid.Custom(func(t *rapid.T) *event.Event {
		c := *e
		c.Author, c.Sent = People().Draw(t, "author"), Instants().Draw(t, "sent")
		c.Reading = readings(t, c.Sent)
		c.Body = bodies()[e.Kind].Draw(t, "body")
		return &c
	})
}

// readings makes what was left open of an event sent then: nothing where there is nothing to be read otherwise.
func readings(t *rapid.T, sent event.Instant) (r event.Reading) {
	r.Unversioned, r.Differs = rapid.Bool().Draw(t, "unversioned"), rapid.Bool().Draw(t, "differs")
	r.AsOf = rapid.Int64Range(0, 2).Draw(t, "as of")
	if sent.Assumed {
		r.ZoneNamed = rapid.Int64Range(0, 3).Draw(t, "zone named")
		r.DateGuessed = rapid.Bool().Draw(t, "date guessed")
	}
	if r.Charset = rapid.SampledFrom([]string{"", "utf-8", "koi8-r", "windows-1251"}).Draw(t, "charset"); r.Charset != "" {
		r.CharsetNamed = rapid.Int64Range(0, 2).Draw(t, "charset named")
	}
	return r
}

// KindOf is the kind of events with such a body.
func KindOf(b event.Body) event.Kind {
	switch b.(type) {
	case *event.Message:
		return event.KindMessage
	case *event.Deletion:
		return event.KindDeletion
	case *event.Reaction:
		return event.KindReaction
	case *event.Reactions:
		return event.KindReactions
	case *event.PollResults:
		return event.KindPoll
	case *event.Membership:
		return event.KindMembership
	case *event.ChannelInfo:
		return event.KindChannel
	case *event.Identity:
		return event.KindIdentity
	}
	return event.KindUnparsed
}

func id() *rapid.Generator[string] { return rapid.StringN(1, 12, 48) }

// Instants makes times, also none.
func Instants() *rapid.Generator[event.Instant] {
	return rapid.Custom(func(t *rapid.T) event.Instant {
		if rapid.Bool().Draw(t, "none") {
			return event.Instant{}
		}
		micros := rapid.Int64Range(-2_000_000_000_000_000, 4_000_000_000_000_000).Draw(t, "micros")
		precisions := []event.Precision{
			event.PrecisionDay, event.PrecisionMinute, event.PrecisionSecond, event.PrecisionMilli, event.PrecisionMicro,
		}
		in := event.NewInstant(time.UnixMicro(micros), rapid.SampledFrom(precisions).Draw(t, "precision"))
		in.Zone = rapid.SampledFrom([]string{"", "+03:00", "Europe/Moscow"}).Draw(t, "zone")
		in.Assumed = rapid.Bool().Draw(t, "assumed")
		return in
	})
}

// People makes persons, also the zero one.
func People() *rapid.Generator[event.Person] {
	return rapid.Custom(func(t *rapid.T) event.Person {
		return event.Person{
			Namespace: event.Namespace(rapid.StringN(0, 4, -1).Draw(t, "namespace")),
			ID:        event.AuthorID(rapid.StringN(0, 4, -1).Draw(t, "id")),
			Name:      rapid.String().Draw(t, "name"),
			Bot:       rapid.Bool().Draw(t, "bot"),
		}
	})
}

func body(t *rapid.T) event.Body {
	kinds := []event.Kind{
		event.KindMessage, event.KindDeletion, event.KindReaction, event.KindReactions, event.KindPoll, event.KindMembership,
		event.KindChannel, event.KindIdentity, event.KindUnparsed,
	}
	return bodies()[rapid.SampledFrom(kinds).Draw(t, "kind")].Draw(t, "body")
}

func bodies() map[event.Kind]*rapid.Generator[event.Body] {
	of := func(make func(t *rapid.T) event.Body) *rapid.Generator[event.Body] { return rapid.Custom(make) }
	text := rapid.String()
	return map[event.Kind]*rapid.Generator[event.Body]{
		event.KindMessage:  of(func(t *rapid.T) event.Body { return message(t) }),
		event.KindDeletion: of(func(t *rapid.T) event.Body { return &event.Deletion{Reason: text.Draw(t, "reason")} }),
		event.KindReaction: of(func(t *rapid.T) event.Body {
			return &event.Reaction{
				Target: event.NativeID(id().Draw(t, "target")), Emoji: text.Draw(t, "emoji"), Removed: rapid.Bool().Draw(t, "gone"),
			}
		}),
		event.KindReactions: of(func(t *rapid.T) event.Body { return reactions(t) }),
		event.KindPoll: of(func(t *rapid.T) event.Body {
			return &event.PollResults{Target: event.NativeID(id().Draw(t, "target")), Poll: *poll(t)}
		}),
		event.KindMembership: of(func(t *rapid.T) event.Body {
			states := []string{event.MemberJoined, event.MemberLeft, event.MemberBanned}
			return &event.Membership{
				State: rapid.SampledFrom(states).Draw(t, "state"), By: People().Draw(t, "by"), Reason: text.Draw(t, "reason"),
			}
		}),
		event.KindChannel: of(func(t *rapid.T) event.Body {
			return &event.ChannelInfo{Name: text.Draw(t, "name"), Type: text.Draw(t, "type"), Topic: text.Draw(t, "topic")}
		}),
		event.KindIdentity: of(func(t *rapid.T) event.Body { return &event.Identity{Username: text.Draw(t, "username")} }),
		event.KindUnparsed: of(func(t *rapid.T) event.Body {
			return &event.Unparsed{
				Reason: text.Draw(t, "reason"), File: text.Draw(t, "file"),
				Line: rapid.IntRange(0, 9).Draw(t, "line"), Offset: rapid.Int64Range(0, 9).Draw(t, "offset"),
			}
		}),
	}
}

func reactions(t *rapid.T) *event.Reactions {
	r := &event.Reactions{Target: event.NativeID(id().Draw(t, "target")), Complete: rapid.Bool().Draw(t, "complete")}
	for range rapid.IntRange(0, 2).Draw(t, "reactions") {
		emoji := rapid.String().Draw(t, "emoji")
		r.Counts = append(r.Counts, event.ReactionCount{Emoji: emoji, Count: rapid.IntRange(0, 9).Draw(t, "count")})
		r.People = append(r.People, event.ReactionPerson{
			Person: People().Draw(t, "person"), Emoji: emoji, Sent: Instants().Draw(t, "sent"),
		})
	}
	return r
}

func poll(t *rapid.T) *event.Poll {
	return &event.Poll{
		Question: "q", Options: []event.PollOption{{Text: "a", Votes: rapid.IntRange(0, 11).Draw(t, "votes")}, {Text: "b", Votes: 1}},
		Voters: rapid.IntRange(0, 2).Draw(t, "voters"), Closed: rapid.Bool().Draw(t, "closed"),
	}
}

func message(t *rapid.T) *event.Message {
	types := []event.MessageType{event.TypeMessage, event.TypeAction, event.TypeService}
	m := &event.Message{
		Type: rapid.SampledFrom(types).Draw(t, "type"), Text: rapid.String().Draw(t, "text"), Edited: Instants().Draw(t, "edited"),
		Thread: event.NativeID(rapid.String().Draw(t, "thread")),
	}
	if rapid.Bool().Draw(t, "plain") {
		return m
	}
	m.ReplyTo = &event.Ref{NativeID: event.NativeID(id().Draw(t, "reply")), Channel: "c", Namespace: "n"}
	m.Forward = &event.Forward{From: People().Draw(t, "from"), Channel: "c", NativeID: "1", Sent: Instants().Draw(t, "when")}
	m.Attachments = []event.Attachment{{
		Kind: "photo", Name: rapid.String().Draw(t, "file"), Path: "p", SHA256: event.Digest("a") + event.Digest("b"), URL: "u",
		MIME: "m", Bytes: 1, Width: 2, Height: 3, Seconds: 1.5, NativeID: "9",
	}}
	if rapid.Bool().Draw(t, "missing") {
		m.Attachments[0].SHA256, m.Attachments[0].Missing = "", "gone"
	}
	m.Mentions = []event.Person{People().Draw(t, "mention")}
	m.Links, m.Hashtags = []string{"https://example.org/?a=b&c=<d>"}, []string{"beds"}
	m.Poll = poll(t)
	m.Service = &event.Service{
		Action: event.ActionPin, Native: "pin", Members: []event.Person{People().Draw(t, "member")}, Target: "1", Text: "t",
	}
	m.Details = rapid.MapOfN(rapid.String(), rapid.String(), 1, 3).Draw(t, "details")
	return m
}
