package slack

import (
	"bytes"

	"github.com/agrichat/agrichat/producers"
	"github.com/agrichat/agrichat/producers/filekit"
)

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
