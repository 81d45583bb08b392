package slack

import (
	"path"
	"strings"
)

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
