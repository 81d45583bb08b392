package telegram

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/producers"
)

// summary writes what a message holds besides its text, so that a table can hold it.
func summary(m *event.Message) string {
	var out []string
	if s := m.Service; s != nil {
		line := s.Action + "/" + s.Native
		if s.Text != "" {
			line += " " + s.Text
		}
		for _, p := range s.Members {
			line += " +" + p.Name
		}
		if s.Target != "" {
			line += " ->" + string(s.Target)
		}
		out = append(out, line)
	}
	for _, a := range m.Attachments {
		line := a.Kind
		for _, s := range []string{a.Name, a.Path, a.MIME, a.Missing} {
			if s != "" {
				line += " " + s
			}
		}
		if a.Width != 0 {
			line += fmt.Sprintf(" %dx%d", a.Width, a.Height)
		}
		if a.Seconds != 0 {
			line += fmt.Sprintf(" %gs", a.Seconds)
		}
		out = append(out, line)
	}
	if p := m.Poll; p != nil {
		out = append(out, fmt.Sprintf("poll %s %v", p.Question, p.Options))
	}
	for _, k := range slices.Sorted(maps.Keys(m.Details)) {
		out = append(out, k+"="+m.Details[k])
	}
	return strings.Join(out, "; ")
}

// TestJSON_Kinds reads each kind of message that the exporter has, and some that are yet to come.
func TestJSON_Kinds(t *testing.T) {
	const nowhere = " the export names this file but does not hold it"
	for members, want := range map[string]string{
		`"type":"service","action":"create_group","title":"Beds","members":["Ann","Bob"]`:                    "create/create_group Beds +Ann +Bob",
		`"type":"service","action":"create_channel","title":"News"`:                                          "create/create_channel News",
		`"type":"service","action":"edit_group_title","title":"Borders"`:                                     "title/edit_group_title Borders",
		`"type":"service","action":"topic_edit","new_title":"Roses"`:                                         "other/topic_edit Roses",
		`"type":"service","action":"invite_members","members":["Bob",null]`:                                  "invite/invite_members +Bob +",
		`"type":"service","action":"remove_members","actor":"Ann","members":["Bob"]`:                         "kick/remove_members +Bob",
		`"type":"service","action":"remove_members","actor":"Ann","members":["Ann"]`:                         "leave/remove_members",
		`"type":"service","action":"join_group_by_link","inviter":"Ann"`:                                     "join/join_group_by_link; inviter=Ann",
		`"type":"service","action":"join_group_by_request"`:                                                  "join/join_group_by_request",
		`"type":"service","action":"pin_message","message_id":7`:                                             "pin/pin_message ->7",
		`"type":"service","action":"phone_call","duration_seconds":65,"discard_reason":"hangup"`:             "call/phone_call; discard_reason=hangup; duration_seconds=65",
		`"type":"service","action":"conference_call"`:                                                        "call/conference_call",
		`"type":"service","action":"custom_action","text":"A bot did it"`:                                    "notice/custom_action A bot did it",
		`"type":"service","action":"edit_group_photo","photo":"(File not included.)","width":640,"height":9`: "other/edit_group_photo; photo File not included. 640x9",
		`"type":"service","action":"boost_apply","boosts":3`:                                                 "other/boost_apply; boosts=3",
		`"type":"service","action":"migrate_to_supergroup"`:                                                  "other/migrate_to_supergroup",
		`"type":"unsupported"`: "other/unsupported",

		`"file":"voice_messages/a.ogg","media_type":"voice_message","mime_type":"audio/ogg","duration_seconds":3`: "voice a.ogg voice_messages/a.ogg audio/ogg" + nowhere + " 3s",
		`"file":"a.mp4","media_type":"video_file","width":640,"height":480,"duration_seconds":1.5`:                "video a.mp4 a.mp4" + nowhere + " 640x480 1.5s",
		`"file":"a.mp3","media_type":"audio_file","duration_seconds":"soon"`:                                      "audio a.mp3 a.mp3" + nowhere,
		`"file":"a.pdf","file_name":"Plan.pdf","width":"wide"`:                                                    "file Plan.pdf a.pdf" + nowhere,
		`"media_type":"hologram","duration_seconds":-1`:                                                           "hologram",
		`"photo":"../../secret.jpg"`:                                                                              "photo secret.jpg ../../secret.jpg the file cannot be read from the export's folder",
		`"photo":"."`:                                                                                             "photo . . the export names something that is no file",

		`"todo_list":{"title":"Spring","answers":[{"text":"dig"},{"text":"sow"},5]}`:            "todo_list.1=dig; todo_list.2=sow; todo_list.3=; todo_list.title=Spring",
		`"location_information":{"latitude":1.5,"longitude":-2,"more":[1]},"place_name":"Shed"`: "location.latitude=1.5; location.longitude=-2; place_name=Shed",
		`"contact_information":{"first_name":"Ann","phone_number":null},"list":[1,2]`:           "contact.first_name=Ann",
	} {
		kind := ""
		if !strings.HasPrefix(members, `"type"`) {
			kind = `"type":"message",`
		}
		byID, all := readAll(t, chatOf("private_supergroup",
			`{"id":1,`+kind+`"date":"2024-05-01T10:00:00","date_unixtime":"1714557600","from":"Ann",`+members+`}`), mine())
		if byID["1"] == nil {
			t.Errorf("%s: %d events, and no message", members, len(all))
			continue
		}
		if got := summary(message(t, byID["1"])); got != want {
			t.Errorf("%s\nis   %q\nwant %q", members, got, want)
		}
	}
}

