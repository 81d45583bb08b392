package telegram

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/producers"
	"github.com/agrichat/agrichat/producers/producertest"
)

func topicJSON() []byte {
	message := func(id, to int) string {
		return fmt.Sprintf(`{"id":%d,"type":"message","date":"2024-05-01T12:00:00","text":"x","reply_to_message_id":%d}`, id, to)
	}
	topic := func(id int) string {
		return fmt.Sprintf(`{"id":%d,"type":"service","date":"2024-05-01T12:00:00","actor":"A","actor_id":"user1","action":"topic_created","title":"T","text":""}`, id)
	}
	return chatOf("private_supergroup", message(1, 0), topic(2), topic(3), message(4, 2), message(5, 4), message(6, 3), message(7, 5), message(8, 1),
		message(9, 6), `{"id":10,"type":"message","date":"2024-05-01T12:00:00","text":"x","reply_to_message_id":4,"reply_to_peer_id":"channel9"}`)
}

// TestThread_Chain: an answer is in the topic of what it answers, from wherever the reading goes on.
func TestThread_Chain(t *testing.T) {
	want := map[event.NativeID]string{"1": "/", "2": "/", "3": "/", "4": "2/", "5": "2/4", "6": "3/", "7": "2/5", "8": "/1", "9": "3/6", "10": "/4"}
	c := producertest.Case{Path: "x.json", Data: topicJSON(), Options: mine()}
	batches := producertest.Read(t, definition(1), c, nil)
	check := func(events []event.Event) {
		t.Helper()
		for i := range events {
			if events[i].Kind != event.KindMessage {
				continue
			}
			m := message(t, &events[i])
			got := string(m.Thread) + "/"
			if m.ReplyTo != nil {
				got += string(m.ReplyTo.NativeID)
			}
			if got != want[events[i].NativeID] {
				t.Errorf("message %s is in %q, want %q", events[i].NativeID, got, want[events[i].NativeID])
			}
		}
	}
	check(producertest.Events(batches))
	for i := range batches {
		check(producertest.Events(producertest.Read(t, definition(3), c, batches[i].Cursor)))
	}
}

func TestPageThread_Chain(t *testing.T) {
	reply := func(id, to string) string {
		return `<div class="message default clearfix" id="message` + id + `"><div class="body"><div class="pull_right date details" ` +
			`title="01.07.2021 12:00:00">12:00</div><div class="from_name">Ann </div><div class="reply_to details">In reply to <a href="#go_to_message` +
			to + `">this message</a></div><div class="text">x</div></div></div>`
	}
	c := producertest.Case{Path: "x.html", Options: club(), Data: pageOf("Chat", pageService("2", "Ann created topic «T»"), reply("4", "2"), reply("5", "4"), reply("6", "1"), reply("7", "5"))}
	for _, batch := range producertest.Read(t, definition(1), c, nil)[1:] {
		for _, e := range producertest.Events(producertest.Read(t, Definition(), c, batch.Cursor)) {
			if want := map[event.NativeID]event.NativeID{"4": "2", "5": "2", "7": "2"}[e.NativeID]; e.Kind == event.KindMessage && message(t, &e).Thread != want {
				t.Errorf("message %s is in topic %q, want %q", e.NativeID, message(t, &e).Thread, want)
			}
		}
	}
}

