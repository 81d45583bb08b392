package whatsapp

import (
	"path"
	"slices"
	"strings"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/producers/whatsapp/header"
)

// parsed is one parsed message. It knows nothing of files: whether an attachment is there is seen when it is sent on.
type parsed struct {
	author  string // as printed, cleaned; empty for WhatsApp itself
	body    event.Message
	key     string // the text of its content key
	message string // of a service line: taken into the key in place of author and text
}

// reader understands messages one after another, each by itself.
type reader struct {
	phrases *phrases
	survey  survey
	chat    string          // what the chat is called
	bracket bool            // the message at hand has a header as iPhones print it
	senders map[string]bool // cache of whether what is before a colon is a name; it is looked up for every message
}

func newReader(p *phrases, s survey, chat string) *reader {
	return &reader{phrases: p, survey: s, chat: chat, bracket: s.Style.Bracket, senders: map[string]bool{}}
}

// message understands what follows a header: all lines, joined.
func (r *reader) message(rest string) parsed {
	name, text, ok := r.sender(rest)
	if !ok {
		return r.service("", rest)
	}
	own := strings.HasPrefix(text, "\u200e") // what an iPhone says itself
	if r.bracket && (own || name == r.chat) {
		if m, ok := r.serviceOf(firstLine(text)); ok {
			return r.serviceMessage(name, text, m)
		}
		if m, ok := r.phrases.colonService(firstLine(text)); ok && own {
			return r.serviceMessage(name, text, m)
		}
	}
	if !own && text != "" {
		if m, ok := r.encryptionNotice(firstLine(text)); ok {
			return r.serviceMessage(name, text, m)
		}
	}
	return r.userMessage(name, text)
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}

// encryptionNotice finds a notice of encryption that older phones print as a message of the group, or of the other person.
func (r *reader) encryptionNotice(line string) (match, bool) {
	m, ok := r.phrases.notice(line)
	if !ok || r.bracket || m.rest == "" {
		return m, ok
	}
	if strings.HasPrefix(m.rest, ".") || strings.HasPrefix(m.rest, ",") || strings.HasPrefix(m.rest, "،") {
		return m, true
	}
	rest := strings.ToLower(m.rest)
	for _, w := range [...]string{ // in what follows where a phrase is the start of a sentence
		"end-to-end", "сквозн", "ende-zu-ende", "cifrad", "criptograf", "crittograf", "chiffrement", "uçtan uca", "بين الطرفين", "التشفير", "되",
	} {
		if strings.Contains(rest, w) {
			return m, true
		}
	}
	return m, false
}

// serviceOf finds the service line that a text is, in which names with a colon may be that the whole file showed to be names.
func (r *reader) serviceOf(line string) (match, bool) {
	if m, ok := r.phrases.service(line); ok {
		return m, true
	}
	for before, part := range r.survey.Names {
		if strings.Contains(line, before+": "+part) {
			if m, ok := r.phrases.serviceOf(line, before, part); ok {
				return m, true
			}
		}
	}
	return match{}, false
}

// sender finds the author of a message. A line of WhatsApp's own has none, which may yet hold a colon.
func (r *reader) sender(rest string) (name, text string, ok bool) {
	line := firstLine(rest)
	i := strings.Index(line, ": ")
	if i < 0 {
		if name, ok := strings.CutSuffix(strings.TrimRight(line, header.Marks), ":"); ok && name != "" { // an empty message
			if _, service := r.phrases.service(line); !service {
				return header.Clean(name), rest[len(line):], true
			}
		}
		return "", rest, false
	}
	before := rest[:i]
	text = rest[i+2:]
	if part := r.survey.Names[before]; part != "" && strings.HasPrefix(text, part) {
		if after, ok := strings.CutPrefix(text[len(part):], ": "); ok {
			return header.Clean(before + ": " + part), after, true
		}
		if _, ok := r.serviceOf(line); ok {
			return "", rest, false
		}
	}
	known, asked := r.senders[before]
	if !asked {
		m, service := r.serviceOf(line)
		if strings.HasSuffix(m.actor, ":") || strings.HasSuffix(m.members, ":") { // "Ann: left" is a message of Ann's
			service = false
		}
		known = !service && !slices.Contains(r.survey.Services, before)
		if len(r.senders) >= colonNames {
			clear(r.senders)
		}
		r.senders[strings.Clone(before)] = known
	}
	if !known {
		return "", rest, false
	}
	return header.Clean(before), text, true
}

// service is a line of WhatsApp's own that has no sender.
func (r *reader) service(name, text string) parsed {
	if m, ok := r.serviceOf(firstLine(text)); ok {
		return r.serviceMessage(name, text, m)
	}
	if m, ok := r.phrases.colonService(firstLine(text)); ok {
		return r.serviceMessage(name, text, m)
	}
	if r.phrases.deleted[key(text)] {
		return r.deleted(name, text)
	}
	return r.serviceMessage(name, text, match{template: &template{action: event.ActionOther}})
}

