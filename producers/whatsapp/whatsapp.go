// Package whatsapp reads the text exports of WhatsApp: _chat.txt of an iPhone and "WhatsApp Chat with X.txt" of Android, in
// whatever order, language and clock the phone printed them.
//
// It promises that overlapping exports of one chat give the same ids, made of the printed minute, the name and the text, and
// that the order of day and month is decided once for a whole file. It does not know what the export does not say: ids,
// replies, reactions, what stood in an edited or deleted message, and the time zone. A line of a message that looks exactly
// like the file's own headers begins a message of its own: nothing tells the two apart.
package whatsapp

import (
	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/producers"
)

const sourceName event.Source = "whatsapp"

// Definition describes the source.
func Definition() producers.Definition {
	return producers.Definition{
		Name:  sourceName,
		Title: "WhatsApp",
		Doc: "Chats exported as text from a phone, with or without media, zipped or not: _chat.txt (iPhone) and WhatsApp Chat " +
			"with X.txt (Android), in the phone's language. The export has no ids, replies, reactions or time zone, and does not " +
			"say whose it is: --account does. Exports that overlap are joined by minute, name and text.",
		Can:       producers.Abilities{Archive: true},
		Recognise: recognise,
		Archive:   newArchive,
	}
}

// you is the id of the owner of the account where a line calls him "You": the phone's language does not matter to it.
const you event.AuthorID = "(you)"
