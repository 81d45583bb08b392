package discord

import "strings"

// about is the channel's topic, after the names of what the channel stands in, which has no other place and without which one
// "general" is like another.
func (w *where) about() string {
	place := w.Guild
	if w.GuildID == "0" { // the exporter's own word for what is no guild
		place = ""
	}
	if w.Parent != "" && place != "" {
		place += " / " + w.Parent
	}
	if w.Topic == "" || place == "" {
		return place + w.Topic
	}
	return place + ": " + w.Topic
}

// kindOf is the channel's type in words that other networks have too.
func kindOf(t string) string {
	switch t {
	case "DirectTextChat":
		return "private"
	case "DirectGroupTextChat", "GuildTextChat":
		return "group"
	case "GuildNews":
		return "channel"
	case "GuildNewsThread", "GuildPublicThread", "GuildPrivateThread":
		return "thread"
	case "GuildVoiceChat", "GuildStageVoice":
		return "voice"
	case "GuildForum":
		return "forum"
	}
	return t
}

// isID reports whether s may be one of Discord's numbers: all of them have as many digits.
func isID(s string) bool { return len(s) >= 15 && len(s) <= 20 && isNumber(s) }

func isNumber(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

// split takes the exporter's name of a file apart.
func (w *where) split(name string) {
	parts := strings.Split(name, " - ")
	w.Name = parts[len(parts)-1]
	if len(parts) > 1 {
		w.Guild = parts[0]
	}
	if len(parts) > 2 {
		w.Parent = strings.Join(parts[1:len(parts)-1], " - ")
	}
}

// lastBracket takes the last [thing] out of a name, with what follows it.
func lastBracket(name string) (rest, inside string, ok bool) {
	open := strings.LastIndexByte(name, '[')
	if open < 0 {
		return name, "", false
	}
	shut := strings.IndexByte(name[open:], ']')
	if shut < 0 {
		return name, "", false
	}
	return strings.TrimRight(name[:open], " "), name[open+1 : open+shut], true
}
