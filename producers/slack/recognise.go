package slack

import (
	"bytes"
	"path"
	"strings"

	"github.com/agrichat/agrichat/producers"
	"github.com/agrichat/agrichat/producers/filekit"
)

// content is what a file of an export holds.
type content int

const (
	days     content = iota // messages of a channel
	users                   // users.json
	channels                // channels.json, groups.json, mpims.json, dms.json
	logs                    // integration_logs.json: who installed what, of which nothing is made
)

// lists are the files that say which channels there are, surest first.
func lists() []string { return []string{"channels.json", "groups.json", "mpims.json", "dms.json"} }

func isList(base string) bool {
	for _, l := range lists() {
		if base == l {
			return true
		}
	}
	return false
}

// contentOf says what a file holds, by what it is called: contents were looked at when it was recognised.
func contentOf(f producers.File) content {
	switch base := path.Base(f.Path); {
	case base == "users.json" || base == "org_users.json":
		return users
	case isList(base):
		return channels
	case base == "integration_logs.json":
		return logs
	}
	return days
}

func recognise(f producers.File) producers.Confidence {
	first, ok := bytes.CutPrefix(filekit.TrimHead(f.Head), []byte("["))
	if !ok {
		return producers.No
	}
	first = bytes.TrimLeft(first, " \t\r\n")
	what, named := contentOf(f), isDay(path.Base(f.Path)) || contentOf(f) != days
	switch {
	case bytes.HasPrefix(first, []byte("]")) && named && folderOf(f.Path) != "":
		return producers.Possible // an empty list of what it is called after
	case !bytes.HasPrefix(first, []byte("{")):
		return producers.No
	}
	h := peek(first)
	switch what {
	case users:
		if h.begins("id", "UW") && (h.begins("team_id", "TE") || h.has("profile")) {
			return producers.Certain
		}
		return besideDays(f, h.value("id") != "" && h.has("name"))
	case channels:
		if h.begins("id", "CGD") && (h.has("members") || h.has("created")) {
			return producers.Certain
		}
		return besideDays(f, h.value("id") != "" && (h.has("members") || h.has("created")))
	case logs:
		return certain(h.has("change_type") && h.has("user_id"))
	}
	messages := h.stamped() && h.value("type") == "message"
	switch {
	case messages && named:
		return producers.Certain
	case messages && (h.has("user") || h.has("bot_id") || h.has("username")):
		return producers.Likely
	case isDay(path.Base(f.Path)) && h.stamped() && !h.has("type") && h.has("text") && (h.has("user") || h.has("username")):
		return producers.Likely // another writer's imitation
	}
	return producers.No
}

// besideDays is how sure a list of things is that have other ids than Slack's, as other writers' exports have: any program may call
// a file so, but it is an export's where days lie in the folders beside it.
func besideDays(f producers.File, like bool) producers.Confidence {
	if !like || f.Beside == nil {
		return producers.No
	}
	days, err := lookOver(f, "")
	if err != nil || len(days.days) == 0 {
		return producers.No
	}
	return producers.Likely
}

func certain(is bool) producers.Confidence {
	if is {
		return producers.Certain
	}
	return producers.No
}

// isDay reports whether a file is called after a day, as those with messages are.
func isDay(base string) bool {
	const shape = "0000-00-00.json"
	if len(base) != len(shape) {
		return false
	}
	for i := range len(shape) {
		if shape[i] == '0' && (base[i] < '0' || base[i] > '9') || shape[i] != '0' && base[i] != shape[i] {
			return false
		}
	}
	return true
}

// folderOf is the name of the folder that a file stands in; empty if its path names none.
func folderOf(file string) string {
	name := path.Base(path.Dir(file))
	if name == "." || name == "/" || name == ".." || strings.HasSuffix(name, ":") {
		return ""
	}
	return name
}

