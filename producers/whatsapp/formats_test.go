package whatsapp

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/agrichat/agrichat/internal/event"
)

// layouts write one message as phones of different countries do.
func layouts() map[string]func(at time.Time, author, text string) string {
	layout := func(l string) func(time.Time, string, string) string {
		return func(at time.Time, author, text string) string {
			return strings.NewReplacer("NAME", author, "TEXT", text).Replace(at.Format(l)) + "\n"
		}
	}
	arabic := func(at time.Time, author, text string) string {
		half := "ص"
		if at.Hour() >= 12 {
			half = "م"
		}
		digits := strings.Map(func(r rune) rune {
			if '0' <= r && r <= '9' {
				return r - '0' + '\u0660'
			}
			return r
		}, at.Format("2\u200f/1\u200f/2006، 3:04\u202f"))
		return fmt.Sprintf("\u200f%s%s - %s: %s\n", digits, half, author, text)
	}
	korean := func(at time.Time, author, text string) string {
		half := "오전"
		if at.Hour() >= 12 {
			half = "오후"
		}
		return fmt.Sprintf("%s %s %s - %s: %s\n", at.Format("2006. 1. 2."), half, at.Format("3:04"), author, text)
	}
	return map[string]func(time.Time, string, string) string{
		"america": layout("1/2/06, 3:04\u202fPM - NAME: TEXT"), "germany": layout("02.01.06, 15:04 - NAME: TEXT"),
		"britain": layout("02/01/2006, 15:04 - NAME: TEXT"), "iphone": layout("[02.01.06, 15:04:05] NAME: TEXT"),
		"sweden": layout("2006-01-02 15:04 - NAME: TEXT"), "arabia": arabic, "korea": korean,
		"korea without centuries": layout("06/1/2 PM 3:04 - NAME: TEXT"),
	}
}

// TestArchive_Layouts: a chat has the same ids, times and texts in whichever way a phone prints it, and a part of it too.
func TestArchive_Layouts(t *testing.T) {
	t.Parallel()
	for seed := range uint64(40) {
		r := rand.New(rand.NewPCG(seed, 7))
		type message struct {
			at           time.Time
			author, text string
		}
		var chat []message
		at := time.Date(2014+r.IntN(10), time.Month(1+r.IntN(12)), 1+r.IntN(28), r.IntN(24), r.IntN(60), 0, 0, time.UTC)
		for range 60 {
			at = at.Add(time.Duration(r.IntN(3*24*60*60)) * time.Second / time.Duration(1+r.IntN(200)))
			chat = append(chat, message{at, []string{"Ann", "Боб", "Dr: Smith"}[r.IntN(3)], []string{"ok", "да", "see: this", "x\ny"}[r.IntN(4)]})
		}
		for len(chat) > 0 && chat[len(chat)-1].at.Sub(chat[0].at) < 45*24*time.Hour { // long enough to leave no order open
			at = at.Add(24 * time.Hour)
			chat = append(chat, message{at, "Ann", "later"})
		}
		var want []event.Event
		for name, write := range layouts() {
			var b strings.Builder
			for _, m := range chat {
				b.WriteString(write(m.at, m.author, m.text))
			}
			got, notices, n := read(t, b.String(), owner())
			delete(notices, noticeName) // of Dr: Smith
			if len(got) != len(chat) || len(notices) > 0 || n.Unparsed > 0 {
				t.Fatalf("seed %d, %s: %d messages of %d, notices %v", seed, name, len(got), len(chat), notices)
			}
			for i, m := range chat {
				if body := got[i].Body.(*event.Message); body.Text != m.text && m.author != "Dr: Smith" || !got[i].Sent.At.Truncate(time.Minute).Equal(m.at.Truncate(time.Minute)) {
					t.Fatalf("seed %d, %s: message %d of %v is %s", seed, name, i, m, show(&got[i]))
				}
			}
			if want == nil {
				want = got
			}
			if fmt.Sprint(ids(want)) != fmt.Sprint(ids(got)) {
				t.Fatalf("seed %d, %s: other ids", seed, name)
			}
		}
	}
}
