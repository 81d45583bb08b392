package irc

import (
	"bytes"
	"strings"

	"github.com/agrichat/agrichat/internal/charset"
	"github.com/agrichat/agrichat/producers"
)

// recognise looks at what the lines are like; the path only settles doubts.
func recognise(f producers.File) producers.Confidence {
	head := f.Head
	if int64(len(head)) < f.Size { // the last line may be cut
		if i := bytes.LastIndexByte(head, '\n'); i >= 0 {
			head = head[:i]
		}
	}
	w := weigh(head)
	if !hinted(f.Path) {
		w.lines += w.further
	}
	switch {
	case w.lines == 0 || w.known*2 <= w.lines:
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

type weight struct {
	lines   int
	known   int
	headers int // of clients, which no other program writes
	columns int // with a date before them, as WeeChat writes
	further int // after those, perhaps of a message of several lines
	marked  int // in the signs of IRC clients: <nick>, arrows, stars
}

// weighedLines is enough to tell, and quick on the largest head.
const weighedLines = 400

func weigh(head []byte) (w weight) {
	for b := range bytes.Lines(bytes.TrimPrefix(head, []byte("\ufeff"))) {
		if w.lines == weighedLines {
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

func (w *weight) add(text string) {
	if h, ok := parseHeader(text); ok {
		w.known++
		if h.known {
			w.headers++
		}
		return
	}
	st, body, ok := takeStamp(text)
	if !ok {
		if strings.HasPrefix(text, "=== ") {
			w.known++
			return
		}
		if st, body, ok = otherStamp(text); !ok {
			return
		}
		w.client(body, st.services)
		return
	}
	if _, ok := parseBody(body, st.day.known()); !ok {
		w.client(body, false)
		return
	}
	w.known++
	if st.day.known() {
		w.columns++
	}
	if isMarked(body) {
		w.marked++
	}
}

// client weighs a line of a form that only some clients write: without a sign of theirs it may be anybody's.
func (w *weight) client(body string, services bool) {
	if _, ok := clientBody(body, services); !ok {
		return
	}
	w.known++
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
