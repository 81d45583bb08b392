package difftest

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/producers"
)

// locale is how a phone of one language and country prints a line's beginning.
type locale struct {
	name    string
	date    string // d, dd, m, mm, yy, yyyy and what is between
	between string
	clock   string // as package time has it; A stands for the half of the day
	halves  [2]string
	arabic  bool // digits, and marks before the slashes
	phrase  string
	file    string // %s is the chat
}

func androids() []locale {
	const en, enFile = "Messages and calls are end-to-end encrypted. No one outside of this chat, not even WhatsApp, can read or listen to them.", "WhatsApp Chat with %s.txt"
	const ru, ruFile = "Сообщения и звонки защищены сквозным шифрованием. Третьи лица, включая WhatsApp, не могут прочитать ваши сообщения или прослушать звонки.", "Чат WhatsApp с %s.txt"
	const de, deFile = "Nachrichten und Anrufe sind Ende-zu-Ende-verschlüsselt.", "WhatsApp Chat mit %s.txt"
	return []locale{
		{"en-GB", "dd/mm/yyyy", ", ", "15:04", [2]string{}, false, en, enFile},
		{"en-GB-12h", "dd/mm/yyyy", ", ", "3:04 A", [2]string{"am", "pm"}, false, en, enFile},
		{"en-US", "m/d/yy", ", ", "3:04 A", [2]string{"AM", "PM"}, false, en, enFile},
		{"en-US-2023", "m/d/yy", ", ", "3:04\u202fA", [2]string{"AM", "PM"}, false, en, enFile},
		{"en-US-24h", "m/d/yy", ", ", "15:04", [2]string{}, false, en, enFile},
		{"en-IN", "dd/mm/yy", ", ", "3:04\u202fA", [2]string{"am", "pm"}, false, en, enFile},
		{"en-CA", "yyyy-mm-dd", ", ", "3:04 A", [2]string{"a.m.", "p.m."}, false, en, enFile},
		{"sv", "yyyy-mm-dd", " ", "15:04", [2]string{}, false, en, enFile},
		{"de", "dd.mm.yy", ", ", "15:04", [2]string{}, false, de, deFile},
		{"ru", "dd.mm.yyyy", ", ", "15:04", [2]string{}, false, ru, ruFile},
		{"es", "d/m/yyyy", ", ", "15:04", [2]string{}, false, "Los mensajes y las llamadas están cifrados de extremo a extremo.", "Chat de WhatsApp con %s.txt"},
		{"es-12h", "d/m/yyyy", ", ", "3:04 A", [2]string{"a. m.", "p. m."}, false, "Los mensajes y las llamadas están cifrados de extremo a extremo.", "Chat de WhatsApp con %s.txt"},
		{"pt-BR", "dd/mm/yyyy", " ", "15:04", [2]string{}, false, "As mensagens e as chamadas são protegidas com a criptografia de ponta a ponta.", "Conversa do WhatsApp com %s.txt"},
		{"fr", "dd/mm/yyyy", " à ", "15:04", [2]string{}, false, "Les messages et les appels sont chiffrés de bout en bout.", "Discussion WhatsApp avec %s.txt"},
		{"it", "dd/mm/yy", ", ", "15:04", [2]string{}, false, "I messaggi e le chiamate sono crittografati end-to-end.", "Chat WhatsApp con %s.txt"},
		{"nl", "dd-mm-yyyy", " ", "15:04", [2]string{}, false, "Berichten en oproepen worden end-to-end versleuteld.", "WhatsApp-chat met %s.txt"},
		{"tr", "d.mm.yyyy", " ", "15:04", [2]string{}, false, "Mesajlar ve aramalar uçtan uca şifrelidir.", "%s ile WhatsApp Sohbeti.txt"},
		{"hu", "yyyy. mm. dd. ", "", "15:04", [2]string{}, false, en, enFile},
		{"ko", "yyyy. m. d. ", "", "A 3:04", [2]string{"오전", "오후"}, false, "메시지와 통화는 종단간 암호화됩니다.", "WhatsApp 대화 %s.txt"},
		{"zh", "yyyy/m/d", " ", "A3:04", [2]string{"上午", "下午"}, false, en, enFile},
		{"ar", "d/m/yyyy", "، ", "3:04 A", [2]string{"ص", "م"}, true, "الرسائل والمكالمات مشفرة تمامًا بين الطرفين.", "محادثة واتساب مع %s.txt"},
	}
}

func iPhones() []locale {
	return []locale{
		{name: "ios-de", date: "dd.mm.yy", between: ", ", clock: "15:04:05"},
		{name: "ios-ru", date: "dd.mm.yyyy", between: ", ", clock: "15:04:05"},
		{name: "ios-en-GB", date: "dd/mm/yyyy", between: ", ", clock: "15:04:05"},
		{name: "ios-en-US", date: "m/d/yy", between: ", ", clock: "3:04:05\u202fA", halves: [2]string{"AM", "PM"}},
		{name: "ios-en-US-old", date: "m/d/yy", between: ", ", clock: "3:04:05 A", halves: [2]string{"AM", "PM"}},
		{name: "ios-en-CA", date: "yyyy-mm-dd", between: ", ", clock: "3:04:05\u202fA", halves: [2]string{"a.m.", "p.m."}},
		{name: "ios-es", date: "d/m/yy", between: ", ", clock: "15:04:05"},
		{name: "ios-it", date: "dd/mm/yy", between: ", ", clock: "15:04:05"},
		{name: "ios-ko", date: "yyyy. m. d. ", between: "", clock: "A 3:04:05", halves: [2]string{"오전", "오후"}},
		{name: "ios-ar", date: "d/m/yyyy", between: "، ", clock: "3:04:05 A", halves: [2]string{"ص", "م"}, arabic: true},
	}
}

