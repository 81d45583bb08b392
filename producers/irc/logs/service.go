package logs

import (
	"strings"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/producers/irc/chatline"
)

// parseServiceLine parses what a client prints about itself or the channel, in the words of irssi, WeeChat, ZNC, energymech, mIRC and
// the archives. Words that are not known are kept as they are: the client marked the line as its own.
func parseServiceLine(s string) (chatline.Line, bool) {
	s = strings.TrimLeft(s, " ")
	if s == "" {
		return chatline.Line{}, false
	}
	if r, ok := parseLabelled(s); ok {
		return r, true
	}
	if r, ok := modes(s); ok {
		return r, true
	}
	nick, rest, _ := strings.Cut(s, " ")
	for {
		_, tail, ok := takeAddress(rest)
		if !ok {
			break
		}
		rest = tail
	}
	if r, ok := parseActivity(nick, rest); ok {
		return r, true
	}
	return chatline.Line{Type: event.TypeService, Action: event.ActionOther, Text: s}, true
}

// parseLabelled reads "Joins: nick (user@host)", with a reason for those who went.
func parseLabelled(s string) (chatline.Line, bool) {
	word, rest, ok := strings.Cut(s, ": ")
	if !ok {
		return chatline.Line{}, false
	}
	nick, rest, _ := strings.Cut(rest, " ")
	if _, tail, ok := takeAddress(rest); ok {
		rest = tail
	}
	if strings.HasPrefix(rest, "(") && closing(rest) < 0 { // cut off, and not to be distinguished from an address
		rest = ""
	}
	switch word {
	case "Joins":
		return chatline.Service(event.ActionJoin, "join", chatline.BareNick(nick), "", ""), nick != ""
	case "Parts":
		return chatline.Service(event.ActionLeave, "part", chatline.BareNick(nick), "", unwrap(rest)), nick != ""
	case "Quits":
		return chatline.Service(event.ActionLeave, "quit", chatline.BareNick(nick), "", unwrap(rest)), nick != ""
	}
	return chatline.Line{}, false
}

// modes reads "mode/#channel [+o nick] by op", "ServerMode/...", and WeeChat's "Mode #channel [+o nick] by op".
func modes(s string) (chatline.Line, bool) {
	for _, start := range [...]string{"mode/", "ServerMode/", "Mode "} {
		rest, ok := strings.CutPrefix(s, start)
		if !ok {
			continue
		}
		_, rest, _ = strings.Cut(rest, " ")
		rest = strings.TrimPrefix(rest, "mode ")
		by := strings.LastIndex(rest, " by ")
		if by < 0 {
			return chatline.Line{}, false
		}
		return chatline.Service(event.ActionMode, "mode", chatline.BareNick(rest[by+4:]), "", unwrap(rest[:by])), true
	}
	return chatline.Line{}, false
}

// parseActivity parses what nick did, or what was done to nick.
func parseActivity(nick, rest string) (chatline.Line, bool) {
	nick = chatline.BareNick(nick)
	verb := func(words ...string) (string, bool) {
		for _, w := range words {
			if after, ok := strings.CutPrefix(rest, w); ok && endsWord(w, after) {
				return strings.TrimLeft(after, " :"), true
			}
		}
		return "", false
	}
	if nick == "" {
		return chatline.Line{}, false
	}
	if _, ok := verb("has joined", "joined #", "entered the room.", "entered the room"); ok || rest == "joined" {
		return chatline.Service(event.ActionJoin, "join", nick, "", ""), true
	}
	if why, ok := verb("has left", "left #"); ok {
		_, why, _ = strings.Cut(why, " ")
		return chatline.Service(event.ActionLeave, "part", nick, "", unwrap(why)), true
	}
	if rest == "left" { // more words may be anything that somebody left
		return chatline.Service(event.ActionLeave, "part", nick, "", ""), true
	}
	if why, ok := verb("has quit", "Quit", "left irc", "left IRC"); ok {
		return chatline.Service(event.ActionLeave, "quit", nick, "", unwrap(why)), true
	}
	if why, ok := verb("left the room.", "left the room"); ok {
		return leftRoom(nick, why), true
	}
	if to, ok := verb("is now known as "); ok {
		return chatline.Renamed(nick, to), true
	}
	if m, ok := verb("sets mode: ", "sets mode"); ok {
		return chatline.Service(event.ActionMode, "mode", nick, "", m), true
	}
	if r, ok := kicked(nick, rest); ok {
		return r, true
	}
	return topic(nick, rest)
}

// endsWord reports whether words, which after follows, end where a word does; some of them end in a sign that says so.
func endsWord(words, after string) bool {
	return after == "" || strings.HasSuffix(words, " ") || strings.HasSuffix(words, "#") || after[0] == ' ' || after[0] == ':'
}

// leftRoom reads the reason of "left the room (quit: reason)."; without one nobody says whether it was
// the room or the network.
func leftRoom(nick, why string) chatline.Line {
	why = unwrap(strings.TrimSuffix(why, "."))
	if reason, ok := strings.CutPrefix(why, "quit:"); ok {
		return chatline.Service(event.ActionLeave, "quit", nick, "", strings.TrimSpace(reason))
	}
	return chatline.Service(event.ActionLeave, "part", nick, "", why)
}

