package telegram

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/fault"
	"github.com/agrichat/agrichat/producers"
	"github.com/agrichat/agrichat/producers/producertest"
)

// accountEvents are the messages of the account fixture, by channel and id.
func accountEvents(t *testing.T) map[string]*event.Event {
	t.Helper()
	readAll(t, account1(t).Data, producers.Options{})
	c := account1(t)
	all := producertest.Events(producertest.Read(t, Definition(), c, nil)) // from its own folder, for the files
	out := map[string]*event.Event{}
	for i := range all {
		e := &all[i]
		if e.Kind != event.KindChannel && e.Kind != event.KindUnparsed {
			key := string(e.Channel) + "/" + string(e.NativeID)
			if e.Kind == event.KindReactions || e.Kind == event.KindPoll {
				key += "/" + string(e.Kind)
			}
			out[key] = e
		}
	}
	return out
}

func TestJSON_Namespaces(t *testing.T) {
	events := accountEvents(t)
	for key, want := range map[string]event.Namespace{
		"user2002/11":                  "telegram:1001",
		"user1001/31":                  "telegram:1001",
		"channel1500000001/-999999989": "telegram:1001",
		"channel1500000001/3":          "telegram",
		"channel1600000002/1":          "telegram",
	} {
		e := events[key]
		if e == nil {
			t.Errorf("%s is missing", key)
			continue
		}
		if e.Namespace != want {
			t.Errorf("%s is in namespace %q, want %q", key, e.Namespace, want)
		}
		if !e.Author.IsZero() && e.Author.Namespace != "telegram" {
			t.Errorf("the author of %s is in namespace %q", key, e.Author.Namespace)
		}
	}
}

func TestJSON_Texts(t *testing.T) {
	e := accountEvents(t)["user2002/12"]
	b := message(t, e)
	if want := "See the plan and ask Lena #beds"; b.Text != want {
		t.Errorf("text %q, want %q", b.Text, want)
	}
	if diff := cmp.Diff([]string{"https://example.org/plan"}, b.Links); diff != "" {
		t.Errorf("links: %s", diff)
	}
	want := []event.Person{{Namespace: "telegram", ID: "user3003", Name: "Lena"}}
	if diff := cmp.Diff(want, b.Mentions); diff != "" {
		t.Errorf("mentions: %s", diff)
	}
	if diff := cmp.Diff(&event.Ref{NativeID: "11"}, b.ReplyTo); diff != "" {
		t.Errorf("reply: %s", diff)
	}
	edited := time.Unix(1714554300, 0)
	if e.Revision != event.RevisionAt(edited) || !b.Edited.At.Equal(edited) || b.Edited.Zone != "+03:00" {
		t.Errorf("revision %s, edited %+v", e.Revision, b.Edited)
	}
}

func TestJSON_Replies(t *testing.T) {
	events := accountEvents(t)
	const club = "channel1500000001/"
	if b := message(t, events[club+"3"]); b.Thread != "2" || b.ReplyTo != nil {
		t.Errorf("a message of a topic has thread %q and answers %+v", b.Thread, b.ReplyTo)
	}
	want := &event.Ref{Namespace: "telegram:1001", NativeID: "-999999989"}
	if diff := cmp.Diff(want, message(t, events[club+"4"]).ReplyTo); diff != "" {
		t.Errorf("a reply across the migration: %s", diff)
	}
	want = &event.Ref{Namespace: "telegram:1001", Channel: "user2002", NativeID: "12"}
	if diff := cmp.Diff(want, message(t, events[club+"5"]).ReplyTo); diff != "" {
		t.Errorf("a reply into another chat: %s", diff)
	}
	if diff := cmp.Diff(&event.Ref{NativeID: "-999999990"}, message(t, events[club+"-999999989"]).ReplyTo); diff != "" {
		t.Errorf("a reply in the old group: %s", diff)
	}
}

func TestJSON_Reactions(t *testing.T) {
	events := accountEvents(t)
	e := events["user2002/12/reactions"]
	r := e.Body.(*event.Reactions)
	at := time.Date(2024, 5, 1, 9, 9, 30, 0, time.UTC) // printed 12:09:30, three hours ahead as the message's own times
	if !r.Complete || !e.Sent.At.Equal(at) || !e.Sent.Assumed || len(r.People) != 1 || r.People[0].Person.ID != "user2002" {
		t.Errorf("reactions %+v at %+v", r, e.Sent)
	}
	if !strings.HasPrefix(string(e.Revision), string(event.RevisionAt(at))+".") {
		t.Errorf("revision %s does not begin with the instant", e.Revision)
	}
	part := events["channel1500000001/5/reactions"].Body.(*event.Reactions)
	want := []event.ReactionCount{
		{Emoji: "🔥", Count: 5},
		{Emoji: "custom:(File not included. Change data exporting settings to download.)", Count: 1},
		{Emoji: "paid", Count: 2},
	}
	if diff := cmp.Diff(want, part.Counts); diff != "" || part.Complete {
		t.Errorf("complete=%v: %s", part.Complete, diff)
	}
}

