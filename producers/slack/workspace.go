package slack

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/agrichat/agrichat/internal/charset"
	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/fault"
	"github.com/agrichat/agrichat/producers"
)

// slackbot speaks for Slack itself, and is not marked as a bot.
const slackbot = "USLACKBOT"

// workspace is who and what there is, as the files beside the messages say. It is read once and not changed then.
type workspace struct {
	team   string
	home   bool          // the list of users says so
	newest event.Instant // message of the export
	people map[string]event.Person
	ids    map[string]event.Channel // by name
	titles map[string]string        // by id
	keys   map[string]string        // names as ids take them, of people whose names are not UTF-8
}

// person names an identity. called is what the message itself says, for those whom users.json does not know: guests of other
// workspaces, and the deleted.
func (w *workspace) person(id, called string) event.Person {
	p, ok := w.people[id]
	if !ok {
		p = event.Person{ID: event.AuthorID(id), Name: called, Bot: id == slackbot}
	}
	return p
}

// channel finds which channel a folder is of; empty if no list knows it.
func (w *workspace) channel(folder string) event.Channel {
	if c := w.called(folder); c != "" {
		return c
	}
	for _, name := range spellings(folder) {
		if c := w.called(name); c != "" {
			return c
		}
	}
	return ""
}

// called is the channel that a list knows by this very name.
func (w *workspace) called(name string) event.Channel {
	if id, ok := w.ids[norm.NFC.String(name)]; ok {
		return id
	}
	if _, ok := w.titles[name]; ok {
		return event.Channel(name)
	}
	return ""
}

// spellings are what a folder may have been called before programs that pack and unpack zips misread it. A guess that a list
// of channels knows is right.
func spellings(folder string) []string {
	out := []string{folder, unescapeZip(folder)}
	if s, err := url.PathUnescape(folder); err == nil {
		out = append(out, s)
	}
	for _, name := range out[:len(out):len(out)] {
		out = append(out, misread(name)...)
	}
	return out
}

// misread are what the bytes of a name may have meant: zips are made for code page 437, and packers that know no other way
// write there what their computer uses, or UTF-8 without saying so.
func misread(name string) (out []string) {
	if utf8.ValidString(name) {
		s, ok := charset.MisreadName(name)
		if !ok {
			return nil
		}
		name = s
		out = append(out, s)
	}
	return append(out, charset.Readings(name)...)
}

// unescapeZip undoes what unzip writes for characters that it cannot: #U and four digits, or #L and six.
func unescapeZip(s string) string {
	var out strings.Builder
	for {
		i := strings.IndexByte(s, '#')
		if i < 0 || i+2 > len(s) {
			return out.String() + s
		}
		out.WriteString(s[:i])
		digits := map[byte]int{'U': 4, 'L': 6}[s[i+1]]
		if end := i + 2 + digits; digits > 0 && end <= len(s) {
			if r, err := strconv.ParseUint(s[i+2:end], 16, 32); err == nil {
				out.WriteRune(rune(r))
				s = s[end:]
				continue
			}
		}
		out.WriteByte('#')
		s = s[i+1:]
	}
}

// printable writes bytes that are no text as their numbers: two such names must not become one.
func printable(s string) string {
	var out strings.Builder
	for i, r := range s {
		if _, n := utf8.DecodeRuneInString(s[i:]); r == utf8.RuneError && n == 1 {
			fmt.Fprintf(&out, "%%%02X", s[i])
			continue
		}
		out.WriteRune(r)
	}
	return out.String()
}

// workspaces caches the workspaces that were read last: an export has a file a channel and day, and each would read it again.
type workspaces struct {
	mu    sync.Mutex        // covers all below, and the reading, so that several files at once read it once
	cache []cachedWorkspace // the last used last
}

type cachedWorkspace struct {
	root, stamp string
	*workspace
}

// maxWorkspaces is how many workspaces are kept: files of as many exports may be read at once.
const maxWorkspaces = 8

func (k *workspaces) find(root, stamp string) *workspace {
	i := slices.IndexFunc(k.cache, func(s cachedWorkspace) bool { return s.root == root && s.stamp == stamp })
	if i < 0 {
		return nil
	}
	found := k.cache[i]
	k.cache = append(slices.Delete(k.cache, i, i+1), found)
	return found.workspace
}

func (k *workspaces) keep(s cachedWorkspace) {
	k.cache = slices.DeleteFunc(k.cache, func(old cachedWorkspace) bool { return old.root == s.root })
	k.cache = append(k.cache, s)
	k.cache = slices.Clone(k.cache[max(0, len(k.cache)-maxWorkspaces):])
}

