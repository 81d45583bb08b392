package logs

import (
	"strings"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/producers/irc/chatline"
)

// parseBody reads what follows the time on a line of a log.
func parseBody(s string, dated bool) (chatline.Line, bool) {
	if dated {
		if tab := strings.IndexByte(s, '\t'); tab >= 0 && tab <= maxNick {
			return weechatBody(s[:tab], s[tab+1:])
		}
	}
	s = strings.TrimLeft(s, " ")
	switch {
	case s == "":
		return chatline.Line{}, false
	case s[0] == '<':
		return parseMessage(s)
	case strings.HasPrefix(s, "* "):
		return parseStar(s[2:])
	case strings.HasPrefix(s, "*** "), strings.HasPrefix(s, "=== "), strings.HasPrefix(s, "-!- "):
		return parseServiceLine(s[4:])
	case strings.HasPrefix(s, "Action: "):
		nick, text, _ := strings.Cut(s[len("Action: "):], " ")
		return chatline.Action(chatline.BareNick(nick), text), nick != ""
	case s[0] == '-':
		return parseNotice(s)
	}
	return eggdropService(s)
}

// maxNick is longer than nicks of any network (Ergo and Twitch allow 32, some 64), with marks, in UTF-8.
const maxNick = 130

// parseMessage reads "<nick> text". Some archives print nicks with a space in them, so the nick ends at "> ".
func parseMessage(s string) (chatline.Line, bool) {
	end := strings.Index(s, "> ")
	if end < 0 {
		if !strings.HasSuffix(s, ">") {
			return chatline.Line{}, false
		}
		end = len(s) - 1
	}
	nick := chatline.BareNick(s[1:end])
	if nick == "" || end > maxNick {
		return chatline.Line{}, false
	}
	return chatline.Message(nick, s[min(end+2, len(s)):]), true
}

// parseStar reads "* nick does". mIRC prints joins and the like the same way: distinguished only by the full address after the nick,
// and by its capitalised words.
func parseStar(s string) (chatline.Line, bool) {
	for _, word := range [...]string{"Joins: ", "Parts: ", "Quits: "} {
		if strings.HasPrefix(s, word) {
			return parseServiceLine(s)
		}
	}
	nick, rest, _ := strings.Cut(strings.TrimLeft(s, " "), " ")
	if nick == "" {
		return chatline.Line{}, false
	}
	if _, tail, ok := takeAddress(rest); ok {
		if r, ok := parseActivity(nick, tail); ok {
			return r, true
		}
	}
	return chatline.Action(chatline.BareNick(nick), rest), true
}

// parseNotice reads "-nick- text" and "-nick:#channel- text".
func parseNotice(s string) (chatline.Line, bool) {
	end := strings.Index(s, "- ")
	if end <= 1 || end > maxNick {
		return chatline.Line{}, false
	}
	nick, _, _ := strings.Cut(s[1:end], ":#")
	nick, _, _ = strings.Cut(nick, "(")
	nick = chatline.BareNick(nick)
	if nick == "" || strings.Contains(nick, " ") {
		return chatline.Line{}, false
	}
	return chatline.Notice(nick, s[end+2:]), true
}

// weechatBody reads the columns after the date: a prefix, which is a nick or an arrow, and the text.
func weechatBody(prefix, text string) (chatline.Line, bool) {
	switch p := strings.TrimSpace(prefix); p {
	case "-->", "<--", "--":
		if after, ok := strings.CutPrefix(text, "Notice("); ok {
			if nick, words, ok := strings.Cut(after, "): "); ok {
				return chatline.Notice(chatline.BareNick(nick), words), true
			}
		}
		return parseServiceLine(text)
	case "*":
		nick, rest, _ := strings.Cut(text, " ")
		return chatline.Action(chatline.BareNick(nick), rest), nick != ""
	case "", "=!=":
		return chatline.Line{Type: event.TypeService, Action: event.ActionOther, Text: text}, text != ""
	default:
		if r, ok := prefixBody(chatline.BareNick(p), text); ok {
			return r, true
		}
		nick := chatline.BareNick(p)
		return chatline.Message(nick, text), nick != ""
	}
}

