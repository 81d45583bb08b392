// Package slack reads what Slack exports of a workspace: a folder or a zip with a folder a channel and a file a day.
//
// It promises to hold one record at a time, however large a file; ids that two exports of one workspace agree on; to keep a
// record that is broken as it stands; and never to keep a token: exports sign the addresses of files with one, and it is
// cut off wherever it stands, in what is kept raw too. Of users.json it keeps names: not addresses, telephone numbers and
// time zones, which are about people and not about their messages.
//
// It does not say more than the export does: of a message's edits only the last is known, of deleted messages only those
// that had replies, and of reactions the time when they were made is not.
package slack

import (
	"context"
	"fmt"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/fault"
	"github.com/agrichat/agrichat/producers"
	"github.com/agrichat/agrichat/producers/filekit"
)

const sourceName = "slack"

// Definition describes the source.
func Definition() producers.Definition { return definition(filekit.BatchSize) }

func definition(batch int) producers.Definition {
	cache := &workspaces{}
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
			return &archive{Archive: filekit.Archive{File: f, Options: o, BatchSize: batch}, workspaces: cache, content: contentOf(f)}, nil
		},
	}
}

type archive struct {
	filekit.Archive
	workspaces *workspaces // of all exports that are read
	content    content
}

// Connect opens the file, learns from those beside it who is who, and goes to where the cursor points.
func (a *archive) Connect(_ context.Context, from producers.Cursor) (producers.Session, error) {
	st, err := filekit.DecodeCursor(a.File, from, state{Position: filekit.Start()}, state.valid)
	if err != nil {
		return nil, err
	}
	chars, err := a.NewDecoder()
	if err != nil {
		return nil, err
	}
	w, err := a.workspaces.of(a)
	if err != nil {
		return nil, err
	}
	if st.Namespace == "" {
		if err := a.locate(&st, w); err != nil {
			return nil, err
		}
	}
	in, err := producers.OpenAt(a.File, st.Offset)
	if err != nil {
		return nil, err
	}
	r := &reader{
		archive: a, Output: a.NewOutput(), state: st, workspace: w, chars: chars,
		scan: newScanner(in, chars.Leads(a.File.Head), st.Offset, st.Line, st.Indent),
	}
	r.Path, r.assumed = printable(a.File.Path), a.assumed(&st, w)
	return filekit.NewSession(a.File, in, &r.Output, r), nil
}

// assumed says of every record what was taken from elsewhere than the lists of the export.
func (a *archive) assumed(st *state, w *workspace) (out []producers.Notice) {
	switch {
	case a.Options.Namespace != "" || w.home || a.content == logs:
	case st.Namespace == sourceName:
		out = append(out, producers.Notice{
			Code: "namespace-assumed", Text: "the export does not say which workspace it is of, and is kept as one called slack",
			Option: "--namespace", Count: 1,
		})
	default:
		out = append(out, producers.Notice{
			Code: "namespace-derived", Text: "no list of users names the workspace; it is the one that most messages name",
			Option: "--namespace", Count: 1,
		})
	}
	if a.content == days && a.Options.Channel == "" && a.listed(w) == "" {
		out = append(out, producers.Notice{
			Code: "channel-from-path", Text: "no list of channels has this folder or file; the channel is called after it", Option: "--channel",
			Count: 1,
		})
	}
	return out
}

// locate decides of which workspace and channel the file is. The cursor carries it, so that a file is of one channel even if
// what lies beside it changes meanwhile.
func (a *archive) locate(st *state, w *workspace) error {
	st.Namespace = a.Options.Namespace
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
		st.Channel = a.Options.Channel
	}
	if st.Channel == "" {
		st.Channel = event.Channel(printable(channelName(a.File.Path)))
	}
	if st.Channel == "" {
		return fault.AsFatal(fmt.Errorf("%s stands in no folder that would say which channel it is of: name it with --channel, "+
			"or import the whole export", a.File.Path))
	}
	return nil
}

// listed is the channel that the file's path names, if a list knows it.
func (a *archive) listed(w *workspace) event.Channel {
	if c := w.channel(folderOf(a.File.Path)); c != "" {
		return c
	}
	return w.channel(channelName(a.File.Path))
}

// ownTeam is the workspace that the file's own messages name, where no other file of the export can be looked at.
func (a *archive) ownTeam() string {
	v := newVotes()
	v.count(a.File.Head)
	return v.most()
}
