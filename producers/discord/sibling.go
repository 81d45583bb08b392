package discord

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/producers"
	"github.com/agrichat/agrichat/producers/filekit"
)

// sibling is what the JSON exports beside a table say of the messages of its channel. It does not change once it is read.
type sibling struct {
	where   where
	people  []event.Person
	called  map[string][]int32 // whom an id, a name or a name with its four digits may be of
	numbers map[event.AuthorID]int32
	minutes map[minute][]siblingMessage
}

// minute is one in which somebody wrote.
type minute struct {
	at     int64
	author int32
}

// siblingMessage is a message of the JSON.
type siblingMessage struct {
	id       event.NativeID
	revision event.Revision
	sent     event.Instant
	edited   event.Instant
	text     string // its digest
	kind     event.MessageType
	service  *event.Service
	files    []event.Attachment
}

func minuteOf(at time.Time) int64 { return at.Truncate(time.Minute).Unix() }

func textDigest(s string) string { return event.Digest("text", producers.NormaliseText(s)) }

// add takes a message of the JSON.
func (s *sibling) add(r *record, e *event.Event) {
	n, found := s.numbers[e.Author.ID]
	if !found {
		n = int32(len(s.people))
		s.numbers[e.Author.ID] = n
		s.people = append(s.people, e.Author)
		u := r.author
		for _, name := range [...]string{u.id, u.name, u.name + "#" + u.tag} {
			s.called[name] = append(s.called[name], n)
		}
	}
	b, ok := e.Body.(*event.Message)
	if !ok || e.Sent.IsZero() {
		return
	}
	at := minute{minuteOf(e.Sent.At), n}
	s.minutes[at] = append(s.minutes[at], siblingMessage{
		id: e.NativeID, revision: e.Revision, sent: e.Sent, edited: b.Edited, text: textDigest(b.Text), kind: b.Type, service: b.Service,
		files: b.Attachments,
	})
}

// find looks for the message that a row is: of the same author and time, and of the same text unless it was edited meanwhile. taken are
// those that rows before were.
func (s *sibling) find(author event.AuthorID, at event.Instant, text string, taken map[event.NativeID]struct{}) (k *siblingMessage, who event.Person, same bool) {
	digest := textDigest(text)
	exact := at.Precision >= event.PrecisionSecond && !at.Assumed
	var edited []*siblingMessage
	for _, n := range s.called[string(author)] {
		list := s.minutes[minute{minuteOf(at.At), n}]
		for i := range list {
			m := &list[i]
			if _, gone := taken[m.id]; gone || exact && !m.sent.At.Truncate(time.Millisecond).Equal(at.At.Truncate(time.Millisecond)) {
				continue
			}
			if m.text == digest {
				return m, s.people[n], true
			}
			edited, who = append(edited, m), s.people[n]
		}
	}
	if exact && len(edited) == 1 {
		return edited[0], who, false
	}
	return nil, event.Person{}, false
}

// sibling reads the JSON exports that lie beside a table and are of its channel; nil if there are none.
func (a *archive) sibling(ctx context.Context, w *where) (*sibling, error) {
	if a.File.Beside == nil || a.Options.Channel != "" && !isID(string(a.Options.Channel)) {
		return nil, nil
	}
	names, err := a.tables.exports(a.File)
	if err != nil || len(names) == 0 {
		return nil, err
	}
	own := parsePath(a.File.Path)
	names = slices.DeleteFunc(slices.Clone(names), func(name string) bool {
		p := parsePath(name)
		id, _ := p.id()
		return p.name != own.name && (id == "" || id != string(w.Channel))
	})
	if len(names) == 0 {
		return nil, nil
	}
	stamp, err := a.stamp(names)
	if err != nil {
		return nil, err
	}
	key := siblingKey{path.Dir(a.File.Path), stamp, w.Channel, a.Options}
	return a.tables.read.find(key, func() (*sibling, error) { return a.readSiblings(ctx, names, w) })
}

// siblingKey is what a sibling depends on.
type siblingKey struct {
	folder, stamp string // stamp: which state of which files; empty if that is unknown
	channel       event.Channel
	options       producers.Options
}

// siblings keeps the siblings that were read last: a table has many parts, and each would read them again.
type siblings struct {
	mu   sync.Mutex // covers the reading too, so that several parts at once read it once
	keys []siblingKey
	of   []*sibling // nil: there is none
}

// siblingsKept is how many are kept: each holds what is known of every message of a channel.
const siblingsKept = 2

func (k *siblings) find(key siblingKey, read func() (*sibling, error)) (*sibling, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	i := slices.Index(k.keys, key)
	if i >= 0 && key.stamp != "" {
		return k.of[i], nil
	}
	s, err := read()
	if err != nil || key.stamp == "" {
		return s, err
	}
	k.keys, k.of = append(k.keys, key), append(k.of, s)
	if len(k.keys) > siblingsKept {
		k.keys, k.of = slices.Delete(k.keys, 0, 1), slices.Delete(k.of, 0, 1)
	}
	return s, nil
}

