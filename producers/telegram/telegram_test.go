package telegram

import (
	"bytes"
	"strings"
	"testing"

	"github.com/agrichat/agrichat/producers/producertest"
)

func TestDefinition(t *testing.T) { producertest.Definition(t, Definition()) }

func TestArchive_Account(t *testing.T) { producertest.Archive(t, Definition(), account1(t)) }

func TestArchive_SmallBatches(t *testing.T) {
	for _, batch := range []int{1, 2, 3} {
		c := account1(t)
		c.Cuts = 50
		producertest.Archive(t, definition(batch), c)
	}
}

func TestArchive_OneChat(t *testing.T) {
	record := func(id string) string {
		return `{"id":` + id + `,"type":"message","date":"2020-10-25T02:30:00","from":"A","from_id":4321,"text":"t` + id + `"}`
	}
	data := chatOf("private_supergroup", record("1"), record("2"), record("3"), `{"id":4,"type":"message"`, record("5"))
	producertest.Archive(t, definition(2), producertest.Case{
		Path: "ChatExport/result.json", Data: data, Events: 6, Unparsed: 1, Cuts: len(data),
	})
	minified := bytes.ReplaceAll(bytes.ReplaceAll(data, []byte("\n"), nil), []byte("  "), nil)
	producertest.Archive(t, definition(2), producertest.Case{
		Path: "ChatExport/result.json", Data: minified, Events: 6, Unparsed: 1, Cuts: len(minified),
	})
}

func TestRecognise_Foreign(t *testing.T) {
	files := map[string]string{
		"dce.json":     `{"guild":{"id":"1"},"channel":{"id":"2","type":"GuildTextChat"},"messages":[{"id":"3","timestamp":"2020"}]}`,
		"element.json": `{"room_name":"x","messages":[{"type":"m.room.message","event_id":"$1"}]}`,
		"fb.json":      `{"participants":[{"name":"A"}],"messages":[{"sender_name":"A","timestamp_ms":1}]}`,
		"ours.jsonl":   `{"channel":"c","author":"a","text":"messages","sent":"2020-01-01T00:00:00Z"}`,
		"irc.log":      "--- Log opened Mon Sep 30 00:00:44 2019\n00:01 < a> hello\n",
		"list.json":    `[{"messages":[],"date_unixtime":"1"}]`,
		"chat.txt":     `"messages" "personal_chat"`,
		"twitch.json":  `{"FileInfo":{},"streamer":{},"comments":[]}`,
		"slack.json":   `[{"type":"message","ts":"1"}]`,
		"discord.csv":  "AuthorID,Author,Date,Content,Attachments,Reactions\n",
	}
	for path, text := range files {
		producertest.Foreign(t, Definition(), producertest.File(path, []byte(text)))
	}
}

func TestJSON_ContactsSkipped(t *testing.T) {
	c := account1(t)
	for _, e := range producertest.Events(producertest.Read(t, Definition(), c, nil)) {
		if strings.Contains(string(e.Raw), "Secret Contact") {
			t.Errorf("an event holds a contact: %s", e.Raw)
		}
	}
}
