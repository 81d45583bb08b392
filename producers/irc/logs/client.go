package logs

import (
	"strings"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/producers/irc/chatline"
)

// parseLine reads a line with its time. timed says that it begins with one, ok that the rest is understood too.
func parseLine(text string, forms *conventions) (st stamp, s chatline.Line, timed, ok bool) {
	st, body, timed := takeStamp(text)
	other := !timed
	if other {
		if st, body, timed = otherStamp(text); !timed {
			return st, s, false, false
		}
	}
	if forms.inColons(body) {
		s, ok = colonBody(body)
		return st, s, true, ok
	}
	if other {
		s, ok = clientBody(body, st.statusColumn)
		return st, s, true, ok
	}
	s, ok = parseBody(body, st.day.isSet())
	if !ok {
		s, ok = clientBody(body, false)
	} else if strings.IndexByte(s.Nick, '\t') >= 0 { // "<nick>" is a column, and the text has the "> "
		if r, apart := clientBody(body, false); apart {
			before := s.Clean()
			r.KeyLine, s = &before, r
		}
	}
	return st, s, true, ok
}

// clientBody reads what parseBody does not: columns where no date is before them, and lines that a client prints without a mark.
// services says that the client prints a word of its own in the first column.
func clientBody(s string, services bool) (chatline.Line, bool) {
	s = strings.TrimLeft(s, " ")
	if tab := strings.IndexByte(s, '\t'); tab >= 0 && tab <= maxNick {
		return column(strings.TrimSpace(s[:tab]), s[tab+1:], services)
	}
	if r, ok := parseBody(s, false); ok {
		return r, true
	}
	if after, ok := strings.CutPrefix(s, "***"); ok { // Pidgin's actions
		nick, text, _ := strings.Cut(after, " ")
		return chatline.Action(chatline.BareNick(nick), text), isNick(chatline.BareNick(nick))
	}
	return unmarked(s)
}

// column reads a line in columns of HexChat and Konversation.
func column(prefix, text string, services bool) (chatline.Line, bool) {
	switch n := len(prefix); {
	case prefix == "*":
		return parseHexchatStar(text)
	case n > 2 && prefix[0] == '<' && prefix[n-1] == '>':
		nick := chatline.BareNick(prefix[1 : n-1])
		return chatline.Message(nick, text), nick != ""
	case n > 2 && prefix[0] == '-' && prefix[n-1] == '-' && prefix != "---":
		nick, _, _ := strings.Cut(prefix[1:n-1], "/")
		return chatline.Notice(chatline.BareNick(nick), text), chatline.BareNick(nick) != ""
	case services, prefix == "", isSign(prefix), prefix == "--", prefix == "---", isClientWord(prefix):
		return serviceText(text)
	}
	nick := chatline.BareNick(prefix)
	return chatline.Message(nick, text), isNick(nick)
}

// serviceText parses what the client printed itself; words that are not known are kept as they are.
func serviceText(text string) (chatline.Line, bool) {
	if r, ok := unmarked(text); ok {
		return r, true
	}
	return parseServiceLine(text)
}

// parseHexchatStar reads what follows the star of HexChat: an action, or what somebody did to the channel.
func parseHexchatStar(text string) (chatline.Line, bool) {
	if r, ok := unmarked(text); ok && !(r.Native != "" && hasBareWord(text)) {
		return r, true
	}
	nick, rest, _ := strings.Cut(strings.TrimLeft(text, " "), " ")
	return chatline.Action(chatline.BareNick(nick), rest), chatline.BareNick(nick) != ""
}

// hasBareWord reports whether a line is a nick and one word, which may be somebody's action.
func hasBareWord(s string) bool { return strings.Count(strings.TrimSpace(s), " ") == 1 }

// isNick reports whether s may be a nick: no sign that networks refuse, and none that ends a sentence.
func isNick(s string) bool {
	return s != "" && len(s) <= maxNick && !strings.ContainsAny(s, " \t:,;!?*=<>()\"'/#@.")
}

type activityPhrase struct{ words, action, native string }

// activityPhrases are how clients print without a mark what a member did, longest first where one begins like another.
func activityPhrases() []activityPhrase {
	return []activityPhrase{
		{"has joined this channel", event.ActionJoin, "join"}, {"has joined the channel", event.ActionJoin, "join"},
		{"has joined the room", event.ActionJoin, "join"}, {"has joined", event.ActionJoin, "join"},
		{"joined the channel", event.ActionJoin, "join"}, {"joined the chat room", event.ActionJoin, "join"},
		{"joined the room", event.ActionJoin, "join"}, {"has entered the room", event.ActionJoin, "join"},
		{"entered the room", event.ActionJoin, "join"}, {"joined", event.ActionJoin, "join"},
		{"has left this server", event.ActionLeave, "quit"}, {"has left IRC", event.ActionLeave, "quit"}, {"left IRC", event.ActionLeave, "quit"},
		{"has left this channel", event.ActionLeave, "part"}, {"has left the channel", event.ActionLeave, "part"},
		{"has left the room", event.ActionLeave, "part"}, {"left the channel", event.ActionLeave, "part"},
		{"left the chat room", event.ActionLeave, "part"}, {"has left", event.ActionLeave, "part"}, {"left", event.ActionLeave, "part"},
		{"has quit IRC", event.ActionLeave, "quit"}, {"has quit", event.ActionLeave, "quit"}, {"quit IRC", event.ActionLeave, "quit"},
		{"has disconnected", event.ActionLeave, "quit"}, {"disconnected", event.ActionLeave, "quit"}, {"quit", event.ActionLeave, "quit"},
	}
}

