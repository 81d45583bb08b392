package corpus

import (
	"strconv"
	"time"
)

// slack is an export of a workspace: a folder with lists, and a file a day of each channel.
type slack struct {
	*fileWriter
	day   string
	roots [repliesBack + 1]string // stamps of the threads that the latest messages are in
}

const slackTeam = "T100000001"

// begin writes the lists of people and channels that stand beside the messages.
func (w *slack) begin() {
	w.put("[")
	for who := range uint64(people) {
		if who > 0 {
			w.put(",")
		}
		w.put("\n    {\n        \"id\": \"", authorID("U", who), "\",\n        \"team_id\": \"", slackTeam, "\",\n        \"name\": \"",
			authorID("u", who), "\",\n        \"real_name\": \"", AuthorName(who), "\",\n        \"is_bot\": false,\n        \"profile\": {\n",
			"            \"display_name\": \"", AuthorName(who), "\",\n            \"real_name\": \"", AuthorName(who), "\"\n        }\n    }")
	}
	w.put("\n]\n")
	w.turn("channels.json")
	w.put("[\n    {\n        \"id\": \"C100000001\",\n        \"name\": \"bench\",\n        \"created\": 1500000000,\n        \"creator\": \"",
		authorID("U", 0), "\",\n        \"is_archived\": false,\n        \"is_general\": true,\n        \"members\": []\n    }\n]\n")
}

func (w *slack) end() {
	if w.day != "" {
		w.put("\n]\n")
	}
}

// stamp is what Slack calls a message.
func stamp(at time.Time) string { return strconv.FormatInt(at.Unix(), 10) + ".000100" }

func (w *slack) message(m *message) {
	if day := m.at.Format(time.DateOnly); day != w.day {
		w.end()
		w.day = day
		w.turn("bench/" + day + ".json")
		w.put("[")
	} else {
		w.put(",")
	}
	ts := stamp(m.at)
	root := ts
	if m.replyTo != 0 {
		root = w.roots[m.replyTo%len(w.roots)]
	}
	w.roots[m.id%len(w.roots)] = root
	w.put("\n    {\n        \"type\": \"message\",\n        \"user\": \"", authorID("U", m.who), "\",\n        \"text\": \"")
	w.write(m.text)
	switch m.kind {
	case "bold":
		w.put(" *", m.part, "*")
	case "link":
		w.put(" <", m.part, ">")
	case "hashtag":
		w.put(" ", m.part)
	}
	w.put("\",\n        \"ts\": \"", ts, "\",\n        \"team\": \"", slackTeam, "\"")
	if m.replyTo != 0 {
		w.put(",\n        \"thread_ts\": \"", root, "\"")
	}
	if !m.edited.IsZero() {
		w.put(",\n        \"edited\": {\n            \"user\": \"", authorID("U", m.who), "\",\n            \"ts\": \"", stamp(m.edited), "\"\n        }")
	}
	if m.emoji != "" {
		w.reactions(m)
	}
	w.put("\n    }")
}

// short is what Slack calls an emoji.
func short(emoji string) string {
	return map[string]string{"👍": "+1", "❤": "heart", "🔥": "fire", "😁": "grin", "🤔": "thinking_face"}[emoji]
}

func (w *slack) reactions(m *message) {
	w.put(",\n        \"reactions\": [\n            {\n                \"name\": \"", short(m.emoji), "\",\n                \"users\": [")
	for i, r := range m.reacted {
		if i > 0 {
			w.put(", ")
		}
		w.put("\"", authorID("U", r.who), "\"")
	}
	w.put("],\n                \"count\": ", strconv.Itoa(m.reactions), "\n            }\n        ]")
}
