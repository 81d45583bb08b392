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
	"context"

	"github.com/agrichat/agrichat/producers"
	"github.com/agrichat/agrichat/producers/filekit"
)

// sourceName is on every event, and is the namespace of whatever Discord numbers: its ids are unique everywhere.
const sourceName = "discord"

// unnumbered is the namespace of channels whose id an export does not have, unless the user names another.
const unnumbered = "discord-csv"

// Definition describes the source.
func Definition() producers.Definition { return definition(filekit.BatchSize) }

func definition(batch int) producers.Definition {
	seen := &tables{}
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
			_, table := parseHeader(filekit.FirstLine(f.Head))
			return table
		},
		Recognise: func(f producers.File) producers.Confidence {
			c := recognise(f)
			if c != producers.No && !isObject(f.Head) {
				seen.add(f.Path)
			}
			return c
		},
		Unreadable: unreadable,
		Archive: func(f producers.File, o producers.Options) (producers.Source, error) {
			return &archive{Archive: filekit.Archive{File: f, Options: o, BatchSize: batch}, tables: seen}, nil
		},
	}
}

type archive struct {
	filekit.Archive
	tables *tables // of all files that were recognised
}

// Connect opens the file and goes to where the cursor points.
func (a *archive) Connect(ctx context.Context, from producers.Cursor) (producers.Session, error) {
	out, err := a.output(from)
	if err != nil {
		return nil, err
	}
	if !isObject(a.File.Head) {
		return a.connectTable(ctx, out)
	}
	m, err := a.openJSON(out)
	if err != nil {
		return nil, err
	}
	return filekit.NewSession(a.File, m.in, &m.Output, m), nil
}

// output is empty, and stands where the cursor says.
func (a *archive) output(from producers.Cursor) (output, error) {
	st, err := readCursor(from, a.File)
	if err != nil {
		return output{}, err
	}
	chars, err := a.NewDecoder()
	if err != nil {
		return output{}, err
	}
	return output{archive: a, Output: a.NewOutput(), state: st, chars: chars}, nil
}

func (a *archive) openJSON(out output) (*messages, error) {
	in, err := producers.OpenAt(a.File, out.Offset)
	if err != nil {
		return nil, err
	}
	m := &messages{
		output: out, in: in, scan: newScanner(in, out.Offset, out.Line), dec: newDecoder(), sidecars: newSidecars(a.File), clock: clock{zone: a.Options.Zone},
	}
	m.scan.leads = out.chars.Leads(a.File.Head)
	m.exported = m.clock.stamp(out.Exported)
	return m, nil
}
