// Package all is the list of sources: one line each, sorted by name, and nothing else.
package all

import (
	"github.com/agrichat/agrichat/producers"
	"github.com/agrichat/agrichat/producers/csv"
	"github.com/agrichat/agrichat/producers/discord"
	"github.com/agrichat/agrichat/producers/irc"
	"github.com/agrichat/agrichat/producers/jsonl"
	"github.com/agrichat/agrichat/producers/slack"
	"github.com/agrichat/agrichat/producers/telegram"
	"github.com/agrichat/agrichat/producers/whatsapp"
)

// Definitions lists every source there is.
func Definitions() []producers.Definition {
	return []producers.Definition{
		csv.Definition(),
		discord.Definition(),
		irc.Definition(),
		jsonl.Definition(),
		slack.Definition(),
		telegram.Definition(),
		whatsapp.Definition(),
	}
}
