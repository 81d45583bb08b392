package slack

import (
	"slices"
	"strconv"
	"strings"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/jsonscan"
)

// message makes events of one record of a day.
func (s *reader) message(text, raw []byte) (why string, err error) {
	var r record
	if err := decode(text, &r); err != nil {
		return jsonscan.Reason(err), nil
	}
	sent := instant(string(r.TS))
	switch {
	case r.Type != "" && r.Type != "message":
		return "the record is of type " + strconv.Quote(string(r.Type)) + ", which is no message", nil
	case r.TS == "":
		return "the message has no ts, which is its id and its time", nil
	case sent.IsZero():
		return "the message's ts " + strconv.Quote(string(r.TS)) + " is no time", nil
	}
	defer s.Parsed(event.NativeID(r.TS))
	switch r.Subtype {
	case "tombstone": // when it was deleted is unknown, and by whom: the author named is Slack's own
		return "", s.deleted(r.TS, event.Instant{}, raw)
	case "message_deleted":
		if !instant(string(r.DeletedTS)).IsZero() {
			return "", s.deleted(r.DeletedTS, sent, raw)
		}
	case "message_changed":
		if in := r.Message.it; in != nil && !instant(string(in.TS)).IsZero() {
			if in.Edited.it == nil {
				in.Edited.it = &edit{TS: r.TS}
			}
			return "", s.written(in, instant(string(in.TS)), text, raw)
		}
	}
	return "", s.written(&r, sent, text, raw)
}

func (s *reader) deleted(ts plain, at event.Instant, raw []byte) error {
	of := event.Unedited
	if !at.IsZero() {
		of = event.RevisionAt(at.At)
	}
	return s.emit(event.Event{
		Channel: s.Channel, NativeID: event.NativeID(ts), Kind: event.KindDeletion, Revision: event.RevisionDeleted(of),
		Sent: at, Body: &event.Deletion{}, Raw: raw,
	})
}

func (s *reader) written(r *record, sent event.Instant, text, raw []byte) error {
	b := &event.Message{Type: event.TypeMessage, Details: map[string]string{}}
	shown := s.read(string(r.Text))
	if shown.text == "" && len(r.Files) == 0 && r.File.it == nil {
		shown = s.fallback(r, text)
		if shown.text != "" {
			b.Details["text_from"] = "attachments"
		}
	}
	b.Text, b.Mentions, b.Links = shown.text, shown.mentions, shown.links
	if r.ThreadTS != "" && r.ThreadTS != r.TS {
		b.Thread = event.NativeID(r.ThreadTS)
	}
	if r.Edited.it != nil {
		b.Edited = instant(string(r.Edited.it.TS))
	}
	b.Attachments = attached(r)
	b.Forward = s.shared(r)
	s.service(r, b)
	if r.User != "" && r.BotID != "" {
		b.Details["bot_id"] = string(r.BotID)
	}
	if len(b.Details) == 0 {
		b.Details = nil
	}
	e := event.Event{
		Channel: s.Channel, NativeID: event.NativeID(r.TS), Author: s.author(r), Kind: event.KindMessage,
		Revision: event.Unedited, Sent: sent, Body: b, Raw: raw,
	}
	if !b.Edited.IsZero() {
		e.Revision = event.RevisionAt(b.Edited.At)
	}
	if len(r.Reactions) == 0 && s.newest.Later(latest(sent, b.Edited)) && !sent.IsZero() {
		e.Reading.AsOf = s.newest.At.UnixMilli()
	}
	if err := s.emit(e); err != nil {
		return err
	}
	return s.reactions(r, raw, latest(sent, b.Edited))
}

// author is who wrote a message. Bots that are no users have an id of their own and call themselves what they like.
func (s *reader) author(r *record) event.Person {
	switch {
	case r.User != "":
		p := s.person(string(r.User), r.Profile.it.shown())
		p.Bot = p.Bot || r.BotProfile.it != nil || r.Subtype == "bot_message" // bot_id alone may be what a person added
		return p
	case r.Comment.it != nil && r.Comment.it.User != "":
		return s.person(string(r.Comment.it.User), "")
	case r.BotID != "" || r.Username != "":
		name := orElse(string(r.Username), r.BotProfile.it.shown())
		return event.Person{ID: event.AuthorID(r.BotID), Name: s.read(name).text, Bot: true}
	}
	return event.Person{}
}

