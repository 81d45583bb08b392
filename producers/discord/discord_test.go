package discord

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/producers"
	"github.com/agrichat/agrichat/producers/filekit"
	"github.com/agrichat/agrichat/producers/producertest"
)

func TestDefinition(t *testing.T) { producertest.Definition(t, Definition()) }

func mixed() []byte {
	return export(plain(1), plain(2), typed(3, "Reply", "re", reactionsOf(2, 2)), plain(4), typed(5, "GuildMemberJoin", "Joined the server."),
		`{ "id": "77", "type": "Default", "content": "no end`, plain(6), plain(7))
}

func TestMessages_Conformance(t *testing.T) {
	for _, batch := range []int{1, 2, 3, filekit.BatchSize} {
		producertest.Archive(t, definition(batch), producertest.Case{
			Path: jsonPath, Data: mixed(), Events: 11, Unparsed: 1, Cuts: 300,
		})
	}
}

// Every byte is a place to be cut off at, with line ends of Windows, and with none at all.
func TestMessages_ConformanceOfLayouts(t *testing.T) {
	windows := bytes.ReplaceAll(mixed(), []byte("\n"), []byte("\r\n"))
	producertest.Archive(t, definition(2), producertest.Case{Path: jsonPath, Data: windows, Events: 11, Unparsed: 1, Cuts: 500})
	whole := export(plain(1), plain(2), plain(3))
	line := bytes.ReplaceAll(bytes.ReplaceAll(whole, []byte("\n"), nil), []byte("  "), nil)
	producertest.Archive(t, definition(2), producertest.Case{Path: jsonPath, Data: line, Events: 5, Cuts: len(line)})
}

const today = "AuthorID,Author,Date,Content,Attachments,Reactions\r\n" +
	`"111111111111111111","vera","2021-03-04T05:06:07.8900000+01:00","one, two","",""` + "\r\n" +
	`"111111111111111111","vera","2021-03-04T05:06:07.9900000+01:00","line ""one""` + "\n\n" + `line two","https://cdn.discordapp.com/attachments/1/2/a.png?ex=65&is=1,https://cdn.discordapp.com/attachments/1/3/b,c.txt","👍 (2),kek (1)"` + "\r\n" +
	`"222222222222222222","Олег","2021-03-05T00:00:00.0000000+01:00","да","",""` + "\r\n"

const old = "AuthorID;Author;Date;Content;Attachments;Reactions;\n" +
	`"111111111111111111";"vera#0001";"07-Feb-19 04:12 PM";"ok";"";"";` + "\n" +
	`"111111111111111111";"vera#0001";"07-Feb-19 04:12 PM";"ok";"";"👍 (2)";` + "\n" +
	`"222222222222222222";"oleg#0002";"07-Feb-19 04:13 PM";"a; b` + "\n" + `c";"https://x/y.png";"";` + "\n" +
	`"222222222222222222";"oleg#0002";"08-Feb-19 12:00 AM";"ok";"";"";` + "\n" +
	`"222222222222222222";"oleg#0002";"09-Feb-19 12:00 AM";"ok";"";"";` + "\n" +
	`"222222222222222222";"oleg#0002";"09-Feb-19 12:00 AM";"ok";"";"";` + "\n"

func TestTable_Conformance(t *testing.T) {
	for _, batch := range []int{1, 2, filekit.BatchSize} {
		producertest.Archive(t, definition(batch), producertest.Case{
			Path: "x/beans [420000000000000001].csv", Data: []byte(today), Events: 6, Cuts: len(today),
		})
		producertest.Archive(t, definition(batch), producertest.Case{
			Path: "csv/beans/1.csv", Data: []byte(old), Events: 9, Cuts: len(old),
		})
	}
	damaged := old[:200] + `"` + old[200:] + `"1";"unfinished`
	producertest.Archive(t, definition(1), producertest.Case{Path: "csv/beans/1.csv", Data: []byte(damaged), Events: 5, Unparsed: 1, Cuts: len(damaged)})
}

