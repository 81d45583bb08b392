package cli_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// whatsappPoll is an export of a chat whose first message is a poll.
func whatsappPoll(votes int, more string) string {
	return fmt.Sprintf("02.01.24, 03:04 - Ann: POLL:\nSow when?\nOPTION: Sat (%d votes)\nOPTION: Sun (100 votes)\n03.01.24, 03:04 - Ann: x\n", votes) + more
}

// telegramPages is an export of a chat whose poll stands on the first page, which has no room for more messages.
func telegramPages(votes int, last string) map[string]string {
	page := func(messages ...string) string {
		return `<!DOCTYPE html><html><body><div class="page_wrap"><div class="page_header"><div class="content"><div class="text bold">Polls ` +
			`</div></div></div><div class="page_body chat_page"><div class="history">` + strings.Join(messages, "\n") + "</div></div></div></body></html>\n"
	}
	message := func(id int, title, inside string) string {
		return fmt.Sprintf(`<div class="message default clearfix" id="message%d"><div class="body"><div class="pull_right date details" title="%s">x</div>`+
			`<div class="from_name">Ann </div>%s</div></div>`, id, title, inside)
	}
	poll := fmt.Sprintf(`<div class="media_wrap clearfix"><div class="media_poll"><div class="question bold">Sow when?</div><div class="details">`+
		`Anonymous poll</div><div class="answer">- Sat <span class="details">%d votes</span></div><div class="total details">%d votes</div></div></div>`,
		votes, votes)
	return map[string]string{
		"messages.html":  page(message(1, "02.01.2024 03:04:05 UTC", poll), message(2, "02.01.2024 03:05:05 UTC", `<div class="text">x</div>`)),
		"messages2.html": page(message(3, last, `<div class="text">y</div>`)),
	}
}

// TestImport_OlderPolls holds that of two exports of a poll the votes of the later one stand, in whichever order they are imported
// and although a vote was taken back between them.
func TestImport_OlderPolls(t *testing.T) {
	t.Parallel()
	for _, older := range []int{0, 1} { // which is imported first
		w, dir := newOutside(t), t.TempDir()
		for i, votes := range [2]int{10, 9} {
			more, last := "", "03.01.2024 03:05:05 UTC"
			if i == 1 {
				more, last = "05.01.24, 03:04 - Ann: y\n", "05.01.2024 03:05:05 UTC"
			}
			folder := filepath.Join(dir, fmt.Sprint(i))
			write(t, filepath.Join(folder, "WhatsApp Chat with Polls.txt"), whatsappPoll(votes, more))
			for name, text := range telegramPages(votes, last) {
				write(t, filepath.Join(folder, "telegram", name), text)
			}
		}
		for _, i := range []int{older, 1 - older} {
			w.run("import", filepath.Join(dir, fmt.Sprint(i)), "--account", "me").want(0)
		}
		w.equal()
		for _, network := range []string{"whatsapp", "telegram"} {
			got := w.ask("SELECT body->'poll'->'options'->0->>'votes' FROM agrichat.messages m JOIN agrichat.channels c ON c.key = m.channel_key " +
				"WHERE body->'poll' IS NOT NULL AND c.source = '" + network + "'")
			if len(got) != 1 || got[0] != "9" {
				t.Errorf("%s, export %d imported first: votes %v stand, want 9", network, older, got)
			}
		}
	}
}
