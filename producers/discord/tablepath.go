package discord

import (
	"io"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/agrichat/agrichat/internal/charset"
	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/producers"
)

// tablePath is what the path of a table says. The exporter names a table "Guild - Category - channel [id].csv" unless the user chose
// another name; parts of one channel are marked "[part N]", or numbered in a folder that has the channel's name.
type tablePath struct {
	name    string   // of the file or the folder, without what numbers parts
	folders []string // above it, without dates: a channel may be exported anew every day
	part    int
}

func parsePath(file string) tablePath {
	file = path.Clean(strings.ReplaceAll(file, `\`, "/"))
	dir, name := path.Split(file)
	name = producers.Uncopied(name)
	p := tablePath{name: strings.TrimSuffix(name, path.Ext(name)), part: 1}
	if rest, inside, ok := lastBracket(p.name); ok && strings.HasPrefix(inside, "part ") && isNumber(inside[len("part "):]) {
		p.part, p.name = atoi(inside[len("part "):]), rest
	}
	folders := slices.DeleteFunc(strings.Split(dir, "/"), func(s string) bool { return s == "" || s == "." || s == ".." })
	if n := len(folders); n > 0 && isNumber(p.name) && !isID(p.name) {
		p.part, _ = strconv.Atoi(p.name)
		p.name, folders = folders[n-1], folders[:n-1]
	}
	date := dates()
	for _, f := range folders {
		if f = strings.Trim(date.ReplaceAllString(strings.TrimSuffix(f, ".zip"), ""), " -_."); f != "" {
			p.folders = append(p.folders, f)
		}
	}
	return p
}

// dates finds those that folders are called after.
func dates() *regexp.Regexp {
	return regexp.MustCompile(`\b(19|20)\d\d([-_.]?[01]\d([-_.]?[0-3]\d)?)?\b|\b[0-3]?\d[-_.][01]?\d[-_.](19|20)?\d\d\b|^[0-3]?\d$`)
}

// id is the channel's, in brackets or alone; rest is the name without it.
func (p *tablePath) id() (id, rest string) {
	for rest, inside, ok := lastBracket(p.name); ok; rest, inside, ok = lastBracket(rest) {
		if isID(inside) {
			return inside, rest
		}
	}
	if isID(p.name) {
		return p.name, p.name
	}
	return "", p.name
}

// general reports whether the name is one that any channel's table may have.
func (p *tablePath) general() bool {
	switch strings.ToLower(p.name) {
	case "part", "parts", "chat", "channel", "message", "messages", "export", "output", "table":
		return true
	}
	return false
}

// tables knows of all tables that were looked at in which folders they stand: of equal names in several folders each is of a channel
// of its own.
type tables struct {
	mu      sync.Mutex
	folders map[string][][]string // by name
	beside  map[string][]string   // JSON files, by folder
	read    siblings
}

func (k *tables) add(file string) {
	p := parsePath(file)
	if id, _ := p.id(); id != "" {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.folders == nil {
		k.folders = map[string][][]string{}
	}
	if !slices.ContainsFunc(k.folders[p.name], func(f []string) bool { return slices.Equal(f, p.folders) }) {
		k.folders[p.name] = append(k.folders[p.name], p.folders)
	}
}

// above are the folders that identify a channel beside its table's name: as many as distinguish it from those of the same name.
func (k *tables) above(p *tablePath) []string {
	depth := 0
	if p.general() {
		depth = 1
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, other := range k.folders[p.name] {
		for !slices.Equal(other, p.folders) && depth < len(p.folders) && slices.Equal(lastOf(other, depth), lastOf(p.folders, depth)) {
			depth++
		}
	}
	return lastOf(p.folders, depth)
}

func lastOf(list []string, n int) []string { return list[max(0, len(list)-n):] }

// place finds out which channel a table is of.
func (k *tables) locate(file string) (w where, part int) {
	p := parsePath(file)
	id, name := p.id()
	if id != "" {
		w = where{Name: name, Channel: event.Channel(id), Namespace: sourceName}
		if id != name {
			w.split(name)
		}
	} else {
		w.Name = strings.Join(append(k.above(&p), p.name), "/")
		w.Channel = event.Channel("name:" + charset.Key([]byte(w.Name)))
	}
	return w, p.part
}

// called decodes the names that a path gave, which may be in any charset.
func (w *where) called(name string) error {
	d, err := charset.NewDecoder(name, func() (io.ReadCloser, error) {
		return io.NopCloser(strings.NewReader(w.Guild + " " + w.Parent + " " + w.Name)), nil
	})
	if err != nil {
		return err
	}
	key := *w
	key.Guild, key.Parent, key.Name = charset.Key([]byte(w.Guild)), charset.Key([]byte(w.Parent)), charset.Key([]byte(w.Name))
	for _, s := range [...]*string{&w.Guild, &w.Parent, &w.Name} {
		text, label := d.Decode([]byte(*s))
		if *s = text; label != "" {
			w.Charset = label
		}
	}
	if w.Charset != "" {
		w.Keyed = &key
	}
	return nil
}

// fromPath is the notice of one row of which the path alone says which channel it is of.
func fromPath() producers.Notice {
	return producers.Notice{
		Code: "channel-from-path", Text: "the table does not say which channel it is of; the channel is called after the file's name and folder",
		Option: "--channel", Count: 1,
	}
}
