package irc

import (
	"strings"

	"github.com/agrichat/agrichat/internal/event"
)

// prefixBody reads a line in columns whose first is no nick, though it was once taken for one: a nick in brackets, as Quassel and HexChat write,
// or a client's sign or word. The content key stays that of the nick, so that the message is the same one.
func prefixBody(p, text string) (said, bool) {
	if p == "" || strings.IndexByte("<*=-[|>.!", p[0]) < 0 {
		return said{}, false
	}
	r, ok := said{}, false
	switch {
	case p[0] == '<' && p[len(p)-1] == '>' && bareNick(p[1:len(p)-1]) != "":
		r, ok = message(bareNick(p[1:len(p)-1]), text), true
	case isSign(p):
		r, ok = told(text)
	case isClientWord(p):
		r, ok = said{Type: event.TypeService, Action: event.ActionOther, Text: text}, text != ""
	}
	if ok {
		before := message(bareNick(p), text).clean()
		r.as = &before
	}
	return r, ok
}

// isSign reports whether a column has only signs, and among them one that no nick may have.
func isSign(p string) bool {
	for i := range len(p) {
		if c := p[i]; c >= 0x80 || c == '_' || isDigit(c) || isLetter(c) {
			return false
		}
	}
	return strings.ContainsAny(p, "*=<>")
}

// isClientWord knows what ChatZilla prints in place of a nick where it speaks itself.
func isClientWord(p string) bool {
	switch p {
	case "[INFO]", "[ERROR]", "[WARNING]", "[HELP]", "[USAGE]", "[HELLO]", "[EVAL-IN]", "[EVAL-OUT]", "[MOTD]", "[DISCONNECT]":
		return true
	}
	return false
}