// TestPageThread_OtherPage: what a page prints about topics is not repeated in those after it.
func TestPageThread_OtherPage(t *testing.T) {
	reply := func(id, to string) string {
		return `<div class="message default clearfix" id="message` + id + `"><div class="body"><div class="pull_right date details" ` +
			`title="01.07.2021 12:00:00">12:00</div><div class="from_name">Ann </div><div class="reply_to details">In reply to <a href="` +
			to + `">this message</a></div><div class="text">x</div></div></div>`
	}
	first := pageOf("Chat", pageService("2", "Ann created topic «T»"), reply("4", "#go_to_message2"), reply("5", "#go_to_message4"), reply("6", "#go_to_message1"))
	second := pageOf("Chat", reply("7", "messages.html#go_to_message2"), reply("8", "messages.html#go_to_message5"), reply("9", "#go_to_message8"),
		reply("10", "messages.html#go_to_message6"), reply("11", "messages9.html#go_to_message5"))
	c := producertest.Case{Path: "x/messages2.html", Data: second, Options: club(), Beside: map[string][]byte{"messages.html": first, "messages2.html": second}}
	byID, _ := exported(t, c)
	for id, want := range map[event.NativeID]string{"7": "2 ", "8": "2 5", "9": "2 8", "10": " 6", "11": "2 5"} {
		m := message(t, byID[id])
		got := string(m.Thread) + " "
		if m.ReplyTo != nil {
			got += string(m.ReplyTo.NativeID)
		}
		if got != want {
			t.Errorf("message %s is in %q, want %q", id, got, want)
		}
	}
	delete(c.Beside, "messages.html")
	if byID, _ = exported(t, c); message(t, byID["7"]).Thread != "" || message(t, byID["7"]).ReplyTo == nil {
		t.Error("a page that stands alone knows of a topic")
	}
}

func TestJSON_SkippedHour(t *testing.T) {
	o := club()
	o.Zone = zone(t, "Europe/Berlin")
	for name, data := range map[string][]byte{
		"JSON": chatOf("private_supergroup", `{"id":1,"type":"message","date":"2022-03-27T02:30:00","text":"x"}`, `{"id":2,"type":"message","date":"2022-03-27T03:05:00","text":"x"}`),
		"HTML": pageOf("Chat", pageMessage("1", "27.03.2022 02:30:00", "Ann", "x"), pageMessage("2", "27.03.2022 03:05:00 UTC+01:00", "Ann", "x")),
	} {
		byID, notices := exported(t, producertest.Case{Path: "x", Data: data, Options: o})
		if got := byID["1"].Sent.At.Format("15:04"); got != "01:30" || message(t, byID["1"]).Details[producers.DetailSkippedHour] != "true" {
			t.Errorf("%s: sent at %s, details %v", name, got, message(t, byID["1"]).Details)
		}
		if message(t, byID["2"]).Details != nil || notices["skipped-hour"] != 1 {
			t.Errorf("%s: details %v, notices %v", name, message(t, byID["2"]).Details, notices)
		}
	}
}

func TestNotices(t *testing.T) {
	migrated := chatOf("private_supergroup", `{"id":-999999999,"type":"message","date":"2020-01-01T00:00:00","text":"x"}`)
	basic := chatOf("private_group", `{"id":1,"type":"service","date":"2020-01-01T00:00:00","action":"migrate_to_supergroup","text":""}`)
	account := []byte(`{"personal_information":{"user_id":31},"chats":{"list":[{"name":"Ann","type":"personal_chat","id":2,"messages":[` + oneMessage + `]},
{"name":"C","type":"private_channel","id":3,"messages":[` + oneMessage + `]}]}}`)
	for name, tt := range map[string]struct {
		data []byte
		o    producers.Options
		want map[string]int
	}{
		"migrated JSON":       {migrated, mine(), map[string]int{"migrated-group": 1}},
		"migrated HTML":       {pageOf("Chat", pageMessage("-999999999", "02.01.2021 03:04:05", "Ann", "x")), club(), map[string]int{"migrated-group": 1}},
		"basic group":         {basic, mine(), map[string]int{"migrated-group": 1}},
		"another account":     {account, mine(), map[string]int{"other-account": 1}},
		"the account":         {account, producers.Options{Account: "user31"}, map[string]int{}},
		"no account":          {account, producers.Options{}, map[string]int{}},
		"winter's offset":     {pageOf("Chat", pageMessage("1", "02.07.2025 03:04:05 UTC+01:00", "Ann", "x")), club(), map[string]int{"winter-offset": 1}},
		"a page without zone": {pageOf("Chat", pageMessage("1", "02.07.2025 03:04:05", "Ann", "x")), club(), map[string]int{}},
	} {
		_, got := exported(t, producertest.Case{Path: "x/y", Data: tt.data, Options: tt.o})
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}