func TestRecognise_Foreign(t *testing.T) {
	for path, text := range map[string]string{
		"telegram.json": `{"name":"Chat","type":"private_supergroup","id":555,"messages":[{"id":1,"date_unixtime":"1"}]}`,
		"slack.json":    `[{"type":"message","ts":"1","channel":"x","guild":"y"}]`,
		"element.json":  `{"room_name":"x","messages":[{"type":"m.room.message","event_id":"$1"}]}`,
		"fb.json":       `{"participants":[{"name":"A"}],"messages":[{"sender_name":"A","timestamp_ms":1}]}`,
		"ours.jsonl":    `{"channel":"c","author":"a","text":"guild messages","sent":"2020-01-01T00:00:00Z"}`,
		"irc.log":       "--- Log opened Mon Sep 30 00:00:44 2019\n00:01 < a> hello\n",
		"any.csv":       "date,author,text\n2020-01-01,a,b\n",
		"package.csv":   "ID,Timestamp,Contents,Attachments\n1,2021-01-01 00:00:00.000000+00:00,x,\n",
		"whatsapp.txt":  "12/31/20, 10:00 PM - A: Author Date Content\n",
	} {
		producertest.Foreign(t, Definition(), producertest.File(path, []byte(text)))
	}
}

// Whatever is wrong with one record, those beside it come, and the bytes of the broken one are kept.
func TestMessages_BrokenRecord(t *testing.T) {
	for name, bad := range map[string]string{
		"a string without an end": `{ "id": "5", "type": "Default", "content": "open, "x": 1 }`,
		"a line end in a string":  "{ \"id\": \"5\", \"content\": \"one\ntwo\" }",
		"brackets left open":      `{ "id": "5", "type": "Default", "x": [ { "y": 1 }`,
		"no last bracket":         `{ "id": "5", "type": "Default", "content": "x"`,
		"brackets do not match":   `{ "id": "5", "x": {] }`,
		"no colon":                `{ "id" "5" }`,
		"a bad escape":            `{ "id": "5", "content": "\q" }`,
		"no id":                   `{ "type": "Default", "content": "x" }`,
		"rubbish":                 `%%% x`,
	} {
		t.Run(name, func(t *testing.T) {
			for _, data := range [][]byte{
				export(plain(1), plain(2), bad, plain(3), plain(4)), export(plain(1), plain(2), plain(3), plain(4), bad),
			} {
				all := read(t, jsonPath, data, producers.Options{})
				if n, u := len(ofKind(all, event.KindMessage)), len(ofKind(all, event.KindUnparsed)); n != 4 || u != 1 {
					t.Errorf("%d messages and %d unparsed, want 4 and 1", n, u)
				}
			}
		})
	}
}

// A record without an end would otherwise be held in memory up to the end of the file.
func TestMessages_EndlessRecord(t *testing.T) {
	endless := `{ "id": "5", "type": "Default", "content": "` + string(bytes.Repeat([]byte("x"), 3*filekit.MaxRecord)) + `" }`
	all := read(t, jsonPath, export(plain(1), endless, plain(2)), producers.Options{})
	u := ofKind(all, event.KindUnparsed)
	if n := len(ofKind(all, event.KindMessage)); n != 2 || len(u) != 1 || len(u[0].Raw) > filekit.MaxRecord+filekit.MaxSample {
		t.Errorf("%d messages, %d unparsed", n, len(u))
	}
}

func TestMessages_NoChannel(t *testing.T) {
	data := []byte(`{"guild":{},"channel":{},"messages":[` + plain(1) + `]}`)
	src, err := Definition().Archive(producertest.File("x.json", data), producers.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s, err := src.Connect(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	if _, err := s.Next(t.Context()); !errors.Is(err, errNoChannel) {
		t.Errorf("error %v", err)
	}
	if e := read(t, "x.json", data, producers.Options{Channel: "9"}); len(e) != 3 {
		t.Errorf("%d events where the user names the channel", len(e))
	}
}

func FuzzRead(f *testing.F) {
	f.Add(export(plain(1), plain(2)), uint8(1))
	f.Add(mixed(), uint8(2))
	f.Add([]byte(`{"guild":{"id":"1"},"channel":{"id":"2"},"messages":[{"id":"1","type":"x","reactions":[{"count":1}]},{"id":`), uint8(3))
	f.Add([]byte(today), uint8(1))
	f.Add([]byte(old), uint8(2))
	f.Add([]byte("Author,Date,Content,Attachments,Reactions\n\"a\"b\",\"c\n\"x\",y,z,,\n"), uint8(1))
	f.Fuzz(func(t *testing.T, data []byte, batch uint8) {
		src, err := definition(1+int(batch%8)).Archive(producertest.File("a/2.csv", data),
			producers.Options{Channel: "1", Zone: time.UTC})
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
				if !errors.Is(err, io.EOF) && isObject(data) {
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
			again, err := src.Connect(t.Context(), b.Cursor)
			if err != nil {
				t.Fatalf("going on: %v", err)
			}
			_ = again.Close()
		}
	})
}