// TestJSON_ReactionPlaceholders: custom emoji that were not exported have one placeholder. Where nobody is named under it they are kept
// apart; else a person could be under two of them in the next export.
func TestJSON_ReactionPlaceholders(t *testing.T) {
	const custom = `{"type": "custom_emoji", "count": %d, "document_id": %q%s}`
	const recent = `, "recent": [{"from": "B", "from_id": "user2", "date": "2024-05-01T12:00:30"}]`
	read := func(placeholder, people string) []event.ReactionCount {
		list := fmt.Sprintf(custom, 4, placeholder, people) + ", " + fmt.Sprintf(custom, 6, placeholder, "")
		_, all := readAll(t, chatOf("public_supergroup", `{"id": 1, "type": "message", "date": "2024-05-01T12:00:00", "date_unixtime": "1714554000", "from": "A",
 "from_id": "user1", "text": "x", "reactions": [`+list+`]}`), mine())
		for i := range all {
			if r, ok := all[i].Body.(*event.Reactions); ok {
				return r.Counts
			}
		}
		t.Fatal("there are no reactions")
		return nil
	}
	for _, tt := range []struct{ placeholder, people, first, second string }{
		{"", "", "custom_emoji", "custom_emoji#2"},
		{"(File not included.)", "", "custom:(File not included.)", "custom:(File not included.)#2"},
		{"", recent, "custom_emoji", "custom_emoji"},
	} {
		want := []event.ReactionCount{{Emoji: tt.first, Count: 4}, {Emoji: tt.second, Count: 6}}
		if diff := cmp.Diff(want, read(tt.placeholder, tt.people)); diff != "" {
			t.Errorf("%+v: %s", tt, diff)
		}
	}
}

func TestJSON_ServiceMessages(t *testing.T) {
	events := accountEvents(t)
	for key, want := range map[string]event.Service{
		"user2002/13": {Action: "call", Native: "phone_call"},
		"channel1500000001/-999999990": {
			Action: "create", Native: "create_group", Text: "Garden",
			Members: []event.Person{{Namespace: "telegram", Name: "Vera"}, {}},
		},
		"channel1500000001/1":  {Action: "other", Native: "migrate_from_group", Text: "Garden"},
		"channel1500000001/2":  {Action: "other", Native: "topic_created", Text: "Tools"},
		"channel1500000001/8":  {Action: "other", Native: "unsupported"},
		"channel1500000001/9":  {Action: "leave", Native: "remove_members"},
		"channel1500000001/10": {Action: "pin", Native: "pin_message", Target: "6"},
	} {
		b := message(t, events[key])
		if diff := cmp.Diff(&want, b.Service); diff != "" || b.Type != event.TypeService {
			t.Errorf("%s of type %s: %s", key, b.Type, diff)
		}
	}
	if d := message(t, events["user2002/13"]).Details; d["duration_seconds"] != "61" || d["discard_reason"] != "hangup" {
		t.Errorf("details of a call: %v", d)
	}
	if !events["channel1500000001/8"].Sent.IsZero() {
		t.Error("a message without a time has one")
	}
}

func TestJSON_Media(t *testing.T) {
	events := accountEvents(t)
	text := "not really a picture\n"
	h := sha256.Sum256([]byte(text))
	for key, want := range map[string]event.Attachment{
		"user2002/14": {
			Kind: "photo", Name: "photo_1.jpg", Path: "photos/photo_1.jpg", SHA256: hex.EncodeToString(h[:]),
			Bytes: int64(len(text)), Width: 40, Height: 30,
		},
		"user2002/15": {
			Kind: "photo", Name: "photo_gone.jpg", Path: "photos/photo_gone.jpg", Width: 40, Height: 30,
			Missing: "the export names this file but does not hold it",
		},
		"user2002/16": {
			Kind: "video", Name: "walk.mp4", MIME: "video/mp4", Bytes: 70000, Seconds: 12,
			Missing: "File not included. Change data exporting settings to download.",
		},
		"user1001/32": {
			Kind: "file", Name: "telegram.go", Path: "../../telegram.go",
			Missing: "the file cannot be read from the export's folder",
		},
	} {
		if diff := cmp.Diff([]event.Attachment{want}, message(t, events[key]).Attachments); diff != "" {
			t.Errorf("%s: %s", key, diff)
		}
	}
}

