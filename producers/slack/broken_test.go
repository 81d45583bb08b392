package slack

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/fault"
	"github.com/agrichat/agrichat/producers"
	"github.com/agrichat/agrichat/producers/filekit"
	"github.com/agrichat/agrichat/producers/producertest"
)

func readCloser(s string) io.ReadCloser { return io.NopCloser(strings.NewReader(s)) }

// Of a broken record nothing is lost, and of its neighbours nothing either.
func TestReader_BrokenRecord(t *testing.T) {
	first, last := said1("1714550400.000100", "first"), said1("1714550499.000100", "last")
	for name, broken := range map[string]string{
		"no ts":             pretty(`"type": "message"`, `"text": "x"`),
		"a ts that is none": said1("yesterday", "x"),
		"another type":      pretty(`"type": "event"`, `"ts": "1714550401.000100"`),
		"a string open":     "{\n    \"type\": \"message\",\n    \"text\": \"x,\n    \"ts\": \"1714550401.000100\"\n}",
		"a brace missing":   "{\n    \"type\": \"message\",\n    \"reactions\": [{\n        \"name\": \"a\"\n    ],\n    \"ts\": \"1\"\n}",
		"no end":            "{\n    \"type\": \"message\",\n    \"text\": \"x\"",
		"a brace too many":  "{\n    \"type\": \"message\",\n    \"a\": {}},\n    \"ts\": \"1714550401.000100\"\n}",
		"no colon":          pretty(`"type" "message"`, `"ts": "1714550401.000100"`),
		"not a record":      `"just a string"`,
		"null":              `null`,
	} {
		all := readCase(t, day(dayOf(first, broken, last)))
		if len(all) != 3 || all[0].NativeID != "1714550400.000100" || all[2].NativeID != "1714550499.000100" {
			t.Errorf("%s: %d events, %+v", name, len(all), all)
			continue
		}
		u, ok := all[1].Body.(*event.Unparsed)
		if !ok || u.Reason == "" || len(all[1].Raw) == 0 || u.Line < 7 || u.Line > 8 {
			t.Errorf("%s: %+v of %q", name, all[1].Body, all[1].Raw)
		}
	}
}

func TestReader_UnusualTypes(t *testing.T) {
	e := one1(t, said1("1714550400.000100", "x", `"edited": "never"`, `"reactions": {"a": 1}`, `"files": null`, `"file": []`,
		`"user_profile": 3`, `"attachments": [7, {"text": 8}]`, `"thread_ts": null`, `"bot_id": null`, `"replies": [[]]`))
	if m := message(t, e); m.Text != "x" || m.Thread != "" || e.Author.Bot {
		t.Errorf("%+v by %+v", m, e.Author)
	}
	if m := message(t, one1(t, said1("1714550400.000100", `half \ud83d of a pair`))); m.Text != "half \uFFFD of a pair" {
		t.Errorf("text %q", m.Text)
	}
	if e := one1(t, said1("1714550400.000100", "bytes \xff")); e.Reading.Charset == "" || !bytes.Contains(e.Raw, []byte{0xff}) {
		t.Errorf("%q, kept %q", message(t, e).Text, e.Raw)
	}
}

func TestReader_OverlongRecord(t *testing.T) {
	data := dayOf(said1("1714550400.000100", strings.Repeat("x", filekit.MaxRecord+10)), said1("1714550401.000100", "next"))
	all := readCase(t, day(data))
	if len(all) != 2 || all[0].Kind != event.KindUnparsed || len(all[0].Raw) > filekit.MaxSample || all[1].NativeID != "1714550401.000100" {
		t.Errorf("%d events", len(all))
	}
}

func TestReader_Layouts(t *testing.T) {
	r := func(i int) string {
		return fmt.Sprintf(`{"type":"message","user":"U1","text":"x","ts":"17145504%02d.000100"}`, i)
	}
	flat := strings.ReplaceAll(strings.ReplaceAll(r(1), ",", ",\n"), "{", "{\n")
	for name, data := range map[string]string{
		"one line":        "[" + r(1) + "," + r(2) + "]",
		"a line a record": "[" + r(1) + ",\n" + r(2) + "\n]",
		"no indentation":  "[\n" + flat + ",\n" + r(2) + "\n]",
		"joined braces":   "[{\n  \"type\": \"message\",\n  \"ts\": \"1714550401.000100\"\n}, {\n  \"type\": \"message\",\n  \"ts\": \"1714550402.000100\"\n}]",
		"Windows":         "\xef\xbb\xbf[\r\n" + r(1) + ",\r\n" + r(2) + "\r\n]\r\n",
	} {
		all := readCase(t, day([]byte(data)))
		if len(all) != 2 || all[0].NativeID != "1714550401.000100" || all[1].NativeID != "1714550402.000100" {
			t.Errorf("%s: %d events, %+v", name, len(all), all)
		}
	}
}

