package slack

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/producers/producertest"
)

func TestInstant(t *testing.T) {
	for literal, want := range map[string]struct {
		at        time.Time
		precision event.Precision
	}{
		`"1782996252.326969"`: {time.Unix(1782996252, 326969000), event.PrecisionMicro},
		`1782996252.326969`:   {time.Unix(1782996252, 326969000), event.PrecisionMicro}, // a writer that takes it for a number
		`"1355517523.000005"`: {time.Unix(1355517523, 5000), event.PrecisionSecond},     // the fifth message of that second
	} {
		e := one1(t, `{"type": "message", "user": "U1", "text": "x", "ts": `+literal+`}`)
		if string(e.NativeID) != strings.Trim(literal, `"`) || !e.Sent.At.Equal(want.at) || e.Sent.Precision != want.precision {
			t.Errorf("%s is %s at %+v", literal, e.NativeID, e.Sent)
		}
	}
}

func TestReader_Threads(t *testing.T) {
	all := readCase(t, day(dayOf(
		said1("1714550401.123456", "parent", `"thread_ts": "1714550401.123456"`, `"replies": [{"ts": "1714550500.654321"}]`),
		said1("1714550500.654321", "reply", `"thread_ts": "1714550401.123456"`),
		said1("1714550500.654321", "reply", `"thread_ts": "1714550401.123456"`, `"subtype": "thread_broadcast"`,
			`"root": {"type": "message", "ts": "1714550401.123456"}`),
	)))
	if len(all) != 3 {
		t.Fatalf("%d events", len(all))
	}
	if m := message(t, &all[0]); m.Thread != "" {
		t.Errorf("the parent is in thread %q", m.Thread)
	}
	for _, e := range all[1:] {
		if m := message(t, &e); m.Thread != "1714550401.123456" || m.Type != event.TypeMessage {
			t.Errorf("a reply: %+v", m)
		}
	}
	if all[1].ID != all[2].ID || message(t, &all[2]).Details["broadcast"] != "true" {
		t.Error("a reply that the channel was shown too is another message")
	}
}

func TestReader_Edits(t *testing.T) {
	e := one1(t, said1("1714550403.000100", "x", `"edited": {"user": "U0000ANNA", "ts": "1714550700.000000"}`))
	at := time.Unix(1714550700, 0)
	if e.Revision != event.RevisionAt(at) || !message(t, e).Edited.At.Equal(at) {
		t.Errorf("revision %s, %+v", e.Revision, message(t, e).Edited)
	}
	e = one1(t, said1("1714550403.000100", "x", `"edited": {"user": "U0000ANNA"}`))
	if e.Revision != event.Unedited {
		t.Errorf("an edit without a time is revision %s", e.Revision)
	}
}

func TestReader_Deletions(t *testing.T) {
	e := one1(t, pretty(`"type": "message"`, `"subtype": "tombstone"`, `"user": "USLACKBOT"`, `"ts": "1714550404.000100"`))
	if e.Kind != event.KindDeletion || !e.Sent.IsZero() || !e.Author.IsZero() || e.NativeID != "1714550404.000100" {
		t.Errorf("%+v", e)
	}
	e = one1(t, pretty(`"type": "message"`, `"subtype": "message_deleted"`, `"deleted_ts": "1714550404.000100"`, `"ts": "1714550900.000100"`))
	if e.Kind != event.KindDeletion || e.Sent.At.Unix() != 1714550900 || e.NativeID != "1714550404.000100" {
		t.Errorf("%+v", e)
	}
	e = one1(t, pretty(`"type": "message"`, `"subtype": "message_changed"`, `"ts": "1714550900.000100"`,
		`"message": {"type": "message", "user": "U0000ANNA", "text": "new", "ts": "1714550404.000100"}`))
	if e.NativeID != "1714550404.000100" || message(t, e).Text != "new" || e.Revision != event.RevisionAt(time.Unix(1714550900, 100000)) {
		t.Errorf("%+v", e)
	}
}

