// Package whatsapp reads the text exports of WhatsApp: _chat.txt of an iPhone and "WhatsApp Chat with X.txt" of Android, in
// whatever order, language and clock the phone printed them.
//
// It promises that overlapping exports of one chat give the same ids, made of the printed minute, the name and the text, and
// that the order of day and month is decided once for a whole file. It does not know what the export does not say: ids,
// replies, reactions, what was in an edited or deleted message, and the time zone. A line of a message that looks exactly
// like the file's own headers begins a message of its own: the two cannot be distinguished.
//
// No id hangs on what is guessed. The date in a content key has the lower of day and month as the month, so that 3/4/21 has one key
// whether it is read as 3 April or as 4 March: a later export that leaves no choice, or --date-order, puts the time right under the same
// id, as an export of a phone in another country does. (Until such keys were made, messages of a date whose day is lower than
// its month had other ids: their next import is beside them, and is reported as an overlap.) Which number is the year is no part
// of that: only a file of one day with two digits of the year leaves it open. The name and the text in a key are made of the bytes of
// the file where these are not UTF-8.
//
// A file that was copied while it was written ends within a line. What there is of its last message is kept as it is, for it cannot be distinguished from
// one that was trimmed by hand, and the notice last-line-cut says so: nothing is taken back when the whole one comes, which would
// be a guess about somebody's words; an import counts the pair as an overlap.
//
// Equal lines of one minute are counted on from one of the two dates of such a key to the other, in the order of the file, and are
// ambiguous where they meet. It cannot be decided whether they are one message or two where neither of two exports
// holds both dates: then only one is kept, with the earlier time.
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
			"with X.txt (Android), in the phone's language and charset. The export has no ids, replies, reactions or time zone, and does not " +
			"say whose it is: --account does. Exports that overlap are joined by minute, name and text.",
		Can:       producers.Abilities{Archive: true},
		Recognise: recognise,
		Archive:   newArchive,
	}
}

// you is the id of the owner of the account where a line calls him "You": the phone's language does not matter to it.
const you event.AuthorID = "(you)"
