package telegram

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/fault"
	"github.com/agrichat/agrichat/producers"
	"github.com/agrichat/agrichat/producers/filekit"
	"github.com/agrichat/agrichat/producers/producertest"
	"github.com/agrichat/agrichat/producers/telegram/export"
)

// club is how the user of the fixture names its chat, as JSON does.
func club() producers.Options {
	return producers.Options{Account: "1001", Channel: "channel1500000001"}
}

func pageFile(t testing.TB, name string) producertest.Case {
	t.Helper()
	path := filepath.Join("testdata", "page", name)
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return producertest.Case{Path: path, Data: b, Options: club(), Events: 10, Cuts: 150}
}

func TestHTML_Conformance(t *testing.T) {
	for _, batch := range []int{1, 3, batchSize} {
		c := pageFile(t, "messages.html")
		producertest.Archive(t, definition(batch), c)
		c = pageFile(t, "messages2.html")
		c.Unparsed = 1
		producertest.Archive(t, definition(batch), c)
	}
}

// What is made of the fixture is beside it.
func TestHTML_Golden(t *testing.T) {
	for _, name := range []string{"messages", "messages2"} {
		var got bytes.Buffer
		c := pageFile(t, name+".html")
		for _, e := range producertest.Events(producertest.Read(t, Definition(), c, nil)) {
			e.Raw = nil
			b, err := event.Encode(&e)
			if err != nil {
				t.Fatal(err)
			}
			got.Write(append(b, '\n'))
		}
		golden := filepath.Join("testdata", "page", name+".golden.jsonl")
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got.String(), "\n")); diff != "" {
			t.Errorf("%s: %s", golden, diff)
		}
	}
}

// pageEvents are the messages of both files of the fixture.
func pageEvents(t *testing.T) map[event.NativeID]*event.Event {
	t.Helper()
	out := map[event.NativeID]*event.Event{}
	for _, name := range []string{"messages.html", "messages2.html"} {
		all := producertest.Events(producertest.Read(t, Definition(), pageFile(t, name), nil))
		for i := range all {
			if all[i].Kind == event.KindMessage {
				out[all[i].NativeID] = &all[i]
			}
		}
	}
	return out
}

// A chat that comes as JSON and as HTML has every message once, if the user says which chat the HTML is of.
func TestHTML_SameIDsAsJSON(t *testing.T) {
	data := []byte(`{"name":"Beds & Borders","type":"private_supergroup","id":1500000001,"messages":[
		{"id":2,"type":"message","date":"2024-05-01T10:00:00","date_unixtime":"1714546800","from":"Olga","from_id":"user1001","text":"x"}]}`)
	byID, _ := readAll(t, data, producers.Options{})
	page := pageEvents(t)["2"]
	if byID["2"].ID != page.ID {
		t.Errorf("JSON has %s/%s, HTML %s/%s", byID["2"].Namespace, byID["2"].Channel, page.Namespace, page.Channel)
	}
	merged := event.Merge(byID["2"], page)
	if merged.Author.ID != "user1001" || merged.Sent != byID["2"].Sent {
		t.Errorf("together they are of %+v at %+v: what JSON knows better is lost", merged.Author, merged.Sent)
	}
}

// pageOf makes an export of one chat.
func pageOf(name string, messages ...string) []byte {
	return []byte(`<!DOCTYPE html><html><body><div class="page_wrap"><div class="page_header"><div class="content">` +
		`<div class="text bold">` + name + ` </div></div></div><div class="page_body chat_page"><div class="history">` + "\n" +
		strings.Join(messages, "\n") + "\n</div></div></div></body></html>\n")
}

func pageMessage(id, title, from, text string) string {
	class := "message default clearfix"
	if from == "" {
		class += " joined"
	} else {
		from = `<div class="from_name">` + from + ` </div>`
	}
	return `<div class="` + class + `" id="message` + id + `"><div class="body"><div class="pull_right date details" title="` +
		title + `">x</div>` + from + `<div class="text">` + text + `</div></div></div>`
}

func pageService(id, text string) string {
	return `<div class="message service" id="message` + id + `"><div class="body details">` + text + `</div></div>`
}

