package discord

import "strings"

// belongs reports whether a file is one of those that DiscordChatExporter keeps beside an export: in a folder that is called after it.
func belongs(rel string) bool {
	dir, _, below := strings.Cut(rel, "/")
	return below && strings.HasSuffix(strings.ToLower(dir), "_files")
}
