package telegram

import (
	"bytes"
	"strings"
	"testing"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/fault"
	"github.com/agrichat/agrichat/producers"
	"github.com/agrichat/agrichat/producers/producertest"
)

// accountOf makes an account's export of two chats, with whatever else is to be at some places of it.
func accountOf(between, inList, after string) []byte {
	chat := func(name, id string) string {
		return `{"name":"` + name + `","type":"personal_chat","id":` + id + `,"messages":[` +
			`{"id":` + id + `1,"type":"message","date":"2021-01-02T03:04:05","from":"Ann","from_id":"user1","text":"a"}]}`
	}
	return []byte("{\n\"about\":\"Here is the data\",\n\"personal_information\":{\"user_id\":1001},\n" + between + "\n\"chats\":{\"about\":\"x\",\"list\":[\n" +
		chat("Ann", "1") + ",\n" + inList + chat("Bob", "2") + "\n]}" + after + "\n}\n")
}

// TestJSON_DamagedStructure: damage outside of messages costs no message, and is kept.
func TestJSON_DamagedStructure(t *testing.T) {
	for name, tt := range map[string]struct {
		data     []byte
		messages int
		unparsed bool
	}{
		"nothing is wrong":          {accountOf("", "", ""), 2, false},
		"a section without a colon": {accountOf(`"contacts" {"list":[]},`, "", ""), 2, true},
		"a number for a name":       {accountOf(`5,`, "", ""), 2, true},
		"rubbish in the list":       {accountOf("", "%%%,\n", ""), 2, true},
		"a string in the list":      {accountOf("", "\"Carl\",\n", ""), 2, true},
		"a bracket too many":        {accountOf("", "", "}"), 2, true},
		"more after the end":        {append(accountOf("", "", ""), "{\"again\":1}"...), 2, true},
		"an owner without an id":    {bytes.Replace(accountOf("", "", ""), []byte(`"user_id":1001`), []byte(`"user":[]`), 1), 2, false},
		"a list that is an object":  {bytes.Replace(accountOf("", "", ""), []byte(`"list":[`), []byte(`"list":{`), 1), 0, false}, // the notice no-chats says so
		"cut within a name":         {[]byte(`{"about":"Telegram","cha`), 0, true},
		"cut before a colon":        {[]byte(`{"about"`), 0, true},
		"cut after a colon":         {[]byte(`{"about":`), 0, true},
		"cut within an owner":       {[]byte(`{"about":"x","personal_information":{"user_id":1`), 0, true},
		"cut between chats":         {[]byte(strings.Split(string(accountOf("", "", "")), `{"name":"Bob"`)[0]), 1, true},
	} {
		t.Run(name, func(t *testing.T) {
			c := producertest.Case{Path: "x/result.json", Data: tt.data, Options: mine()}
			messages, unparsed := 0, 0
			for _, e := range producertest.Events(producertest.Read(t, Definition(), c, nil)) {
				switch e.Kind {
				case event.KindMessage:
					messages++
				case event.KindUnparsed:
					unparsed++
				}
			}
			if messages != tt.messages || (unparsed > 0) != tt.unparsed {
				t.Errorf("%d messages, %d unparsed", messages, unparsed)
			}
		})
	}
}

// TestJSON_ResumeInTopics: a session that goes on in a chat with topics reads the earlier messages again, damaged ones included.
func TestJSON_ResumeInTopics(t *testing.T) {
	record := func(id, reply string) string {
		return `{"id":` + id + `,"type":"message","date":"2024-05-01T10:00:00","from":"A","reply_to_message_id":` + reply + `,"text":"x"}`
	}
	data := chatOf("public_supergroup",
		`{"id":2,"type":"service","date":"2024-05-01T10:00:00","action":"topic_created","title":"T"}`,
		record("3", "2"), `%%%`, `{"id":4,"type":"message"`, record("5", "3"), record("6", "5"), record("7", "6"), record("8", "99"))
	c := producertest.Case{Path: "x/result.json", Data: data, Options: mine()}
	batches := producertest.Read(t, definition(1), c, nil)
	want := map[event.NativeID]event.NativeID{"3": "2", "5": "2", "6": "2", "7": "2", "8": ""}
	for i, b := range batches {
		for _, e := range producertest.Events(producertest.Read(t, definition(1), c, b.Cursor)) {
			thread, ok := want[e.NativeID]
			if m, is := e.Body.(*event.Message); ok && is && m.Thread != thread {
				t.Errorf("after batch %d, message %s is in topic %q, want %q", i, e.NativeID, m.Thread, thread)
			}
		}
	}
}

