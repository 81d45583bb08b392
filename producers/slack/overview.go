package slack

import (
	"cmp"
	"errors"
	"io"
	"io/fs"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/agrichat/agrichat/internal/charset"
	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/fault"
	"github.com/agrichat/agrichat/producers"
	"github.com/agrichat/agrichat/producers/filekit"
)

// overview looks at the days of an export, which lie in folders beside the file or above it.
type overview struct {
	file producers.File
	days []string // paths from the file's folder, sorted by day, then by folder
}

// lookOver lists the days that lie in the folders of root. If nothing can be listed there, those of the file's own folder.
func lookOver(f producers.File, root string) (*overview, error) {
	o := &overview{file: f}
	top, err := filekit.ListBeside(f, folderPath(root))
	if err != nil {
		return nil, err
	}
	var folders []string
	for _, e := range top {
		if e.IsDir() {
			folders = append(folders, root+e.Name()+"/")
		}
	}
	if top == nil && root != "" {
		folders = []string{""}
	}
	for _, folder := range folders {
		entries, err := filekit.ListBeside(f, folderPath(folder))
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			if name := strings.TrimSuffix(e.Name(), ".gz"); !e.IsDir() && isDay(name) {
				o.days = append(o.days, folder+name)
			}
		}
	}
	slices.SortFunc(o.days, func(a, b string) int { return cmp.Or(cmp.Compare(dayIn(a), dayIn(b)), cmp.Compare(a, b)) })
	return o, nil
}

// folderPath is the path of a folder that names begin with; the file's own for none.
func folderPath(prefix string) string { return cmp.Or(strings.TrimSuffix(prefix, "/"), ".") }

func dayIn(name string) string { return name[len(name)-len("0000-00-00.json"):] }

// enoughDays is of how many days the workspace is taken from: guests are a minority in most.
const enoughDays = 200

// mostDays bounds how many days are opened one after another, and how many more, spread over all the others, if none of those names any.
const mostDays = 1000

// Where the first bytes of no day name a workspace, wholeDays are read further, wholeSize bytes of each.
const (
	wholeDays = 20
	wholeSize = 4 << 20
)

// team finds the workspace that most messages name. A guest's message may name the guest's own.
func (o *overview) team() (string, error) {
	first := o.days[:min(len(o.days), mostDays)]
	for _, try := range []struct {
		days []string
		size int64
	}{{first, producers.HeadSize}, {spread(o.days[len(first):], mostDays), producers.HeadSize}, {spread(o.days, wholeDays), wholeSize}} {
		votes, counted := newVotes(), 0
		for _, name := range try.days {
			head, err := o.head(name, try.size)
			if err != nil {
				return "", err
			}
			if votes.count(head) {
				counted++
			}
			if counted >= enoughDays {
				break
			}
		}
		if team := votes.most(); team != "" {
			return team, nil
		}
	}
	return "", nil
}

// spread are at most n of the days, spread over all of them.
func spread(days []string, n int) []string {
	if len(days) <= n {
		return days
	}
	out := make([]string, n)
	for i := range out {
		out[i] = days[i*len(days)/n]
	}
	return out
}

func (o *overview) head(name string, size int64) (head []byte, err error) {
	r, err := o.file.Beside(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	return io.ReadAll(io.LimitReader(r, size))
}

// votes are how many messages name a workspace, by member that does, surest first; the last are of the addresses of files.
type votes []map[string]int

func teamFields() []string { return []string{"team", "team_id", "user_team", "source_team"} }

func newVotes() votes {
	v := make(votes, len(teamFields())+1)
	for i := range v {
		v[i] = map[string]int{}
	}
	return v
}

// count counts the workspaces that messages name, and reports whether any does.
func (v votes) count(head []byte) (any bool) {
	for i, name := range teamFields() {
		peek(head).values(name, func(rest []byte) bool {
			if id := quoted(rest); isID(id, "T") {
				v[i][id]++
				any = true
			}
			return false
		})
	}
	peek(head).values("url_private", func(rest []byte) bool {
		_, address, _ := strings.Cut(strings.ReplaceAll(quoted(rest), `\/`, "/"), "://files.slack.com/files-pri/")
		if id, _, ok := strings.Cut(address, "-"); ok && isID(id, "T") {
			v[len(v)-1][id]++
			any = true
		}
		return false
	})
	return any
}

func (v votes) most() string {
	for _, of := range v {
		if team := most(of); team != "" {
			return team
		}
	}
	return ""
}

// most is the team of most votes; of equal ones the one that sorts first.
func most(votes map[string]int) (won string) {
	for team, n := range votes {
		if c := cmp.Compare(n, votes[won]); c > 0 || c == 0 && team < won {
			won = team
		}
	}
	return won
}

// newest is when the newest message of the export was sent or edited: the export shows what was true then or later.
func (o *overview) newest(named string) (at event.Instant, err error) {
	for i := len(o.days) - 1; i >= 0 && dayIn(o.days[i]) == dayIn(o.days[len(o.days)-1]); i-- {
		open := func() (io.ReadCloser, error) { return o.file.Beside(o.days[i]) }
		chars, err := charset.NewDecoder(named, open)
		if err != nil {
			return event.Instant{}, fault.AsFatal(err)
		}
		r, err := open()
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return event.Instant{}, err
		}
		err = records(r, chars.Leads(nil), func(raw []byte) {
			var m struct {
				TS     plain     `json:"ts"`
				Edited one[edit] `json:"edited"`
			}
			if !utf8.Valid(raw) {
				text, _ := chars.Decode(raw)
				raw = []byte(text)
			}
			if decode(raw, &m) != nil {
				return
			}
			at = latest(at, instant(string(m.TS)))
			if m.Edited.it != nil {
				at = latest(at, instant(string(m.Edited.it.TS)))
			}
		})
		if err = errors.Join(err, r.Close()); err != nil {
			return event.Instant{}, err
		}
	}
	return at, nil
}
