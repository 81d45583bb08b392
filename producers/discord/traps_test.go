package discord

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/producers"
)

// reactionsOf is a member with one standard and one custom emoji, with two people who are named for the first.
func reactionsOf(first, second int) string {
	return fmt.Sprintf(`"reactions": [
        { "emoji": { "id": "", "name": "\uD83D\uDC4D", "code": "thumbsup", "isAnimated": false, "imageUrl": "x" }, "count": %d,
          "users": [ { "id": "7", "name": "vera", "nickname": "Vera" }, { "id": "8", "name": "oleg", "isBot": true } ] },
        { "emoji": { "id": "500", "name": "kek", "code": "kek", "isAnimated": true }, "count": %d,
          "users": [ { "id": "7", "name": "vera" }, { "id": "8", "name": "oleg" } ] }
      ]`, first, second)
}

func TestMessages_Preamble(t *testing.T) {
	for kind, want := range map[string]string{
		"GuildTextChat": "group", "DirectTextChat": "private", "GuildNews": "channel", "GuildPublicThread": "thread", "15": "15",
	} {
		all := ofKind(read(t, jsonPath, exportOf(kind, plain(1)), producers.Options{}), event.KindChannel)
		if len(all) != 2 || all[0].Channel != channelID || all[0].Namespace != sourceName || !all[0].Sent.IsZero() || all[1].Sent.IsZero() {
			t.Fatalf("channel events: %+v", all)
		}
		info := all[0].Body.(*event.ChannelInfo)
		if diff := cmp.Diff(&event.ChannelInfo{Name: "beans", Type: want, Topic: "Allotment / Plots: Beans & peas"}, info); diff != "" {
			t.Error(diff)
		}
		if !strings.Contains(string(all[0].Raw), "415000000000000001") {
			t.Error("what the file says of the channel is not kept")
		}
	}
}

func TestClock_Stamp(t *testing.T) {
	base := time.Date(2021, 3, 4, 5, 6, 7, 0, time.UTC)
	for printed, want := range map[string]struct {
		nano int
		p    event.Precision
		zone string
	}{
		"2021-03-04T05:06:07+00:00":         {0, event.PrecisionMilli, "+00:00"},
		"2021-03-04T05:06:07Z":              {0, event.PrecisionMilli, "+00:00"},
		"2021-03-04T08:06:07.18+03:00":      {180_000_000, event.PrecisionMilli, "+03:00"},
		"2021-03-04T00:36:07.6-04:30":       {600_000_000, event.PrecisionMilli, "-04:30"},
		"2021-03-04T05:06:07.1890000+00:00": {189_000_000, event.PrecisionMilli, "+00:00"},
		"2021-03-04T05:06:07.1234567+00:00": {123_456_000, event.PrecisionMicro, "+00:00"},
	} {
		at := base.Add(time.Duration(want.nano))
		e, m, _ := one(t, message(idAt(at, 1), "Default", printed, "x"))
		if !e.Sent.At.Equal(at) || e.Sent.Precision != want.p || e.Sent.Zone != want.zone || m.Details != nil {
			t.Errorf("%s is read as %+v %v", printed, e.Sent, m.Details)
		}
	}
}

func TestSnowflakeTime(t *testing.T) {
	id := idAt(noon(), 1)
	e, m, _ := one(t, message(id, "Default", "", "x"))
	if !e.Sent.At.Equal(noon()) || m.Details["timestamp_from"] != "id" {
		t.Errorf("a missing time is %+v, %v", e.Sent, m.Details)
	}
	e, m, _ = one(t, message(id, "Default", "yesterday", "x"))
	if !e.Sent.At.Equal(noon()) || m.Details["timestamp"] != "yesterday" {
		t.Errorf("an unreadable time is %+v, %v", e.Sent, m.Details)
	}
	e, m, _ = one(t, message(id, "Default", "2020-01-01T00:00:00+00:00", "x"))
	if e.Sent.At.Year() != 2020 || m.Details["timestamp_of_id"] != "2024-05-01T12:00:00.18Z" {
		t.Errorf("another time is %+v, %v", e.Sent, m.Details)
	}
	e, _, _ = one(t, message("12", "Default", "", "x"))
	if !e.Sent.IsZero() {
		t.Errorf("a time is made of an id that is none of the network's: %+v", e.Sent)
	}
}