// serviceMessage is a service line. Who did it is in the line; the sender that an iPhone prints may be the chat.
func (r *reader) serviceMessage(name, text string, m match) parsed {
	if name == r.chat && name != "" && m.native != "missed_voice_call" && m.native != "missed_video_call" &&
		m.native != "voice_call" && m.native != "video_call" {
		name = ""
	}
	s := parsed{author: name, message: header.Clean(text)}
	s.body = event.Message{Type: event.TypeService, Text: header.Clean(text), Service: &event.Service{
		Action: m.action, Native: m.native, Text: m.text,
	}}
	if m.action == event.ActionNotice || m.native == "security_code" {
		s.author = ""
	}
	byYou := len(m.parts) > 0 && m.parts[0].slot == 0 && !m.passive // Creaste el grupo: the language needs no word for you
	switch {
	case m.actor != "":
		s.author = m.actor
	case byYou && (m.members != "" && m.native != "security_code" || m.action == event.ActionCreate ||
		m.action == event.ActionLeave || m.action == event.ActionTitle || m.action == event.ActionJoin):
		s.author = string(you)
	}
	if m.members != "" {
		for _, n := range r.phrases.names(m.members) {
			if m.lang == "ko" {
				n = strings.TrimSuffix(n, "님") // an honorific after each name
			}
			s.body.Service.Members = append(s.body.Service.Members, r.person(n))
		}
	} else if m.action == event.ActionInvite || m.action == event.ActionKick {
		s.body.Service.Members = []event.Person{{ID: you}}
	}
	return s
}

func (r *reader) person(name string) event.Person {
	name = header.Clean(name)
	switch {
	case name == "":
		return event.Person{}
	case name == string(you):
		return event.Person{ID: you}
	case r.phrases.you[name]:
		return event.Person{ID: you, Name: name}
	}
	return speaker(name)
}

func speaker(name string) event.Person {
	return event.Person{ID: event.AuthorID(name), Name: name}
}

// deleted is what is left of a deleted message. Nothing says which one it was, so it is no deletion of another: it is a
// message of WhatsApp's, in the place and of the author of the one that is gone.
func (r *reader) deleted(name, text string) parsed {
	return parsed{author: name, key: "\x01deleted", body: event.Message{
		Type: event.TypeService, Text: header.Clean(text), Details: map[string]string{"deleted": "true"},
		Service: &event.Service{Action: event.ActionOther, Native: "deleted"},
	}}
}

// longestPhrase is more than any language needs to say that a message was deleted, a file left out or a place shared.
const longestPhrase = 160

// userMessage is a message of a person.
func (r *reader) userMessage(name, text string) parsed {
	phrase := "" // what the text is if WhatsApp says it
	if len(text) <= longestPhrase && strings.IndexByte(text, '\n') < 0 {
		phrase = key(text)
	}
	if r.phrases.deleted[phrase] {
		return r.deleted(name, text)
	}
	s := parsed{author: name, body: event.Message{Type: event.TypeMessage}}
	text, edited := r.edited(text)
	if edited {
		s.detail("edited", "true")
	}
	caption, media := r.media(text, &s)
	s.body.Text = tidy(caption)
	if media {
		s.key = "\x01media" + s.key + "\x01" + s.body.Text
	} else {
		s.key = s.body.Text
	}
	r.poll(&s)
	r.location(&s, phrase)
	s.mentions(text)
	return s
}

func (s *parsed) detail(name, value string) {
	if s.body.Details == nil {
		s.body.Details = map[string]string{}
	}
	s.body.Details[name] = value
}

// tidy takes out what no page can show and what the phone adds, and leaves the person's own text as it is.
func tidy(s string) string {
	for i := range len(s) {
		if c := s[i]; c >= 0xe2 || c < ' ' || c == 0x7f {
			return tidied(s)
		}
	}
	return strings.TrimRight(s, " \n")
}

func tidied(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return r
		case r < ' ' || r == 0x7f || r == '\ufeff' || r == '\u200e' || r == '\u2068' || r == '\u2069':
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
	return strings.TrimRight(s, " \n\t")
}

// edited takes off the note that a message was edited. The export has neither the time nor the text before.
func (r *reader) edited(text string) (string, bool) {
	end := strings.TrimRight(text, " \n"+header.Marks)
	if !strings.HasSuffix(end, ">") {
		return text, false
	}
	i := strings.LastIndexByte(end, '<')
	if i < 0 || !r.phrases.edited[key(end[i+1:len(end)-1])] {
		return text, false
	}
	return strings.TrimRight(end[:i], " "+header.Marks), true
}

