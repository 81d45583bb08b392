package jsonl

import (
	"strings"
	"testing"

	"golang.org/x/text/encoding/charmap"

	"github.com/agrichat/agrichat/internal/charset"
	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/producers"
	"github.com/agrichat/agrichat/producers/producertest"
)

func lines1251(t *testing.T) []byte {
	t.Helper()
	b, err := charmap.Windows1251.NewEncoder().Bytes([]byte(strings.Join([]string{
		`{"channel":"огород","id":"й1","author":"Вера","text":"помидоры взошли после дождя","sent":"2024-05-01T12:00:00Z"}`,
		`{"channel":"огород","author":"Анна","text":"огурцы","sent":"2024-05-01T12:01:00Z","reply_to":"й1","thread":"й1"}`,
		`{"channel":"огород","author":"Анна","text":"огурцы","sent":"2024-05-01T12:01:00Z"}`,
		`{"kind":"reaction","channel":"огород","target":"й1","emoji":"ура","author":"Анна"}`,
		`{"kind":"reactions","channel":"огород","target":"й1","counts":{"ура":2}}`,
		`{"channel":"field","author":"vera","text":"beans","sent":"2024-05-01T12:02:00Z"}`,
	}, "\n")))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestReader_Charset(t *testing.T) {
	in := func(name string) []event.Event {
		c := producertest.Case{Path: "dump.jsonl", Data: lines1251(t), Options: producers.Options{Charset: name}}
		return producertest.Events(producertest.Read(t, Definition(), c, nil))
	}
	right, guessed, wrong := in("windows-1251"), in(""), in("koi8-r")
	if len(right) != 7 || len(guessed) != 7 || len(wrong) != 7 {
		t.Fatalf("%d, %d and %d events", len(right), len(guessed), len(wrong))
	}
	for i := range right {
		if right[i].ID != guessed[i].ID || right[i].ID != wrong[i].ID {
			t.Errorf("%s %q has another id in another charset", right[i].Kind, right[i].NativeID)
		}
	}
	for _, all := range [][]event.Event{right, guessed} {
		if info, ok := all[0].Body.(*event.ChannelInfo); !ok || info.Name != "огород" {
			t.Errorf("%+v", all[0].Body)
		}
		first, second := all[1], all[2].Body.(*event.Message)
		if b := first.Body.(*event.Message); b.Text != "помидоры взошли после дождя" || first.Author.Name != "Вера" || first.Reading.Charset != "windows-1251" {
			t.Errorf("%+v: %q", first, b.Text)
		}
		if !strings.Contains(string(first.Raw), "\xef\xee\xec\xe8") || second.ReplyTo.NativeID != first.NativeID || second.Thread != first.NativeID {
			t.Errorf("raw %q; a reply %+v to %q", first.Raw, second, first.NativeID)
		}
		if r := all[4].Body.(*event.Reaction); r.Target != first.NativeID || r.Emoji != "ура" {
			t.Errorf("%+v", r)
		}
		if all[6].Channel != "field" || all[6].Reading.Charset != "" {
			t.Errorf("%+v", all[6])
		}
	}
	lone := one(t, "{\"channel\":\"c\",\"author\":\"a\",\"text\":\"помидоры \xff\"}", producers.Options{})
	if lone.Reading.Charset != charset.Damaged || lone.Body.(*event.Message).Text != "помидоры \uFFFD" {
		t.Errorf("%+v", lone)
	}
}

func TestReader_ConformanceOfCharsets(t *testing.T) {
	for _, batch := range []int{1, 2, 500} {
		producertest.Archive(t, definition(batch), producertest.Case{Path: "dump.jsonl", Data: lines1251(t), Events: 7, Cuts: 60})
	}
}