func TestMessages_Edit(t *testing.T) {
	m := strings.Replace(plain(1), `"timestampEdited": null`, `"timestampEdited": "2024-05-02T00:00:00.5+00:00"`, 1)
	e, body, _ := one(t, m)
	at := time.Date(2024, 5, 2, 0, 0, 0, 500_000_000, time.UTC)
	if e.Revision != event.RevisionAt(at) || !body.Edited.At.Equal(at) {
		t.Errorf("revision %s, edited %+v", e.Revision, body.Edited)
	}
	if e, _, _ := one(t, plain(1)); e.Revision != event.Unedited {
		t.Errorf("unedited has revision %s", e.Revision)
	}
}

func TestMessages_Author(t *testing.T) {
	m := strings.Replace(strings.Replace(plain(1), `"nickname": null`, `"nickname": "Vera \u2665"`, 1), `"isBot": false`, `"isBot": true`, 1)
	e, _, _ := one(t, m)
	if diff := cmp.Diff(event.Person{ID: "7", Name: "Vera ♥", Bot: true}, e.Author); diff != "" {
		t.Error(diff)
	}
}

func TestMessages_Service(t *testing.T) {
	vera, oleg := event.Person{ID: "7", Name: "vera"}, event.Person{ID: "8", Name: "oleg"}
	mention := func(id, name string) string { return `"mentions": [ { "id": "` + id + `", "name": "` + name + `" } ]` }
	pin := `"reference": { "messageId": "33", "channelId": "` + channelID + `", "guildId": null }`
	for _, c := range []struct {
		kind, content string
		more          string
		want          *event.Service
	}{
		{"Default", "x", "", nil},
		{"20", "x", "", nil},
		{"GuildMemberJoin", "Joined the server.", "", &event.Service{Action: event.ActionJoin}},
		{"RecipientAdd", "Added oleg to the group.", mention("8", "oleg"), &event.Service{Action: event.ActionInvite, Members: []event.Person{oleg}}},
		{"RecipientRemove", "Removed oleg from the group.", mention("8", "oleg"), &event.Service{Action: event.ActionKick, Members: []event.Person{oleg}}},
		{"RecipientRemove", "Left the group.", mention("7", "vera"), &event.Service{Action: event.ActionLeave}},
		{"ChannelPinnedMessage", "Pinned a message.", pin, &event.Service{Action: event.ActionPin, Target: "33"}},
		{"ThreadCreated", "Started a thread.", "", &event.Service{Action: event.ActionOther}},
		{"Call", "Started a call.", "", &event.Service{Action: event.ActionCall}},
		{"ChannelNameChange", "Changed the channel name: peas", "", &event.Service{Action: event.ActionTitle, Text: "peas"}},
		{"ChannelIconChange", "Changed the channel icon.", "", &event.Service{Action: event.ActionOther}},
		{"46", "", "", &event.Service{Action: event.ActionOther}},
	} {
		more := []string{c.more}
		if c.more == "" {
			more = nil
		}
		e, m, _ := one(t, typed(1, c.kind, c.content, more...))
		if c.want != nil {
			c.want.Native = c.kind
		}
		if diff := cmp.Diff(c.want, m.Service); diff != "" || m.Text != c.content || e.Author != vera {
			t.Errorf("%s: %s", c.kind, diff)
		}
		if (m.Type == event.TypeService) != (c.want != nil) || m.ReplyTo != nil {
			t.Errorf("%s is of type %s, and answers %v", c.kind, m.Type, m.ReplyTo)
		}
	}
}