// channelName is what the path of a file says its channel is called: its folder's name, or its own if it is called after no day.
func channelName(file string) string {
	base := strings.TrimSuffix(producers.Uncopied(path.Base(file)), ".json")
	name := strings.Trim(withoutDay(base), " ._-")
	switch strings.ToLower(name) {
	case "messages", "message", "part", "export", "history", "data", "chat", "channel", "output", "dump", "slack", "result":
		name = ""
	}
	if strings.Trim(name, "0123456789()-_. ") == "" {
		return folderOf(file)
	}
	return name
}

func withoutDay(base string) string {
	const shape = "0000-00-00"
	for i := 0; i+len(shape) <= len(base); i++ {
		if isDay(base[i:i+len(shape)] + ".json") {
			return base[:i] + base[i+len(shape):]
		}
	}
	return base
}

// peek is the beginning of a file, which may end anywhere.
type peek []byte

// values calls f with what follows each member of the name, until f is satisfied.
func (p peek) values(name string, f func(rest []byte) bool) bool {
	key := []byte(`"` + name + `"`)
	for rest := []byte(p); ; {
		i := bytes.Index(rest, key)
		if i < 0 {
			return false
		}
		rest = bytes.TrimLeft(rest[i+len(key):], " \t\r\n")
		if after, ok := bytes.CutPrefix(rest, []byte(":")); ok && f(bytes.TrimLeft(after, " \t\r\n")) {
			return true
		}
	}
}

func (p peek) has(name string) bool {
	return p.values(name, func([]byte) bool { return true })
}

// value is the first plain string of the name.
func (p peek) value(name string) (value string) {
	p.values(name, func(rest []byte) bool {
		value = quoted(rest)
		return value != ""
	})
	return value
}

func quoted(rest []byte) string {
	if len(rest) == 0 || rest[0] != '"' {
		return ""
	}
	inner, _, ok := bytes.Cut(rest[1:], []byte{'"'})
	if !ok {
		return ""
	}
	return string(inner)
}

// begins reports whether some value of the name is an id of one of the kinds, by its first letter.
func (p peek) begins(name, letters string) bool {
	return p.values(name, func(rest []byte) bool { return isID(quoted(rest), letters) })
}

// isID reports whether s is what Slack calls things: a letter for the kind, then capitals and digits.
func isID(s, letters string) bool {
	return len(s) >= 6 && strings.IndexByte(letters, s[0]) >= 0 && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") == ""
}

// stamped reports whether some ts is a time as Slack writes it: seconds, a dot, six digits.
func (p peek) stamped() bool {
	return p.values("ts", func(rest []byte) bool { return !instant(quoted(rest)).IsZero() })
}

// elsewhere knows what holds Slack's messages in another layout than an export's, and what is like an export of Slack.
func elsewhere(f producers.File) string {
	first, ok := bytes.CutPrefix(filekit.TrimHead(f.Head), []byte("{"))
	if !ok {
		return ""
	}
	line, _, _ := bytes.Cut(first, []byte{'\n'})
	h := peek(first)
	switch {
	case h.has("messages") && h.stamped() && (h.has("ok") || h.has("channel_id")):
		return "an answer of Slack's API, or a dump made of such, which is not read: export the workspace, or have the tool write the layout of an " +
			"export (slackdump export)"
	case peek(line).value("type") == "version" && (h.has("team") || h.has("channel") || h.has("post")):
		return "a bulk export of Mattermost, which is not read; its messages can be brought in as JSON lines: agrichat sources says how"
	}
	return ""
}

// belongs reports whether a file is what an export holds beside its messages. Lists are used with them even where they are too short to be
// recognised by themselves.
func belongs(rel string) bool {
	switch top, _, below := strings.Cut(rel, "/"); {
	case below:
		return top == "attachments" || top == "__uploads" || top == "__avatars" || top == "emojis"
	case isList(rel), rel == "users.json", rel == "org_users.json", rel == "integration_logs.json", rel == "canvases.json", rel == "lists.json",
		rel == "huddle_transcripts.json", rel == "file_conversations.json", rel == "emoji.json":
		return true
	}
	return path.Base(rel) == "canvas_in_the_conversation.json"
}
