package corpus

import (
	"strconv"
	"time"
)

const (
	discordGuild   = "410000000000000001"
	discordChannel = "420000000000000001"
)

// discord is an export of DiscordChatExporter in JSON.
type discord struct {
	*fileWriter
	written int
	ids     [repliesBack + 1]string // of the latest messages
}

func (w *discord) begin() {
	w.put("{\n  \"guild\": {\n    \"id\": \"", discordGuild, "\",\n    \"name\": \"Bench\",\n    \"iconUrl\": \"\"\n  },\n  \"channel\": {\n",
		"    \"id\": \"", discordChannel, "\",\n    \"type\": \"GuildTextChat\",\n    \"categoryId\": \"415000000000000001\",\n",
		"    \"category\": \"Talk\",\n    \"name\": \"bench\",\n    \"topic\": null\n  },\n  \"dateRange\": {\n    \"after\": null,\n",
		"    \"before\": null\n  },\n  \"exportedAt\": \"2024-06-01T10:00:00.1234567+00:00\",\n  \"messages\": [")
}

func (w *discord) end() { w.put("\n  ],\n  \"messageCount\": ", strconv.Itoa(w.written), "\n}") }

// snowflake is an id of Discord: milliseconds since 2015, and a number within them.
func snowflake(at time.Time) string {
	const epoch, shift = 1_420_070_400_000, 22
	return strconv.FormatInt((at.UnixMilli()-epoch)<<shift, 10)
}

const discordClock = "2006-01-02T15:04:05.000-07:00"

func (w *discord) message(m *message) {
	if w.written > 0 {
		w.put(",")
	}
	w.written++
	id, edited, kind := snowflake(m.at), "null", "Default"
	w.ids[m.id%len(w.ids)] = id
	if !m.edited.IsZero() {
		edited = `"` + m.edited.Format(discordClock) + `"`
	}
	if m.replyTo != 0 {
		kind = "Reply"
	}
	w.put("\n    {\n      \"id\": \"", id, "\",\n      \"type\": \"", kind, "\",\n      \"timestamp\": \"", m.at.Format(discordClock),
		"\",\n      \"timestampEdited\": ", edited, ",\n      \"callEndedTimestamp\": null,\n      \"isPinned\": false,\n      \"content\": \"")
	w.write(m.text)
	if m.kind != "" {
		w.put(" ", m.part)
	}
	w.put("\",\n      \"author\": {\n        \"id\": \"", authorID("", m.who), "\",\n        \"name\": \"", AuthorName(m.who),
		"\",\n        \"discriminator\": \"0000\",\n        \"nickname\": null,\n        \"color\": null,\n        \"isBot\": false,\n",
		"        \"roles\": [],\n        \"avatarUrl\": \"\"\n      },\n      \"attachments\": [],\n      \"embeds\": [],\n",
		"      \"stickers\": [],\n      \"reactions\": [")
	if m.emoji != "" {
		w.reactions(m)
	}
	w.put("],\n      \"mentions\": []")
	if m.replyTo != 0 {
		w.put(",\n      \"reference\": {\n        \"messageId\": \"", w.ids[m.replyTo%len(w.ids)], "\",\n        \"channelId\": \"", discordChannel,
			"\",\n        \"guildId\": \"", discordGuild, "\"\n      }")
	}
	w.put("\n    }")
}

func (w *discord) reactions(m *message) {
	w.put("\n        {\n          \"emoji\": {\n            \"id\": \"\",\n            \"name\": \"", m.emoji,
		"\",\n            \"code\": \"x\",\n            \"isAnimated\": false,\n            \"imageUrl\": \"\"\n          },\n          \"count\": ",
		strconv.Itoa(m.reactions), ",\n          \"users\": [")
	for i, r := range m.reacted {
		if i > 0 {
			w.put(",")
		}
		w.put("\n            {\n              \"id\": \"", authorID("", r.who), "\",\n              \"name\": \"", AuthorName(r.who), "\"\n            }")
	}
	w.put("\n          ]\n        }\n      ")
}

// discordTable is an export of DiscordChatExporter in CSV.
type discordTable struct{ *fileWriter }

func (w *discordTable) begin() { w.put("AuthorID,Author,Date,Content,Attachments,Reactions\r\n") }

func (w *discordTable) end() {}

func (w *discordTable) message(m *message) {
	w.put(`"`, authorID("", m.who), `","`, AuthorName(m.who), `","`, m.at.Format("2006-01-02T15:04:05.0000000-07:00"), `","`)
	w.write(m.text)
	if m.kind != "" {
		w.put(" ", m.part)
	}
	w.put(`","","`)
	if m.emoji != "" {
		w.put(m.emoji, " (", strconv.Itoa(m.reactions), ")")
	}
	w.put("\"\r\n")
}