// stamp tells one state of files beside the table from another; empty if that is unknown without reading them.
func (a *archive) stamp(names []string) (string, error) {
	var parts []string
	for _, name := range names {
		r, err := a.File.Beside(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return "", fmt.Errorf("opening %s beside %s: %w", name, a.File.Path, err)
		}
		f, ok := r.(fs.File)
		if !ok {
			return "", r.Close()
		}
		info, err := f.Stat()
		if err = errors.Join(err, r.Close()); err != nil {
			return "", fmt.Errorf("looking at %s beside %s: %w", name, a.File.Path, err)
		}
		parts = append(parts, name, strconv.FormatInt(info.Size(), 10), info.ModTime().String())
	}
	return event.Digest(parts...), nil
}

// readSiblings reads the exports of the names, as far as they are of the table's channel.
func (a *archive) readSiblings(ctx context.Context, names []string, w *where) (out *sibling, err error) {
	for _, name := range names {
		f, err := a.openSidecar(name)
		if err != nil {
			return nil, err
		}
		if f == nil || recognise(*f) == producers.No || !isObject(f.Head) {
			continue
		}
		if out == nil {
			out = &sibling{called: map[string][]int32{}, numbers: map[event.AuthorID]int32{}, minutes: map[minute][]siblingMessage{}}
		}
		if err := a.readSibling(ctx, *f, out, w); err != nil {
			return nil, fmt.Errorf("reading the export beside %s: %w", a.File.Path, err)
		}
	}
	if out == nil || len(out.minutes) == 0 {
		return nil, nil
	}
	return out, nil
}

// besides is another file of the folder; nil if it is not there any more.
func (a *archive) openSidecar(name string) (_ *producers.File, err error) {
	f := producers.File{
		Path: path.Join(path.Dir(a.File.Path), name), Open: func() (io.ReadCloser, error) { return a.File.Beside(name) },
	}
	r, err := f.Open()
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", f.Path, err)
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	f.Head, err = io.ReadAll(io.LimitReader(r, producers.HeadSize))
	return &f, err
}

func (a *archive) readSibling(ctx context.Context, f producers.File, into *sibling, w *where) (err error) {
	b := &archive{Archive: filekit.Archive{File: f, Options: a.Options, BatchSize: filekit.BatchSize}, tables: a.tables}
	out, err := b.output(nil)
	if err != nil {
		return err
	}
	s, err := b.openJSON(out)
	if err != nil {
		return err
	}
	session := filekit.NewSession(f, s.in, &s.Output, s)
	defer func() { err = errors.Join(err, session.Close()) }()
	s.dec.tags = true
	s.observe = func(r *record, e *event.Event) {
		if isID(string(w.Channel)) && s.Where.Channel != w.Channel {
			return
		}
		into.where = s.Where
		into.add(r, e)
	}
	for {
		if _, err := session.Next(ctx); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// exports are the names of the JSON files in the folder of a table. A folder is listed once.
func (k *tables) exports(f producers.File) ([]string, error) {
	dir := path.Dir(f.Path)
	k.mu.Lock()
	defer k.mu.Unlock()
	if names, done := k.beside[dir]; done {
		return names, nil
	}
	r, err := f.Beside(".")
	if err != nil { // there is nothing that could be listed
		return nil, nil //nolint:nilerr // the table may be all that somebody has
	}
	var names []string
	if d, ok := r.(fs.ReadDirFile); ok {
		var entries []fs.DirEntry
		if entries, err = d.ReadDir(-1); err != nil {
			return nil, errors.Join(fmt.Errorf("listing what lies beside %s: %w", f.Path, err), r.Close())
		}
		for _, e := range entries {
			if name := strings.TrimSuffix(e.Name(), ".gz"); !e.IsDir() && strings.EqualFold(path.Ext(name), ".json") {
				names = append(names, name)
			}
		}
	}
	if k.beside == nil {
		k.beside = map[string][]string{}
	}
	k.beside[dir] = names
	return names, r.Close()
}

// joined is the notice of a row that is a message of the JSON export beside it.
func joined() producers.Notice {
	return producers.Notice{
		Code: "ids-from-sibling", Text: "rows of a table took the ids of the JSON export of the channel beside it, so that nothing stands twice",
		Count: 1,
	}
}

// unjoined is the notice of a row that is not.
func unjoined() producers.Notice {
	return producers.Notice{
		Code: "not-in-sibling", Text: "rows of a table are not in the JSON export of the channel beside it, and have ids of their own",
		Count: 1,
	}
}