func TestReader_Service(t *testing.T) {
	const ts = `"ts": "1714550405.000100"`
	for members, want := range map[string]event.Service{
		`"subtype": "channel_join"`:                                     {Action: "join"},
		`"subtype": "group_leave"`:                                      {Action: "leave"},
		`"subtype": "channel_topic", "topic": "a &amp; b"`:              {Action: "topic", Text: "a & b"},
		`"subtype": "channel_purpose", "purpose": "to grow"`:            {Action: "other", Text: "to grow"},
		`"subtype": "channel_name", "old_name": "a", "name": "b"`:       {Action: "title", Text: "b"},
		`"subtype": "channel_archive", "members": ["U1"]`:               {Action: "other"},
		`"subtype": "pinned_item", "item": {"ts": "1714550400.000100"}`: {Action: "pin", Target: "1714550400.000100"},
		`"subtype": "pinned_item", "attachments": [{"channel_id": "C1", "ts": "1714550400.000100"}]`: {
			Action: "pin", Target: "1714550400.000100"},
		`"subtype": "pinned_item", "item": {"id": "F1"}`: {Action: "pin"},
		`"subtype": "huddle_thread"`:                     {Action: "call"},
		`"subtype": "reminder_add"`:                      {Action: "other"},
		`"subtype": "not_thought_of_yet"`:                {Action: "other"},
		`"subtype": "bot_add", "bot_id": "B1"`:           {Action: "other", Members: []event.Person{{ID: "B1", Bot: true}}},
	} {
		e := one1(t, `{"type": "message", "user": "U0000ANNA", "text": "it happened", `+members+`, `+ts+`}`)
		b := message(t, e)
		want.Native = strings.Split(members, `"`)[3]
		if diff := cmp.Diff(&want, b.Service); diff != "" || b.Type != event.TypeService || b.Text != "it happened" {
			t.Errorf("%s: %s", members, diff)
		}
		if e.Author.Name != "Anna" || e.Author.Bot {
			t.Errorf("%s: author %+v", members, e.Author)
		}
	}
	if b := message(t, one1(t, said1("1714550405.000100", "waves", `"subtype": "me_message"`))); b.Type != event.TypeAction {
		t.Errorf("me_message is %s", b.Type)
	}
}

func TestReader_Authors(t *testing.T) {
	for members, want := range map[string]event.Person{
		`"user": "U0000ANNA"`:  {ID: "U0000ANNA", Name: "Anna"},
		`"user": "U0000BORIS"`: {ID: "U0000BORIS", Name: "Boris"},
		`"user": "USLACKBOT"`:  {ID: "USLACKBOT", Name: "Slackbot", Bot: true},
		`"user": "U0GONE001"`:  {ID: "U0GONE001"},
		`"user": "U0GONE001", "user_profile": {"display_name": "", "real_name": "Ivan"}`: {ID: "U0GONE001", Name: "Ivan"},
		`"user": "U000ROBOT", "bot_id": "B2"`:                                            {ID: "U000ROBOT", Name: "Rain Gauge", Bot: true},
		`"subtype": "bot_message", "bot_id": "B1", "username": "rain &amp; co"`:          {ID: "B1", Name: "rain & co", Bot: true},
		`"bot_id": "B1", "bot_profile": {"name": "gauge"}`:                               {ID: "B1", Name: "gauge", Bot: true},
		`"subtype": "bot_message", "username": "hook"`:                                   {Name: "hook", Bot: true},
		`"subtype": "file_comment", "user": null, "comment": {"user": "U0000ANNA"}`:      {ID: "U0000ANNA", Name: "Anna"},
		`"text": "nobody"`: {},
	} {
		e := one1(t, `{"type": "message", `+members+`, "ts": "1714550405.000100"}`)
		if diff := cmp.Diff(want, e.Author); diff != "" {
			t.Errorf("%s: %s", members, diff)
		}
	}
}

