package corpus

import (
	"strconv"
	"time"
)

// telegram is a Telegram Desktop export in JSON.
type telegram struct {
	*fileWriter
	seed  uint64 // of the corpus: another is another chat
	begun bool
}

func (w *telegram) begin() {
	w.put("{\n \"name\": \"Большой разговор\",\n \"type\": \"private_supergroup\",\n \"id\": ", strconv.FormatUint(1_700_000_000+w.seed%100_000_000, 10),
		",\n \"messages\": [")
}

func (w *telegram) end() { w.put("\n ]\n}\n") }

func (w *telegram) message(m *message) {
	if w.begun {
		w.put(",")
	}
	w.begun = true
	w.put("\n  {\n   \"id\": ", strconv.Itoa(m.id), ",\n   \"type\": \"message\",")
	w.moment("date", m.at)
	if !m.edited.IsZero() {
		w.moment("edited", m.edited)
	}
	w.put("\n   \"from\": \"", AuthorName(m.who), "\",\n   \"from_id\": \"", authorID("user", m.who), "\",")
	if m.replyTo != 0 {
		w.put("\n   \"reply_to_message_id\": ", strconv.Itoa(m.replyTo), ",")
	}
	w.text(m)
	if m.emoji != "" {
		w.reactions(m)
	}
	w.put("\n  }")
}

// moment writes a time as the export does: the clock on the wall of whoever exported (here at UTC), and the instant.
func (w *telegram) moment(field string, t time.Time) {
	w.put("\n   \"", field, "\": \"", t.Format(wallClock), "\",\n   \"", field, "_unixtime\": \"", strconv.FormatInt(t.Unix(), 10), "\",")
}

const wallClock = "2006-01-02T15:04:05"

func (w *telegram) text(m *message) {
	if m.kind != "" {
		w.marked(m)
		return
	}
	w.put("\n   \"text\": \"")
	w.write(m.text)
	w.put("\",\n   \"text_entities\": [\n    {\n     \"type\": \"plain\",\n     \"text\": \"")
	w.write(m.text)
	w.put("\"\n    }\n   ]")
}

func (w *telegram) marked(m *message) {
	w.put("\n   \"text\": [\n    \"")
	w.write(m.text)
	w.put(" \",\n    {\n     \"type\": \"", m.kind, "\",\n     \"text\": \"", m.part, "\"\n    }\n   ],")
	w.put("\n   \"text_entities\": [\n    {\n     \"type\": \"plain\",\n     \"text\": \"")
	w.write(m.text)
	w.put(" \"\n    },\n    {\n     \"type\": \"", m.kind, "\",\n     \"text\": \"", m.part, "\"\n    }\n   ]")
}

func (w *telegram) reactions(m *message) {
	w.put(",\n   \"reactions\": [\n    {\n     \"type\": \"emoji\",\n     \"count\": ", strconv.Itoa(m.reactions),
		",\n     \"emoji\": \"", m.emoji, "\",\n     \"recent\": [")
	for i, r := range m.reacted {
		if i > 0 {
			w.put(",")
		}
		w.put("\n      {\n       \"from\": \"", AuthorName(r.who), "\",\n       \"from_id\": \"", authorID("user", r.who), "\",\n       \"date\": \"",
			r.at.Format(wallClock), "\"\n      }")
	}
	w.put("\n     ]\n    }\n   ]")
}
