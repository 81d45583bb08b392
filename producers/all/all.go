// Package all is the list of sources: one line each, sorted by name, and nothing else.
package all

import (
	"github.com/agrichat/agrichat/producers"
	"github.com/agrichat/agrichat/producers/irc"
	"github.com/agrichat/agrichat/producers/jsonl"
	"github.com/agrichat/agrichat/producers/telegram"
)

// Definitions lists every source there is.
func Definitions() []producers.Definition {
	return []producers.Definition{
		irc.Definition(),
		jsonl.Definition(),
		telegram.Definition(),
	}
}
