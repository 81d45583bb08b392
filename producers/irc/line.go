package irc

import (
	"strings"

	"github.com/agrichat/agrichat/internal/event"
)

// parseBody reads what follows the time on a line of a log.
func parseBody(s string, dated bool) (said, bool) {
	if dated {
		if tab := strings.IndexByte(s, '\t'); tab >= 0 && tab <= maxNick {
			return weechatBody(s[:tab], s[tab+1:])
		}
	}
	s = strings.TrimLeft(s, " ")
	switch {
	case s == "":
		return said{}, false
	case s[0] == '<':
		return spoken(s)
	case strings.HasPrefix(s, "* "):
		return starred(s[2:])
	case strings.HasPrefix(s, "*** "), strings.HasPrefix(s, "=== "), strings.HasPrefix(s, "-!- "):
		return told(s[4:])
	case strings.HasPrefix(s, "Action: "):
		nick, text, _ := strings.Cut(s[len("Action: "):], " ")
		return action(bareNick(nick), text), nick != ""
	case s[0] == '-':
		return noticed(s)
	}
	return eggdropService(s)
}

// maxNick is longer than nicks of any network (Ergo and Twitch allow 32, some 64), with marks, in UTF-8.
const maxNick = 130

// spoken reads "<nick> text". Some archives print nicks with a space in them, so the nick ends at "> ".
func spoken(s string) (said, bool) {
	end := strings.Index(s, "> ")
	if end < 0 {
		if !strings.HasSuffix(s, ">") {
			return said{}, false
		}
		end = len(s) - 1
	}
	nick := bareNick(s[1:end])
	if nick == "" || end > maxNick {
		return said{}, false
	}
	return message(nick, s[min(end+2, len(s)):]), true
}

// starred reads "* nick does". mIRC prints joins and the like the same way: told only by the full address after the nick,
// and by its capitalised words.
func starred(s string) (said, bool) {
	for _, word := range [...]string{"Joins: ", "Parts: ", "Quits: "} {
		if strings.HasPrefix(s, word) {
			return told(s)
		}
	}
	nick, rest, _ := strings.Cut(strings.TrimLeft(s, " "), " ")
	if nick == "" {
		return said{}, false
	}
	if _, tail, ok := takeAddress(rest); ok {
		if r, ok := deed(nick, tail); ok {
			return r, true
		}
	}
	return action(bareNick(nick), rest), true
}

// noticed reads "-nick- text" and "-nick:#channel- text".
func noticed(s string) (said, bool) {
	end := strings.Index(s, "- ")
	if end <= 1 || end > maxNick {
		return said{}, false
	}
	nick, _, _ := strings.Cut(s[1:end], ":#")
	nick, _, _ = strings.Cut(nick, "(")
	nick = bareNick(nick)
	if nick == "" || strings.Contains(nick, " ") {
		return said{}, false
	}
	return notice(nick, s[end+2:]), true
}

// weechatBody reads the columns after the date: a prefix, which is a nick or an arrow, and the text.
func weechatBody(prefix, text string) (said, bool) {
	switch p := strings.TrimSpace(prefix); p {
	case "-->", "<--", "--":
		if after, ok := strings.CutPrefix(text, "Notice("); ok {
			if nick, words, ok := strings.Cut(after, "): "); ok {
				return notice(bareNick(nick), words), true
			}
		}
		return told(text)
	case "*":
		nick, rest, _ := strings.Cut(text, " ")
		return action(bareNick(nick), rest), nick != ""
	case "", "=!=":
		return said{Type: event.TypeService, Action: event.ActionOther, Text: text}, text != ""
	default:
		if r, ok := prefixBody(bareNick(p), text); ok {
			return r, true
		}
		nick := bareNick(p)
		return message(nick, text), nick != ""
	}
}

// header is a line that a logger puts between the others: it may tell the day, and it is never an event.
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