// of reads what stands beside a file, unless it did so for the file before.
func (k *workspaces) of(a *archive) (_ *workspace, err error) {
	if a.content == logs || a.File.Beside == nil {
		return &workspace{}, nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	root := ""
	if a.content == days {
		root = "../"
	}
	beside, err := openBeside(a.File, root)
	if err == nil && len(beside) == 0 && a.content == days && !isDay(path.Base(a.File.Path)) { // in one folder with the lists
		if beside, err = openBeside(a.File, ""); len(beside) > 0 {
			root = ""
		}
	}
	defer func() {
		for _, b := range beside {
			err = errors.Join(err, b.Close())
		}
	}()
	if err != nil {
		return nil, err
	}
	at, stamp := path.Join(path.Dir(a.File.Path), root), stampOf(beside)
	if w := k.find(at, stamp); stamp != "" && w != nil {
		return w, nil
	}
	w, err := readWorkspace(beside, a.Options.Charset)
	if err != nil {
		return nil, err
	}
	if err := w.lookOver(a.File, root, a.Options.Charset); err != nil {
		return nil, fmt.Errorf("looking at what lies beside %s: %w", a.File.Path, err)
	}
	k.keep(cachedWorkspace{at, stamp, w})
	return w, nil
}

// lookOver learns from the days of the export what the lists do not say.
func (w *workspace) lookOver(f producers.File, root, named string) error {
	days, err := lookOver(f, root)
	if err != nil {
		return err
	}
	if w.home = w.team != ""; !w.home {
		if w.team, err = days.team(); err != nil {
			return err
		}
	}
	w.newest, err = days.newest(named)
	return err
}

type sidecar struct {
	io.ReadCloser
	name  string
	again func() (io.ReadCloser, error) // opens it once more
}

// openBeside opens the lists of an export that are there. One that is there and cannot be opened is an error: without it, ids
// would be others.
func openBeside(f producers.File, root string) (out []sidecar, err error) {
	for _, name := range append(lists(), "users.json", "org_users.json") {
		r, err := f.Beside(root + name)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrInvalid) {
			continue
		}
		if err != nil {
			return out, fmt.Errorf("opening %s beside %s: %w", name, f.Path, err)
		}
		out = append(out, sidecar{r, name, func() (io.ReadCloser, error) { return f.Beside(root + name) }})
	}
	return out, nil
}

// stampOf identifies the state of the lists; empty if only reading them would.
func stampOf(lists []sidecar) string {
	var parts []string
	for _, l := range lists {
		file, ok := l.ReadCloser.(fs.File)
		if !ok {
			return ""
		}
		info, err := file.Stat()
		if err != nil {
			return ""
		}
		parts = append(parts, l.name, strconv.FormatInt(info.Size(), 10), info.ModTime().String())
	}
	return event.Digest(parts...)
}

func readWorkspace(beside []sidecar, name string) (*workspace, error) {
	w := &workspace{people: map[string]event.Person{}, ids: map[string]event.Channel{}, titles: map[string]string{}}
	teams := map[string]int{}
	for _, l := range beside {
		chars, err := charset.NewDecoder(name, l.again)
		if err != nil {
			return nil, fault.AsFatal(err)
		}
		err = records(l, chars.Leads(nil), func(raw []byte) {
			text, label := chars.Decode(raw)
			if isList(l.name) {
				w.addChannel([]byte(text))
				return
			}
			w.addUser([]byte(text), teams)
			if label != "" {
				w.addKey([]byte(charset.Key(raw)))
			}
		})
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", l.name, err)
		}
	}
	w.team = most(teams) // guests are listed with their own
	return w, nil
}

// records calls f for each valid record of a list: the others are reported when the list itself is read.
func records(r io.Reader, leads func(byte) bool, f func(raw []byte)) error {
	s := newScanner(r, leads, 0, 1, 0)
	for {
		c, ok := s.Next()
		switch {
		case !ok:
			return s.Err()
		case c != '{':
			s.Skip(1)
		default:
			if v := s.Value(true); v.Why == "" {
				f(v.Raw)
			}
		}
	}
}

func (w *workspace) addUser(raw []byte, teams map[string]int) {
	var u user
	if decode(raw, &u) != nil || u.ID == "" {
		return
	}
	if u.Team != "" {
		teams[string(u.Team)]++
	}
	w.people[string(u.ID)] = event.Person{
		ID: event.AuthorID(u.ID), Name: u.shown(), Bot: u.IsBot == "true" || u.ID == slackbot,
	}
}

// addKey notes what a user is called, as ids take it.
func (w *workspace) addKey(raw []byte) {
	var u user
	if decode(raw, &u) != nil || u.ID == "" {
		return
	}
	if w.keys == nil {
		w.keys = map[string]string{}
	}
	w.keys[string(u.ID)] = u.shown()
}

// key is what somebody is called, as ids take it.
func (w *workspace) key(id string) string {
	if k, ok := w.keys[id]; ok {
		return k
	}
	return w.person(id, "").Name
}

// shown is what the user is called by others.
func (u *user) shown() string {
	if p := u.Profile.it; p != nil {
		return firstOf(p.DisplayName, p.RealName, u.RealName, u.Name)
	}
	return firstOf(u.RealName, u.Name)
}

func (w *workspace) addChannel(raw []byte) {
	var c channel
	if decode(raw, &c) != nil || c.ID == "" {
		return
	}
	w.titles[string(c.ID)] = string(c.Name)
	if name := norm.NFC.String(string(c.Name)); name != "" && w.ids[name] == "" {
		w.ids[name] = event.Channel(c.ID)
	}
}