// TestHTML_MigratedReplies: the old messages of a migrated group are numbered for the account, and replies cross the migration.
func TestHTML_MigratedReplies(t *testing.T) {
	reply := func(id, to string) string {
		return strings.Replace(pageMessage(id, "02.01.2021 03:04:05", "Ann", "x"), `<div class="text">`,
			`<div class="reply_to details">In reply to <a href="messages.html#go_to_message`+to+`">this message</a></div><div class="text">`, 1)
	}
	data := pageOf("Chat", reply("-999999999", "-1000000000"), reply("-999999998", "7"), reply("5", "-999999999"), reply("6", "5"))
	byID, _ := readAll(t, data, club())
	for id, want := range map[event.NativeID]event.Ref{
		"-999999999": {NativeID: "-1000000000"},
		"-999999998": {Namespace: "telegram", NativeID: "7"},
		"5":          {Namespace: "telegram:1001", NativeID: "-999999999"},
		"6":          {NativeID: "5"},
	} {
		if got := message(t, byID[id]).ReplyTo; got == nil || *got != want {
			t.Errorf("%s answers %+v, want %+v", id, got, want)
		}
	}
	src, err := Definition().Archive(producertest.File("messages.html", data), producers.Options{Channel: "channel1500000001"})
	if err != nil {
		t.Fatal(err)
	}
	s, err := src.Connect(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := s.Next(t.Context()); fault.Of(err) != fault.Fatal || !strings.Contains(err.Error(), "--account") {
		t.Errorf("without an account: %v", err)
	}
}

// TestHTML_OddMarkup: pages that no exporter printed give what can be read of them.
func TestHTML_OddMarkup(t *testing.T) {
	at := `<div class="pull_right date details" title="02.01.2021 03:04:05">x</div>`
	for html, want := range map[string]string{
		`<div class="message default" id="message1">` + at + `<div class="text">no body</div></div>`:                                                "",
		`<div class="message default" id="message1"><div class="body">` + at + `<div class="text">a<br/>b <b>c</b></div></div></div>`:               "a\nb c",
		`<div class="message default" id="message1"><div class="body">` + at + `<div class="text">&lt;a&gt; &amp; &#1076;</div></div></div>`:        "<a> & д",
		`<div class="message default" id="message1"><div class="body">` + at + `<div class="text">one</div><div class="text">two</div></div></div>`: "one\ntwo",
		`<div class="message default" id="message1"><div class="body">` + at + `</div></div>`:                                                       "",
		`<div class="message default" id='message1'><div class=body>` + at + `<DIV CLASS="text">loud</DIV></div></div>`:                             "loud",
		`<div class="message default" id="message1"><div class="body">` + at + `<div class="text">open <b>bold</div></div></div>`:                   "open bold",
		`<div class="message default" id="message01"><div class="body">` + at + `<div class="text">zero</div></div></div>`:                          "zero",
	} {
		byID, all := readAll(t, pageOf("Chat", html, pageMessage("2", "02.01.2021 03:04:06", "Bob", "after")), club())
		if byID["2"] == nil {
			t.Errorf("%s: the message after it is lost", html)
		}
		if byID["1"] == nil {
			t.Errorf("%s: %d events, and no message", html, len(all))
			continue
		}
		if got := message(t, byID["1"]).Text; want != "" && got != want {
			t.Errorf("%s: %q, want %q", html, got, want)
		}
	}
	for name, html := range map[string]string{
		"no number":           `<div class="message default" id="messageX"><div class="body">x</div></div>`,
		"no id":               `<div class="message default"><div class="body">x</div></div>`,
		"a number too long":   `<div class="message default" id="message99999999999999999999"><div class="body">x</div></div>`,
		"tags without an end": `<div class="message default" id="message1">` + strings.Repeat("<div>", 200),
	} {
		byID, all := readAll(t, pageOf("Chat", html, pageMessage("2", "02.01.2021 03:04:06", "Bob", "after")), club())
		unparsed := 0
		for _, e := range all {
			if e.Kind == event.KindUnparsed {
				unparsed++
			}
		}
		if unparsed != 1 || byID["2"] == nil || len(byID) != 1 {
			t.Errorf("%s: %d unparsed, %d messages", name, unparsed, len(byID))
		}
	}
}
