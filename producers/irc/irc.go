// Package irc reads IRC: live over IRCv3, and the logs that clients, bouncers and bots leave behind.
//
// Package chatline holds a parsed line, package logs reads files, package live follows a server. What they promise together: a message has the
// same id however often it comes, by msgid where the server gives one, else by a content key of the time, the nick and the text. Lines that
// cannot be parsed are kept as unparsed events. A channel's live messages are not joined with its logs where the server gives msgids or times:
// those are other schemes of ids. Private conversations are not recorded, and nothing is ever written to a channel.
package irc

import (
	"github.com/agrichat/agrichat/producers"
	"github.com/agrichat/agrichat/producers/irc/chatline"
	"github.com/agrichat/agrichat/producers/irc/live"
	"github.com/agrichat/agrichat/producers/irc/logs"
)

// Definition describes the source.
func Definition() producers.Definition {
	seen := &logs.Folders{}
	return producers.Definition{
		Name:  chatline.Source,
		Title: "IRC",
		Doc: "Live channels over IRCv3 (SASL, server-time, msgid, chathistory; servers without them work too), and logs of " +
			"irssi, WeeChat, ZNC, HexChat, Konversation, Pidgin, energymech, eggdrop, mIRC and the Ubuntu and Raku archives. Logs have no ids: equal lines of one " +
			"person in one minute that an export cuts in two cannot be distinguished. Private messages are not recorded.",
		Sample:     live.Sample,
		Can:        producers.Abilities{Live: true, Archive: true, Backfill: true},
		Recognise:  seen.Recognise,
		Archive:    seen.Archive,
		Unreadable: logs.Unreadable,
		Live:       live.New,
	}
}
