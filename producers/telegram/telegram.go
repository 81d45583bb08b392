// Package telegram reads the JSON and the HTML that Telegram Desktop exports: one chat, or a whole account.
//
// It promises to hold one message at a time, however large the file; to go on after a record that is broken, which it
// keeps as it stands; and ids that two exports of one chat agree on. Contacts, sessions and whatever else an account
// export holds beside its chats are passed over: they are about people who are not in any chat.
//
// It does not say more than the export does: of a message's edits only the last is known, of reactions often only some of
// the people, of the members of a service message only the names. HTML has no ids but those of messages: its chat goes by
// its name, unless the user gives its id, and its people by theirs within the chat.
package telegram

import (
	"bytes"
	"context"

	"github.com/agrichat/agrichat/internal/charset"
	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/fault"
	"github.com/agrichat/agrichat/producers"
)

// sourceName is on every event, and is the namespace of everything that Telegram numbers for all accounts alike.
const sourceName = "telegram"

// batchSize is how many events a batch has: the bus takes atomic batches up to 1000, and half of that costs no speed.
const batchSize = 500

// Definition describes the source.
func Definition() producers.Definition { return definition(batchSize) }

func definition(batch int) producers.Definition {
	beside := new(sidecars)
	return producers.Definition{
		Name:  sourceName,
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
			return &archive{file: f, options: o, batch: batch, sidecars: beside}, nil
		},
	}
}

// chatTypes are the exporter's names of what a chat may be; no other format uses them.
func chatTypes() []string {
	return []string{
		"personal_chat", "bot_chat", "saved_messages", "replies", "verification_codes", "private_group",
		"private_supergroup", "public_supergroup", "private_channel", "public_channel",
	}
}

func recognise(f producers.File) producers.Confidence {
	if isPage(f.Head) {
		return recognisePage(f.Head)
	}
	head := bytes.TrimLeft(bytes.TrimPrefix(f.Head, byteOrderMark()), " \t\r\n")
	if !bytes.HasPrefix(head, []byte("{")) {
		return producers.No
	}
	has := func(key string) bool { return bytes.Contains(head, []byte(`"`+key+`"`)) }
	if has("messages") || has("chats") {
		for _, t := range chatTypes() {
			if has(t) {
				return producers.Certain
			}
		}
	}
	switch {
	case has("about") && bytes.Contains(head, []byte("Telegram")): // an account's preamble may outgrow the head
		return producers.Certain
	case has("about") && hasSection(head):
		return producers.Likely
	case has("messages") && (has("date_unixtime") || has("from_id") && has("date")): // another writer's imitation
		return producers.Likely
	}
	return producers.No
}

// hasSection reports whether a file has a part of an account's export, which names itself and is a list: also one without chats.
func hasSection(head []byte) bool {
	for _, name := range [...]string{
		"chats", "left_chats", "contacts", "frequent_contacts", "sessions", "web_sessions", "other_data", "profile_pictures", "stories",
	} {
		_, rest, ok := bytes.Cut(head, []byte(`"`+name+`"`))
		if !ok {
			continue
		}
		rest, ok = bytes.CutPrefix(bytes.TrimLeft(rest, " \t\r\n"), []byte(":"))
		if rest = bytes.TrimLeft(rest, " \t\r\n"); ok && bytes.HasPrefix(rest, []byte("{")) && bytes.Contains(rest, []byte(`"about"`)) &&
			bytes.Contains(rest, []byte(`"list"`)) {
			return true
		}
	}
	_, rest, ok := bytes.Cut(head, []byte(`"personal_information"`))
	return ok && bytes.Contains(rest, []byte(`"user_id"`))
}

func byteOrderMark() []byte { return []byte("\xef\xbb\xbf") }

type archive struct {
	file     producers.File
	options  producers.Options
	batch    int
	sidecars *sidecars // shared by all files of an import
}

// Connect opens the file and goes to where the cursor points.
func (a *archive) Connect(_ context.Context, from producers.Cursor) (producers.Session, error) {
	if isPage(a.file.Head) {
		return a.connectPage(from)
	}
	st, err := readCursor(from)
	if err != nil {
		return nil, fault.AsFatal(err)
	}
	chars, err := charset.NewDecoder(a.options.Charset, a.file.Open)
	if err != nil {
		return nil, fault.AsFatal(err)
	}
	r, err := producers.OpenAt(a.file, st.Offset)
	if err != nil {
		return nil, err
	}
	leads := chars.Leads(a.file.Head)
	s := &session{
		archive: a, state: st, whole: st.Offset == 0, in: r, leads: leads, scan: newScanner(r, leads, st.Offset, st.Line, st.Indent),
		clock: clock{zone: a.options.Zone}, media: openFolder(a.file), dec: newDecoder(), chars: chars,
	}
	return s, nil
}

// account is the user id without the type that some write before it.
func account(s string) event.Account {
	if id, ok := bytes.CutPrefix([]byte(s), []byte("user")); ok && isNumber(string(id)) {
		return event.Account(id)
	}
	return event.Account(s)
}
