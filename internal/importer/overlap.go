package importer

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/agrichat/agrichat/consumers/normalise"
	"github.com/agrichat/agrichat/internal/archive"
	"github.com/agrichat/agrichat/internal/ingest"
	"github.com/agrichat/agrichat/producers"
)

// The codes of notices about messages that may be stored twice, or once for two.
const (
	noticeOverlapIDs    = "overlap-ids"
	noticeOverlapPeople = "overlap-authors"
	noticeOverlapZones  = "overlap-zones"
	noticeOverlapNew    = "overlap-differs"
	noticeOverlapNone   = "overlap-none"
	noticeTexts         = "texts-differ"
	noticeSwapped       = "dates-swapped"
	noticeOverlapEdge   = "overlap-edge"
)

// overlapCheck looks for messages of an import that may be stored twice, or once for two.
type overlapCheck struct {
	exports  exports
	copies   notices         // about messages with equal ids
	found    notices         // about all others
	messages int             // that may be stored twice
	twoChats map[string]bool // chats of one name that became one, by key
}

// exports are the content keys of each export of a chat: two exports of one chat are compared by them.
type exports struct {
	byChat map[ingest.Chat][]*ingest.Export
	byName map[exportDir]*ingest.Export // the pages of one folder are one export
}

type exportDir struct {
	chat ingest.Chat
	dir  string
}

func (x *exports) add(dir string, of map[ingest.Chat]*ingest.Export, resumed bool) {
	if x.byChat == nil {
		x.byChat, x.byName = map[ingest.Chat][]*ingest.Export{}, map[exportDir]*ingest.Export{}
	}
	for chat, export := range of {
		export.Resumed = resumed
		if in := (exportDir{chat, dir}); export.ByName {
			if whole := x.byName[in]; whole != nil {
				whole.Join(export)
				continue
			}
			x.byName[in] = export
		}
		x.byChat[chat] = append(x.byChat[chat], export)
	}
}

// compareCopies notes the messages whose copies had different texts, or dates of which both were sure. It replaces what it noted before.
func (o *overlapCheck) compareCopies(stored []normalise.ImportCounts, counts map[ingest.Chat]ingest.ChatCounts) {
	o.copies, o.twoChats = nil, map[string]bool{}
	var n, swapped int64
	for _, c := range stored {
		swapped += c.Swapped
		chat := chatOf(c.Source, c.Namespace, c.Channel)
		if read := counts[chat]; c.Differing >= minLone && 2*c.Differing > int64(read.Read)-c.Stored && producers.IsByName(chat.Channel) {
			o.twoChats[archive.OverlapKey(c.Source, c.Namespace, c.Channel)] = true // edits make fewer
			o.copies = append(o.copies, Notice{Code: noticeOverlapNone, Count: countOf(c.Differing), Option: "--channel", Files: []string{},
				Text: fmt.Sprintf("messages of chat %q came with the ids of others, and of two only one is stored, the other is in the log: two chats of "+
					"one name became one; import each again with a channel of its own", cmp.Or(c.Name, c.Channel))})
			continue
		}
		n += c.Differing
	}
	if swapped > 0 {
		o.copies = append(o.copies, Notice{Code: noticeSwapped, Option: "--date-order", Count: countOf(swapped), Files: []string{},
			Text: "lines of one author, minute and text came with two dates whose day and month are exchanged, and count as one message: where one " +
				"export was read in the wrong order, import it again with the right one; where both are right, one of two messages is missing"})
	}
	if n > 0 {
		o.copies = append(o.copies, Notice{Code: noticeTexts, Count: countOf(n), Files: []string{},
			Text: "messages came with different texts under one id, without a time of the edit: the longest text is shown, the others are in the log"})
	}
}

// countOf is a count as a notice has it.
func countOf[T int64 | uint64](n T) int { return int(min(n, 1<<31)) }

// chatsByKey are the chats of an import by archive.OverlapKey.
type chatsByKey map[string]ChatReport