func TestJSON_PollsLocationsContactsForwards(t *testing.T) {
	events := accountEvents(t)
	poll := message(t, events["channel1500000001/5"])
	want := &event.Poll{
		Question: "When?", Closed: true, Voters: 3,
		Options: []event.PollOption{{Text: "Sat", Votes: 2}, {Text: "Sun", Votes: 1}},
	}
	if results := events["channel1500000001/5/poll"].Body.(*event.PollResults); results.Target != "5" || !cmp.Equal(*want, results.Poll) {
		t.Errorf("the results of the poll: %+v", results)
	}
	if diff := cmp.Diff(want.WithoutResults(), poll.Poll); diff != "" || poll.Details["via_bot"] != "@polls" {
		t.Errorf("via %q: %s", poll.Details["via_bot"], diff)
	}
	if d := message(t, events["user2002/17"]); d.Details["location.latitude"] != "55.75" || d.Forward == nil {
		t.Errorf("a place from a nameless forward: %+v", d)
	}
	b := message(t, events["user2002/18"])
	from := event.Person{Namespace: "telegram", ID: "channel9000000009", Name: "Garden News"}
	if diff := cmp.Diff(&event.Forward{From: from, Channel: "channel9000000009"}, b.Forward); diff != "" {
		t.Errorf("forward: %s", diff)
	}
	if b.Details["contact.first_name"] != "Lena" {
		t.Errorf("contact: %v", b.Details)
	}
}

func TestJSON_BrokenEscapes(t *testing.T) {
	e := accountEvents(t)["channel1500000001/6"]
	if got, want := message(t, e).Text, "bell \a and \\x07 kept"; got != want {
		t.Errorf("text %q, want %q", got, want)
	}
	if !strings.Contains(string(e.Raw), `bell \x07 and \\x07 kept`) {
		t.Errorf("the original was touched: %s", e.Raw)
	}
}

func TestJSON_DamagedRecordPosition(t *testing.T) {
	c := account1(t)
	for _, e := range producertest.Events(producertest.Read(t, Definition(), c, nil)) {
		u, ok := e.Body.(*event.Unparsed)
		if !ok {
			continue
		}
		raw := string(e.Raw)
		if int(u.Offset)+len(raw) > len(c.Data) || string(c.Data[u.Offset:int(u.Offset)+len(raw)]) != raw {
			t.Errorf("the bytes at offset %d are others", u.Offset)
		}
		if line := 1 + strings.Count(string(c.Data[:u.Offset]), "\n"); u.Line != line {
			t.Errorf("line %d, want %d", u.Line, line)
		}
		if !strings.HasPrefix(raw, "{") || !strings.Contains(raw, `"id": 7,`) || strings.Contains(raw, `"id": 8`) {
			t.Errorf("kept %s", raw)
		}
	}
}

func TestJSON_NoAccount(t *testing.T) {
	old := chatOf("private_supergroup", `{"id":-999999999,"type":"message","date":"2020-01-01T00:00:00","text":"x"}`)
	for name, data := range map[string][]byte{"private": chatOf("personal_chat"), "migrated": old} {
		src, err := Definition().Archive(producertest.File("x.json", data), producers.Options{})
		if err != nil {
			t.Fatal(err)
		}
		s, err := src.Connect(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err = s.Next(t.Context()); fault.Of(err) != fault.Fatal || !strings.Contains(err.Error(), "--account") {
			t.Errorf("%s: %v", name, err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	byID, _ := readAll(t, old, producers.Options{Account: "user1001"})
	if byID["-999999999"].Namespace != "telegram:1001" {
		t.Errorf("namespace %s", byID["-999999999"].Namespace)
	}
}

func TestJSON_ChannelEvents(t *testing.T) {
	_, all := readAll(t, chatOf("private_group", `{"id":1,"type":"message","date":"2020-01-01T00:00:00","text":"x"}`), mine())
	first, last := all[0], all[len(all)-1]
	want := &event.ChannelInfo{Name: "Chat", Type: "group"}
	for _, e := range []event.Event{first, last} {
		if diff := cmp.Diff(event.Body(want), e.Body); diff != "" || e.Channel != "chat555" {
			t.Errorf("channel %s: %s", e.Channel, diff)
		}
	}
	if !first.Sent.IsZero() || !last.Sent.At.Equal(time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)) || first.Revision >= last.Revision {
		t.Errorf("first at %v (%s), last at %v (%s)", first.Sent, first.Revision, last.Sent, last.Revision)
	}
}