func TestMessages_Reply(t *testing.T) {
	ref := func(channel string) string {
		return `"reference": { "type": "Default", "messageId": "33", "channelId": "` + channel + `", "guildId": "1" }`
	}
	if _, m, _ := one(t, typed(1, "Reply", "x", ref(channelID))); m.ReplyTo == nil || *m.ReplyTo != (event.Ref{NativeID: "33"}) {
		t.Errorf("reply to %+v", m.ReplyTo)
	}
	if _, m, _ := one(t, typed(1, "Reply", "x", ref("44"))); m.ReplyTo == nil || *m.ReplyTo != (event.Ref{Channel: "44", NativeID: "33"}) {
		t.Errorf("reply to another channel: %+v", m.ReplyTo)
	}
	if _, m, _ := one(t, typed(1, "Reply", "x")); m.ReplyTo != nil || m.Details["reply_to"] == "" {
		t.Errorf("a reply to what is gone: %+v %v", m.ReplyTo, m.Details)
	}
	if _, m, _ := one(t, typed(1, "Default", "x", ref("44"))); m.Forward == nil || m.Forward.Channel != "44" || m.ReplyTo != nil {
		t.Errorf("a crosspost: %+v %+v", m.Forward, m.ReplyTo)
	}
}

func TestMessages_Forward(t *testing.T) {
	_, m, _ := one(t, typed(1, "Default", "", `"reference": { "type": "Forward", "messageId": "33", "channelId": "44", "guildId": null }`,
		`"forwardedMessage": { "timestamp": "2024-04-01T00:00:00.1+00:00", "timestampEdited": null, "content": "sown", "attachments": [
		   { "id": "3", "url": "https://x/a.png", "fileName": "a.png", "fileSizeBytes": 5 } ], "embeds": [], "stickers": [] }`))
	want := &event.Forward{Channel: "44", NativeID: "33", Sent: event.Instant{
		At: time.Date(2024, 4, 1, 0, 0, 0, 100_000_000, time.UTC), Precision: event.PrecisionMilli, Zone: "+00:00",
	}}
	if diff := cmp.Diff(want, m.Forward); diff != "" || m.Text != "sown" || len(m.Attachments) != 1 {
		t.Errorf("%s, text %q, %d attachments", diff, m.Text, len(m.Attachments))
	}
}

func TestMessages_Attachments(t *testing.T) {
	data := export(typed(1, "Default", "x", `"attachments": [
	  { "id": "1", "url": "beans [1].json_Files\\a-12.PNG", "fileName": "a.PNG", "fileSizeBytes": 999 },
	  { "id": "2", "url": "beans_Files\\gone.ogg", "fileName": "voice-message.ogg", "fileSizeBytes": 5 },
	  { "id": "3", "url": "beans_Files/with%20blank.pdf", "fileName": "with blank.pdf", "fileSizeBytes": 5 },
	  { "id": "4", "url": "https://cdn.discordapp.com/attachments/1/4/b.mp4?ex=65&is=64&hm=aa", "fileName": "b.mp4", "fileSizeBytes": 7 } ]`,
		`"stickers": [ { "id": "5", "name": "Wave", "format": "Lottie", "sourceUrl": "https://cdn/5.json" } ]`))
	all := readFile(t, folder("export/beans.json", map[string]string{
		"beans.json": string(data), "beans [1].json_Files/a-12.PNG": "abc", "beans_Files/with blank.pdf": "abc",
	}))
	_, m, _ := pickOne(t, all)
	const abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
	want := []event.Attachment{
		{Kind: "photo", Name: "a.PNG", Path: "beans [1].json_Files/a-12.PNG", SHA256: abc, Bytes: 3, NativeID: "1"},
		{Kind: "voice", Name: "voice-message.ogg", Path: "beans_Files/gone.ogg", Bytes: 5, NativeID: "2",
			Missing: "the export names this file, which cannot be read from it"},
		{Kind: "file", Name: "with blank.pdf", Path: "beans_Files/with%20blank.pdf", SHA256: abc, Bytes: 3, NativeID: "3"},
		{Kind: "video", Name: "b.mp4", URL: "https://cdn.discordapp.com/attachments/1/4/b.mp4?ex=65&is=64&hm=aa", Bytes: 7, NativeID: "4"},
		{Kind: "sticker", Name: "Wave", URL: "https://cdn/5.json", NativeID: "5"},
	}
	if diff := cmp.Diff(want, m.Attachments); diff != "" {
		t.Error(diff)
	}
}