// title is what a chat is called.
func (c chatsByKey) title(key string) string { return cmp.Or(c[key].Name, c[key].Channel) }

// name names a chat so that it cannot be mistaken for another.
func (c chatsByKey) name(key string) string {
	chat, ok := c[key]
	switch {
	case !ok:
		return "a chat that was imported before"
	case chat.Name == "" || chat.Name == chat.Channel:
		return fmt.Sprintf("%q", chat.Channel)
	}
	return fmt.Sprintf("%q (%s)", chat.Name, chat.Channel)
}

// overlapScope is which chats and exports of an import are compared with what is stored.
type overlapScope struct {
	chats  chatsByKey
	keys   []string               // of chats with new messages
	others []string               // of those, chats that have messages of more than one export
	lone   []loneExport           // exports that share no message with another
	held   map[string]ingest.Held // what the exports of a chat hold, of chats that were stored before in part
}

// find notes the messages of an import that may be stored twice.
func (o *overlapCheck) find(ctx context.Context, i *Importer) error {
	s := o.scope(i.report.PerChat)
	o.exports = exports{}
	if len(s.keys) == 0 {
		return nil
	}
	db, err := i.Servers.ClickHouse(ctx)
	if err != nil {
		return err
	}
	a := archive.New(db)
	if s.lone, err = withOthers(ctx, a, s.lone); err != nil {
		return err
	}
	for _, l := range s.lone { // of a chat that was collected live, say, which no export of this import was
		if !slices.Contains(s.others, l.Key) {
			s.others = append(s.others, l.Key)
		}
	}
	found, err := a.Overlaps(ctx, s.keys, s.others)
	if err != nil {
		return err
	}
	for _, f := range found {
		o.note(f, s.chats)
		if f.Kind == archive.OverlapZones { // which is why they have nothing in common
			s.lone = slices.DeleteFunc(s.lone, func(l loneExport) bool { return l.Key == f.Key })
			delete(s.held, f.Key)
		}
	}
	o.sameName(s.lone, s.chats)
	first, _ := i.result.Sequences.Bounds()
	if len(s.held) == 0 || first == 0 {
		return nil
	}
	store, err := i.Servers.Store(ctx)
	if err != nil {
		return err
	}
	return o.edges(ctx, store, first, s)
}

// scope compares the exports of each chat with each other, and decides what is to be compared with the stores.
func (o *overlapCheck) scope(chats []ChatReport) overlapScope {
	s := overlapScope{chats: chatsByKey{}, held: map[string]ingest.Held{}}
	for _, c := range chats {
		key := archive.OverlapKey(c.Source, c.Namespace, c.Channel)
		if s.chats[key] = c; c.Stored == 0 || c.Channel == "" {
			continue
		}
		s.keys = append(s.keys, key)
		of := o.exports.byChat[c.chat()]
		if len(of) > 1 || c.Known > 0 {
			s.others = append(s.others, key)
		}
		keyed := slices.DeleteFunc(slices.Clone(of), func(x *ingest.Export) bool { return x.ByName }) // what is missing in those was deleted
		switch {
		case c.Updated > 0: // a zone that was named later makes all events new: their keys do not show what was stored
			s.held[key] = ingest.Hold(keyed)
		case c.Known > 0 && ingest.Joins(keyed):
			s.held[key] = ingest.Hold(keyed)
			fallthrough
		default:
			s.lone = append(s.lone, loneExports(key, of)...)
		}
		if n := ingest.Differing(keyed); n > 0 {
			o.duplicates(noticeOverlapNew, fmt.Sprintf("messages of chat %q lie between others that another export holds too and that export lacks them: "+
				"edited, their author renamed, or one export is not whole", s.chats.title(key)), "", n)
		}
		if n := ingest.Meeting(of); n > 0 { // they count once, so that none is a duplicate
			o.found = append(o.found, Notice{Code: noticeOverlapEdge, Text: fmt.Sprintf("messages of chat %q are in a minute in which two exports meet; "+
				"equal ones of one author are taken for the same", s.chats.title(key)), Count: n, Files: []string{}})
		}
	}
	return s
}

