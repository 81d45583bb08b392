package cli_test

import (
	"path/filepath"
	"testing"
)

// The doubles are messages on which everything that can repeat does: reactions, members, mentions, links, attachments, answers.
const (
	telegramDoubles = `{"name":"Doubles","type":"public_supergroup","id":1500000077,"messages":[
{"id":1,"type":"message","date":"2024-01-02T03:04:05","date_unixtime":"1704164645","from":"A","from_id":"user5","text":"","text_entities":[
 {"type":"mention","text":"@ann"},{"type":"mention","text":"@ann"},{"type":"mention_name","text":"Bob","user_id":7},{"type":"mention_name","text":"Bob","user_id":7},
 {"type":"link","text":"https://a.example"},{"type":"link","text":"https://a.example"},{"type":"hashtag","text":"#t"},{"type":"hashtag","text":"#t"}],
 "reactions":[{"type":"custom_emoji","count":4,"document_id":""},{"type":"custom_emoji","count":6,"document_id":""},
 {"type":"emoji","count":1,"emoji":"👍","recent":[{"from":"B","from_id":"user6","date":"2024-01-02T03:05:05"}]},
 {"type":"emoji","count":2,"emoji":"👍","recent":[{"from":"B","from_id":"user6","date":"2024-01-02T03:05:05"}]}]},
{"id":2,"type":"service","date":"2024-01-02T03:04:06","date_unixtime":"1704164646","actor":"A","actor_id":"user5","action":"invite_members","members":["B","B",null,null]},
{"id":3,"type":"message","date":"2024-01-02T03:04:07","date_unixtime":"1704164647","from":"A","from_id":"user5","text":"",
 "poll":{"question":"?","closed":false,"total_voters":2,"answers":[{"text":"a","voters":1,"chosen":false},{"text":"a","voters":1,"chosen":false}]}}]}`
	telegramPage = `<!DOCTYPE html><html><head><meta charset="utf-8"/></head><body><div class="page_wrap"><div class="page_header"><div class="content">
<div class="text bold">
Doubles
</div></div></div><div class="page_body chat_page"><div class="history">
<div class="message default clearfix" id="message1"><div class="body"><div class="pull_right date details" title="02.01.2024 03:04:05 UTC+00:00">
03:04
</div><div class="from_name">
A
</div><div class="text">
<a href="https://a.example">https://a.example</a> <a href="https://a.example">https://a.example</a>
</div><span class="reactions"><span class="reaction"><span class="emoji"></span><span class="count">2</span></span>
<span class="reaction"><span class="emoji"></span><span class="count">3</span></span></span></div></div>
</div></div></div></body></html>
`
	discordDoubles = "AuthorID,Author,Date,Content,Attachments,Reactions\n" +
		`"111111111111111111","vera#0001","2024-01-02T03:04:05.0000000+00:00","x","a.png,a.png","kek (2),kek (3)"` + "\n"
	discordJSON = `{"guild":{"id":"1","name":"G"},"channel":{"id":"420000000000000077","type":"GuildTextChat","name":"doubles"},"messages":[
{"id":"500000000000000001","type":"Default","timestamp":"2024-01-02T03:04:05+00:00","content":"https://a.example https://a.example",
"author":{"id":"111111111111111111","name":"vera"},
"attachments":[{"id":"9","url":"a.png","fileName":"a.png"},{"id":"9","url":"a.png","fileName":"a.png"}],
"mentions":[{"id":"2","name":"b"},{"id":"2","name":"b"}],
"reactions":[{"emoji":{"id":"","name":""},"count":1},{"emoji":{"id":"","name":""},"count":2},
{"emoji":{"id":"8","name":"k"},"count":1,"users":[{"id":"2","name":"b"},{"id":"2","name":"b"}]},{"emoji":{"id":"8","name":"k"},"count":1,"users":[{"id":"2","name":"b"}]}]}],"messageCount":1}`
	slackDay = `[{"type":"message","user":"U1","ts":"1704164645.000100","text":"<@U2> <@U2> <https://a.example> <https://a.example>",
"files":[{"id":"F1","name":"a"},{"id":"F1","name":"a"}],
"reactions":[{"name":"a","count":2,"users":["U1","U2"]},{"name":"a","count":3,"users":["U1","U1"]}]},
{"type":"message","subtype":"channel_join","user":"U2","ts":"1704164646.000100","text":"<@U2> has joined the channel"},
{"type":"message","subtype":"channel_join","user":"U2","ts":"1704164646.000200","text":"<@U2> has joined the channel"}]`
	lineDoubles = `{"channel":"doubles","id":"1","author":"a","sent":"2024-01-02T03:04:05Z","text":"x","links":["https://a.example","https://a.example"],` +
		`"hashtags":["t","t"],"mentions":["b","b"],"attachments":[{"kind":"photo","name":"a"},{"kind":"photo","name":"a"}],` +
		`"poll":{"question":"?","options":[{"text":"a","votes":1},{"text":"a","votes":1}]}}` + "\n" +
		`{"kind":"reactions","channel":"doubles","target":"1","sent":"2024-01-02T03:05:05Z","counts":{"a":2},` +
		`"people":[{"person":"b","emoji":"a"},{"person":"b","emoji":"a"}]}` + "\n" +
		`{"channel":"doubles","id":"2","type":"service","author":"a","sent":"2024-01-02T03:06:05Z","service":{"action":"invite","members":["b","b"]}}` + "\n"
	whatsappDoubles = "02.01.24, 03:04 - Ann: https://a.example https://a.example\n02.01.24, 03:05 - Ann added Bob, Bob and Bob\n" +
		"02.01.24, 03:06 - Ann: POLL:\n?\nOPTION: a (1 vote)\nOPTION: a (1 vote)\n13.01.24, 03:06 - Ann: bye\n"
)