// media takes the mark of a file off a text. What is left is the caption.
func (r *reader) media(text string, s *parsed) (caption string, ok bool) {
	line := firstLine(text)
	rest := strings.TrimPrefix(text[len(line):], "\n")
	if i := strings.LastIndexByte(text, '<'); i >= 0 && strings.IndexByte(text[i:], '>') > 0 {
		if caption, ok := r.attached(text, i, s); ok {
			return caption, true
		}
	}
	if !r.bracket && strings.IndexByte(line, ')') < 0 && strings.IndexByte(line, '<') < 0 {
		return text, false // as nearly all are
	}
	bare := header.Clean(line)
	if strings.HasSuffix(bare, ")") {
		if i := strings.LastIndex(bare, " ("); i > 0 && r.phrases.file[key(bare[i+2:len(bare)-1])] {
			s.attach(strings.TrimSpace(bare[:i]))
			if !s.keyedByPosition() {
				s.key = "\x01" + bare[:i]
			}
			return rest, true
		}
	}
	if strings.HasPrefix(bare, "<") && strings.HasSuffix(bare, ">") {
		bare = bare[1 : len(bare)-1]
	} else if !r.bracket {
		return text, false
	}
	kind, omitted := "", false
	if len(bare) <= longestPhrase {
		kind, omitted = r.phrases.omitted[key(bare)]
	}
	if !omitted {
		return r.described(text, s)
	}
	s.omit(kind)
	return rest, true
}

// attached reads <attached: FILE>, which an iPhone prints after a document's name or a caption.
func (r *reader) attached(text string, at int, s *parsed) (string, bool) {
	for _, a := range r.phrases.attached {
		if !strings.HasPrefix(text[at:], a) {
			continue
		}
		file, after, _ := strings.Cut(text[at+len(a):], ">")
		s.attach(header.Clean(file))
		caption := strings.TrimRight(text[:at], " \n"+header.Marks)
		if after = strings.Trim(after, "\n"+header.Marks); after != "" && caption != "" {
			caption += "\n"
		}
		if !s.keyedByPosition() {
			s.key = "\x01" + caption
		}
		return caption + after, true
	}
	return text, false
}

// described reads what an iPhone prints where it left out a file that it names or that has a caption: text, a mark, the note.
func (r *reader) described(text string, s *parsed) (string, bool) {
	i := strings.LastIndex(text, "\u200e")
	if i <= 0 {
		return text, false
	}
	kind, omitted := r.phrases.omitted[key(text[i:])]
	if !omitted {
		return text, false
	}
	s.omit(kind)
	return strings.TrimRight(text[:i], " \n"+header.Marks), true
}

// keyedByPosition reports whether a file's message goes by its place among the author's files: an export without media does not name
// them. A contact is named in both.
func (s *parsed) keyedByPosition() bool {
	return s.body.Attachments[0].Kind != "contact"
}

const notExported = "the export was made without this file"

func (s *parsed) omit(kind string) {
	if kind == "once" {
		s.detail("view_once", "true")
		kind = ""
	}
	if kind == "" {
		kind = "file"
	}
	s.body.Attachments = []event.Attachment{{Kind: kind, Missing: notExported}}
}

func (s *parsed) attach(file string) {
	s.body.Attachments = []event.Attachment{{Kind: kindOf(file), Name: path.Base(file), Path: file}}
}

// kindOf finds what a file is by the name that the phone gave it, or by its ending.
func kindOf(file string) string {
	upper := strings.ToUpper(path.Base(file))
	for _, k := range [...]struct{ mark, kind string }{
		{"-PHOTO-", "photo"}, {"IMG-", "photo"}, {"-VIDEO-", "video"}, {"VID-", "video"}, {"-AUDIO-", "voice"},
		{"PTT-", "voice"}, {"AUD-", "audio"}, {"-STICKER-", "sticker"}, {"STK-", "sticker"}, {"-GIF-", "animation"},
		{"-CONTACT-", "contact"},
	} {
		if strings.HasPrefix(upper, k.mark) || k.mark[0] == '-' && strings.Contains(upper, k.mark) {
			return k.kind
		}
	}
	switch path.Ext(upper) {
	case ".VCF":
		return "contact"
	case ".JPG", ".JPEG", ".PNG", ".HEIC":
		return "photo"
	case ".MP4", ".MOV", ".3GP":
		return "video"
	case ".OPUS":
		return "voice"
	case ".MP3", ".M4A", ".AAC", ".OGG", ".AMR", ".WAV":
		return "audio"
	case ".WEBP":
		return "sticker"
	case ".GIF":
		return "animation"
	}
	return "file"
}

// mentions reads the names that newer phones put between isolates after an at sign.
func (s *parsed) mentions(text string) {
	for {
		_, after, ok := strings.Cut(text, "@\u2068")
		if !ok {
			return
		}
		name, rest, ok := strings.Cut(after, "\u2069")
		if !ok {
			return
		}
		if name = header.Clean(name); name != "" {
			s.body.Mentions = append(s.body.Mentions, event.Person{ID: event.AuthorID(name), Name: name})
		}
		text = rest
	}
}