// header is a line that a logger puts between the others: it may print the day, and it is never an event.
type header struct {
	day    civil
	known  bool
	opened bool // the log was opened, by a program that may have been away for any time

	printed printedDate // of which day is to be made
	keyed   civil       // the day of content keys, where that is not day
	guessed bool        // which number of the date is the day
}

// parseHeader reads "--- Log opened Mon Sep 30 00:00:44 2019" and its like. Closing lines are headers without news.
func parseHeader(line string) (header, bool) {
	rest := line
	if _, after, ok := takeStamp(line); ok { // eggdrop: [00:00] --- Tue Oct 1 2019
		rest = after
		if !strings.HasPrefix(rest, "--- ") {
			return header{}, false
		}
	}
	for _, start := range [...]string{
		"--- ", "Session Start", "Session Close", "Session Ident", "Session Time", "**** BEGIN LOGGING", "**** ENDING LOGGING",
	} {
		after, ok := strings.CutPrefix(rest, start)
		if !ok {
			continue
		}
		d, known := headerDate(after)
		opened := start != "--- " || strings.HasPrefix(after, "Log ")
		return header{day: d, known: known, opened: opened}, known || opened
	}
	if after, ok := strings.CutPrefix(rest, "**** "); ok { // HexChat's in other languages, whose date is always in English
		d, known := headerDate(after)
		return header{day: d, known: known, opened: true}, known
	}
	return conversation(line)
}

// conversation reads Pidgin's "Conversation with #c at Sun 31 Dec 2023 21:05:00 on nick@server (irc)".
func conversation(line string) (header, bool) {
	if !strings.HasPrefix(line, "Conversation with ") && !strings.HasSuffix(line, " (irc)") {
		return header{}, false
	}
	h := header{opened: true}
	at := strings.Index(line, " at ")
	if at < 0 {
		at = strings.Index(line, " ") // in another language
	} else {
		at += len(" at ") - 1
	}
	words := strings.Fields(line[at:])
	for i := range words {
		if _, d, ok := takeNumeric(words[i]); ok {
			h.printed, h.known = d, true
			h.day, _ = d.any()
			return h, true
		}
	}
	h.day, h.known = headerDate(line[at:])
	return h, h.known
}

// prefixBody reads a line in columns whose first is no nick, though it was once taken for one: a nick in brackets, as Quassel and HexChat write,
// or a client's sign or word. The content key stays that of the nick, so that the message is the same one.
func prefixBody(p, text string) (chatline.Line, bool) {
	if p == "" || strings.IndexByte("<*=-[|>.!", p[0]) < 0 {
		return chatline.Line{}, false
	}
	r, ok := chatline.Line{}, false
	switch {
	case p[0] == '<' && p[len(p)-1] == '>' && chatline.BareNick(p[1:len(p)-1]) != "":
		r, ok = chatline.Message(chatline.BareNick(p[1:len(p)-1]), text), true
	case isSign(p):
		r, ok = parseServiceLine(text)
	case isClientWord(p):
		r, ok = chatline.Line{Type: event.TypeService, Action: event.ActionOther, Text: text}, text != ""
	}
	if ok {
		before := chatline.Message(chatline.BareNick(p), text).Clean()
		r.KeyLine = &before
	}
	return r, ok
}

// isSign reports whether a column has only signs, and among them one that no nick may have.
func isSign(p string) bool {
	for i := range len(p) {
		if c := p[i]; c >= 0x80 || c == '_' || digit(c) || isLetter(c) {
			return false
		}
	}
	return strings.ContainsAny(p, "*=<>")
}

// isClientWord knows what ChatZilla prints in place of a nick on lines of its own.
func isClientWord(p string) bool {
	switch p {
	case "[INFO]", "[ERROR]", "[WARNING]", "[HELP]", "[USAGE]", "[HELLO]", "[EVAL-IN]", "[EVAL-OUT]", "[MOTD]", "[DISCONNECT]":
		return true
	}
	return false
}
