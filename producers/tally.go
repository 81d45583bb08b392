package producers

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/agrichat/agrichat/internal/event"
)

// Tally makes content keys for networks that number nothing: hash(printed wall time cut to the minute, author, text,
// k for the k-th equal line in that minute). It remembers two printed days, because a clock set back for winter prints an
// hour twice, and its second pass must go on counting.
//
// Where two exports overlap, the one with more equal lines in a minute adds what the other lacks. What stays undecided is
// reported by Next as ambiguous: the second and later equal lines of a minute, of which an export that begins or ends
// within that minute may hold only some.
//
// The zero value is ready. It marshals to JSON, for cursors.
type Tally struct {
	Days []TallyDay `json:"days,omitempty"`
}

// TallyDay is one printed day's counts.
type TallyDay struct {
	Day    string         `json:"day"`
	Counts map[string]int `json:"counts"`
}

// tallyDays is how many printed days are remembered.
const tallyDays = 2

// Next returns the key of a line. day and minute are the wall time as printed, brought to one form ("2024-10-27", "02:59")
// but to no zone. It reports whether an equal line came before in that minute.
func (t *Tally) Next(day, minute string, author event.AuthorID, text string) (id event.NativeID, ambiguous bool) {
	line := event.Digest("line", day, minute, string(author), NormaliseText(text))
	counts := t.day(day)
	counts[line]++
	k := counts[line]
	return event.NativeID("k" + event.Digest(line, strconv.Itoa(k))), k > 1
}

// IsContentKey reports whether an id is one that a Tally made.
func IsContentKey(id event.NativeID) bool {
	if len(id) != 33 || id[0] != 'k' {
		return false
	}
	for i := 1; i < len(id); i++ {
		if c := id[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

func (t *Tally) day(day string) map[string]int {
	for _, d := range t.Days {
		if d.Day == day {
			return d.Counts
		}
	}
	t.Days = append(t.Days, TallyDay{Day: day, Counts: map[string]int{}})
	if len(t.Days) > tallyDays {
		t.Days = t.Days[1:]
	}
	return t.Days[len(t.Days)-1].Counts
}

// NormaliseText brings together texts that two exports of one line print differently: white space of any kind and amount
// counts as one space, and invisible direction marks as nothing.
func NormaliseText(s string) string {
	if isNormal(s) {
		return s
	}
	s = strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Cf, r) {
			return -1
		}
		return r
	}, s)
	return strings.Join(strings.Fields(s), " ")
}

// isNormal reports whether NormaliseText would leave s as it is. It decides only texts of the scripts whose letters UTF-8 writes in up
// to two bytes: Latin, Greek, Cyrillic, Hebrew.
func isNormal(s string) bool {
	space := true // a text begins with no space
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == ' ':
			if space {
				return false
			}
			space = true
			continue
		case c > ' ' && c < utf8.RuneSelf:
		case c >= 0xc3 && c <= 0xd7 && i+1 < len(s) && s[i+1]&0xc0 == 0x80:
			i++
		default:
			return false
		}
		space = false
	}
	return !space || s == ""
}

// IsByName reports whether a channel stands for a chat of which only the name is known: two chats of one name are one.
func IsByName(c event.Channel) bool {
	return c == "unnamed" || len(c) > len(namedPrefix) && c[:len(namedPrefix)] == namedPrefix
}

const namedPrefix = "name:"
