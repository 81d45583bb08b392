// Package telegram reads the JSON and the HTML that Telegram Desktop exports: one chat, or a whole account.
//
// Package jsonexport reads the JSON and package htmlexport the HTML; package export holds what they have in common. Contacts, sessions and whatever
// else an account's export holds beside its chats are skipped: they are about people who are not in any chat.
//
// Of a message's edits only the last is known, of reactions often only some of the people, of the members of a service message only the names.
// HTML has no ids but those of messages: its chat goes by its name, unless the user gives its id, and its people by theirs within the chat.
package telegram

import (
	"github.com/agrichat/agrichat/producers"
	"github.com/agrichat/agrichat/producers/telegram/export"
	"github.com/agrichat/agrichat/producers/telegram/htmlexport"
	"github.com/agrichat/agrichat/producers/telegram/jsonexport"
)

// batchSize is how many events a batch has: the bus takes atomic batches up to 1000, and half of that costs no speed.
const batchSize = 500

// Definition describes the source.
func Definition() producers.Definition { return definition(batchSize) }

func definition(batch int) producers.Definition {
	pages := new(htmlexport.Cache)
	return producers.Definition{
		Name:  export.Source,
		Title: "Telegram",
		Doc: "JSON and HTML exports of Telegram Desktop (Settings, Advanced, Export Telegram data; or Export chat history), " +
			"one chat or a whole account. Carries the last edit of a message, reactions and service messages; no deletions. " +
			"Exports made before June 2022 print local time only, and HTML prints no summer time: name the zone. Private chats " +
			"and basic groups need --account unless the export says whose it is. HTML carries no edits, no ids of people, and " +
			"none of the chat: where result.json of the same export lies beside it, or --channel gives the id that JSON has " +
			"(channel1234567890, user1234, chat1234), each message is one and the same; else the chat goes by its name, beside JSON's.",
		Can:        producers.Abilities{Archive: true, Edits: true, Reactions: true},
		Recognise:  recognise,
		Unreadable: withoutMessages,
		Belongs:    belongs,
		Archive: func(f producers.File, o producers.Options) (producers.Source, error) {
			if isPage(f.Head) {
				return htmlexport.New(f, o, batch, pages), nil
			}
			return jsonexport.New(f, o, batch), nil
		},
	}
}