// TestImport_Doubles holds that whatever repeats on a message of an export, the message is stored.
func TestImport_Doubles(t *testing.T) {
	t.Parallel()
	w, dir := newOutside(t), t.TempDir()
	slack := filepath.Join(dir, "slack")
	for name, text := range map[string]string{
		"telegram/result.json": telegramDoubles, "page/messages.html": telegramPage, "lines.jsonl": lineDoubles,
		"discord/G - doubles [420000000000000078].csv": discordDoubles, "discord/G - doubles [420000000000000077].json": discordJSON,
		"WhatsApp Chat with Doubles.txt": whatsappDoubles,
		"slack/users.json":               `[{"id":"U1","team_id":"T1","name":"u1"},{"id":"U2","team_id":"T1","name":"u2"},{"id":"U2","team_id":"T1","name":"u2"}]`,
		"slack/channels.json":            `[{"id":"C1","name":"general","members":["U1","U1","U2"]},{"id":"C1","name":"general","members":["U1","U1"]}]`,
		"slack/general/2024-01-02.json":  slackDay,
	} {
		write(t, filepath.Join(dir, filepath.FromSlash(name)), text)
	}
	for _, path := range []string{filepath.Join(dir, "telegram"), filepath.Join(dir, "page"), filepath.Join(dir, "discord"), slack,
		filepath.Join(dir, "lines.jsonl"), filepath.Join(dir, "WhatsApp Chat with Doubles.txt")} {
		var r imported
		w.run("import", path, "--account", "me", "--output", "json").want(0).into(&r)
		if r.Read == 0 || r.Unparsed != 0 || r.Stored == 0 {
			t.Errorf("%s: imported %+v", path, r)
		}
	}
	if c := w.equal(); c.DeadLetters != 0 {
		t.Errorf("there are %d dead letters", c.DeadLetters)
	}
	for _, emoji := range []string{"custom_emoji", "custom_emoji#2", "kek", "kek#2", "unknown", "unknown#2"} {
		if got := w.ask("SELECT count(*)::text FROM agrichat.v_reactions WHERE emoji = '" + emoji + "'"); got[0] == "0" {
			t.Errorf("there is no reaction %s", emoji)
		}
	}
}
