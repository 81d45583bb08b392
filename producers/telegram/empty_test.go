package telegram

import (
	"fmt"
	"strings"
	"testing"

	"github.com/agrichat/agrichat/producers"
	"github.com/agrichat/agrichat/producers/producertest"
)

// TestRecognise_Empty: an account's export is one whatever sections were chosen for it, and says that it has no chats.
func TestRecognise_Empty(t *testing.T) {
	t.Parallel()
	const about = `"about": "Here is the data you requested.",`
	for name, c := range map[string]struct{ data, notice string }{
		"no chats":   {`{` + about + ` "chats": {"about": "all chats", "list": []}}`, "no-chats"},
		"left chats": {`{` + about + "\n \"left_chats\" :\n {\"list\": [], \"about\": \"left\"}}", "no-chats"},
		"contacts": {`{` + about + ` "contacts": {"about": "your contacts", "list": [{"first_name": "A", "phone_number": "1"}]},
			"sessions": {"about": "devices", "list": []}}`, "no-chats"},
		"owner":    {`{` + about + ` "personal_information": {"user_id": 5, "first_name": "A"}}`, "no-chats"},
		"one chat": {`{"name": "Quiet", "type": "private_group", "id": 5, "messages": []}`, "no-messages"},
		"account of one": {`{` + about + ` "chats": {"about": "x", "list": [{"name": "Q", "type": "personal_chat", "id": 5, "messages": []}]}}`,
			"no-messages"},
		"a message": {`{"name": "Q", "type": "private_supergroup", "id": 5, "messages": [
			{"id": 1, "type": "message", "date": "2021-03-01T10:00:00", "date_unixtime": "1614592800", "from": "A", "from_id": "user1", "text": "x"}]}`, ""},
	} {
		f := producertest.File("export/result.json", []byte(c.data))
		if recognise(f) < producers.Likely {
			t.Errorf("%s: not recognised", name)
			continue
		}
		batches := producertest.Read(t, Definition(), producertest.Case{Path: f.Path, Data: []byte(c.data), Options: producers.Options{Account: "5"}}, nil)
		got := ""
		for _, b := range batches {
			for _, n := range b.Notices {
				if strings.HasPrefix(n.Code, "no-") {
					got += n.Code
				}
			}
		}
		if got != c.notice {
			t.Errorf("%s: notices %q, want %q", name, got, c.notice)
		}
	}
	for _, data := range []string{
		`{"about": "a shop", "contacts": {"mail": "a@b"}}`, `{"about": {"list": []}, "chats": 5}`, `{"chats": {"list": []}}`,
	} {
		if recognise(producertest.File("a.json", []byte(data))) != producers.No {
			t.Errorf("%s is recognised", data)
		}
	}
}

// TestWithoutMessages: pages of an account's export that hold no messages are named as what they are.
func TestWithoutMessages(t *testing.T) {
	t.Parallel()
	const page = `<!DOCTYPE html><html><head><meta charset="utf-8"/><title>Exported Data</title><link href="../css/style.css" rel="stylesheet"/></head>
<body onload="CheckLocation();"><div class="page_wrap list_page"><div class="page_header"><a class="content block_link" href="../export_results.html">
<div class="text bold">%s</div></a></div><div class="page_body list_page"><div class="entry_list"></div></div></div></body></html>`
	for name, want := range map[string]bool{"Contacts": true, "Sessions": true} {
		got := withoutMessages(producertest.File("lists/contacts.html", fmt.Appendf(nil, page, name)))
		if (got != "") != want || !strings.Contains(got, "Telegram") || !strings.Contains(got, "messages.html") {
			t.Errorf("%s is %q", name, got)
		}
	}
	if got := withoutMessages(producertest.File("a.html", []byte("<html><body>hello</body></html>"))); got != "" {
		t.Errorf("any page is %q", got)
	}
}
