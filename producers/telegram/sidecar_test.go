package telegram

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/producers"
	"github.com/agrichat/agrichat/producers/producertest"
	"github.com/agrichat/agrichat/producers/telegram/export"
)

// listedPage is a page of an account's export.
func listedPage(name string, messages ...string) []byte {
	data := bytes.Replace(pageOf(name, messages...), []byte(`<div class="content">`),
		[]byte(`<a class="content block_link" href="../../lists/chats.html" onclick="return GoBack(this)">`), 1)
	return bytes.Replace(data, []byte(`</div></div></div><div class="page_body`), []byte(`</div></a></div><div class="page_body`), 1)
}

// exported returns the messages of an export by id, and its notices by code.
func exported(t *testing.T, c producertest.Case) (map[event.NativeID]*event.Event, map[string]int) {
	t.Helper()
	byID, codes := map[event.NativeID]*event.Event{}, map[string]int{}
	for _, b := range producertest.Read(t, Definition(), c, nil) {
		for i := range b.Events {
			if b.Events[i].Kind == event.KindMessage {
				byID[b.Events[i].NativeID] = &b.Events[i]
			}
		}
		for _, n := range b.Notices {
			codes[n.Code] += n.Count
		}
	}
	return byID, codes
}

const oneMessage = `{"id":1,"type":"message","date":"2021-01-02T03:04:05","from":"Ann","from_id":"user1","text":"a"}`

func onePageMessage() string { return pageMessage("1", "02.01.2021 03:04:05", "Ann", "a") }

// TestPage_Beside: the JSON of the same export says which chat a page is of, and each message is one and the same.
func TestPage_Beside(t *testing.T) {
	chatJSON := func(name, kind, id string) string {
		return fmt.Sprintf(`{"name": %s, "type": %q, "id": %s, "messages": [%s]}`, name, kind, id, oneMessage)
	}
	for name, tt := range map[string]struct{ page, json string }{
		"supergroup":      {"Beds &amp; Borders", chatJSON(`"Beds & Borders"`, "private_supergroup", "1500000001")},
		"old channel":     {"News", chatJSON(`"News"`, "public_channel", "9700000000")},
		"basic group":     {"Chat", chatJSON(`"Chat"`, "private_group", "103")},
		"private":         {"Ann  Lee ", chatJSON(`"Ann Lee"`, "personal_chat", "2002")},
		"saved":           {"Saved Messages", fmt.Sprintf(`{"type":"saved_messages","id":1001,"messages":[%s]}`, oneMessage)},
		"deleted":         {export.DeletedAccount, chatJSON("null", "personal_chat", "2002")},
		"id at the end":   {"Chat", fmt.Sprintf(`{"messages":[%s],"name":"Chat","type":"private_group","id":103}`, oneMessage)},
		"byte order mark": {"Chat", "\xef\xbb\xbf" + chatJSON(`"Chat"`, "private_group", "103")},
	} {
		t.Run(name, func(t *testing.T) {
			page := producertest.Case{Path: "x/messages.html", Data: pageOf(tt.page, onePageMessage()), Options: mine()}
			page.Beside = map[string][]byte{"result.json": []byte(tt.json)}
			got, notices := exported(t, page)
			want, _ := readAll(t, []byte(tt.json), mine())
			if got["1"].ID != want["1"].ID || got["1"].Channel != want["1"].Channel {
				t.Errorf("the page has %s/%s, JSON %s/%s", got["1"].Namespace, got["1"].Channel, want["1"].Namespace, want["1"].Channel)
			}
			if len(notices) > 0 {
				t.Errorf("notices %v", notices)
			}
		})
	}
}