// loneExport is an export that shares no message with the others of its chat.
type loneExport struct {
	archive.Span
	messages int
}

// minLone is how many messages an export must have for it to be noticed that it shares none.
const minLone = 3

func loneExports(key string, of []*ingest.Export) (out []loneExport) {
	for _, x := range ingest.Apart(of) {
		if first, last := x.Minutes(); len(x.Keys) >= minLone {
			out = append(out, loneExport{archive.Span{Key: key, First: first, Last: last}, len(x.Keys)})
		}
	}
	return out
}

// withOthers returns those of lone exports in whose time their chat has other messages.
func withOthers(ctx context.Context, a *archive.Archive, lone []loneExport) (out []loneExport, err error) {
	spans := make([]archive.Span, len(lone))
	for n, l := range lone {
		spans[n] = l.Span
	}
	within, err := a.Within(ctx, spans)
	if err != nil {
		return nil, err
	}
	for n, l := range lone {
		if within[n] >= uint64(l.messages+minLone) {
			out = append(out, l)
		}
	}
	return out, nil
}

// sameName notes exports that share no message with what else their chat has in the same time.
func (o *overlapCheck) sameName(lone []loneExport, chats chatsByKey) {
	counts := map[string]int{}
	for _, l := range lone {
		if !o.twoChats[l.Key] {
			counts[l.Key] = max(counts[l.Key], l.messages)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(counts)) {
		o.found = append(o.found, Notice{Code: noticeOverlapNone, Count: counts[key], Option: "--channel", Files: []string{},
			Text: fmt.Sprintf("messages of chat %q are of an export that has none in common with what else the chat has of that time: "+
				"two chats of one name became one", chats.title(key))})
	}
}

// note notes an overlap that the stores show.
func (o *overlapCheck) note(f archive.Overlap, chats chatsByKey) {
	code, text, option := noticeOverlapIDs, "", "--channel"
	switch {
	case f.Kind == archive.OverlapPeople:
		code, option = noticeOverlapPeople, ""
		text = fmt.Sprintf("messages of chat %s are stored under two authors, %q and %q: a contact that was renamed between two exports",
			chats.name(f.Key), f.Authors[0], f.Authors[1])
	case f.Kind == archive.OverlapZones && f.Shift == 0:
		code, option = noticeOverlapZones, ""
		text = fmt.Sprintf("messages of chat %s are stored twice at one time: two exports printed them in different zones and each was read in its own, or "+
			"one is a log of what was collected live", chats.name(f.Key))
	case f.Kind == archive.OverlapZones:
		code, option = noticeOverlapZones, "--zone"
		text = fmt.Sprintf("messages of chat %s are stored at two times, %s apart: two exports printed them in different zones", chats.name(f.Key), f.Shift)
	case f.Key == f.Other:
		option = ""
		text = fmt.Sprintf("messages of chat %s are stored under two kinds of ids: once with the network's own and once without", chats.name(f.Key))
	case chats.differ(f):
		option = ""
		text = fmt.Sprintf("messages are stored in two chats, %s of %s and %s of %s: the exports of two accounts of one chat, or two kinds of export",
			chats.name(f.Key), chats[f.Key].Namespace, chats.name(f.Other), chats[f.Other].Namespace)
	default:
		text = fmt.Sprintf("messages are stored in two chats, %s and %s: two kinds of export of one chat", chats.name(f.Key), chats.name(f.Other))
	}
	o.duplicates(code, text, option, countOf(f.Messages))
}

// differ reports whether the chats of an overlap are both of this import, and of two namespaces.
func (c chatsByKey) differ(f archive.Overlap) bool {
	one, ok := c[f.Key]
	other, is := c[f.Other]
	return ok && is && one.Namespace != other.Namespace
}

// duplicates notes messages that may be stored twice.
func (o *overlapCheck) duplicates(code, text, option string, n int) {
	o.messages += n
	o.found = append(o.found, Notice{Code: code, Text: text, Option: option, Count: n, Files: []string{}})
}
