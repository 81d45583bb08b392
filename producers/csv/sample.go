package csv

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/agrichat/agrichat/internal/charset"
	"github.com/agrichat/agrichat/producers"
	"github.com/agrichat/agrichat/producers/filekit"
)

// noMapping is the error of a table without a mapping, with a draft of one.
func noMapping(f producers.File) error {
	base := path.Base(f.Path)
	return fmt.Errorf("nothing says what the columns of this table mean, and no other source knows it. Put this, corrected, into "+
		"%s.map.yaml beside it, or into mapping.yaml for all tables of the folder:\n\n%s", base, sampleMapping(f))
}

// sampleMapping makes a mapping from a table's first rows.
func sampleMapping(f producers.File) string {
	chars, _ := charset.NewDecoder("", f.Open) // without a name there is nothing that could be unknown
	p := &plan{delimiter: guessDelimiter(f), quote: '"', header: true, chars: &filekit.Decoder{Decoder: chars}}
	h := readHeader(f.Head, p)
	first := parseRow(filekit.TrimMark(f.Head), p.delimiter, p.quote, true)
	second := parseRow(filekit.TrimMark(f.Head)[first.size:], p.delimiter, p.quote, true)
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("# columns: %s", strings.Join(quoted(h.cells), ", "))
	line("namespace: our-forum # the network whose table this is")
	if c, ok := h.called("channel", "room", "chat", "group", "conversation"); ok {
		line("channel: %s", c)
	} else {
		line("channel: {value: %s} # or a column's name", strconv.Quote(strings.TrimSuffix(path.Base(f.Path), path.Ext(f.Path))))
	}
	if c, ok := h.called("id", "messageid", "msgid"); ok {
		line("id: %s", c)
	}
	if c, ok := h.called("authorid", "userid", "senderid", "fromid"); ok {
		line("author: %s", c)
	}
	author, ok := h.called("author", "user", "username", "sender", "from", "name", "nick", "authorname")
	line("author_name: %s%s", author, doubt(ok))
	when, ok := h.called("time", "timestamp", "date", "datetime", "sent", "createdat", "sentat")
	// On one line: an error is printed without what its lines begin with.
	line("time: {column: %s, layout: %s, zone: UTC} #%s layout: %%Y %%m %%d %%H %%M %%S, or rfc3339, unix, unix_ms; zone: of times that do not say theirs",
		when, guessLayout(h, second.cells, when), strings.TrimPrefix(doubt(ok), " #"))
	text, ok := h.called("text", "message", "content", "contents", "body", "msg")
	line("text: %s%s", text, doubt(ok))
	if c, ok := h.called("replyto", "parentid", "inreplyto"); ok {
		line("reply_to: %s", c)
	}
	return b.String()
}

func doubt(ok bool) string {
	if ok {
		return ""
	}
	return " # which column is it?"
}

// called finds the column that goes by one of some names; ok is false, and the column the first, if none does.
func (h header) called(names ...string) (column string, ok bool) {
	for _, name := range names {
		for _, c := range h.cells {
			if strings.NewReplacer("_", "", " ", "", "-", "").Replace(strings.ToLower(c)) == name {
				return strconv.Quote(c), true
			}
		}
	}
	if len(h.cells) == 0 {
		return "1", false
	}
	return strconv.Quote(h.cells[0]), false
}

// guessLayout tries common layouts on the time of the first row.
func guessLayout(h header, cells []string, column string) string {
	layouts := []string{
		"rfc3339", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M:%S.%f", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", "%d.%m.%Y %H:%M:%S",
		"%d.%m.%Y %H:%M", "%m/%d/%Y %I:%M %p", "%m/%d/%Y %H:%M", "%Y-%m-%d %H:%M:%S%z", "unix", "%Y-%m-%d",
	}
	i := slices.IndexFunc(h.cells, func(c string) bool { return strconv.Quote(c) == column })
	if i >= 0 && i < len(cells) {
		for _, name := range layouts {
			if l, err := parseLayout(name); err == nil {
				if _, ok := l.read(cells[i], time.UTC); ok {
					return strconv.Quote(name)
				}
			}
		}
	}
	return strconv.Quote(layouts[1])
}