func TestWorkspace_Read(t *testing.T) {
	for text, want := range map[string]markedUp{
		`plain`:                                                       {text: "plain"},
		`a &lt;b&gt; &amp;amp; c`:                                     {text: "a <b> &amp; c"}, // decoded once
		`&lt;@U0000ANNA&gt;`:                                          {text: "<@U0000ANNA>"},  // what was escaped is no mark
		`<@U0000ANNA> <@U0000ANNA|anna.k>`:                            {text: "@Anna @anna.k", mentions: []event.Person{{ID: "U0000ANNA", Name: "Anna"}}},
		`<@U0GONE001>`:                                                {text: "@U0GONE001", mentions: []event.Person{{ID: "U0GONE001"}}},
		`<#C0000FIELD> <#C1|old> <#C2>`:                               {text: "#field #old #C2"},
		`<!here> <!channel|channel> <!everyone>`:                      {text: "@here @channel @everyone"},
		`<!subteam^S1|@crew> <!subteam^S2>`:                           {text: "@crew @S2"},
		`<!date^1392734382^{date}|18 Feb 2014>`:                       {text: "18 Feb 2014"},
		`<https://example.org/?a=1&amp;b=2>`:                          {text: "https://example.org/?a=1&b=2"},
		`<https://example.org/?a=1&amp;b=2|the plan>`:                 {text: "the plan", links: []string{"https://example.org/?a=1&b=2"}},
		`<http://example.org|example.org>`:                            {text: "example.org", links: []string{"http://example.org"}},
		`<mailto:a@example.org|a@example.org> <mailto:b@example.org>`: {text: "a@example.org b@example.org"},
		`1 < 2 and <> and <a`:                                         {text: "1 < 2 and <> and <a"},
		`<a <b>`:                                                      {text: "<a b"},
		"<a\nb>":                                                      {text: "<a\nb>"},
	} {
		w, err := readWorkspace([]sidecar{
			{readCloser(exportUsers), "users.json", nil}, {readCloser(exportChannels), "channels.json", nil},
		}, "")
		if err != nil {
			t.Fatal(err)
		}
		got := w.read(text)
		if got.text != want.text {
			t.Errorf("%q reads %q, want %q", text, got.text, want.text)
		}
		if diff := cmp.Diff(want.mentions, got.mentions); diff != "" {
			t.Errorf("%q mentions: %s", text, diff)
		}
		if diff := cmp.Diff(want.links, got.links); diff != "" {
			t.Errorf("%q links: %s", text, diff)
		}
	}
}

func TestReader_Fallback(t *testing.T) {
	for members, want := range map[string]string{
		`"attachments": [{"pretext": "1 commit", "title": "fix", "title_link": "https://example.org/1", "text": "a &amp; b", "fallback": "no"}]`: "1 commit\nfix\na & b",
		`"attachments": [{"fallback": "only this"}]`: "only this",
		`"blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "Rain"}}, {"type": "rich_text", "elements": [` +
			`{"type": "rich_text_section", "elements": [{"type": "text", "text": "5 mm "}, {"type": "emoji", "name": "rain"}]}]}]`: "Rain\n5 mm :rain:",
		`"blocks": "none", "attachments": [null]`: "",
	} {
		if got := message(t, one1(t, `{"type": "message", "bot_id": "B1", "text": "", `+members+`, "ts": "1714550405.000100"}`)).Text; got != want {
			t.Errorf("%s reads %q, want %q", members, got, want)
		}
	}
}

func TestReader_Forward(t *testing.T) {
	e := one1(t, said1("1714550405.000100", "see", `"attachments": [{"is_share": true, "channel_id": "C2", "ts": "1714550400.000100", "author_id": "U0000BORIS"}]`))
	want := &event.Forward{
		From: event.Person{ID: "U0000BORIS", Name: "Boris"}, Channel: "C2", NativeID: "1714550400.000100",
		Sent: event.NewInstant(time.Unix(1714550400, 100000), event.PrecisionSecond),
	}
	if diff := cmp.Diff(want, message(t, e).Forward); diff != "" {
		t.Error(diff)
	}
}

