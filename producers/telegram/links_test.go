package telegram

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/agrichat/agrichat/internal/event"
)

// TestLinks_Stated: a link that more text follows without a space ends where the export says that it does.
func TestLinks_Stated(t *testing.T) {
	for name, tt := range map[string]struct {
		pieces, page string
		want         []string
		stated       bool
	}{
		"bold behind": {`[{"type":"link","text":"https://e.example/x"},{"type":"bold","text":"Now"}]`,
			`<a href="https://e.example/x">https://e.example/x</a><strong>Now</strong>`, []string{"https://e.example/x"}, true},
		"letters of another script behind": {`["там",{"type":"link","text":"https://e.example/мир"},"тут"]`,
			`там<a href="https://e.example/мир">https://e.example/мир</a>тут`, []string{"https://e.example/мир"}, true},
		"a letter before": {`["x",{"type":"link","text":"https://e.example/x"}," y"]`,
			`x<a href="https://e.example/x">https://e.example/x</a> y`, []string{"https://e.example/x"}, true},
		"a mark, then a letter": {`[{"type":"link","text":"https://e.example/x"},"),y"]`,
			`<a href="https://e.example/x">https://e.example/x</a>),y`, []string{"https://e.example/x"}, true},
		"without a scheme": {`[{"type":"link","text":"www.e.example"},{"type":"bold","text":"Now"}]`,
			`<a href="www.e.example">www.e.example</a><strong>Now</strong>`, []string{"https://www.e.example"}, true},
		"beside others": {`[{"type":"text_link","text":"e","href":"https://e.example"}," ",{"type":"link","text":"https://e.example/a"},` +
			`" ",{"type":"link","text":"https://e.example/b"},"c"]`,
			`<a href="https://e.example">e</a> <a href="https://e.example/a">https://e.example/a</a> <a href="https://e.example/b">https://e.example/b</a>c`,
			[]string{"https://e.example", "https://e.example/a", "https://e.example/b"}, true},
		"an emoji behind": {`[{"type":"link","text":"tg://x"},{"type":"custom_emoji","text":"🌱","document_id":"stickers/a.tgs"}]`,
			`<a href="tg://x">tg://x</a><a href="stickers/a.tgs">🌱</a>`, []string{"tg://x"}, true},
		"the same link twice": {`[{"type":"link","text":"https://e.example/x"}," ",{"type":"link","text":"https://e.example/x"},"y"]`,
			`<a href="https://e.example/x">https://e.example/x</a> <a href="https://e.example/x">https://e.example/x</a>y`,
			[]string{"https://e.example/x", "https://e.example/x"}, true},
		"the end of a sentence": {`[{"type":"link","text":"https://e.example/A_(b)"},")."]`,
			`<a href="https://e.example/A_(b)">https://e.example/A_(b)</a>).`, nil, false},
		"a line break": {`["a ",{"type":"link","text":"https://e.example/x"},"\nNow"]`,
			`a <a href="https://e.example/x">https://e.example/x</a><br>Now`, nil, false},
		"a link behind a word": {`["x",{"type":"text_link","text":"e","href":"https://e.example"},"y"]`,
			`x<a href="https://e.example">e</a>y`, []string{"https://e.example"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			check := func(form string, m *event.Message) {
				t.Helper()
				if diff := cmp.Diff(tt.want, m.Links); diff != "" {
					t.Errorf("%s: %s", form, diff)
				}
				if stated := m.Details[event.DetailLinksStated] != ""; stated != tt.stated {
					t.Errorf("%s: stated is %v, want %v", form, stated, tt.stated)
				}
			}
			for form, members := range map[string]string{
				"text": `"text":` + tt.pieces, "both": `"text":` + tt.pieces + `,"text_entities":` + tt.pieces, "entities": `"text_entities":` + tt.pieces,
			} {
				byID, _ := readAll(t, chatOf("private_supergroup", `{"id":1,"type":"message","date":"2024-05-01T12:00:00",`+members+`}`), mine())
				check(form, message(t, byID["1"]))
			}
			byID, _ := readAll(t, pageOf("Chat", pageMessage("1", "01.05.2024 12:00:00", "Ann", tt.page)), club())
			check("page", message(t, byID["1"]))
		})
	}
}
