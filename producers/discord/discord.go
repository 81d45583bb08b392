// Package discord reads what DiscordChatExporter writes: JSON, and CSV of its first year and of today.
//
// It promises to hold one message at a time, however large the file; to go on after a record that is broken, which it keeps
// as it stands; and ids that two exports of one channel in the same format agree on. JSON carries Discord's own ids. CSV
// carries none, so its messages get content keys, unless a JSON export of the channel lies in the same folder: then rows take
// the ids that their messages have there. Where one channel comes both ways from two folders, its messages stand twice, under ids of
// two schemes.
//
// It does not say more than the export does: of a message's edits only the last is known, mentions are resolved to names in
// the text, and in CSV the messages of the network itself look like anybody's.
package discord

import (
	"bytes"
	"context"

	"github.com/agrichat/agrichat/internal/charset"
	"github.com/agrichat/agrichat/internal/fault"
	"github.com/agrichat/agrichat/producers"
)

// sourceName is on every event, and is the namespace of whatever Discord numbers: its ids are unique everywhere.
const sourceName = "discord"

// unnumbered is the namespace of channels whose id an export does not tell, unless the user names another.
const unnumbered = "discord-csv"

// batchSize is how many events a batch has: the bus takes atomic batches up to 1000, and half of that costs no speed.
const batchSize = 500

// Definition describes the source.
func Definition() producers.Definition { return definition(batchSize) }

func definition(batch int) producers.Definition {
	known := &tables{}
	return producers.Definition{
		Name:  sourceName,
		Title: "Discord",
		Doc: "JSON and CSV exports of DiscordChatExporter, one channel or thread a file, in parts or whole. JSON carries ids, " +
			"the last edit of a message, replies, forwards and reactions; no deletions. CSV carries no ids: its messages are " +
			"told apart by content, unless a JSON export of the channel lies in the same folder, whose ids they take then. The CSV of 2019 prints local " +
			"time to the minute: name the zone. Where a CSV file's name has no channel id in brackets, the channel is called " +
			"after the file, and after its folder where several have files of that name; --channel may name it.",
		Can:     producers.Abilities{Archive: true, Edits: true, Reactions: true},
		Belongs: belongs,
		Ordered: func(f producers.File) bool {
			_, table := parseHeader(firstLine(bytes.TrimPrefix(f.Head, byteOrderMark())))
			return table
		},
		Recognise: func(f producers.File) producers.Confidence {
			c := recognise(f)
			if c != producers.No && !isObject(f.Head) {
				known.add(f.Path)
			}
			return c
		},
		Unreadable: unreadable,
		Archive: func(f producers.File, o producers.Options) (producers.Source, error) {
			return &archive{file: f, options: o, batch: batch, known: known}, nil
		},
	}
}

func recognise(f producers.File) producers.Confidence {
	head := bytes.TrimPrefix(f.Head, byteOrderMark())
	if _, ok := parseHeader(firstLine(head)); ok {
		return producers.Certain
	}
	if !isObject(head) {
		return producers.No
	}
	has := func(key string) bool { return bytes.Contains(head, []byte(`"`+key+`"`)) }
	switch {
	case !has("guild") || !has("channel"):
		return producers.No
	case has("dateRange"):
		return producers.Certain
	case has("messages") && (has("timestamp") || has("messageCount") || has("exportedAt")): // another writer's imitation
		return producers.Likely
	}
	return producers.No
}

func isObject(head []byte) bool {
	return bytes.HasPrefix(bytes.TrimLeft(bytes.TrimPrefix(head, byteOrderMark()), " \t\r\n"), []byte("{"))
}

func byteOrderMark() []byte { return []byte("\xef\xbb\xbf") }

type archive struct {
	file    producers.File
	options producers.Options
	batch   int
	known   *tables
}

// Connect opens the file and goes to where the cursor points.
func (a *archive) Connect(ctx context.Context, from producers.Cursor) (producers.Session, error) {
	st, err := readCursor(from, a.file.Size)
	if err != nil {
		return nil, fault.AsFatal(err)
	}
	chars, err := charset.NewDecoder(a.options.Charset, a.file.Open)
	if err != nil {
		return nil, fault.AsFatal(err)
	}
	out := output{archive: a, state: st, chars: chars}
	if !isObject(a.file.Head) {
		return a.connectTable(ctx, out)
	}
	r, err := producers.OpenAt(a.file, st.Offset)
	if err != nil {
		return nil, err
	}
	s := &session{
		output: out, in: r, scan: newScanner(r, st.Offset, st.Line),
		dec: newDecoder(), media: newMedia(a.file), clock: clock{zone: a.options.Zone},
	}
	s.scan.leads = chars.Leads(a.file.Head)
	s.exported = s.clock.stamp(st.Exported)
	return s, nil
}
