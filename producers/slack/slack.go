// Package slack reads what Slack exports of a workspace: a folder or a zip with a folder a channel and a file a day.
//
// It promises to hold one record at a time, however large a file; ids that two exports of one workspace agree on; to keep a
// record that is broken as it stands; and never to keep a token: exports sign the addresses of files with one, and it is
// cut off wherever it stands, in what is kept raw too. Of users.json it keeps names: not addresses, telephone numbers and
// time zones, which are about people and not about what they said.
//
// It does not say more than the export does: of a message's edits only the last is known, of deleted messages only those
// that had replies, and of reactions the time when they were made is not.
package slack

import (
	"context"
	"fmt"

	"github.com/agrichat/agrichat/internal/charset"
	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/fault"
	"github.com/agrichat/agrichat/producers"
)

const sourceName = "slack"

// batchSize is how many events a batch has: the bus takes atomic batches up to 1000, and half of that costs no speed.
const batchSize = 500

// Definition describes the source.
func Definition() producers.Definition { return definition(batchSize) }

func definition(batch int) producers.Definition {
	known := &shelf{}
	return producers.Definition{
		Name:  sourceName,
		Title: "Slack",
		Doc: "Workspace exports (Settings, Import/Export data), and what other tools write in their layout: a folder or a " +
			"zip. Carries the last edit of a message, threads, reactions without their time, service messages and what files " +
			"are called, not the files; deletions only where a thread hangs on the message. Reactions are taken as of the newest " +
			"message of the export: one that a younger export does not show any more is gone. Ids hold within the workspace, " +
			"which is the team id that users.json names, or else most messages of the export, or else \"slack\": --namespace " +
			"names another. " +
			"Channels are named by channels.json; import the whole export and not single files of it, for without it a channel " +
			"goes by its folder's name.",
		Can:        producers.Abilities{Archive: true, Edits: true, Deletions: true, Reactions: true},
		Recognise:  recognise,
		Unreadable: elsewhere,
		Belongs:    belongs,
		Archive: func(f producers.File, o producers.Options) (producers.Source, error) {
			return &archive{file: f, options: o, batch: batch, known: known, content: contentOf(f)}, nil
		},
	}
}

type archive struct {
	file    producers.File
	options producers.Options
	batch   int
	known   *shelf
	content content
}

// Connect opens the file, learns from those beside it who is who, and goes to where the cursor points.
func (a *archive) Connect(_ context.Context, from producers.Cursor) (producers.Session, error) {
	st, err := readCursor(from)
	if err != nil {
		return nil, fault.AsFatal(err)
	}
	chars, err := charset.NewDecoder(a.options.Charset, a.file.Open)
	if err != nil {
		return nil, fault.AsFatal(err)
	}
	w, err := a.known.workspace(a)
	if err != nil {
		return nil, err
	}
	if st.Namespace == "" {
		if err := a.place(&st, w); err != nil {
			return nil, err
		}
	}
	r, err := producers.OpenAt(a.file, st.Offset)
	if err != nil {
		return nil, err
	}
	return &session{
		archive: a, state: st, workspace: w, in: r, scan: newScanner(r, chars.Leads(a.file.Head), st.Offset, st.Line, st.Indent), given: st.Offset, chars: chars,
	}, nil
}

// place decides of which workspace and channel the file is. The cursor carries it, so that a file is of one place even if
// what lies beside it changes meanwhile.
func (a *archive) place(st *state, w *workspace) error {
	st.Namespace = a.options.Namespace
	if st.Namespace == "" {
		st.Namespace = event.Namespace(w.team)
	}
	if st.Namespace == "" {
		st.Namespace = event.Namespace(a.ownTeam())
	}
	if st.Namespace == "" {
		st.Namespace = sourceName
	}
	if a.content != days {
		return nil
	}
	st.Channel = a.listed(w)
	if st.Channel == "" {
		st.Channel = a.options.Channel
	}
	if st.Channel == "" {
		st.Channel = event.Channel(printable(channelName(a.file.Path)))
	}
	if st.Channel == "" {
		return fault.AsFatal(fmt.Errorf("%s stands in no folder that would say which channel it is of: name it with --channel, "+
			"or import the whole export", a.file.Path))
	}
	return nil
}

// listed is the channel that the file's path names, if a list knows it.
func (a *archive) listed(w *workspace) event.Channel {
	if c := w.channel(folderOf(a.file.Path)); c != "" {
		return c
	}
	return w.channel(channelName(a.file.Path))
}

// ownTeam is the workspace that the file's own messages name, where no other file of the export can be looked at.
func (a *archive) ownTeam() string {
	v := newVotes()
	v.count(a.file.Head)
	return v.most()
}
