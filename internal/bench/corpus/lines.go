package corpus

import (
	"strconv"
	"time"
)

// lines is JSON, a message a line.
type lines struct{ *fileWriter }

func (w *lines) begin() {}

func (w *lines) end() {}

func (w *lines) message(m *message) {
	w.put(`{"id":`, strconv.Itoa(m.id), `,"sent":"`, m.at.Format(time.RFC3339), `","author":"`, authorID("user", m.who),
		`","author_name":"`, AuthorName(m.who), `",`)
	if m.replyTo != 0 {
		w.put(`"reply_to":`, strconv.Itoa(m.replyTo), `,`)
	}
	if !m.edited.IsZero() {
		w.put(`"edited":"`, m.edited.Format(time.RFC3339), `",`)
	}
	w.put(`"text":"`)
	w.write(m.text)
	if m.kind != "" {
		w.put(" ", m.part)
	}
	w.put("\"}\n")
}