// kicked reads "was kicked from #c by op [why]", "was kicked by op (why)", "has kicked nick (why)",
// "kicked from #c by op: why".
func kicked(nick, rest string) (chatline.Line, bool) {
	if after, ok := strings.CutPrefix(rest, "has kicked "); ok {
		whom, why, _ := strings.Cut(after, " ")
		return chatline.Service(event.ActionKick, "kick", nick, chatline.BareNick(whom), unwrap(why)), whom != ""
	}
	after, ok := strings.CutPrefix(strings.TrimPrefix(rest, "was "), "kicked ")
	if !ok || !strings.HasPrefix(after, "from ") && !strings.HasPrefix(after, "by ") {
		return chatline.Line{}, false
	}
	_, by, ok := strings.Cut(" "+after, " by ")
	if !ok {
		return chatline.Line{}, false
	}
	op, why, _ := strings.Cut(by, " ")
	return chatline.Service(event.ActionKick, "kick", chatline.BareNick(strings.TrimSuffix(op, ":")), nick, unwrap(why)), op != ""
}

// topic reads "changed the topic of #c to: text", "changes topic to 'text'", `has changed topic for #c [from "a"] to "b"`.
func topic(nick, rest string) (chatline.Line, bool) {
	set := func(text string) (chatline.Line, bool) {
		return chatline.Service(event.ActionTopic, "topic", nick, "", text), true
	}
	if text, ok := strings.CutPrefix(rest, "changes topic to "); ok {
		return set(unwrap(text))
	}
	if after, ok := strings.CutPrefix(rest, "changed the topic of "); ok {
		if _, text, ok := strings.Cut(after, " to: "); ok {
			return set(text)
		}
	}
	if after, ok := strings.CutPrefix(rest, "has changed topic for "); ok {
		if i := strings.LastIndex(after, ` to "`); i >= 0 {
			return set(unwrap(after[i+4:]))
		}
	}
	return chatline.Line{}, false
}

// eggdropService reads the bot's own lines, which nothing marks; so every one of them must match to its end.
func eggdropService(s string) (chatline.Line, bool) {
	if after, ok := strings.CutPrefix(s, "Nick change: "); ok {
		from, to, ok := strings.Cut(after, " -> ")
		return chatline.Renamed(chatline.BareNick(from), to), ok
	}
	if after, ok := strings.CutPrefix(s, "Topic changed on "); ok {
		_, after, _ = strings.Cut(after, " by ")
		who, text, ok := strings.Cut(after, ": ")
		nick, _, _ := strings.Cut(who, "!")
		return chatline.Service(event.ActionTopic, "topic", chatline.BareNick(nick), "", text), ok && nick != ""
	}
	if _, after, ok := strings.Cut(s, ": mode change '"); ok && chatline.IsChannel(s) {
		what, by, ok := strings.Cut(after, "' by ")
		nick, _, _ := strings.Cut(by, "!")
		return chatline.Service(event.ActionMode, "mode", chatline.BareNick(nick), "", what), ok
	}
	nick, rest, _ := strings.Cut(s, " ")
	if r, ok := kicked(nick, rest); ok {
		return r, true
	}
	if _, tail, ok := takeAddress(rest); ok {
		return parseActivity(nick, strings.TrimSuffix(tail, "."))
	}
	return chatline.Line{}, false
}

// takeAddress takes "[user@host]", "(user@host)" or "<user@host>", or WeeChat's "(real name)" before one, from
// the start of s.
func takeAddress(s string) (address, rest string, ok bool) {
	s = strings.TrimLeft(s, " ")
	if s == "" || s[0] != '[' && s[0] != '(' && s[0] != '<' {
		return "", s, false
	}
	end := closing(s)
	if end < 0 {
		return "", s, false
	}
	address, rest = s[1:end], strings.TrimLeft(s[end+1:], " ")
	if strings.Contains(address, "@") && !strings.Contains(address, " ") {
		return address, rest, true
	}
	if s[0] == '(' && strings.HasPrefix(rest, "(") { // a real name may hold anything; an address must follow it
		return takeAddress(rest)
	}
	return "", s, false
}

// closing finds the bracket that closes the first one.
func closing(s string) int {
	open, shut, depth := s[0], byte(']'), 0
	switch open {
	case '(':
		shut = ')'
	case '<':
		shut = '>'
	}
	for i := range len(s) {
		switch s[i] {
		case open:
			depth++
		case shut:
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}

// unwrap takes one pair of brackets or quotes from around s.
func unwrap(s string) string {
	s = strings.TrimSpace(s)
	if len(s) < 2 {
		return s
	}
	switch s[:1] + s[len(s)-1:] {
	case "[]", "()", "''", `""`:
		return strings.TrimSpace(s[1 : len(s)-1])
	}
	return s
}
