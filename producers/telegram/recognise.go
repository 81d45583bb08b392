package telegram

import (
	"bytes"
	"path"
	"strings"

	"github.com/agrichat/agrichat/producers"
	"github.com/agrichat/agrichat/producers/filekit"
	"github.com/agrichat/agrichat/producers/telegram/export"
	"github.com/agrichat/agrichat/producers/telegram/htmlexport"
)

func recognise(f producers.File) producers.Confidence {
	if isPage(f.Head) {
		return recognisePage(f.Head)
	}
	head := filekit.TrimHead(f.Head)
	if !bytes.HasPrefix(head, []byte("{")) {
		return producers.No
	}
	has := func(key string) bool { return bytes.Contains(head, []byte(`"`+key+`"`)) }
	if has("messages") || has("chats") {
		for _, t := range export.ChatTypes() {
			if has(t) {
				return producers.Certain
			}
		}
	}
	switch {
	case has("about") && bytes.Contains(head, []byte("Telegram")): // an account's preamble may outgrow the head
		return producers.Certain
	case has("about") && hasSection(head):
		return producers.Likely
	case has("messages") && (has("date_unixtime") || has("from_id") && has("date")): // another writer's imitation
		return producers.Likely
	}
	return producers.No
}

// hasSection reports whether a file has a part of an account's export, which names itself and is a list: also one without chats.
func hasSection(head []byte) bool {
	for _, name := range [...]string{
		"chats", "left_chats", "contacts", "frequent_contacts", "sessions", "web_sessions", "other_data", "profile_pictures", "stories",
	} {
		_, rest, ok := bytes.Cut(head, []byte(`"`+name+`"`))
		if !ok {
			continue
		}
		rest, ok = bytes.CutPrefix(bytes.TrimLeft(rest, " \t\r\n"), []byte(":"))
		if rest = bytes.TrimLeft(rest, " \t\r\n"); ok && bytes.HasPrefix(rest, []byte("{")) && bytes.Contains(rest, []byte(`"about"`)) &&
			bytes.Contains(rest, []byte(`"list"`)) {
			return true
		}
	}
	_, rest, ok := bytes.Cut(head, []byte(`"personal_information"`))
	return ok && bytes.Contains(rest, []byte(`"user_id"`))
}

// isPage reports whether a file is HTML and not JSON.
func isPage(head []byte) bool {
	return bytes.HasPrefix(filekit.TrimHead(head), []byte("<"))
}

// recognisePage looks for the exporter's own classes. Its other pages, of contacts and sessions, have no history.
func recognisePage(head []byte) producers.Confidence {
	has := func(s string) bool { return bytes.Contains(head, []byte(s)) }
	switch {
	case has(`class="page_wrap"`) && has(`class="history"`):
		return producers.Certain
	case has(htmlexport.MessageTag) && has(`id="message`) && has(`date details"`): // saved by a browser, or cut
		return producers.Likely
	}
	return producers.No
}

// withoutMessages knows the pages of an export that hold no messages: lists of contacts, sessions and chats, and the page that leads to them.
func withoutMessages(f producers.File) string {
	has := func(s string) bool { return bytes.Contains(f.Head, []byte(s)) }
	if !isPage(f.Head) || !has(`class="page_wrap`) || !has(`class="page_header`) {
		return ""
	}
	return "a list of a Telegram export, which holds no messages: those are in messages.html of each chat, where chats were chosen for the export"
}

// belongs reports whether a file is what Telegram Desktop writes beside the messages: lists, pages without messages, and files in folders of
// their own.
func belongs(rel string) bool {
	top, _, below := strings.Cut(rel, "/")
	if !below {
		return rel == "export_results.html"
	}
	if top == "chats" { // chats/chat_1/photos/...
		rel = strings.TrimPrefix(rel, "chats/")
		if _, rel, below = strings.Cut(rel, "/"); !below {
			return false
		}
		if top, _, below = strings.Cut(rel, "/"); !below {
			return false
		}
	}
	switch top {
	case "css", "js", "images", "lists", "photos", "files", "video_files", "voice_messages", "round_video_messages", "stickers", "gifs",
		"profile_pictures", "stories", "contacts", "animations":
		return path.Ext(rel) != ""
	}
	return false
}
