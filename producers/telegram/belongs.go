package telegram

import (
	"path"
	"strings"
)

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