// TestHTML_Kinds reads what a page shows of files and of what is like one.
func TestHTML_Kinds(t *testing.T) {
	const missing = "Not included, change data exporting settings to download."
	media := func(class, title, description, status string) string {
		return `<div class="media clearfix pull_left ` + class + `"><div class="body"><div class="title bold">` + title +
			`</div><div class="description">` + description + `</div><div class="status details">` + status + `</div></div></div>`
	}
	const nowhere = " the export names this file but does not hold it"
	for html, want := range map[string]string{
		media("media_photo", "Photo", missing, "1280x720, 90 KB"):       "photo Not included, change data exporting settings to download 1280x720",
		media("media_photo", "Sticker", missing, "😀, 20 KB"):            "sticker Not included, change data exporting settings to download",
		media("media_video", "Video file", missing, "01:02, 3 MB"):      "video Not included, change data exporting settings to download 62s",
		media("media_video", "Animation", missing, "640×480, 3 MB"):     "animation Not included, change data exporting settings to download 640x480",
		media("media_video", "Video message", missing, "00:59, 3 MB"):   "video_message Not included, change data exporting settings to download 59s",
		media("media_voice_message", "Voice message", missing, "00:05"): "voice Not included, change data exporting settings to download 5s",
		media("media_audio_file", "Audio file", missing, "01:00:00"):    "audio Not included, change data exporting settings to download 3600s",
		media("media_audio_file", "Song", missing, "1:2:3:4"):           "audio Song Not included, change data exporting settings to download",
		media("media_file", "File", missing, "axb, 5 KB"):               "file Not included, change data exporting settings to download",
		media("media_file", "Plan.pdf", "", "5 KB"):                     "file Plan.pdf",
		media("media_contact", "Ann", "", "+49 1 - vCard"):              "contact.name=Ann; contact.phone_number=+49 1",
		media("media_call", "Bob", "", "Outgoing (65 seconds)"):         "call/phone_call Outgoing (65 seconds)",
		media("media_game", "Chess", "Play", "12"):                      "game.description=Play; game.status=12; game.title=Chess",
		media("media_invoice", "", "", "5 EUR"):                         "invoice.status=5 EUR",
		`<a class="media clearfix pull_left block_link media_venue" href="https://maps.google.com/maps?q=1.5,-2&amp;ll=1"><div class="body">` +
			`<div class="title bold">Shed</div><div class="description">Lane 1</div></div></a>`: "address=Lane 1; location.latitude=1.5; location.longitude=-2; place_name=Shed",
		`<a class="media media_location" href="https://maps.google.com/maps?q=north,2"><div class="title bold">Location</div></a>`: "",
		`<a class="media media_live_location" href="geo"><div class="title bold">Live location</div></a>`:                          "",
		`<a class="photo_wrap clearfix pull_left" href="photos/a.jpg"></a>`:                                                        "photo a.jpg photos/a.jpg" + nowhere,
		`<a class="sticker_wrap" href="stickers/a.webp"></a>`:                                                                      "sticker a.webp stickers/a.webp" + nowhere,
		`<a class="animated_wrap" href="video_files/a.mp4"><div class="video_duration">00:09</div></a>`:                            "animation a.mp4 video_files/a.mp4" + nowhere + " 9s",
		`<a class="video_file_wrap" href="video_files/a.mp4"><div class="video_duration">soon</div></a>`:                           "video a.mp4 video_files/a.mp4" + nowhere,
		"text between": "",
	} {
		div := `<div class="message default clearfix" id="message1"><div class="body"><div class="pull_right date details" title="02.01.2021 03:04:05">x</div>` +
			`<div class="from_name">Ann</div><div class="media_wrap clearfix">` + html + `</div></div></div>`
		byID, all := readAll(t, pageOf("Chat", div), club())
		if byID["1"] == nil {
			t.Errorf("%s: %d events, and no message", html, len(all))
			continue
		}
		if got := summary(message(t, byID["1"])); got != want {
			t.Errorf("%s\nis   %q\nwant %q", html, got, want)
		}
	}
}

