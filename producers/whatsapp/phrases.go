package whatsapp

import (
	_ "embed"
	"fmt"
	"github.com/agrichat/agrichat/producers/whatsapp/header"
	"strings"
)

//go:embed phrases.txt
var phraseList string

// phrases are what WhatsApp itself says, in every language that is known. Keys are as key makes them.
type phrases struct {
	you       map[string]bool
	ands      []string          // " and "
	omitted   map[string]string // the kind of what is missing
	attached  []string          // "<attached: "
	file      map[string]bool
	edited    map[string]bool
	deleted   map[string]bool
	location  map[string]bool
	live      map[string]bool
	poll      map[string]bool
	option    map[string]bool
	once      []template
	templates []template
	notices   []notice          // of encryption: those of the templates that older phones print like a message
	initials  [256]bool         // their first bytes
	langs     map[string]string // of the phrases that only one language has
}

// newPhrases reads the list. It is built in, so an error is ours: the tests find it.
func newPhrases() (*phrases, error) {
	p := &phrases{
		you: map[string]bool{}, omitted: map[string]string{}, file: map[string]bool{}, edited: map[string]bool{},
		deleted: map[string]bool{}, location: map[string]bool{}, live: map[string]bool{}, poll: map[string]bool{},
		option: map[string]bool{}, langs: map[string]string{},
	}
	lang := ""
	for line := range strings.Lines(phraseList) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		if line[0] == '[' {
			lang = strings.Trim(line, "[]")
			continue
		}
		name, values, ok := strings.Cut(line, ": ")
		if !ok || lang == "" {
			return nil, fmt.Errorf("reading the list of phrases: %q is of no form", line)
		}
		for v := range strings.SplitSeq(values, "|") {
			p.add(lang, strings.TrimSpace(name), v)
		}
	}
	return p, nil
}

func (p *phrases) add(lang, name, phrase string) {
	k := key(phrase)
	first, second, _ := strings.Cut(name, " ")
	switch first {
	case "you":
		p.you[phrase] = true
		return
	case "and":
		p.ands = append(p.ands, " "+phrase+" ")
		return
	case "media":
		p.omitted[k] = second
	case "attached":
		p.attached = append(p.attached, "<"+phrase+": ")
	case "once":
		p.once = append(p.once, newTemplate(lang, "once", "", phrase))
		return
	default:
		set := p.set(first)
		if set == nil {
			t := newTemplate(lang, first, second, phrase)
			if p.templates = append(p.templates, t); second == "encryption" {
				word, _, _ := strings.Cut(t.parts[0].text, " ")
				p.notices = append(p.notices, notice{t, word})
				p.initials[t.parts[0].text[0]] = true
			}
			return
		}
		set[k] = true
	}
	if l, known := p.langs[k]; known && l != lang {
		lang = ""
	}
	p.langs[k] = lang
}

func (p *phrases) set(name string) map[string]bool {
	switch name {
	case "file":
		return p.file
	case "edited":
		return p.edited
	case "deleted":
		return p.deleted
	case "location":
		return p.location
	case "live":
		return p.live
	case "poll":
		return p.poll
	case "option":
		return p.option
	}
	return nil
}

// key makes phrases comparable: case varies from version to version, as do full stops.
func key(s string) string { return strings.ToLower(strings.TrimRight(plain(s), ". ")) }

// plain brings a line of WhatsApp's own to the form in which phrases are listed.
func plain(s string) string {
	s = header.Clean(s)
	if strings.IndexByte(s, '(') >= 0 {
		for _, ending := range [...]string{"(-а)", "(а)", "(-ла)", "(ла)", "(-и)", "(-о)", "(-ы)"} {
			s = strings.ReplaceAll(s, ending, "")
		}
	}
	if strings.IndexByte(s, arabicLead) >= 0 {
		s = strings.Map(func(r rune) rune {
			if '\u064b' <= r && r <= '\u0652' || r == '\u0640' {
				return -1
			}
			return r
		}, s)
	}
	return strings.ReplaceAll(s, "’", "'")
}

// arabicLead begins the marks of Arabic vowels in UTF-8: phones print phrases with and without them.
const arabicLead = 0xd9

// language returns the language of what WhatsApp itself says after a header; empty if it is nobody's or several's.
func (p *phrases) language(rest string) string {
	if m, ok := p.service(rest); ok {
		return m.lang
	}
	_, text, ok := strings.Cut(rest, ": ")
	if !ok {
		return ""
	}
	text = header.Clean(text)
	if i := strings.LastIndexByte(text, '<'); i >= 0 {
		text = text[i:]
		for _, a := range p.attached {
			if strings.HasPrefix(text, a) {
				return p.langs[key(strings.Trim(a, "<: "))]
			}
		}
	} else if i := strings.LastIndexByte(text, '('); i >= 0 {
		text = text[i:]
	}
	return p.langs[key(strings.Trim(text, "<>()"))]
}

// service finds the service line that a text is.
func (p *phrases) service(text string) (match, bool) {
	text = strings.TrimRight(plain(text), ". ")
	for i := range p.templates {
		if m, ok := p.templates[i].match(text, false); ok {
			return m, true
		}
	}
	return match{}, false
}

// colonService finds the service line that a text is, of which what was done to somebody may have a colon in his name.
func (p *phrases) colonService(text string) (match, bool) {
	text = strings.TrimRight(plain(text), ". ")
	for i := range p.templates {
		t := &p.templates[i]
		if t.parts[0].slot == 'm' { // a message may end as such a line does
			continue
		}
		if m, ok := t.match(text, true); ok && strings.Contains(m.members, ": ") {
			return m, true
		}
	}
	return match{}, false
}