func TestReader_Reactions(t *testing.T) {
	all := readCase(t, day(dayOf(said1("1714550401.123456", "x", `"latest_reply": "1714550800.000000"`,
		`"replies": [{"ts": "1714550500.654321"}]`,
		`"reactions": [{"name": "seedling", "count": 5, "users": ["U0000BORIS", "U0GONE001"]}, {"name": "+1::skin-tone-2", "users": ["U0000ANNA"], "count": 1}, {"name": "x", "count": 0, "users": []}]`))))
	r := all[1].Body.(*event.Reactions)
	want := &event.Reactions{
		Target: "1714550401.123456",
		Counts: []event.ReactionCount{{Emoji: "seedling", Count: 5}, {Emoji: "+1::skin-tone-2", Count: 1}},
		People: []event.ReactionPerson{
			{Person: event.Person{ID: "U0000BORIS", Name: "Boris"}, Emoji: "seedling"},
			{Person: event.Person{ID: "U0GONE001"}, Emoji: "seedling"},
			{Person: event.Person{ID: "U0000ANNA", Name: "Anna"}, Emoji: "+1::skin-tone-2"},
		},
	}
	if diff := cmp.Diff(want, r); diff != "" || all[1].Sent.At.Unix() != 1714550800 {
		t.Errorf("at %v: %s", all[1].Sent, diff)
	}
	all = readCase(t, day(dayOf(said1("1714550401.123456", "x", `"reactions": [{"name": "a", "count": 1, "users": ["U0000ANNA"]}]`))))
	if r := all[1].Body.(*event.Reactions); !r.Complete || !all[1].Sent.At.Equal(all[0].Sent.At) {
		t.Errorf("%+v at %v", r, all[1].Sent)
	}
	if all = readCase(t, day(dayOf(said1("1714550401.123456", "x", `"reactions": [{"name": "a", "count": 0}]`)))); len(all) != 1 {
		t.Errorf("nobody reacted, and %d events", len(all))
	}
}

// TestReader_RepeatedReactions: an emoji that is listed twice is one reaction, and who stands in both lists reacted once.
func TestReader_RepeatedReactions(t *testing.T) {
	all := readCase(t, day(dayOf(said1("1714550401.123456", "x", `"reactions": [
 {"name": "a", "count": 3, "users": ["U0000ANNA", "U0000BORIS"]}, {"name": "b", "count": 1, "users": ["U0000ANNA"]},
 {"name": "a", "count": 2, "users": ["U0000ANNA", "U0GONE001"]}]`))))
	r := all[1].Body.(*event.Reactions)
	want := []event.ReactionCount{{Emoji: "a", Count: 4}, {Emoji: "b", Count: 1}}
	if diff := cmp.Diff(want, r.Counts); diff != "" || len(r.People) != 4 || r.Complete {
		t.Errorf("%d people, complete %v: %s", len(r.People), r.Complete, diff)
	}
}

func TestReader_Files(t *testing.T) {
	for members, want := range map[string]event.Attachment{
		`"files": [{"id": "F1", "name": "a.png", "mimetype": "image/png", "size": 9, "original_w": 4, "original_h": "3", "url_private": "https://f/a.png?t=xoxe-1"}]`: {
			Kind: "photo", Name: "a.png", MIME: "image/png", Bytes: 9, Width: 4, Height: 3, URL: "https://f/a.png", NativeID: "F1"},
		`"files": [{"id": "F2", "mode": "tombstone"}]`:             {Kind: "file", NativeID: "F2", Missing: "the file was deleted"},
		`"files": [{"id": "F3", "mode": "hidden_by_limit"}]`:       {Kind: "file", NativeID: "F3", Missing: "the file is hidden by the limits of the workspace's plan"},
		`"files": [{"id": "F4", "file_access": "file_not_found"}]`: {Kind: "file", NativeID: "F4", Missing: "file not found"},
		`"subtype": "file_share", "file": {"id": "F5", "title": "Notes", "mimetype": "text/plain", "permalink": "https://f/n"}`: {
			Kind: "file", Name: "Notes", MIME: "text/plain", URL: "https://f/n", NativeID: "F5"},
		`"files": [{"id": "F6", "subtype": "slack_audio", "mimetype": "audio/mp4", "duration_ms": 1500}]`: {
			Kind: "voice", MIME: "audio/mp4", Seconds: 1.5, NativeID: "F6"},
	} {
		e := one1(t, said1("1714550406.000100", "x", members))
		if diff := cmp.Diff([]event.Attachment{want}, message(t, e).Attachments); diff != "" {
			t.Errorf("%s: %s", members, diff)
		}
	}
}

