package cli

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/agrichat/agrichat/consumers/normalise"
	"github.com/agrichat/agrichat/internal/archive"
	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/ingest"
	"github.com/agrichat/agrichat/producers"
)

// The codes of notices about messages that may stand twice, or once for two.
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

// exports are the content keys that each file brought of a chat: two exports of one chat are compared by them.
type exports struct {
	of     map[ingest.Chat][]*ingest.Export
	byName map[fileOf]*ingest.Export // the pages of one folder are one export
}

type fileOf struct {
	chat   ingest.Chat
	folder string
}

func (x *exports) add(folder string, of map[ingest.Chat]*ingest.Export, resumed bool) {
	if x.of == nil {
		x.of, x.byName = map[ingest.Chat][]*ingest.Export{}, map[fileOf]*ingest.Export{}
	}
	for chat, export := range of {
		export.Resumed = resumed
		if file := (fileOf{chat, folder}); export.ByName {
			if whole := x.byName[file]; whole != nil {
				whole.Join(export)
				continue
			}
			x.byName[file] = export
		}
		x.of[chat] = append(x.of[chat], export)
	}
}

// differing says of which messages the copies had different texts, or dates of which both were sure.
func (i *importing) differing(came []normalise.ImportCounts) {
	i.notices = slices.DeleteFunc(i.notices, func(n notice) bool {
		return n.Code == noticeTexts || n.Code == noticeSwapped || n.Code == noticeOverlapNone
	}) // it may be asked again
	var n, swapped int64
	i.twoChats = map[string]bool{}
	for _, c := range came {
		swapped += c.Swapped
		chat := ingest.Chat{Source: event.Source(c.Source), Namespace: event.Namespace(c.Namespace), Channel: event.Channel(c.Channel)}
		if met := i.result.Chats[chat]; c.Differing >= leastLone && 2*c.Differing > int64(met.Read)-c.Stored && producers.IsByName(chat.Channel) {
			i.twoChats[archive.OverlapKey(c.Source, c.Namespace, c.Channel)] = true // edits make fewer
			i.notices = append(i.notices, notice{Code: noticeOverlapNone, Count: int(min(c.Differing, 1<<31)), Option: "--channel", Files: []string{},
				Text: fmt.Sprintf("messages of chat %q came with the ids of others, and of two only one stands, the other is in the log: two chats of "+
					"one name became one; import each again with a channel of its own", cmp.Or(c.Name, c.Channel))})
			continue
		}
		n += c.Differing
	}
	if swapped > 0 {
		i.notices = append(i.notices, notice{Code: noticeSwapped, Option: "--date-order", Count: int(min(swapped, 1<<31)), Files: []string{},
			Text: "lines of one author, minute and text came with two dates whose day and month are exchanged, and count as one message: where one " +
				"export was read in the wrong order, import it again with the right one; where both are right, one of two messages is missing"})
	}
	if n > 0 {
		i.notices = append(i.notices, notice{Code: noticeTexts, Count: int(min(n, 1<<31)), Files: []string{},
			Text: "messages came with different texts under one id, without a time of the edit: the longest text stands, the others are in the log"})
	}
}

// overlaps finds what of this import seems to stand twice, and says so.
func (i *importing) overlaps(ctx context.Context) error {
	var keys, again []string
	var lone []loneExport
	held := map[string]ingest.Held{}
	named := map[string]chatReport{}
	for _, c := range i.report.PerChat {
		chat := ingest.Chat{Source: event.Source(c.Source), Namespace: event.Namespace(c.Namespace), Channel: event.Channel(c.Channel)}
		key := archive.OverlapKey(c.Source, c.Namespace, c.Channel)
		if named[key] = c; c.Stored == 0 || c.Channel == "" {
			continue
		}
		keys = append(keys, key)
		of := i.exports.of[chat]
		if len(of) > 1 || c.Known > 0 {
			again = append(again, key)
		}
		keyed := slices.DeleteFunc(slices.Clone(of), func(x *ingest.Export) bool { return x.ByName }) // what those lack of another was deleted
		switch {
		case c.Updated > 0: // a zone that was named later makes all events new: their keys say nothing of what the record held
			held[key] = ingest.Hold(keyed)
		case c.Known > 0 && ingest.Joins(keyed):
			held[key] = ingest.Hold(keyed)
			fallthrough
		default:
			lone = append(lone, loneExports(key, of)...)
		}
		if n := ingest.Differing(keyed); n > 0 {
			i.doubt(noticeOverlapNew, fmt.Sprintf("messages of chat %q lie between others that another export holds too and that export lacks them: "+
				"edited, their author renamed, or one export is not whole", cmp.Or(c.Name, c.Channel)), "", n)
		}
		if n := ingest.Meeting(of); n > 0 { // they count once, so that none seems to stand twice
			i.notices = append(i.notices, notice{Code: noticeOverlapEdge, Text: fmt.Sprintf("messages of chat %q stand in a minute in which two exports meet; "+
				"equal ones of one author are taken for the same", cmp.Or(c.Name, c.Channel)), Count: n, Files: []string{}})
		}
	}
	i.exports = exports{}
	if len(keys) == 0 {
		return nil
	}
	db, err := i.openFigures(ctx)
	if err != nil {
		return err
	}
	a := archive.New(db)
	if lone, err = besideOthers(ctx, a, lone); err != nil {
		return err
	}
	for _, l := range lone { // of a chat that was collected live, say, which no export of this import was
		if !slices.Contains(again, l.Key) {
			again = append(again, l.Key)
		}
	}
	found, err := a.Overlaps(ctx, keys, again)
	if err != nil {
		return err
	}
	for _, o := range found {
		i.overlap(o, named)
		if o.Kind == archive.OverlapZones { // which is why they have nothing in common
			lone = slices.DeleteFunc(lone, func(l loneExport) bool { return l.Key == o.Key })
			delete(held, o.Key)
		}
	}
	i.oneName(lone, named)
	return i.edges(ctx, held, named)
}

