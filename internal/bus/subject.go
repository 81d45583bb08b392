package bus

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/agrichat/agrichat/internal/event"
)

// The names of the streams.
const (
	Chat       = "CHAT"
	Facts      = "FACTS"
	Dead       = "DEAD"
	Advisories = "ADVISORIES"
)

// ChatSubject is where an event goes: chat.<source>.<account>.<channel>.
func ChatSubject(e *event.Event) string {
	return "chat." + token(string(e.Source)) + "." + token(string(e.Account)) + "." + token(string(e.Channel))
}

// FactSubject is where facts about a channel go: fact.<source>.<namespace>.<channel>.
func FactSubject(source, namespace, channel string) string {
	return "fact." + token(source) + "." + token(namespace) + "." + token(channel)
}

// tokenMost bounds a token: a subject of three of them stays far below what servers and file names bear.
const tokenMost = 96

// token makes one token of a subject out of any bytes, and different tokens out of different ones. Letters and digits of every
// script and "-" stand for themselves, so that subjects can be read and filtered; any other byte is "_" and two hexadecimal
// digits; nothing at all is "_" alone. What would be longer than tokenMost is cut, and "__" and a hash of the whole follow:
// "__" cannot come about otherwise.
func token(s string) string {
	return escape(s, func(r rune) bool { return r == '-' || unicode.IsLetter(r) || unicode.IsDigit(r) })
}

// key makes a key of a bucket out of any bytes: as token does, but buckets bear ASCII alone.
func key(s string) string {
	return escape(s, func(r rune) bool {
		return r == '-' || r < utf8.RuneSelf && (unicode.IsLetter(r) || unicode.IsDigit(r))
	})
}

func escape(s string, stands func(rune) bool) string {
	if s == "" {
		return "_"
	}
	if len(s) <= tokenMost && !strings.ContainsFunc(s, func(r rune) bool { return r == utf8.RuneError || !stands(r) }) {
		return s // most do, and every message asks
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		part := s[i : i+n]
		i += n
		if r != utf8.RuneError && stands(r) {
			b.WriteString(part)
			continue
		}
		for j := range len(part) {
			fmt.Fprintf(&b, "_%02x", part[j])
		}
	}
	if b.Len() <= tokenMost {
		return b.String()
	}
	return cut(b.String(), tokenMost/2) + "__" + hash(s)
}

// cut returns the first n bytes or less: no rune is halved.
func cut(s string, n int) string {
	for n > 0 && n < len(s) && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

func hash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:16])
}
