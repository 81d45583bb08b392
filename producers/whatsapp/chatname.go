package whatsapp

import (
	"path"
	"strings"

	"github.com/agrichat/agrichat/producers/whatsapp/header"
	"golang.org/x/text/unicode/norm"
)

// chatOf finds the chat's name in a path: in the file's own name (Android), or in that of the zip or folder in which an
// iPhone's _chat.txt lies. Empty if there is neither.
func chatOf(name string) string {
	dir, file := path.Split(strings.ReplaceAll(norm.NFC.String(name), `\`, "/"))
	base := strings.TrimSuffix(strings.TrimSuffix(file, ".txt"), ".TXT")
	if !iPhone(file) {
		return chatIn(base)
	}
	folder := path.Base(strings.TrimRight(dir, "/"))
	if folder == "." || folder == "/" || folder == ".." || dir == "" {
		return ""
	}
	return chatIn(strings.TrimSuffix(strings.TrimSuffix(folder, ".zip"), ".ZIP"))
}

// iPhone reports whether a file is called as iPhones call it; a second one in a folder has a number.
func iPhone(file string) bool {
	return strings.HasPrefix(file, "_chat") && strings.HasSuffix(strings.ToLower(file), ".txt")
}

// wrapping is what phones put around a chat's name, by language.
func wrapping() []struct{ before, after string } {
	return []struct{ before, after string }{
		{"WhatsApp Chat with ", ""}, {"WhatsApp Chat - ", ""}, {"WhatsApp chat with ", ""},
		{"Чат WhatsApp с контактом ", ""}, {"Чат WhatsApp с группой ", ""}, {"Чат WhatsApp с ", ""}, {"Чат WhatsApp - ", ""},
		{"WhatsApp Chat mit ", ""}, {"WhatsApp-Chat mit ", ""},
		{"Chat de WhatsApp con ", ""}, {"Conversación de WhatsApp con ", ""},
		{"Conversa do WhatsApp com ", ""}, {"Chat do WhatsApp com ", ""}, {"Conversa WhatsApp com ", ""},
		{"Discussion WhatsApp avec ", ""}, {"Conversation WhatsApp avec ", ""},
		{"Chat WhatsApp con ", ""}, {"Chat di WhatsApp con ", ""},
		{"", " ile WhatsApp Sohbeti"}, {"WhatsApp Sohbeti - ", ""},
		{"محادثة واتساب مع ", ""}, {"دردشة واتساب مع ", ""}, {"محادثة WhatsApp مع ", ""}, {"دردشة WhatsApp مع ", ""},
		{"دردشة واتساب - ", ""}, {"محادثة واتساب - ", ""}, {"دردشة WhatsApp - ", ""},
		{"", "님과의 WhatsApp 대화"}, {"", "님과 WhatsApp 대화"}, {"WhatsApp 대화 - ", ""}, {"WhatsApp 채팅 - ", ""},
		{"WhatsApp-chat met ", ""}, {"WhatsApp Chat met ", ""}, {"WhatsApp-gesprek met ", ""},
	}
}

func chatIn(base string) string {
	base, _ = uncopied(header.Clean(base))
	for _, w := range wrapping() {
		if inner, ok := unwrap(base, w.before, w.after); ok {
			return inner
		}
	}
	return base
}

func unwrap(s, before, after string) (string, bool) {
	s, ok := strings.CutPrefix(s, before)
	if !ok {
		return "", false
	}
	s, ok = strings.CutSuffix(s, after)
	return strings.TrimSpace(s), ok && strings.TrimSpace(s) != ""
}

// uncopied takes off the number that a browser or a file manager puts after the name of a second download, with or without a space.
// A chat that is itself called so is joined with its namesake: --channel separates them.
func uncopied(s string) (string, bool) {
	i := strings.LastIndexByte(s, '(')
	if i <= 0 || !strings.HasSuffix(s, ")") {
		return s, false
	}
	if _, digits, rest := header.LeadingNumber(s[i+1:len(s)-1], 2); digits == 0 || rest != "" {
		return s, false
	}
	without := strings.TrimRight(s[:i], " ")
	if without == "" {
		return s, false
	}
	return without, true
}

// copied reports whether the chat's name in a path had the number of a copy, which was taken off.
func copied(name string) bool {
	dir, file := path.Split(strings.ReplaceAll(norm.NFC.String(name), `\`, "/"))
	if iPhone(file) {
		file = path.Base(strings.TrimRight(dir, "/"))
	}
	for _, ending := range [...]string{".txt", ".TXT", ".zip", ".ZIP"} {
		file = strings.TrimSuffix(file, ending)
	}
	_, is := uncopied(header.Clean(file))
	return is
}

// named reports whether a file is called as WhatsApp calls its exports.
func named(name string) bool {
	file := path.Base(strings.ReplaceAll(norm.NFC.String(name), `\`, "/"))
	if !strings.HasSuffix(strings.ToLower(file), ".txt") {
		return false
	}
	if iPhone(file) {
		return true
	}
	base, _ := uncopied(header.Clean(file[:len(file)-len(".txt")]))
	for _, w := range wrapping() {
		if _, ok := unwrap(base, w.before, w.after); ok {
			return true
		}
	}
	return false
}