// loneExport is an export that shares no message with the others of its chat.
type loneExport struct {
	archive.Span
	messages int
}

// leastLone is how many messages an export must have for it to be noticed that it shares none.
const leastLone = 3

func loneExports(key string, of []*ingest.Export) (out []loneExport) {
	for _, x := range ingest.Apart(of) {
		if first, last := x.Minutes(); len(x.Keys) >= leastLone {
			out = append(out, loneExport{archive.Span{Key: key, First: first, Last: last}, len(x.Keys)})
		}
	}
	return out
}

// besideOthers returns those of lone exports in whose time their chat has other messages.
func besideOthers(ctx context.Context, a *archive.Archive, lone []loneExport) (out []loneExport, err error) {
	spans := make([]archive.Span, len(lone))
	for n, l := range lone {
		spans[n] = l.Span
	}
	within, err := a.Within(ctx, spans)
	if err != nil {
		return nil, err
	}
	for n, l := range lone {
		if within[n] >= uint64(l.messages+leastLone) {
			out = append(out, l)
		}
	}
	return out, nil
}

// oneName says which exports share no message with what else their chat has in the same time.
func (i *importing) oneName(lone []loneExport, named map[string]chatReport) {
	counts := map[string]int{}
	for _, l := range lone {
		if !i.twoChats[l.Key] {
			counts[l.Key] = max(counts[l.Key], l.messages)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(counts)) {
		c := named[key]
		i.notices = append(i.notices, notice{Code: noticeOverlapNone, Count: counts[key], Option: "--channel", Files: []string{},
			Text: fmt.Sprintf("messages of chat %q are of an export that has none in common with what else the chat has of that time: "+
				"two chats of one name became one", cmp.Or(c.Name, c.Channel))})
	}
}

func (i *importing) overlap(o archive.Overlap, named map[string]chatReport) {
	chat := func(key string) string {
		c, ok := named[key]
		switch {
		case !ok:
			return "a chat that was imported before"
		case c.Name == "" || c.Name == c.Channel:
			return fmt.Sprintf("%q", c.Channel)
		}
		return fmt.Sprintf("%q (%s)", c.Name, c.Channel)
	}
	code, text, option := noticeOverlapIDs, "", "--channel"
	switch {
	case o.Kind == archive.OverlapPeople:
		code, option = noticeOverlapPeople, ""
		text = fmt.Sprintf("messages of chat %s stand under two authors, %q and %q: a contact that was renamed between two exports", chat(o.Key), o.Authors[0], o.Authors[1])
	case o.Kind == archive.OverlapZones && o.Shift == 0:
		code, option = noticeOverlapZones, ""
		text = fmt.Sprintf("messages of chat %s stand twice at one time: two exports printed them in different zones and each was read in its own, or "+
			"one is a log of what was collected live", chat(o.Key))
	case o.Kind == archive.OverlapZones:
		code, option = noticeOverlapZones, "--zone"
		text = fmt.Sprintf("messages of chat %s stand at two times, %s apart: two exports printed them in different zones", chat(o.Key), o.Shift)
	case o.Key == o.Other:
		option = ""
		text = fmt.Sprintf("messages of chat %s stand under two kinds of ids: once with the network's own and once without", chat(o.Key))
	case apart(named, o):
		option = ""
		text = fmt.Sprintf("messages stand in two chats, %s of %s and %s of %s: the exports of two accounts of one chat, or two kinds of export",
			chat(o.Key), named[o.Key].Namespace, chat(o.Other), named[o.Other].Namespace)
	default:
		text = fmt.Sprintf("messages stand in two chats, %s and %s: two kinds of export of one chat", chat(o.Key), chat(o.Other))
	}
	i.doubt(code, text, option, int(min(o.Messages, 1<<31)))
}

// apart reports whether the chats of an overlap are known to be of two namespaces.
func apart(named map[string]chatReport, o archive.Overlap) bool {
	one, ok := named[o.Key]
	other, is := named[o.Other]
	return ok && is && one.Namespace != other.Namespace
}

// doubt notes messages that may stand twice.
func (i *importing) doubt(code, text, option string, n int) {
	i.report.Overlapping += n
	i.notices = append(i.notices, notice{Code: code, Text: text, Option: option, Count: n, Files: []string{}})
}