// TestHTML_ReactionEmoji: custom emoji have a link, or nothing at all.
func TestHTML_ReactionEmoji(t *testing.T) {
	const list = `<span class="reactions">` +
		`<span class="reaction"><span class="emoji">👍</span><span class="userpics"><span class="userpic" title="Ann, 02.01.2021 04:00:00"></span>` +
		`<span class="userpic" title="Smith, Bob"></span></span></span>` +
		`<span class="reaction paid"><span class="emoji">⭐</span><span class="count">3</span></span>` +
		`<span class="reaction"><span class="emoji"><a href="stickers/a.webp"></a></span><span class="count">2</span></span>` +
		`<span class="reaction"><span class="emoji"></span><span class="count">1</span></span></span>`
	div := strings.Replace(pageMessage("1", "02.01.2021 03:04:05", "Ann", "x"), "</div></div></div>", "</div>"+list+"</div></div>", 1)
	_, all := readAll(t, pageOf("Chat", div, strings.Replace(div, `id="message1"`, `id="message2"`, 1)), club())
	var got []*event.Reactions
	for i := range all {
		if r, ok := all[i].Body.(*event.Reactions); ok {
			got = append(got, r)
			if want := "2021-01-02T04:00:00Z"; all[i].Sent.At.Format("2006-01-02T15:04:05Z07:00") != want {
				t.Errorf("reactions are of %v, want %s, the latest time among them", all[i].Sent.At, want)
			}
		}
	}
	if len(got) != 2 {
		t.Fatalf("%d lists of reactions", len(got))
	}
	want := []event.ReactionCount{{Emoji: "👍", Count: 2}, {Emoji: "paid", Count: 3}, {Emoji: "custom:stickers/a.webp", Count: 2}, {Emoji: "unknown", Count: 1}}
	if diff := cmp.Diff(want, got[0].Counts); diff != "" {
		t.Errorf("counts differ: %s", diff)
	}
	if p := got[0].People; len(p) != 2 || p[0].Person.Name != "Ann" || p[1].Person.Name != "Smith, Bob" || !p[1].Sent.IsZero() {
		t.Errorf("people are %+v", p)
	}
}

