package logs

import (
	"bytes"
	pathpkg "path"
	"strings"

	"github.com/agrichat/agrichat/internal/charset"
	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/producers"
	"github.com/agrichat/agrichat/producers/irc/chatline"
)

// recognise looks at what the lines are like; the path only settles doubts.
func recognise(f producers.File) producers.Confidence {
	head := f.Head
	if producers.JSON(head) {
		return producers.No
	}
	if int64(len(head)) < f.Size { // the last line may be cut
		if i := bytes.LastIndexByte(head, '\n'); i >= 0 {
			head = head[:i]
		}
	}
	w := countLines(head)
	if !hinted(f.Path) {
		w.lines += w.further
	}
	if w.colonsOnly() && (w.headers > 0 || hinted(f.Path) || namesChannel(f.Path)) {
		w.understood += w.colons
		w.marked += w.colons
	}
	switch {
	case w.lines == 0 || w.understood*2 <= w.lines:
		return producers.No
	case w.headers > 0 || hinted(f.Path):
		return producers.Certain
	case w.marked > 0:
		return producers.Likely
	case w.columns > 0:
		return producers.Possible // a date, a word and a text may be anybody's
	}
	return producers.No
}

type lineCounts struct {
	lines      int
	understood int
	headers    int // of clients, which no other program writes
	columns    int // with a date before them, as WeeChat writes
	further    int // after those, perhaps of a message of several lines
	marked     int // in the signs of IRC clients: <nick>, arrows, stars
	messages   int // with <nick>, or in columns
	colons     int // with "nick: ", as many programs write
}

// colonsOnly reports whether people speak in no other form than "nick: text".
func (w *lineCounts) colonsOnly() bool { return w.colons > 0 && w.messages == 0 }

// namesChannel reports whether a part of a path is called as only channels are.
func namesChannel(path string) bool {
	path = "/" + strings.ReplaceAll(path, `\`, "/")
	return strings.Contains(path, "/#") || strings.Contains(path, "/%23")
}

// countedLines is enough to decide, and quick on the largest head.
const countedLines = 400

func countLines(head []byte) (w lineCounts) {
	for b := range bytes.Lines(bytes.TrimPrefix(head, []byte("\ufeff"))) {
		if w.lines == countedLines {
			break
		}
		text := strings.TrimLeft(charset.Key(producers.TrimEnd(b)), "\x00")
		if w.columns > 0 && isFurther(b) {
			w.further++
			continue
		}
		if strings.TrimSpace(text) != "" {
			w.lines++
			w.add(text)
		}
	}
	return w
}

func (w *lineCounts) add(text string) {
	if h, ok := parseHeader(text); ok {
		w.understood++
		if h.known {
			w.headers++
		}
		return
	}
	st, body, ok := takeStamp(text)
	if !ok {
		if strings.HasPrefix(text, "=== ") {
			w.understood++
			return
		}
		if st, body, ok = otherStamp(text); !ok {
			return
		}
		w.client(body, st.statusColumn)
		return
	}
	if _, ok := parseBody(body, st.day.isSet()); !ok {
		w.client(body, false)
		return
	}
	w.understood++
	if strings.HasPrefix(strings.TrimLeft(body, " "), "<") || st.day.isSet() && strings.IndexByte(body, '\t') >= 0 {
		w.messages++
	}
	if st.day.isSet() {
		w.columns++
	}
	if isMarked(body) {
		w.marked++
	}
}

// client weighs a line of a form that only some clients write: without a sign of theirs it may be anybody's.
func (w *lineCounts) client(body string, services bool) {
	if _, ok := colonNick(body); ok {
		w.colons++
		return
	}
	r, ok := clientBody(body, services)
	if !ok {
		return
	}
	w.understood++
	if r.Type == event.TypeMessage {
		w.messages++
	}
	if isMarked(body) {
		w.marked++
	}
}

func isMarked(body string) bool {
	body = strings.TrimLeft(body, " ")
	return body != "" && strings.IndexByte("<*=-", body[0]) >= 0
}

func hinted(path string) bool {
	for _, h := range [...]string{".weechatlog", "irclogs/", "moddata/log/"} {
		if strings.Contains(path, h) {
			return true
		}
	}
	return false
}

// Unreadable says of a log that is in no form that is read what the forms are.
func Unreadable(f producers.File) string {
	name := strings.ToLower(withoutExtensions(f.Path))
	if name == strings.ToLower(f.Path) && strings.Contains(pathpkg.Base(f.Path), ".") && !chatline.IsChannel(pathpkg.Base(f.Path)) || producers.Binary(f.Head) {
		return ""
	}
	lines, timed := 0, 0
	for b := range bytes.Lines(bytes.TrimPrefix(f.Head, []byte("\ufeff"))) {
		if b = bytes.TrimSpace(b); len(b) == 0 {
			continue
		}
		if lines++; hasClock(b) {
			timed++
		}
		if lines == countedLines {
			break
		}
	}
	if timed == 0 || timed*2 < lines {
		return ""
	}
	return "it looks like a log of lines with times; of IRC are read [21:05:00] <nick> text, * nick does, and date, nick and text in columns, with any usual " +
		"date, and nick: text if the file is called after its #channel; if it is one of these, --source irc reads it; " +
		"else make it a table (.csv) with a .map.yaml beside it that names its columns"
}

// hasClock reports whether a time of day is near the start of a line.
func hasClock(b []byte) bool {
	b = b[:min(len(b), maxStamp/2)]
	for i := 1; i+2 < len(b); i++ {
		if b[i] == ':' && digit(b[i-1]) && digit(b[i+1]) && digit(b[i+2]) {
			return true
		}
	}
	return false
}
