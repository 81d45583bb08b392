package discord

import (
	"strings"
	"testing"

	"golang.org/x/text/encoding/charmap"

	"github.com/agrichat/agrichat/internal/charset"
	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/producers"
)

func cp1251(t *testing.T, s string) []byte {
	t.Helper()
	b, err := charmap.Windows1251.NewEncoder().Bytes([]byte(s))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// readings reads a file without a charset, in the right one and in a wrong one, whose ids must be equal.
func readings(t *testing.T, path string, data []byte) (guessed, right []event.Event) {
	t.Helper()
	guessed = read(t, path, data, producers.Options{})
	right = read(t, path, data, producers.Options{Charset: "windows-1251"})
	for _, other := range [][]event.Event{guessed, read(t, path, data, producers.Options{Charset: "koi8-r"})} {
		if len(other) != len(right) {
			t.Fatalf("%d events, in another charset %d", len(right), len(other))
		}
		for i := range other {
			if other[i].ID != right[i].ID {
				t.Errorf("%s %q has another id in another charset", right[i].Kind, right[i].NativeID)
			}
		}
	}
	return guessed, right
}

func TestMessages_Charset(t *testing.T) {
	text := string(export(typed(0, "Default", "помидоры взошли после дождя", `"reactions": [ { "emoji": { "id": "", "name": "ура" }, "count": 1,
		"users": [ { "id": "9", "name": "Анна" } ] } ]`), typed(1, "Default", "and the beans")))
	text = strings.Replace(strings.Replace(text, `"vera"`, `"Вера"`, 1), `"beans",`, `"бобы",`, 1)
	guessed, right := readings(t, jsonPath, cp1251(t, text))
	for name, all := range map[string][]event.Event{"guessed": guessed, "named": right} {
		m := ofKind(all, event.KindMessage)
		if got := m[0].Body.(*event.Message).Text; got != "помидоры взошли после дождя" || m[0].Author.Name != "Вера" {
			t.Errorf("%s: %q by %q", name, got, m[0].Author.Name)
		}
		if m[0].Reading.Charset != "windows-1251" || !strings.Contains(string(m[0].Raw), "\xef\xee\xec\xe8") {
			t.Errorf("%s: charset %q, raw %q", name, m[0].Reading.Charset, m[0].Raw)
		}
		if m[1].Reading.Charset != "" {
			t.Errorf("%s: a record of ASCII was read in %q", name, m[1].Reading.Charset)
		}
		c := ofKind(all, event.KindChannel)[0]
		if info := c.Body.(*event.ChannelInfo); info.Name != "бобы" || c.Reading.Charset != "windows-1251" {
			t.Errorf("%s: channel %+v in %q", name, info, c.Reading.Charset)
		}
		r := ofKind(all, event.KindReactions)[0].Body.(*event.Reactions)
		if r.Counts[0].Emoji != "ура" || r.People[0].Person.Name != "Анна" {
			t.Errorf("%s: reactions %+v", name, r)
		}
	}
	lone := read(t, jsonPath, export(typed(0, "Default", "помидоры \xff взошли")), producers.Options{})
	if m := ofKind(lone, event.KindMessage)[0]; m.Reading.Charset != charset.Damaged || m.Body.(*event.Message).Text != "помидоры \uFFFD взошли" {
		t.Errorf("a lone byte: %q in %q", m.Body.(*event.Message).Text, m.Reading.Charset)
	}
	if _, err := Definition().Archive(producers.File{}, producers.Options{Charset: "windows-1251"}); err != nil {
		t.Error(err)
	}
}

func TestTable_Charset(t *testing.T) {
	data := cp1251(t, strings.Join([]string{
		"AuthorID,Author,Date,Content,Attachments,Reactions",
		`"","Вера","2021-03-04T05:06:07.0000000+01:00","помидоры взошли","","ура (2)"`,
		`"","Анна","2021-03-04T05:06:08.0000000+01:00","и огурцы","",""`,
		`"","Анна","2021-03-04T05:06:08.0000000+01:00","и огурцы","",""`,
		`"","vera","2021-03-04T05:06:09.0000000+01:00","beans","",""`,
	}, "\r\n"))
	guessed, right := readings(t, "x/A - beans ["+channelID+"].csv", data)
	for name, all := range map[string][]event.Event{"guessed": guessed, "named": right} {
		m := ofKind(all, event.KindMessage)
		if len(m) != 4 || m[0].Author != (event.Person{ID: "Вера", Name: "Вера"}) || m[1].Author.ID != "Анна" {
			t.Fatalf("%s: %+v", name, m)
		}
		if got := m[0].Body.(*event.Message).Text; got != "помидоры взошли" || m[0].Reading.Charset != "windows-1251" {
			t.Errorf("%s: %q in %q", name, got, m[0].Reading.Charset)
		}
		if !strings.Contains(string(m[0].Raw), "\xef\xee\xec\xe8") || m[3].Reading.Charset != "" || m[1].ID == m[2].ID {
			t.Errorf("%s: raw %q; ASCII in %q", name, m[0].Raw, m[3].Reading.Charset)
		}
		if r := ofKind(all, event.KindReactions)[0].Body.(*event.Reactions); r.Counts[0].Emoji != "ура" {
			t.Errorf("%s: reactions %+v", name, r)
		}
	}
}

func TestTable_CharsetOfItsName(t *testing.T) {
	tomatoes := read(t, "x/"+string(cp1251(t, "помидоры"))+".csv", []byte(today), producers.Options{})
	beans := read(t, "x/"+string(cp1251(t, "огурчики"))+".csv", []byte(today), producers.Options{})
	if tomatoes[0].Channel == beans[0].Channel {
		t.Errorf("two channels became %q", beans[0].Channel)
	}
	if info := tomatoes[0].Body.(*event.ChannelInfo); info.Name != "помидоры" {
		t.Errorf("channel %+v", info)
	}
}