// fallback is what is shown of a message whose text is empty, as that of many bots is.
func (s *reader) fallback(r *record, text []byte) markedUp {
	var parts []string
	for _, a := range r.Attachments {
		before := len(parts)
		for _, p := range [...]plain{a.Pretext, linked(a.Title, a.TitleLink), a.Text} {
			if p != "" {
				parts = append(parts, string(p))
			}
		}
		if len(parts) == before && a.Fallback != "" {
			parts = append(parts, string(a.Fallback))
		}
	}
	if len(parts) == 0 {
		return markedUp{text: blocks(text)}
	}
	return s.read(strings.Join(parts, "\n"))
}

func linked(title, target plain) plain {
	if title == "" || target == "" || strings.ContainsAny(string(target), "<>|\n") {
		return title
	}
	return "<" + target + "|" + plain(strings.NewReplacer("<", "&lt;", ">", "&gt;", "\n", " ").Replace(string(title))) + ">"
}

// shared is the message that this one passes on.
func (s *reader) shared(r *record) *event.Forward {
	for _, a := range r.Attachments {
		if a.IsShare == "true" && a.TS != "" {
			f := &event.Forward{Channel: event.Channel(a.ChannelID), NativeID: event.NativeID(a.TS), Sent: instant(string(a.TS))}
			if f.From = s.person(string(a.AuthorID), string(a.Author)); a.AuthorID == "" {
				f.From = event.Person{Name: string(a.Author)}
			}
			return f
		}
	}
	return nil
}

// reactions puts into the queue what the export shows of the reactions to a message. It does not say when it was made: the newest
// instant that it knows of is the latest at which this was surely not yet different. Of two exports that know the same instant the
// fuller list is taken for the younger one.
func (s *reader) reactions(r *record, raw []byte, at event.Instant) error {
	if len(r.Reactions) == 0 {
		return nil
	}
	at = latest(at, s.newest, instant(string(r.LatestReply)))
	for _, reply := range r.Replies {
		at = latest(at, instant(string(reply.TS)))
	}
	b := &event.Reactions{Target: event.NativeID(r.TS), Complete: true}
	parts, total := []string{"reactions"}, 0
	for _, x := range joined(r.Reactions) {
		n := x.reacted()
		if n == 0 {
			continue
		}
		b.Counts = append(b.Counts, event.ReactionCount{Emoji: string(x.Name), Count: n})
		b.Complete = b.Complete && n == len(x.Users)
		total += n
		parts = x.parts(parts)
		for _, u := range x.Users {
			b.People = append(b.People, event.ReactionPerson{Person: s.person(u, ""), Emoji: string(x.Name)})
		}
	}
	if total == 0 {
		return nil
	}
	if s.chars.Label != "" {
		key := record{}
		s.keyed(raw, &key)
		parts = parts[:1]
		for _, x := range joined(key.Reactions) {
			parts = x.parts(parts)
		}
	}
	var read event.Reading
	if !s.newest.IsZero() {
		read.AsOf = s.newest.At.UnixMilli()
	}
	return s.emit(event.Event{
		Channel: s.Channel, NativeID: event.NativeID(r.TS), Kind: event.KindReactions, Sent: at, Reading: read, Body: b,
		Revision: event.RevisionAt(at.At) + "." + event.RevisionSeq(uint64(total)) + "." + event.Revision(event.Digest(parts...)),
	})
}

// parts adds what distinguishes one state of the reaction from another.
func (x reaction) parts(to []string) []string {
	n := x.reacted()
	if n == 0 {
		return to
	}
	to = append(to, string(x.Name), strconv.Itoa(n))
	return append(to, slices.Sorted(slices.Values(x.Users))...)
}

