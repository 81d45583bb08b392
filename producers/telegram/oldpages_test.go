package telegram

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/agrichat/agrichat/internal/event"
)

// bare is a service message whose sentence is in no element of its own.
func bare(id, text string) string {
	return `<div class="message service" id="message` + id + `">` + "\n" + text + `</div>`
}

func TestServiceMessage_Text(t *testing.T) {
	for _, print := range []func(id, text string) string{pageService, bare} {
		byID, all := readAll(t, pageOf("Chat", print("-1", "1 May 2024"), print("9", "Ann invited Bob")+
			`<div class="message service" id="message10"><div class="body">Ann joined group by request</div></div>`), club())
		if s := message(t, byID["9"]).Service; s.Text != "Ann invited Bob" || byID["9"].Sent.Precision != event.PrecisionDay {
			t.Errorf("%+v at %+v", s, byID["9"].Sent)
		}
		if s := message(t, byID["10"]).Service; s.Text != "Ann joined group by request" {
			t.Errorf("%+v", s)
		}
		if len(byID) != 2 {
			t.Errorf("%d messages of %d events", len(byID), len(all))
		}
	}
}

func forwarded(id, name string) string {
	return `<div class="message default clearfix" id="message` + id + `"><div class="body"><div class="pull_right date details" ` +
		`title="01.07.2021 12:00:00">12:00</div><div class="from_name">Ann </div><div class="forwarded body"><div class="from_name">` + "\n" +
		name + `</div><div class="text">news</div></div></div></div>`
}

func TestForward_Date(t *testing.T) {
	for shape, name := range map[string]string{
		"in an element without a title": `Chan <span class="details"> 30.06.2021 11:00:00</span>`,
		"with its title":                `Chan <span class="date details" title="30.06.2021 11:00:00"> 30.06.2021 11:00:00</span>`,
		"of class date":                 `Chan <span class="date">30.06.2021 11:00:00</span>`,
		"in no element":                 `Chan  30.06.2021 11:00:00`,
		"behind a bot":                  `Chan via @gif <span class="details"> 30.06.2021 11:00:00</span>`,
		"with a zone":                   `Chan <span class="details"> 30.06.2021 11:00:00 UTC+00:00</span>`,
	} {
		byID, _ := readAll(t, pageOf("Chat", forwarded("1", name)), club())
		f := message(t, byID["1"]).Forward
		if f.From.Name != "Chan" || f.Sent.At.Format("2006-01-02 15:04:05") != "2021-06-30 11:00:00" || !f.Sent.Assumed {
			t.Errorf("%s: from %q at %+v", shape, f.From.Name, f.Sent)
		}
	}
	byID, _ := readAll(t, pageOf("Chat", forwarded("1", "Club 30.06.2021")), club())
	if f := message(t, byID["1"]).Forward; f.From.Name != "Club 30.06.2021" || !f.Sent.IsZero() {
		t.Errorf("a name that ends with a day: %+v", f)
	}
}

// TestPageReply_OtherChat: the number of a message in another chat is that of another message here.
func TestPageReply_OtherChat(t *testing.T) {
	reply := func(id, link string) string {
		return `<div class="message default clearfix" id="message` + id + `"><div class="body"><div class="pull_right date details" ` +
			`title="01.07.2021 12:00:00">12:00</div><div class="from_name">Ann </div><div class="reply_to details">In reply to ` + link +
			`</div><div class="text">x</div></div></div>`
	}
	byID, _ := readAll(t, pageOf("Chat",
		reply("1", `a message in another chat`),
		reply("2", `<a href="../chat_2/messages.html#go_to_message5">this message</a>`),
		reply("3", `<a href="https://t.me/c/1600000002/5">this message</a>`),
		reply("4", `<a href="https://t.me/c/1500000001/5">this message</a>`),
		reply("5", `<a href="messages2.html#go_to_message7">this message</a>`),
		reply("6", `<a href="https://t.me/someone/7">this message</a>`)), club())
	for id, want := range map[event.NativeID]*event.Ref{
		"1": nil, "2": nil, "3": {Channel: "channel1600000002", NativeID: "5"}, "4": {NativeID: "5"}, "5": {NativeID: "7"}, "6": nil,
	} {
		b := message(t, byID[id])
		if diff := cmp.Diff(want, b.ReplyTo); diff != "" {
			t.Errorf("message %s: %s", id, diff)
		}
		if want == nil && b.Details["reply_to"] == "" {
			t.Errorf("message %s does not say that it is a reply", id)
		}
	}
}

func TestHTML_LinksWithoutScheme(t *testing.T) {
	data := chatOf("private_supergroup", `{"id":1,"type":"message","date":"2024-05-01T12:00:00","text":["see ",{"type":"link","text":"example.org/x"}," and ",`+
		`{"type":"link","text":"https://example.org/y"}," ",{"type":"link","text":"example.org:8080"}," ",{"type":"link","text":"tg://x"}]}`)
	byID, _ := readAll(t, data, mine())
	want := []string{"https://example.org/x", "https://example.org:8080"}
	if diff := cmp.Diff(want, message(t, byID["1"]).Links); diff != "" {
		t.Error(diff)
	}
	byID, _ = readAll(t, pageOf("Chat", pageMessage("1", "01.05.2024 12:00:00", "Ann", `see <a href="example.org/x">example.org/x</a> and `+
		`<a href="https://example.org/y">https://example.org/y</a> <a href="example.org:8080">example.org:8080</a> <a href="tg://x">tg://x</a> `+
		`<a href="stickers/a.tgs">🌱</a> <a href="mailto:a@example.org">a@example.org</a>`)), club())
	if diff := cmp.Diff(want, message(t, byID["1"]).Links); diff != "" {
		t.Error(diff)
	}
}

func TestPages_Unversioned(t *testing.T) {
	byID, all := readAll(t, pageOf("Chat", pageMessage("1", "01.05.2024 12:00:00", "Ann", "x"), pageService("2", "Ann left")), club())
	for id, e := range byID {
		if !e.Reading.Unversioned {
			t.Errorf("message %s is said to be its first version", id)
		}
	}
	if all[0].Reading.Unversioned {
		t.Error("so is the chat")
	}
}