// TestPage_BesideAccount: all pages of an account's export find their chats in one JSON, which also says whose it is.
func TestPage_BesideAccount(t *testing.T) {
	chats := func(list ...string) []byte {
		return []byte(`{"about":"x","personal_information":{"user_id":31},"contacts":{"list":[{"name":"Ann"}]},"chats":{"about":"y","list":[` +
			strings.Join(list, ",") + `]},"left_chats":{"list":[{"name":"Left","type":"private_channel","id":7,"messages":[]}]}}`)
	}
	chat := func(name, kind string, id int) string {
		return fmt.Sprintf(`{"name":%q,"type":%q,"id":%d,"messages":[%s]}`, name, kind, id, oneMessage)
	}
	read := func(name string, json []byte, o producers.Options) (*event.Event, map[string]int) {
		c := producertest.Case{Path: "x/chats/chat_2/messages.html", Data: listedPage(name, onePageMessage()), Options: o}
		c.Beside = map[string][]byte{"../../result.json": json}
		byID, notices := exported(t, c)
		return byID["1"], notices
	}
	json := chats(chat("Ann", "personal_chat", 2002), chat("Bob", "private_group", 103), chat("Eve", "personal_chat", 5), chat("Eve", "personal_chat", 6))
	for name, want := range map[string]event.Channel{"Ann": "user2002", "Bob": "chat103", "Left": "channel7"} {
		e, notices := read(name, json, producers.Options{})
		ns := event.Namespace("telegram:31")
		if name == "Left" {
			ns = "telegram"
		}
		if e.Channel != want || e.Namespace != ns || e.Account != "31" || len(notices) > 0 {
			t.Errorf("%s is %s in %s of %s, notices %v", name, e.Channel, e.Namespace, e.Account, notices)
		}
	}
	if e, notices := read("Eve", json, producers.Options{}); e.Channel != "name:Eve" || e.Namespace != "telegram:31" || notices["chat-by-name"] != 1 {
		t.Errorf("of two namesakes it is %s in %s, notices %v", e.Channel, e.Namespace, notices)
	}
	entry := func(folder, name string) string {
		return `<a class="entry block_link clearfix" href="../chats/` + folder + `/messages.html#allow_back"><div class="name bold">` + name + `</div></a>`
	}
	for list, want := range map[string]event.Channel{
		entry("chat_4", "Ann") + entry("chat_3", "Bob") + entry("chat_1", "Eve") + entry("chat_2", "Eve") + entry("chat_5", "Left"):  "user6",
		entry("chat_4", "Ann") + entry("chat_1", "Eve") + entry("chat_2", "Eve") + entry("chat_5", "Left"):                           "name:Eve/chat_2",
		entry("chat_4", "Anna") + entry("chat_3", "Bob") + entry("chat_1", "Eve") + entry("chat_2", "Eve") + entry("chat_5", "Left"): "name:Eve/chat_2",
	} {
		c := producertest.Case{Path: "x/chats/chat_2/messages.html", Data: listedPage("Eve", onePageMessage())}
		c.Beside = map[string][]byte{"../../result.json": json, "../../lists/chats.html": []byte(list)}
		if byID, _ := exported(t, c); byID["1"].Channel != want {
			t.Errorf("the list has %s, and the page is of %s, want %s", list, byID["1"].Channel, want)
		}
	}
	if e, notices := read("Ann", nil, mine()); e.Channel != "name:Ann" || notices["chat-by-name"] != 1 {
		t.Errorf("with a file that says nothing it is %s, notices %v", e.Channel, notices)
	}
}

func TestPage_ByName(t *testing.T) {
	page := producertest.Case{Path: "x/messages.html", Data: pageOf("Chat", onePageMessage(), pageService("2", "x")), Options: mine()}
	for _, beside := range []string{"", `{"name":"Other","type":"private_supergroup","id":5,"messages":[]}`, "{", `{"chats":{"list":[{"name":"Chat","id":1}]}}`} {
		page.Beside = map[string][]byte{}
		if beside != "" {
			page.Beside["result.json"] = []byte(beside)
		}
		byID, notices := exported(t, page)
		if byID["1"].Channel != "name:Chat" || notices["chat-by-name"] != 2 {
			t.Errorf("beside %q it is %s, notices %v", beside, byID["1"].Channel, notices)
		}
	}
	page.Options = club()
	if _, notices := exported(t, page); len(notices) > 0 {
		t.Errorf("with its id named: %v", notices)
	}
}

// TestSharedError: pages and JSON of one export that lacks the account fail alike.
func TestSharedError(t *testing.T) {
	json := []byte(`{"name":"Ann","type":"personal_chat","id":2,"messages":[` + oneMessage + `]}`)
	var all []string
	for path, data := range map[string][]byte{"x/messages.html": pageOf("Ann", onePageMessage()), "x/messages2.html": pageOf("Ann", onePageMessage()), "x/result.json": json} {
		f := producertest.File(path, data)
		f.Beside = func(string) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(json)), nil }
		src, err := Definition().Archive(f, producers.Options{})
		if err != nil {
			t.Fatal(err)
		}
		s, err := src.Connect(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		_, err = s.Next(t.Context())
		var shared *producers.SharedError
		if !errors.As(err, &shared) {
			t.Fatalf("%s: %v", path, err)
		}
		all = append(all, shared.Export+": "+shared.Error())
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	if diff := cmp.Diff([]string{all[0], all[0], all[0]}, all); diff != "" {
		t.Error(diff)
	}
}