// clientPhrases are how clients begin lines that are no activity of a member.
func clientPhrases() []string {
	return []string{
		"Now talking on ", "Now talking in ", "Topic for ", "Topic is ", "Topic set by ", "Topic: ", "The topic for ", "The channel topic is ",
		"Disconnected", "Connected to ", "Connecting to ", "You are now known as ", "You have joined", "You have left", "You have been kicked",
		"You joined", "You left", "You rejoined", "Users on ", "Channel topic", "Channel modes", "Mode is ", "Mode: ", "Created at ",
		"mode (",
	}
}

// unmarked parses what a client prints without a mark before it. Only known words count, and they must end the line, or have no more
// than a channel and a reason after them.
func unmarked(s string) (chatline.Line, bool) {
	s = strings.TrimSpace(s)
	if r, ok := phrase(s); ok {
		return r, true
	}
	nick, rest, ok := strings.Cut(s, " ")
	nick = chatline.BareNick(nick)
	if !ok || !isNick(nick) {
		return chatline.Line{}, false
	}
	if _, tail, addressed := takeAddress(rest); addressed {
		rest = tail
	}
	if r, ok := leftRoomWhy(nick, rest); ok {
		return r, true
	}
	for _, d := range activityPhrases() {
		after, ok := strings.CutPrefix(rest, d.words)
		if !ok {
			continue
		}
		if why, ok := reason(after); ok {
			if d.action == event.ActionJoin {
				why = ""
			}
			return chatline.Service(d.action, d.native, nick, "", why), true
		}
	}
	return changed(nick, rest)
}

// phrase reads a line that begins like one of a client's own.
func phrase(s string) (chatline.Line, bool) {
	for _, p := range clientPhrases() {
		if !strings.HasPrefix(s, p) {
			continue
		}
		if inside, by, ok := strings.Cut(strings.TrimPrefix(s, "mode "), " by "); ok && p == "mode (" {
			return chatline.Service(event.ActionMode, "mode", chatline.BareNick(by), "", unwrap(inside)), true
		}
		return chatline.Line{Type: event.TypeService, Action: event.ActionOther, Text: s}, true
	}
	return chatline.Line{}, false
}

// leftRoomWhy reads "left the room (quit: why)", as Pidgin writes.
func leftRoomWhy(nick, rest string) (chatline.Line, bool) {
	after, ok := strings.CutPrefix(rest, "left the room")
	if !ok {
		return chatline.Line{}, false
	}
	if _, ok := reason(after); !ok {
		return chatline.Line{}, false
	}
	return leftRoom(nick, strings.TrimSpace(after)), true
}

// reason reads what may follow a deed: a channel, and a reason in brackets or after a colon.
func reason(s string) (why string, ok bool) {
	s = strings.TrimSpace(strings.TrimSuffix(s, "."))
	if chatline.IsChannel(s) && !strings.HasPrefix(s, "!") {
		_, s, _ = strings.Cut(s, " ")
		s = strings.TrimSpace(s)
	}
	s = strings.TrimPrefix(s, ". ") // Textual: "left IRC. (why)"
	switch {
	case s == "":
		return "", true
	case strings.HasPrefix(s, ": "):
		return s[2:], true
	case s[0] == '(' || s[0] == '[':
		return unwrap(s), closing(s) == len(s)-1
	}
	return "", false
}

// changed reads what somebody changed: a nick, modes, the topic, or who is there.
func changed(nick, rest string) (chatline.Line, bool) {
	for _, words := range [...]string{"is now known as ", "changed nick to ", "changed nickname to ", "has changed nick to "} {
		if to, ok := strings.CutPrefix(rest, words); ok {
			to = strings.TrimSuffix(to, ".")
			return chatline.Renamed(nick, to), isNick(chatline.BareNick(to))
		}
	}
	for _, words := range [...]string{"sets mode: ", "sets mode ", "set mode ", "sets modes ", "sets the channel mode to ", "sets ban on ", "sets channel "} {
		if mode, ok := strings.CutPrefix(rest, words); ok {
			return chatline.Service(event.ActionMode, "mode", nick, "", mode), true
		}
	}
	if strings.HasPrefix(rest, "gives ") && strings.Contains(rest, " to ") || strings.HasPrefix(rest, "removes ") || strings.HasPrefix(rest, "takes ") {
		for _, what := range [...]string{"operator", "voice", "owner ", "admin", "ban on ", "channel "} {
			if strings.Contains(rest, what) {
				return chatline.Service(event.ActionMode, "mode", nick, "", rest), true
			}
		}
	}
	for _, words := range [...]string{
		"has changed the topic to: ", "has changed the topic to ", "changed the topic to: ", "changed the topic to ", "set the topic to ", "set the topic: ",
		"sets the channel topic to ", "changed the channel topic to ",
	} {
		if text, ok := strings.CutPrefix(rest, words); ok {
			return chatline.Service(event.ActionTopic, "topic", nick, "", unwrap(text)), true
		}
	}
	if r, ok := kickedOut(nick, rest); ok {
		return r, true
	}
	return topic(nick, rest)
}

// kickedOut reads "has kicked bob from #c (why)", "kicked bob from the channel. (why)", and what kicked reads.
func kickedOut(nick, rest string) (chatline.Line, bool) {
	after, ok := strings.CutPrefix(strings.TrimPrefix(rest, "has "), "kicked ")
	whom, why, more := strings.Cut(after, " ")
	if !ok || !isNick(chatline.BareNick(whom)) || !strings.HasPrefix(why, "from ") && more && !strings.HasPrefix(why, "(") {
		return kicked(nick, rest)
	}
	if i := strings.IndexByte(why, '('); i >= 0 && strings.HasSuffix(why, ")") {
		why = unwrap(why[i:])
	} else {
		why = ""
	}
	return chatline.Service(event.ActionKick, "kick", nick, chatline.BareNick(whom), why), whom != "from" && whom != "by"
}
