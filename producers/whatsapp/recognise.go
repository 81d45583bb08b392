package whatsapp

import (
	"bytes"
	"io"
	"iter"
	"strings"

	"github.com/agrichat/agrichat/producers"
	"github.com/agrichat/agrichat/producers/whatsapp/header"
)

// recognise looks for headers of one style and names after them. Other programs write logs with times in brackets too, so
// words that only WhatsApp says, or the name of the file, make it certain.
func recognise(f producers.File) producers.Confidence {
	head := f.Head
	if producers.JSON(head) {
		return producers.No
	}
	if int64(len(head)) < f.Size { // the last line may be cut
		if i := bytes.LastIndexByte(head, lineEnd(head)); i >= 0 {
			head = head[:i]
		}
	}
	if producers.Binary(head) {
		return producers.No
	}
	read := lines(looksLike(head))
	s, ok := styleOf(read)
	if !ok {
		return producers.No
	}
	w := countHeaders(read, s)
	called := named(f.Path)
	switch {
	case called && w.headers > w.foreign:
		return producers.Certain
	case w.foreign*4 > w.headers || w.senders == 0 || s.Listed: // KakaoTalk prints that too
		return producers.No
	case !s.Bracket && s.Seconds, !w.first: // Android prints no seconds
		return producers.Possible
	case w.comma, w.senders*2 >= w.headers:
		return producers.Likely
	}
	return producers.Possible
}

type headerCounts struct {
	headers, senders, foreign int
	first                     bool // the first line is a header
	comma                     bool // the date ends with a comma, as it does nowhere else
}

// looksLike is the head of a file in UTF-8, of whichever charset it looks to be: its times and punctuation are what counts.
func looksLike(head []byte) []byte {
	d, err := newDecoder("", func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(head)), nil })
	if err != nil {
		return head
	}
	return d.head(head)
}

func countHeaders(head iter.Seq[string], s header.Style) (w headerCounts) {
	w.comma = s.Comma
	blank := true
	for line := range head {
		h, ok := header.Parse(line)
		if ok = ok && h.Style == s; ok {
			w.headers++
			w.first = w.first || blank
			switch rest := header.Clean(h.Rest); {
			case rest != "" && strings.IndexByte("<*=[{", rest[0]) >= 0: // as chats of other networks are logged
				w.foreign++
			case strings.Contains(rest, ": ") || strings.HasSuffix(rest, ":"):
				w.senders++
			}
		}
		blank = blank && header.Clean(line) == ""
	}
	return w
}