// serviceOf finds the service line that a text is, in which the name is of somebody that has a colon and a space between its two parts.
func (p *phrases) serviceOf(text, before, part string) (match, bool) {
	const hidden = "\ue000" // of private use: no phone prints it
	m, ok := p.service(strings.ReplaceAll(text, before+": "+part, before+hidden+part))
	for _, s := range [...]*string{&m.actor, &m.members, &m.text} {
		*s = strings.ReplaceAll(*s, hidden, ": ")
	}
	return m, ok
}

// notice finds a notice of encryption, whole or with more sentences after it.
func (p *phrases) notice(text string) (match, bool) {
	if text != "" && text[0] >= 0xd8 {
		text = strings.TrimLeft(text, header.Marks)
	}
	if text == "" || !p.initials[text[0]] {
		return match{}, false
	}
	for i := range p.notices {
		if !strings.HasPrefix(text, p.notices[i].word) {
			continue
		}
		if m, ok := p.notices[i].match(plain(text), false); ok {
			return m, true
		}
	}
	return match{}, false
}

// template is a service line with slots for names.
type template struct {
	lang, action, native string
	parts                []part
	open                 bool // anything may follow
	passive              bool // it names no actor
}

// notice is a template and its first word, which most texts do not begin with.
type notice struct {
	template
	word string
}

// part is a piece of text, or a slot for one.
type part struct {
	text string
	slot byte // a, m, q, x; 0 for text
}

func newTemplate(lang, action, native, phrase string) template {
	t := template{lang: lang, action: action, native: native}
	phrase, t.open = strings.CutSuffix(plain(phrase), "*")
	phrase, t.passive = strings.CutPrefix(phrase, "~")
	for phrase != "" {
		i := strings.IndexByte(phrase, '{')
		if i < 0 {
			t.parts = append(t.parts, part{text: phrase})
			break
		}
		if i > 0 {
			t.parts = append(t.parts, part{text: phrase[:i]})
		}
		t.parts = append(t.parts, part{slot: phrase[i+1]})
		phrase = phrase[i+len("{a}"):]
	}
	return t
}

// match is a parsed service line.
type match struct {
	*template
	actor, members, text string
	rest                 string // what follows
}

// match parses a service line. With colons, the names of those it was done to may hold a colon and a space.
func (t *template) match(s string, colons bool) (match, bool) {
	m := match{template: t}
	for i, p := range t.parts {
		if p.slot == 0 {
			rest, ok := strings.CutPrefix(s, p.text)
			if !ok {
				return m, false
			}
			s = rest
			continue
		}
		end := len(s)
		if i+1 < len(t.parts) {
			if end = t.end(i+1, s); end < 0 {
				return m, false
			}
		}
		if !m.take(p.slot, s[:end], colons) {
			return m, false
		}
		s = s[end:]
	}
	m.rest = s
	return m, s == "" || t.open
}

// end finds where the text after a slot begins: the first such text, or the last if nothing comes after it.
func (t *template) end(next int, s string) int {
	text := t.parts[next].text
	if next == len(t.parts)-1 && !t.open {
		if !strings.HasSuffix(s, text) {
			return -1
		}
		return len(s) - len(text)
	}
	return strings.Index(s, text)
}

// take notes what is in a slot. A name has no colon and space here: where it has, the line is a message.
func (m *match) take(slot byte, s string, colons bool) bool {
	switch slot {
	case 'a':
		m.actor = strings.TrimSuffix(s, ",")
		return s != "" && !strings.Contains(s, ": ")
	case 'm':
		m.members = s
		return s != "" && (colons || !strings.Contains(s, ": "))
	case 'q':
		m.text = unquote(s)
		return s != ""
	}
	return true
}

// unquote takes the last quoted text of s, or all of it.
func unquote(s string) string {
	if in, ok := quoted(s); ok {
		return in
	}
	for _, q := range [...]string{`"`, "“", "„", "«", "”"} {
		if i := strings.LastIndex(s, " "+q); i >= 0 && len(s) > i+1+2*len(q) {
			s = s[i+1:]
		}
	}
	return strings.TrimSpace(strings.Trim(s, `"“”„«» `))
}

// quoted returns what is between the quotation marks around all of s, which may hold such marks itself.
func quoted(s string) (string, bool) {
	s = strings.TrimSpace(s)
	for _, q := range [...][2]string{{"“", "”"}, {"«", "»"}} {
		in, begins := strings.CutPrefix(s, q[0])
		in, ends := strings.CutSuffix(in, q[1])
		if !begins || !ends {
			continue
		}
		depth := 0
		for _, r := range in {
			switch string(r) {
			case q[0]:
				depth++
			case q[1]:
				if depth--; depth < 0 { // it closes before the end
					return "", false
				}
			}
		}
		return strings.TrimSpace(in), depth == 0
	}
	return "", false
}

// names splits a list of names. One that has the word "and" in it comes out as two: they cannot be distinguished.
func (p *phrases) names(s string) []string {
	var out []string
	rest := s
	for {
		name, after, ok := strings.Cut(rest, ", ")
		if !ok {
			break
		}
		out, rest = append(out, name), after
	}
	for _, and := range p.ands {
		if i := strings.LastIndex(rest, and); i > 0 {
			return append(out, rest[:i], rest[i+len(and):])
		}
	}
	return append(out, rest)
}