// reacted is how many people reacted; zero if it is unknown with what.
func (x reaction) reacted() int {
	if x.Name == "" {
		return 0
	}
	return max(int(min(x.Count.number(), 1<<30)), len(x.Users))
}

// joined are the reactions, each name once: it is one emoji however often an export lists it, and who is listed twice reacted once.
func joined(list []reaction) []reaction {
	out := make([]reaction, 0, len(list))
	at := make(map[plain]int, len(list))
	for _, x := range list {
		i, found := at[x.Name]
		if !found {
			at[x.Name] = len(out)
			out = append(out, reaction{Name: x.Name})
			i = len(out) - 1
		}
		unnamed := max(x.Count.number()-int64(len(x.Users)), 0) + max(out[i].Count.number()-int64(len(out[i].Users)), 0)
		for _, u := range x.Users {
			if !slices.Contains(out[i].Users, u) {
				out[i].Users = append(out[i].Users, u)
			}
		}
		out[i].Count = plain(strconv.FormatInt(min(unnamed, 1<<30)+int64(len(out[i].Users)), 10))
	}
	return out
}

// spoken reports whether a subtype is of messages that somebody wrote; the others are Slack's own reports.
func spoken(subtype plain) bool {
	switch subtype {
	case "", "bot_message", "me_message", "file_share", "file_comment", "file_mention", "thread_broadcast", "reply_broadcast",
		"slackbot_response", "assistant_app_thread", "document_mention":
		return true
	}
	return false
}

// standard is what other networks call it. What is not here is Slack's own affair.
func standard(subtype plain) string {
	switch name := strings.TrimPrefix(strings.TrimPrefix(string(subtype), "channel_"), "group_"); {
	case subtype == "pinned_item":
		return event.ActionPin
	case subtype == "huddle_thread" || strings.HasPrefix(name, "sh_room"):
		return event.ActionCall
	case name == string(subtype): // of neither a channel nor a group
		return event.ActionOther
	case name == "join":
		return event.ActionJoin
	case name == "leave":
		return event.ActionLeave
	case name == "topic":
		return event.ActionTopic
	case name == "name":
		return event.ActionTitle
	case name == "posting_permissions":
		return event.ActionMode
	}
	return event.ActionOther
}

// service notes what is special about a message of a subtype.
func (s *reader) service(r *record, b *event.Message) {
	switch {
	case r.Subtype == "me_message":
		b.Type = event.TypeAction
		return
	case r.Subtype == "thread_broadcast" || r.Subtype == "reply_broadcast":
		b.Details["broadcast"] = "true" // a reply that the channel was shown too
		return
	case spoken(r.Subtype):
		return
	}
	v := &event.Service{Action: standard(r.Subtype), Native: string(r.Subtype)}
	switch {
	case v.Action == event.ActionTopic:
		v.Text = s.read(string(r.Topic)).text
	case v.Action == event.ActionTitle:
		v.Text = string(r.Name)
	case v.Action == event.ActionPin:
		v.Target = pinned(r)
	case strings.HasSuffix(string(r.Subtype), "_purpose"):
		v.Text = s.read(string(r.Purpose)).text
	case r.BotID != "" && (r.Subtype == "bot_add" || r.Subtype == "bot_remove"):
		v.Members = []event.Person{{ID: event.AuthorID(r.BotID), Name: r.BotProfile.it.shown(), Bot: true}}
	}
	for name, value := range map[string]plain{"old_name": r.OldName, "inviter": r.Inviter} {
		if value != "" {
			b.Details[name] = string(value)
		}
	}
	b.Type, b.Service = event.TypeService, v
}

// pinned is the message that was pinned, if it was one: older exports show it as an attachment.
func pinned(r *record) event.NativeID {
	if it := r.Item.it; it != nil {
		if it.Message.it != nil && it.Message.it.TS != "" {
			return event.NativeID(it.Message.it.TS)
		}
		if !instant(string(it.TS)).IsZero() {
			return event.NativeID(it.TS)
		}
	}
	for _, a := range r.Attachments {
		if a.ChannelID != "" && !instant(string(a.TS)).IsZero() {
			return event.NativeID(a.TS)
		}
	}
	return ""
}