// TestBelongs: what the exporter writes beside the messages is a part of the export, and anything else is not.
func TestBelongs(t *testing.T) {
	belongs := Definition().Belongs
	for rel, want := range map[string]bool{
		"export_results.html": true, "css/style.css": true, "lists/contacts.html": true, "photos/a.jpg": true, "chats/chat_1/photos/a.jpg": true,
		"chats/chat_1/voice_messages/a.ogg": true, "stories/a.mp4": true,
		"notes.txt": false, "chats/chat_1": false, "chats/chat_1/notes.txt": false, "photos/a": false, "holiday/a.jpg": false, "chats/x": false, "": false,
	} {
		if got := belongs(rel); got != want {
			t.Errorf("%q: %v, want %v", rel, got, want)
		}
	}
}

// TestJSON_ReplyElsewhere: a reply names the chat of its target by an id whose form depends on what that chat is.
func TestJSON_ReplyElsewhere(t *testing.T) {
	reply := func(peer string) []byte {
		return chatOf("private_supergroup", `{"id":1,"type":"message","date":"2024-05-01T10:00:00","reply_to_message_id":9,"reply_to_peer_id":`+peer+`,"text":"x"}`)
	}
	for peer, want := range map[string]event.Ref{
		`"channel77"`:      {Channel: "channel77", NativeID: "9"},
		`"channel555"`:     {NativeID: "9"}, // this very chat
		`-1001500000001`:   {Channel: "channel1500000001", NativeID: "9"},
		`"user2002"`:       {Namespace: "telegram:1001", Channel: "user2002", NativeID: "9"},
		`"chat103"`:        {Namespace: "telegram:1001", Channel: "chat103", NativeID: "9"},
		`2002`:             {Namespace: "telegram:1001", Channel: "user2002", NativeID: "9"},
		`{"not":"an id"}`:  {NativeID: "9"},
		`["neither","is"]`: {NativeID: "9"},
	} {
		byID, _ := readAll(t, reply(peer), mine())
		if got := message(t, byID["1"]).ReplyTo; got == nil || *got != want {
			t.Errorf("%s: %+v, want %+v", peer, got, want)
		}
	}
	byID, _ := readAll(t, reply(`"user2002"`), producers.Options{})
	if m := message(t, byID["1"]); m.ReplyTo != nil || m.Details["reply_to"] != "user2002 9" {
		t.Errorf("whose numbers these are is not known, but the reply is to %+v, details %v", m.ReplyTo, m.Details)
	}
}

// TestJSON_ReactionZone: times of reactions have no zone of their own. That of the message counts, unless the user named one.
func TestJSON_ReactionZone(t *testing.T) {
	record := func(date, unix string) []byte {
		return chatOf("public_supergroup", `{"id":1,"type":"message","date":"`+date+`","date_unixtime":"`+unix+`","from":"Ann","from_id":"user5","text":"x",
			"reactions":[{"type":"emoji","count":1,"emoji":"👍","recent":[{"from":"Bob","from_id":"user6","date":"2024-05-01T15:30:00"}]}]}`)
	}
	for name, tt := range map[string]struct{ date, unix, zone, want, named string }{
		"of the message":          {"2024-05-01T13:00:00", "1714557600", "", "12:30", "+03:00"},
		"of the user":             {"2024-05-01T13:00:00", "1714557600", "Europe/Berlin", "13:30", "Europe/Berlin"},
		"the clock shows no zone": {"2024-05-01T13:07:00", "1714557600", "", "15:30", "UTC"},
		"no absolute time":        {"2024-05-01T13:00:00", "", "", "15:30", "UTC"},
	} {
		o := mine()
		if tt.zone != "" {
			o.Zone = zone(t, tt.zone)
		}
		_, all := readAll(t, record(tt.date, tt.unix), o)
		found := false
		for i := range all {
			r, ok := all[i].Body.(*event.Reactions)
			if !ok {
				continue
			}
			found = true
			if at := r.People[0].Sent; at.At.Format("15:04") != tt.want || at.Zone != tt.named || !at.Assumed {
				t.Errorf("%s: %v in %q, want %s in %q", name, at.At, at.Zone, tt.want, tt.named)
			}
		}
		if !found {
			t.Errorf("%s: there are no reactions", name)
		}
	}
}