func TestHTML_Times(t *testing.T) {
	for _, c := range []struct {
		title, zone, want, named string
	}{
		{title: "02.01.2021 03:04:05", want: "2021-01-02T03:04:05Z", named: "UTC"},
		{title: "02.01.2021 03:04:05", zone: "Europe/Moscow", want: "2021-01-02T00:04:05Z", named: "Europe/Moscow"},
		{title: "02.01.2025 03:04:05 UTC+08:00", want: "2025-01-01T19:04:05Z", named: "+08:00"},
		{title: "02.01.2025 03:04:05 UTC", want: "2025-01-02T03:04:05Z", named: "+00:00"},
		// the distance printed in summer is that of winter
		{title: "02.07.2025 03:04:05 UTC+01:00", zone: "Europe/Berlin", want: "2025-07-02T01:04:05Z", named: "Europe/Berlin"},
		// another computer's export
		{title: "02.07.2025 03:04:05 UTC+08:00", zone: "Europe/Berlin", want: "2025-07-01T19:04:05Z", named: "+08:00"},
		{title: "yesterday", want: "", named: ""},
		{title: "32.13.2025 03:04:05", want: "", named: ""},
	} {
		o := club()
		if c.zone != "" {
			o.Zone = zone(t, c.zone)
		}
		byID, _ := readAll(t, pageOf("Chat", pageMessage("1", c.title, "A", "x")), o)
		e := byID["1"]
		if c.want == "" {
			if !e.Sent.IsZero() || message(t, e).Details["date"] != c.title {
				t.Errorf("%s is %+v, details %v", c.title, e.Sent, message(t, e).Details)
			}
			continue
		}
		if got := e.Sent.At.Format("2006-01-02T15:04:05Z07:00"); got != c.want || e.Sent.Zone != c.named || !e.Sent.Assumed {
			t.Errorf("%s in %q is %s in %q, want %s in %q", c.title, c.zone, got, e.Sent.Zone, c.want, c.named)
		}
	}
}

func TestHTML_ServiceDay(t *testing.T) {
	o := club()
	o.Zone = zone(t, "Europe/Moscow")
	byID, _ := readAll(t, pageOf("Chat", pageService("-1", "1 May 2024"), pageService("1", "A joined group by request")), o)
	e := byID["1"]
	if len(byID) != 1 || e.Sent.Precision != event.PrecisionDay || e.Sent.At.Format("02 15:04") != "30 21:00" {
		t.Errorf("%d messages, sent %+v", len(byID), e.Sent)
	}
	if s := message(t, e).Service; s.Action != event.ActionJoin || s.Text != "A joined group by request" {
		t.Errorf("service %+v", s)
	}
	byID, _ = readAll(t, pageOf("Chat", pageService("1", "nothing stands above")), o)
	if !byID["1"].Sent.IsZero() {
		t.Errorf("a time was invented: %+v", byID["1"].Sent)
	}
}

func TestHTML_JoinedAuthor(t *testing.T) {
	byID, _ := readAll(t, pageOf("Chat",
		pageMessage("1", "02.01.2021 03:04:05", "Ann", "a"), pageMessage("2", "02.01.2021 03:04:06", "", "b"), "junk",
		pageMessage("3", "02.01.2021 03:04:07", "", "c"), pageMessage("4", "02.01.2021 03:04:08", export.DeletedAccount, "d"),
		pageMessage("5", "02.01.2021 03:04:09", "", "e"), pageMessage("6", "02.01.2021 03:04:10", "Ann", "f")), club())
	for id, want := range map[event.NativeID]string{"1": "Ann", "2": "Ann", "3": "Ann", "4": "", "5": "", "6": "Ann"} {
		if got := byID[id].Author; got.Name != want || (got.ID == "") != (want == "") || got.ID != byID["1"].Author.ID && want != "" {
			t.Errorf("message %s is of %+v, want %s", id, got, want)
		}
	}
}

func TestHTML_MigratedGroup(t *testing.T) {
	data := pageOf("Chat", pageService("-1", "1 May 2024"), pageMessage("-999999990", "01.05.2024 00:00:00", "A", "old"),
		pageService("-999999989", "A changed group photo"), pageMessage("5", "02.05.2024 00:00:00", "A", "new"))
	byID, all := readAll(t, data, club())
	if len(byID) != 3 || byID["-999999990"].Namespace != "telegram:1001" || byID["5"].Namespace != "telegram" {
		t.Errorf("%d messages; old in %s, new in %s", len(byID), byID["-999999990"].Namespace, byID["5"].Namespace)
	}
	if n := len(all); n != 7 {
		t.Errorf("%d events, want the chat named twice in each namespace", n)
	}
}

