package telegram

import (
	"bytes"

	"github.com/agrichat/agrichat/producers"
)

// withoutMessages knows the pages of an export that hold no messages: lists of contacts, sessions and chats, and the page that leads to them.
func withoutMessages(f producers.File) string {
	has := func(s string) bool { return bytes.Contains(f.Head, []byte(s)) }
	if !isPage(f.Head) || !has(`class="page_wrap`) || !has(`class="page_header`) {
		return ""
	}
	return "a list of a Telegram export, which holds no messages: those are in messages.html of each chat, where chats were chosen for the export"
}
