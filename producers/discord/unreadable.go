package discord

import (
	"bytes"

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