func TestMessages_Details(t *testing.T) {
	_, m, _ := one(t, typed(1, "20", "see https://a.example", `"embeds": [ { "title": "Price", "url": "https://b.example/x", "description": "1.2",
	    "author": { "name": "bot" }, "image": { "url": "x\\y.png", "canonicalUrl": "https://c.example/i.png" },
	    "fields": [ { "name": "low", "value": "1.1", "isInline": true } ] }, { "title": "", "url": "https://a.example" } ]`,
		`"mentions": [ { "id": "8", "name": "oleg", "nickname": "Олег", "isBot": false } ]`,
		`"interaction": { "id": "90", "name": "price", "user": { "id": "8", "name": "oleg" } }`,
		`"inlineEmojis": [ { "id": "500", "name": "kek", "code": "kek" }, { "id": "", "name": "x", "code": "y" } ]`,
		`"components": [ { "type": "ActionRow", "components": [ { "type": "Button", "url": "https://d.example" } ] } ]`))
	if diff := cmp.Diff([]string{"https://b.example/x", "https://c.example/i.png", "https://d.example"}, m.Links); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]event.Person{{ID: "8", Name: "Олег"}}, m.Mentions); diff != "" {
		t.Error(diff)
	}
	want := map[string]string{
		"type": "20", "embed.1.title": "Price", "embed.1.description": "1.2", "embed.1.author": "bot", "embed.1.field.1": "low: 1.1",
		"interaction": "price", "interaction_id": "90", "interaction_user": "oleg", "interaction_user_id": "8", "custom_emojis": "kek:500",
	}
	if diff := cmp.Diff(want, m.Details); diff != "" {
		t.Error(diff)
	}
}

func TestMessages_Reactions(t *testing.T) {
	for _, c := range []struct {
		second   int
		complete bool
	}{{2, true}, {3, false}} {
		e, _, r := one(t, typed(1, "Default", "x", reactionsOf(2, c.second)))
		body := r.Body.(*event.Reactions)
		want := []event.ReactionCount{{Emoji: "👍", Count: 2}, {Emoji: "kek:500", Count: c.second}}
		if diff := cmp.Diff(want, body.Counts); diff != "" || body.Complete != c.complete || len(body.People) != 4 || body.Target != e.NativeID {
			t.Errorf("%s %+v", diff, body)
		}
		if body.People[0].Person != (event.Person{ID: "7", Name: "Vera"}) {
			t.Errorf("people %+v", body.People)
		}
		if !r.Sent.At.Equal(time.Date(2024, 6, 1, 8, 0, 0, 123_456_000, time.UTC)) {
			t.Errorf("true at %v, not when the export was made", r.Sent)
		}
	}
}

func TestMessages_Pinned(t *testing.T) {
	_, m, _ := one(t, strings.Replace(plain(1), `"isPinned": false`, `"isPinned": true`, 1))
	if m.Details["pinned"] != "true" {
		t.Errorf("details %v", m.Details)
	}
}

func TestMessages_Count(t *testing.T) {
	whole := string(export(plain(1), plain(2)))
	if u := ofKind(read(t, jsonPath, []byte(whole), producers.Options{}), event.KindUnparsed); len(u) != 0 {
		t.Errorf("a count that fits is reported: %+v", u[0].Body)
	}
	short := strings.Replace(whole, `"messageCount": 2`, `"messageCount": 3`, 1)
	if u := ofKind(read(t, jsonPath, []byte(short), producers.Options{}), event.KindUnparsed); len(u) != 1 {
		t.Errorf("%d reports of a count that does not fit", len(u))
	}
}

func TestMessages_Truncated(t *testing.T) {
	whole := string(export(plain(1), plain(2)))
	for _, end := range []string{`"author"`, `"messageCount"`, `  ],`} {
		cut := whole[:strings.LastIndex(whole, end)]
		all := read(t, jsonPath, []byte(cut), producers.Options{})
		if u := ofKind(all, event.KindUnparsed); len(u) != 1 || all[len(all)-1].Kind != event.KindChannel {
			t.Errorf("cut before %s: %d unparsed", end, len(u))
		}
	}
}
