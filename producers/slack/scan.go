package slack

import (
	"bytes"
	"io"

	"github.com/agrichat/agrichat/internal/jsonscan"
	"github.com/agrichat/agrichat/producers/filekit"
)

const (
	// window is how much is read at a time: most days of most channels are smaller.
	window = 64 << 10
)

func newScanner(r io.Reader, leads func(byte) bool, offset int64, line, indent int) *jsonscan.Scanner {
	return jsonscan.NewScanner(jsonscan.NewWindow(r, window, offset, line, indent), &jsonscan.Policy{
		Longest: filekit.MaxRecord, Sampled: filekit.MaxSample, Next: nextRecord, Objects: true, Flat: true, Leads: leads,
	})
}

// nextRecord finds where the next record begins where no line tells; zero if there is none.
func nextRecord(b []byte, _ bool) int {
	for from := 0; ; {
		i := bytes.Index(b[from:], []byte(",{"))
		if i < 0 {
			return 0
		}
		from += i + 1
		if beginsRecord(b[from:]) {
			return from
		}
	}
}

// beginsRecord reports whether b begins as a record of Slack's does: within, nothing else does.
func beginsRecord(b []byte) bool {
	for _, first := range [...]string{`{"client_msg_id":`, `{"subtype":`, `{"id":"U`, `{"id":"W`, `{"id":"C`, `{"id":"G`, `{"id":"D`} {
		if bytes.HasPrefix(b, []byte(first)) {
			return true
		}
	}
	b = b[1:min(len(b), 256)]
	if end := bytes.IndexAny(b, "{}[]"); end >= 0 {
		b = b[:end]
	}
	return bytes.Contains(b, []byte(`"type":"message"`))
}