// Without its id a chat is known by its name, and numbers of messages mean nothing without the account.
func TestHTML_NoAccount(t *testing.T) {
	data := pageOf("Chat", pageMessage("1", "02.01.2021 03:04:05", "Ann", "a"))
	for _, c := range []struct {
		o       producers.Options
		refused bool
		channel event.Channel
		ns      event.Namespace
	}{
		{refused: true},
		{o: producers.Options{Channel: "user5"}, refused: true},
		{o: producers.Options{Account: "user7"}, channel: "name:Chat", ns: "telegram:7"},
		{o: producers.Options{Account: "7", Channel: "user5"}, channel: "user5", ns: "telegram:7"},
		{o: producers.Options{Channel: "channel5"}, channel: "channel5", ns: "telegram"},
	} {
		if c.refused {
			src, err := Definition().Archive(producertest.File("x/messages.html", data), c.o)
			if err != nil {
				t.Fatal(err)
			}
			s, err := src.Connect(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.Next(t.Context()); fault.Of(err) != fault.Fatal || !strings.Contains(err.Error(), "--channel") {
				t.Errorf("%+v: %v", c.o, err)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
			continue
		}
		byID, _ := readAll(t, data, c.o)
		if e := byID["1"]; e.Channel != c.channel || e.Namespace != c.ns {
			t.Errorf("%+v: %s in %s", c.o, e.Channel, e.Namespace)
		}
	}
}

// Two chats of an account that are called alike have the same numbers.
func TestHTML_Namesakes(t *testing.T) {
	data := bytes.Replace(pageOf("Chat", pageMessage("1", "02.01.2021 03:04:05", "Ann", "a")), []byte(`<div class="content">`),
		[]byte(`<a class="content block_link" href="../../lists/chats.html" onclick="return GoBack(this)">`), 1)
	data = bytes.Replace(data, []byte(`</div></div></div><div class="page_body`), []byte(`</div></a></div><div class="page_body`), 1)
	list := `<div class="entry_list"><div class="name bold">` + "\nChat \n</div>"
	for name, want := range map[string]event.Channel{
		list: "name:Chat", list + list: "name:Chat/chat_007", list + `<div class="name bold">Other</div>`: "name:Chat", "": "name:Chat",
	} {
		c := producertest.Case{Path: "x/chats/chat_007/messages.html", Data: data, Options: club()}
		c.Beside = map[string][]byte{"../../lists/chats.html": []byte(name)}
		if got := producertest.Events(producertest.Read(t, Definition(), c, nil))[0].Channel; got != want {
			t.Errorf("the channel is %q, want %q with the list %q", got, want, name)
		}
	}
}

// The pages of an account name files from the root of the export.
func TestHTML_AccountFiles(t *testing.T) {
	photo := `<div class="message default clearfix" id="message1"><div class="body"><div class="media_wrap clearfix">` +
		`<a class="photo_wrap clearfix pull_left" href="../../chats/chat_007/photos/a.jpg"></a>` +
		`<a class="media clearfix pull_left block_link media_file" href="../../../../secret"><div class="body">` +
		`<div class="title bold">plan.pdf</div></div></a></div></div></div>`
	c := producertest.Case{Path: "x/chats/chat_007/messages.html", Data: pageOf("Chat", photo), Options: club()}
	all := producertest.Events(producertest.Read(t, Definition(), c, nil))
	want := []event.Attachment{
		{Kind: "photo", Name: "a.jpg", Path: "photos/a.jpg"}, {Kind: "file", Name: "plan.pdf", Path: "../../../../secret"},
	}
	if diff := cmp.Diff(want, all[1].Body.(*event.Message).Attachments); diff != "" {
		t.Error(diff)
	}
}

func TestHTML_DamagedMessages(t *testing.T) {
	fine := pageMessage("2", "02.01.2021 03:04:05", "Ann", "fine")
	for name, bad := range map[string]string{
		"no end":         strings.TrimSuffix(pageMessage("5", "02.01.2021 03:04:05", "Ann", "x"), "</div></div>"),
		"no number":      pageMessage("", "02.01.2021 03:04:05", "Ann", "x"),
		"a bad number":   pageMessage("9x", "02.01.2021 03:04:05", "Ann", "x"),
		"a huge number":  pageMessage("99999999999999999999", "02.01.2021 03:04:05", "Ann", "x"),
		"text between":   "lost words",
		"a cut tag":      `<div class="message`,
		"too deep":       `<div class="message default" id="message5">` + strings.Repeat("<div>", 200) + strings.Repeat("</div>", 201),
		"a foreign link": `<a href="https://example.org">x</a>`,
	} {
		byID, all := readAll(t, pageOf("Chat", pageMessage("1", "02.01.2021 03:04:05", "Ann", "x"), bad, fine, pageMessage("3", "02.01.2021 03:04:05", "Ann", "x")), club())
		unparsed := 0
		for _, e := range all {
			if e.Kind == event.KindUnparsed {
				unparsed++
				if !strings.Contains(bad, string(e.Raw)) || len(e.Raw) == 0 {
					t.Errorf("%s: kept %q", name, e.Raw)
				}
			}
		}
		if len(byID) != 3 || unparsed != 1 {
			t.Errorf("%s: %d messages and %d unparsed", name, len(byID), unparsed)
		}
	}
}

// Whoever exported it should know that the end is missing, even where every message that is there is whole.
func TestHTML_Interrupted(t *testing.T) {
	data := pageOf("Chat", pageMessage("1", "02.01.2021 03:04:05", "Ann", "x"))
	for _, end := range []string{"</div></div></body>", "</html>"} {
		cut, _, _ := bytes.Cut(data, []byte(end))
		_, all := readAll(t, cut, club())
		unparsed := 0
		for _, e := range all {
			if u, ok := e.Body.(*event.Unparsed); ok && strings.Contains(u.Reason, "interrupted") {
				unparsed++
			}
		}
		if unparsed != 1 || len(all) != 4 {
			t.Errorf("cut before %s: %d events, %d of them say so", end, len(all), unparsed)
		}
	}
}

func TestHTML_EndlessMessage(t *testing.T) {
	huge := pageMessage("5", "02.01.2021 03:04:05", "Ann", strings.Repeat("x", filekit.MaxRecord+(256<<10)))
	byID, all := readAll(t, pageOf("Chat", pageMessage("1", "02.01.2021 03:04:05", "Ann", "x"), huge, pageMessage("2", "02.01.2021 03:04:05", "Ann", "x")), club())
	if len(byID) != 2 || len(all) != 5 {
		t.Errorf("%d messages of %d events", len(byID), len(all))
	}
	for _, e := range all {
		if e.Kind == event.KindUnparsed && len(e.Raw) != filekit.MaxSample {
			t.Errorf("%d bytes are kept", len(e.Raw))
		}
	}
}

func TestRecognise_ForeignPages(t *testing.T) {
	for path, text := range map[string]string{
		"dce.html":      `<!DOCTYPE html><html><body><div class=chatlog><div id=chatlog__message-container-1 class="chatlog__message"></div></div>`,
		"contacts.html": `<!DOCTYPE html><html><body><div class="page_wrap"><div class="page_header">Contacts</div><div class="entry_list">`,
		"any.html":      `<html><body><div class="message">hello</div></body></html>`,
		"x.svg":         `<svg xmlns="http://www.w3.org/2000/svg"></svg>`,
	} {
		producertest.Foreign(t, Definition(), producertest.File(path, []byte(text)))
	}
}

func FuzzHTML(f *testing.F) {
	for _, name := range []string{"messages.html", "messages2.html"} {
		f.Add(pageFile(f, name).Data, uint8(3))
	}
	f.Add(pageOf("x", pageMessage("1", "02.01.2021 03:04:05", "A", "<a href='#go_to_message1'>x"), "<", pageService("-1", "")), uint8(1))
	f.Fuzz(func(t *testing.T, data []byte, batch uint8) {
		if !isPage(data) {
			return
		}
		c := producertest.Case{Path: "testdata/none/messages.html", Data: data, Options: club()}
		def := definition(1 + int(batch%8))
		batches := producertest.Read(t, def, c, nil)
		whole := producertest.Events(batches)
		for i := range whole {
			b, err := event.Encode(&whole[i])
			if err != nil {
				t.Fatal(err)
			}
			if _, err := event.Decode(b); err != nil {
				t.Fatal(err)
			}
		}
		if len(batches) > 1 {
			at := int(batch) % len(batches)
			rest := producertest.Events(producertest.Read(t, def, c, batches[at].Cursor))
			want, got := producertest.Events(batches[at+1:]), rest
			a, errA := json.Marshal(want)
			b, errB := json.Marshal(got)
			if errA != nil || errB != nil || !bytes.Equal(a, b) {
				t.Fatalf("going on after batch %d differs: %s", at, cmp.Diff(want, got))
			}
		}
	})
}