func TestReader_NotAList(t *testing.T) {
	src, err := Definition().Archive(producertest.File("e/field/2024-05-01.json", []byte(`{"a":1}`)), producers.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s, err := src.Connect(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Next(t.Context()); fault.Of(err) != fault.Fatal {
		t.Errorf("got %v", err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// Two exports that are broken in the same place agree on it, although each signs files with a token of its own.
func TestReader_BrokenRecordIDs(t *testing.T) {
	broken := `{"type":"message","f":"https://f/a?t=xoxe-%d"}`
	a := readCase(t, day(dayOf(fmt.Sprintf(broken, 1))))
	b := readCase(t, day(dayOf(fmt.Sprintf(broken, 2))))
	if a[0].ID != b[0].ID {
		t.Error("they do not")
	}
}

// Whatever a file holds, reading it ends, loses no byte of it to a crash, and stops and goes on anywhere.
func FuzzRead(f *testing.F) {
	f.Add(mixed(), "field/2024-05-01.json")
	f.Add(dayOf(said1("1714550400.000100", "<@U1|a> <b")), "a/2024-05-01.json")
	f.Add([]byte(exportUsers), "users.json")
	f.Add([]byte(exportChannels), "channels.json")
	f.Add([]byte(`[{"type":"message","ts":"1.1"},{"type":"message"`), "a/2024-05-01.json")
	f.Add([]byte("[]}]{{\"\n"), "a/2024-05-01.json")
	f.Fuzz(func(t *testing.T, data []byte, name string) {
		c := producertest.Case{Path: "e/" + name, Data: data, Beside: beside()}
		file := producertest.File(c.Path, data)
		Definition().Recognise(file)
		whole, ok := fuzzRead(t, file, nil)
		if !ok {
			return
		}
		for _, b := range whole {
			for i := range b.Events {
				if _, err := event.Encode(&b.Events[i]); err != nil {
					t.Fatal(err)
				}
			}
		}
		if len(whole) < 2 {
			return
		}
		rest, ok := fuzzRead(t, file, whole[0].Cursor)
		if want, got := producertest.Events(whole[1:]), producertest.Events(rest); !ok || len(want) != len(got) {
			t.Fatalf("%d events after the first batch, want %d", len(got), len(want))
		}
	})
}

func fuzzRead(t *testing.T, f producers.File, from producers.Cursor) (out []producers.Batch, ok bool) {
	src, err := definition(2).Archive(f, producers.Options{Channel: "C1"})
	if err != nil {
		t.Fatal(err)
	}
	s, err := src.Connect(t.Context(), from)
	if err != nil {
		return nil, false
	}
	defer func() { _ = s.Close() }()
	for {
		b, err := s.Next(t.Context())
		if err == io.EOF {
			return out, true
		}
		if err != nil {
			return nil, false
		}
		out = append(out, b)
	}
}

func BenchmarkRead(b *testing.B) {
	const n = 20000
	texts := []string{strings.Repeat("the beans came up after the rain ", 3), strings.Repeat("помидоры в теплице ", 3)}
	records := make([]string, n)
	for i := range records {
		records[i] = said1(fmt.Sprintf("%d.%06d", 1714550400+i, 100000+i), texts[i%2], `"client_msg_id": "0f5f9a3e-0000-4000-8000-000000000000"`,
			`"team": "T00000FARM"`, `"blocks": [{"type": "rich_text", "block_id": "x", "elements": [{"type": "rich_text_section", "elements": [`+
				`{"type": "text", "text": "`+texts[i%2]+`"}]}]}]`)
	}
	data := dayOf(records...)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	def := Definition()
	f := producertest.File("e/field/2024-05-01.json", data)
	f.Beside = nil
	for b.Loop() {
		if got := len(drain(b, def, f)); got != n {
			b.Fatalf("%d events", got)
		}
	}
	b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "messages/s")
	b.ReportMetric(float64(len(data))/n, "bytes/message")
}