func TestScrub(t *testing.T) {
	for in, want := range map[string]string{
		`"https:\/\/f\/a.png?t=xoxe-1-2-ab"`:       `"https:\/\/f\/a.png"`,
		`"https://f/a?t=xoxe-1&amp;x=1"`:           `"https://f/a?x=1"`,
		`"https://f/a?x=1&t=xoxe-1"`:               `"https://f/a?x=1"`,
		`"https://f/a?x=1\u0026t=xoxe-1\u0026y=2"`: `"https://f/a?x=1\u0026y=2"`,
		`a ?t=xoxe-1 b ?t=xoxe-2`:                  `a  b `,
		`cut at ?t=xoxe-12`:                        `cut at `,
		`somebody wrote xoxb-1 and t=xoxb-2`:       `somebody wrote xoxb-1 and t=xoxb-2`,
		`nothing`:                                  `nothing`,
	} {
		if got := string(scrub([]byte(in))); got != want {
			t.Errorf("%s becomes %s, want %s", in, got, want)
		}
	}
	broken := `{"type": "message", "files": [{"url_private": "https://f/a?t=xoxe-99"}], "ts": "171455`
	all := readCase(t, day([]byte("["+said1("1714550406.000100", "x", `"thumb": "https://f/a?t=xoxe-98"`)+","+broken)))
	if len(all) != 2 {
		t.Fatalf("%d events", len(all))
	}
	for _, e := range all {
		if b, err := event.Encode(&e); err != nil || bytes.Contains(b, []byte("xoxe")) {
			t.Errorf("%s (%v)", b, err)
		}
	}
}

func TestReader_Users(t *testing.T) {
	own := map[string][]byte{"users.json": []byte(exportUsers)}
	all := readCase(t, producertest.Case{Path: "e/users.json", Data: []byte(exportUsers), Beside: own})
	want := event.Person{ID: "U0000ANNA", Name: "Anna"}
	if e := all[0]; e.Kind != event.KindIdentity || e.Author != want || e.Body.(*event.Identity).Username != "anna.k" ||
		e.Sent.At.Unix() != 1700000000 || e.Channel != "" || e.Namespace != "T00000FARM" {
		t.Errorf("%+v", e)
	}
	for _, e := range all {
		if b, err := event.Encode(&e); err != nil || bytes.Contains(b, []byte("example.org")) || bytes.Contains(b, []byte("555")) {
			t.Errorf("how to reach a person is kept: %s (%v)", b, err)
		}
	}
}

func TestReader_Channels(t *testing.T) {
	own := map[string][]byte{"users.json": []byte(exportUsers)}
	all := readCase(t, producertest.Case{Path: "e/channels.json", Data: []byte(exportChannels), Beside: own})
	if diff := cmp.Diff(&event.ChannelInfo{Name: "field", Type: "channel", Topic: "Rain & shine"}, all[0].Body); diff != "" {
		t.Error(diff)
	}
	if all[0].Channel != "C0000FIELD" || all[0].Sent.At.Unix() != 1650000000 {
		t.Errorf("%s at %v", all[0].Channel, all[0].Sent)
	}
	if len(all) != 4 { // one is listed twice, and of the other channel null
		t.Fatalf("%d events", len(all))
	}
	if e := all[1]; e.Kind != event.KindMembership || e.Author.Name != "Anna" || !e.Sent.IsZero() || e.Channel != "C0000FIELD" {
		t.Errorf("%+v", e)
	}
	all = readCase(t, producertest.Case{Path: "e/dms.json", Data: []byte(exportDMs), Beside: own})
	if diff := cmp.Diff(&event.ChannelInfo{Name: "Anna, Boris", Type: "private"}, all[0].Body); diff != "" {
		t.Error(diff)
	}
}
