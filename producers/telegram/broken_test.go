package telegram

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/producers"
	"github.com/agrichat/agrichat/producers/filekit"
	"github.com/agrichat/agrichat/producers/producertest"
)

// pretty lays a record out as the exporter does, one member a line.
func pretty(members ...string) string { return "{\n   " + strings.Join(members, ",\n   ") + "\n  }" }

func good(id string) string {
	return pretty(`"id": `+id, `"type": "message"`, `"date": "2020-01-01T00:00:00"`, `"from": "A"`, `"text": "t`+id+`"`)
}

// Whatever is wrong with one record, those beside it come, and the bytes of the broken one are kept.
func TestJSON_DamagedRecord(t *testing.T) {
	for name, bad := range map[string]string{
		"a string without an end":    pretty(`"id": 5`, `"text": "open`, `"from": "A"`),
		"a string with a line end":   pretty(`"id": 5`, "\"text\": \"one\ntwo\"", `"from": "A"`),
		"brackets left open":         pretty(`"id": 5`, `"text": [ { "type": "bold"`),
		"no last bracket":            strings.TrimSuffix(pretty(`"id": 5`, `"text": "x"`), "\n  }"),
		"a bracket too many":         pretty(`"id": 5`, `"x": {}}`, `"text": "x"`),
		"brackets that do not match": pretty(`"id": 5`, `"x": {]`, `"text": "x"`),
		"no colon":                   pretty(`"id" 5`, `"text": "x"`),
		"a bad number":               pretty(`"id": 5`, `"width": 0x12`),
		"a bad escape":               pretty(`"id": 5`, `"text": "\q"`),
		"neither id nor date":        pretty(`"text": "x"`),
		"a record on one line":       `{"id": 5, "text": "x`,
		"no object":                  `"id 5"`,
		"rubbish":                    `%%% x`,
	} {
		t.Run(name, func(t *testing.T) {
			byID, all := readAll(t, chatOf("private_supergroup", good("1"), good("2"), bad, good("3"), good("4")), mine())
			for _, id := range []event.NativeID{"1", "2", "3", "4"} {
				if byID[id] == nil {
					t.Errorf("message %s is lost", id)
				}
			}
			unparsed := 0
			for _, e := range all {
				if e.Kind == event.KindUnparsed {
					unparsed++
				}
			}
			if unparsed != 1 || byID["5"] != nil {
				t.Errorf("%d unparsed, want 1", unparsed)
			}
		})
	}
}

func TestJSON_UnquotedPath(t *testing.T) {
	m := pretty(`"id": 1`, `"type": "message"`, `"date": "2020-01-01T00:00:00"`,
		`"text": [ { "type": "custom_emoji", "text": "x", "document_id": stickers/a (1).tgs }, " y" ]`)
	byID, _ := readAll(t, chatOf("private_supergroup", m), mine())
	if got := message(t, byID["1"]).Text; got != "x y" {
		t.Errorf("text %q", got)
	}
}

func TestJSON_InvalidUTF8(t *testing.T) {
	byID, _ := readAll(t, chatOf("private_supergroup",
		pretty(`"id": 1`, `"date": "2020-01-01T00:00:00"`, "\"text\": \"äö\xffb \\ud83d c \\u0000\"")), mine())
	if got := message(t, byID["1"]).Text; got != "äö\uFFFDb \uFFFD c \x00" {
		t.Errorf("text %q", got)
	}
}

// A record without an end would otherwise be held in memory up to the end of the file.
func TestJSON_EndlessRecord(t *testing.T) {
	endless := `{"id": 5, "text": "` + strings.Repeat("x", filekit.MaxRecord+1) + `"}`
	byID, all := readAll(t, chatOf("private_supergroup", good("1"), endless, good("2")), mine())
	if byID["1"] == nil || byID["2"] == nil {
		t.Error("a message beside it is lost")
	}
	for _, e := range all {
		if e.Kind == event.KindUnparsed && len(e.Raw) != filekit.MaxSample {
			t.Errorf("%d bytes are kept, want %d", len(e.Raw), filekit.MaxSample)
		}
	}
}

func TestJSON_NoExport(t *testing.T) {
	src, err := Definition().Archive(producertest.File("x.json", []byte("[1]")), mine())
	if err != nil {
		t.Fatal(err)
	}
	s, err := src.Connect(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	if _, err := s.Next(t.Context()); err == nil {
		t.Error("a list is read as an export")
	}
}

func FuzzJSON(f *testing.F) {
	f.Add(chatOf("private_supergroup", good("1"), good("2")), uint8(1))
	f.Add([]byte(`{"chats":{"list":[{"id":1,"type":"personal_chat","messages":[{"id":1},{"id":`), uint8(2))
	f.Add([]byte(`{"messages":[{"id":1,"text":["a",{"type":"mention_name","user_id":1}],"reactions":[{"count":1}]}],"id":"x"}`), uint8(3))
	f.Add([]byte("{\n \"messages\": [\n  {\n   \"id\": 1,\n   \"text\": \"\\x41\n  },\n  {\"id\":2}\n]}"), uint8(1))
	f.Fuzz(func(t *testing.T, data []byte, batch uint8) {
		def := definition(1 + int(batch%8))
		src, err := def.Archive(producertest.File("testdata/none/x.json", data), producers.Options{Account: "1", Zone: time.UTC})
		if err != nil {
			t.Fatal(err)
		}
		s, err := src.Connect(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = s.Close() }()
		for steps := 0; ; steps++ {
			b, err := s.Next(t.Context())
			if err != nil {
				if !errors.Is(err, io.EOF) && bytes.HasPrefix(bytes.TrimLeft(data, " \t\r\n"), []byte("{")) {
					t.Fatalf("an object is refused: %v", err)
				}
				return
			}
			if steps > 2*len(data)+4 {
				t.Fatal("reading does not end")
			}
			for i := range b.Events {
				if _, err := event.Encode(&b.Events[i]); err != nil {
					t.Fatal(err)
				}
			}
		}
	})
}
