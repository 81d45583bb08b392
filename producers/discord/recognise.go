package discord

import (
	"bytes"
	"strings"

	"github.com/agrichat/agrichat/producers"
	"github.com/agrichat/agrichat/producers/filekit"
)

const asJSON = "; export the channel again as JSON"

// unreadable knows what else DiscordChatExporter writes.
func unreadable(f producers.File) string {
	head := filekit.TrimHead(f.Head)
	switch {
	case bytes.HasPrefix(head, []byte("<")) && isPage(head):
		return "a page (HTML) of DiscordChatExporter, which is not read" + asJSON
	case isPlainText(head):
		return "plain text (TXT) of DiscordChatExporter, which is not read" + asJSON
	}
	return ""
}

// isPage knows pages by the classes of their messages, of any year.
func isPage(head []byte) bool {
	return bytes.Contains(head, []byte("chatlog__")) || bytes.Contains(head, []byte("DiscordChatExporter")) ||
		bytes.Contains(head, []byte("cdn.discordapp.com")) && bytes.Contains(head, []byte(`class="msg`))
}

// isPlainText knows a text by its preamble: a line of equals signs, then what the messages are of.
func isPlainText(head []byte) bool {
	rule, rest, ok := bytes.Cut(head, []byte{'\n'})
	rule = bytes.TrimRight(rule, "\r")
	if !ok || len(rule) < 10 || len(bytes.Trim(rule, "=")) > 0 || !bytes.HasPrefix(rest, []byte("Guild:")) {
		return false
	}
	_, rest, ok = bytes.Cut(rest, []byte{'\n'})
	return ok && bytes.HasPrefix(rest, []byte("Channel:"))
}

func recognise(f producers.File) producers.Confidence {
	if _, ok := parseHeader(filekit.FirstLine(f.Head)); ok {
		return producers.Certain
	}
	if !isObject(f.Head) {
		return producers.No
	}
	has := func(key string) bool { return bytes.Contains(f.Head, []byte(`"`+key+`"`)) }
	switch {
	case !has("guild") || !has("channel"):
		return producers.No
	case has("dateRange"):
		return producers.Certain
	case has("messages") && (has("timestamp") || has("messageCount") || has("exportedAt")): // another writer's imitation
		return producers.Likely
	}
	return producers.No
}

func isObject(head []byte) bool { return bytes.HasPrefix(filekit.TrimHead(head), []byte("{")) }

// belongs reports whether a file is one of those that DiscordChatExporter keeps beside an export: in a folder that is called after it.
func belongs(rel string) bool {
	dir, _, below := strings.Cut(rel, "/")
	return below && strings.HasSuffix(strings.ToLower(dir), "_files")
}