// dateOf prints a date by a pattern.
func dateOf(pattern string, t time.Time) string {
	return strings.NewReplacer("yyyy", fmt.Sprintf("%04d", t.Year()), "yy", fmt.Sprintf("%02d", t.Year()%100), "mm", fmt.Sprintf("%02d", t.Month()),
		"m", fmt.Sprint(int(t.Month())), "dd", fmt.Sprintf("%02d", t.Day()), "d", fmt.Sprint(t.Day())).Replace(pattern)
}

func (l *locale) stamp(t time.Time) string {
	half := l.halves[t.Hour()/12]
	s := dateOf(l.date, t) + l.between + strings.Replace(t.Format(l.clock), "A", half, 1)
	if !l.arabic {
		return s
	}
	return strings.Map(func(r rune) rune {
		if '0' <= r && r <= '9' {
			return r - '0' + '٠'
		}
		return r
	}, strings.ReplaceAll(s, "/", "\u200f/"))
}

// sayings are what WhatsApp itself says in a language: %n did it, %t is a new name.
type sayings struct {
	edited  string
	actions map[string]string
}

// whatsAppSays returns what a phone of a locale says; nothing where it is not surely known.
func whatsAppSays(locale string) sayings {
	name := strings.TrimPrefix(locale, "ios-")
	switch {
	case strings.HasPrefix(name, "en"):
		return sayings{"This message was edited", map[string]string{
			event.ActionJoin: "%n joined using this group's invite link", event.ActionLeave: "%n left",
			event.ActionTitle: "%n changed the group name to “%t”", event.ActionCreate: "%n created group “%t”",
		}}
	case strings.HasPrefix(name, "de"):
		return sayings{"Diese Nachricht wurde bearbeitet", map[string]string{event.ActionLeave: "%n hat die Gruppe verlassen"}}
	case strings.HasPrefix(name, "ru"):
		return sayings{"Данное сообщение изменено", map[string]string{event.ActionLeave: "%n покинул(-а) группу"}}
	case strings.HasPrefix(name, "es"):
		return sayings{"Se editó este mensaje", map[string]string{event.ActionLeave: "%n salió del grupo"}}
	}
	return sayings{}
}

func whatsAppLayout(c *Chat, r *rand.Rand) Layout {
	phone := r.IntN(3) == 0
	l := pick(r, androids()...)
	if phone {
		l = pick(r, iPhones()...)
	}
	dash := pick(r, "-", "-", "-", "–")
	out := Layout{Source: "whatsapp", Name: "whatsapp/" + l.name, Wall: true, Unit: time.Minute, Charset: true, Edits: EditsKeyed}
	out.Options.Account = "me"
	switch l.date[0] {
	case 'd':
		out.Order = producers.DayFirst
	case 'm':
		out.Order = producers.MonthFirst
	case 'y':
		out.Order = producers.YearFirst
	}
	if phone {
		out.Unit = time.Second
	}
	phrases := whatsAppSays(l.name)
	for action := range phrases.actions {
		out.Services = append(out.Services, action)
	}
	out.Greeting = r.IntN(2) == 0 && l.phrase != ""
	out.Write = func(c *Chat, ms []Message) []File {
		var b strings.Builder
		end := "\n"
		if phone {
			end = "\r\n"
		}
		if out.Greeting && len(ms) > 0 && ms[0].ID == 1 {
			fmt.Fprintf(&b, "%s %s %s%s", l.stamp(ms[0].At.In(c.Zone)), dash, l.phrase, end)
		}
		for _, m := range ms {
			at, name, text := l.stamp(m.At.In(c.Zone)), c.People[m.Who].Name, m.Text
			if !m.Edited.IsZero() && phrases.edited != "" {
				text += " \u200e<" + phrases.edited + ">"
			}
			service := strings.NewReplacer("%n", name, "%t", m.Text).Replace(phrases.actions[m.Service])
			switch {
			case m.Service != "" && phone:
				fmt.Fprintf(&b, "[%s] %s: \u200e%s%s", at, c.Name, service, end)
			case m.Service != "":
				fmt.Fprintf(&b, "%s %s %s%s", at, dash, service, end)
			case phone:
				fmt.Fprintf(&b, "[%s] %s: %s%s", at, name, text, end)
			default:
				fmt.Fprintf(&b, "%s %s %s: %s%s", at, dash, name, text, end)
			}
		}
		if phone {
			return []File{{"WhatsApp Chat - " + c.Name + "/_chat.txt", []byte(b.String())}}
		}
		return []File{{fmt.Sprintf(l.file, c.Name), []byte(b.String())}}
	}
	return out
}
