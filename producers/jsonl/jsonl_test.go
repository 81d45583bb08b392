package jsonl

import (
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/producers"
	"github.com/agrichat/agrichat/producers/filekit"
	"github.com/agrichat/agrichat/producers/producertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestDefinition(t *testing.T) { producertest.Definition(t, Definition()) }

// everyKind has a line of every kind and trait, and a few that are wrong.
const everyKind = `{"channel":"garden","author":"vera","text":"Привет","sent":"2024-05-01T12:00:05+03:00"}
{"channel":"garden","author":"vera","text":"Привет","sent":"2024-05-01T12:00:40+03:00"}
{"network":"forum","channel":"garden","id":"7","author":{"id":"u1","name":"Vera","bot":true},"text":"one","sent":"2024-05-01T12:00:00.25Z","reply_to":"6","thread":"1","mentions":["pavel"],"links":["https://example.org"],"hashtags":["beds"],"details":{"mood":"good"}}
{"kind":"edit","network":"forum","channel":"garden","id":"7","author":{"id":"u1","name":"Vera"},"text":"two","edited":"2024-05-01T12:05:00Z","reply_to":{"channel":"other","id":"3"}}
{"kind":"edit","network":"forum","channel":"garden","id":"8","author":"u1","text":"three","order":2}

{"kind":"delete","network":"forum","channel":"garden","id":"7","author":"moderator","sent":"2024-05-01T13:00:00Z","reason":"spam"}
{"kind":"reaction","network":"forum","channel":"garden","target":"7","author":"pavel","emoji":"👍","sent":"2024-05-01T12:10:00Z"}
{"kind":"reaction","network":"forum","channel":"garden","target":"7","author":"pavel","emoji":"👍","sent":"2024-05-01T12:11:00Z","removed":true}
{"kind":"reactions","network":"forum","channel":"garden","target":"7","counts":{"👍":2},"people":[{"person":"vera","emoji":"👍","sent":"2024-05-01T12:12:00Z"}],"sent":"2024-05-02T00:00:00Z"}
{"kind":"membership","channel":"garden","author":"pavel","state":"joined","sent":"2024-05-01 12:00"}
{"kind":"membership","channel":"garden","author":"pavel","state":"left","by":"vera","reason":"away","sent":"2024-05-01 12:30:00"}
{"kind":"channel","channel":"garden","name":"Garden","channel_type":"group","topic":"beds","sent":"2024-05-01"}
{"kind":"identity","author":{"id":"pavel","name":"Pavel"},"username":"pavel7","sent":"2024-05-01"}
{"channel":"garden","author":"vera","type":"service","service":{"action":"pin","target":"7"},"sent":"2024-05-01T12:01:00Z"}
{"channel":"garden","author":"vera","type":"action","text":"waves","sent":"2024-05-01T12:02:00Z","forward":{"from":"lena","channel":"news","id":"5","sent":"2024-04-01"}}
{"channel":"garden","author":"vera","text":"wrong key","snet":"2024-05-01T12:00:00Z"}
{"channel":"garden","author":"vera","text":"cut
{"kind":"unheard","channel":"garden"}
{"channel":"garden","author":"vera","text":"bad time","sent":"noon"}
{"author":"vera","text":"nowhere"}
`

func conform(text string) producertest.Case {
	return producertest.Case{Path: "dump.jsonl", Data: []byte(text), Events: 20, Unparsed: 5, Cuts: len(text)}
}

func TestReader_Conformance(t *testing.T) {
	producertest.Archive(t, Definition(), conform(everyKind))
	small := conform(everyKind)
	small.Cuts = 50
	producertest.Archive(t, definition(1), small)
	small.Data = append([]byte("\ufeff"), strings.ReplaceAll(everyKind, "\n", "\r\n")...)
	producertest.Archive(t, definition(3), small)
}

func TestRecognise_Foreign(t *testing.T) {
	for path, text := range map[string]string{
		"result.json":      `{"name":"x","type":"personal_chat","id":1,"messages":[]}`,
		"mattermost.jsonl": "{\"type\":\"version\",\"version\":1}\n",
		"irc.log":          "00:01 < a> hello\n",
		"slack.json":       `[{"type":"message","ts":"1"}]`,
	} {
		producertest.Foreign(t, Definition(), producertest.File(path, []byte(text)))
	}
}

func one(t *testing.T, text string, o producers.Options) event.Event {
	t.Helper()
	c := producertest.Case{Path: "dump.jsonl", Data: []byte(text), Options: o}
	events := producertest.Events(producertest.Read(t, Definition(), c, nil))
	if len(events) != 1 {
		t.Fatalf("%d events, want 1", len(events))
	}
	return events[0]
}

func TestReader_MinimalLine(t *testing.T) {
	const text = `{"channel":"garden","author":"vera","text":"hi","sent":"2024-05-01T12:00:05"}`
	moscow := time.FixedZone("Europe/Moscow", 3*60*60)
	e := one(t, text, producers.Options{Account: "me", Zone: moscow})
	want := event.Event{
		ID: e.ID, Source: "jsonl", Namespace: "jsonl", Account: "me", Channel: "garden", NativeID: e.NativeID,
		Author: event.Person{ID: "vera", Name: "vera"}, Kind: event.KindMessage, Revision: event.Unedited,
		Sent: event.Instant{
			At: time.Date(2024, 5, 1, 9, 0, 5, 0, time.UTC), Precision: event.PrecisionSecond, Zone: "Europe/Moscow", Assumed: true,
		},
		Body: &event.Message{Type: event.TypeMessage, Text: "hi"}, Raw: []byte(text),
	}
	if diff := cmp.Diff(want, e); diff != "" {
		t.Error(diff)
	}
	if again := one(t, text, producers.Options{}); again.ID != e.ID {
		t.Error("another zone makes another id")
	}
}

// Two lines equal within a minute are two messages, and a second file that holds both agrees with the first.
func TestReader_EqualLines(t *testing.T) {
	c := conform(everyKind)
	batches := producertest.Read(t, Definition(), c, nil)
	if batches[0].Counts.Ambiguous != 1 {
		t.Errorf("%d ambiguous, want 1", batches[0].Counts.Ambiguous)
	}
}

func TestReader_Envelopes(t *testing.T) {
	c := conform(everyKind)
	events := producertest.Events(producertest.Read(t, Definition(), c, nil))
	var dump strings.Builder
	for i := range events {
		seen := events[i]
		seen.Seen = time.Date(2024, 6, 1, 0, 0, 0, 0, time.UTC)
		b, err := event.Encode(&seen)
		if err != nil {
			t.Fatal(err)
		}
		dump.Write(append(b, '\n'))
	}
	c.Data = []byte(dump.String())
	if diff := cmp.Diff(events, producertest.Events(producertest.Read(t, Definition(), c, nil))); diff != "" {
		t.Errorf("what was exported comes back otherwise: %s", diff)
	}
}

func TestReader_Reasons(t *testing.T) {
	for text, want := range map[string]string{
		`{"channel":"c","author":"a","text":"x","snet":"2024"}`:                                  "snet",
		`{"channel":"c","author":"a","text":"x","sent":"noon"}`:                                  "sent",
		`{"kind":"edit","channel":"c","id":"1","text":"x"}`:                                      "edited",
		`{"kind":"edit","channel":"c","text":"x","order":1}`:                                     "id",
		`{"kind":"delete","channel":"c"}`:                                                        "id",
		`{"kind":"reaction","channel":"c","target":"1","emoji":"x"}`:                             "author",
		`{"kind":"reaction","channel":"c","target":"1","emoji":"x","author":"a","removed":true}`: "sent",
		`{"kind":"membership","channel":"c","author":"a","state":"bored"}`:                       "joined",
		`{"kind":"membership","channel":"c","author":"a","state":"left"}`:                        "sent",
		`{"kind":"message","channel":"c","author":"a","emoji":"x"}`:                              "emoji",
		`{"kind":"identity"}`:                                    "author",
		`{"author":"a","text":"x"}`:                              "channel",
		`{"channel":"c","author":"a","text":"x","type":"shout"}`: "shout",
		`{"channel":"c","author":"a","text":5}`:                  "text",
		`["channel"]`:                                            "reading",
	} {
		e := one(t, text, producers.Options{})
		u, ok := e.Body.(*event.Unparsed)
		if !ok || !strings.Contains(u.Reason, want) || u.Line != 1 || string(e.Raw) != text {
			t.Errorf("%s: %+v, want a reason with %q", text, e.Body, want)
		}
	}
}

func TestReader_LongLine(t *testing.T) {
	text := `{"text":"` + strings.Repeat("x", filekit.MaxRecord) + "\"}\n"
	c := producertest.Case{Path: "dump.jsonl", Data: []byte(text + `{"channel":"c","author":"a","text":"x"}`)}
	events := producertest.Events(producertest.Read(t, Definition(), c, nil))
	if len(events) != 2 || len(events[0].Raw) > filekit.MaxSample || events[1].Kind != event.KindMessage {
		t.Errorf("%d events, the first keeps %d bytes", len(events), len(events[0].Raw))
	}
}

func TestParser_Time(t *testing.T) {
	for text, want := range map[string]event.Instant{
		"2024-05-01T12:00:00Z":          {At: day(12, 0, 0), Precision: event.PrecisionSecond},
		"2024-05-01T12:00:00.123+03:00": {At: day(9, 0, 123e6), Precision: event.PrecisionMilli, Zone: "+03:00"},
		"2024-05-01 12:00:00.123456":    {At: day(12, 0, 123456e3), Precision: event.PrecisionMicro, Zone: "UTC", Assumed: true},
		"2024-05-01T12:01":              {At: day(12, 1, 0), Precision: event.PrecisionMinute, Zone: "UTC", Assumed: true},
		"2024-05-01":                    {At: day(0, 0, 0), Precision: event.PrecisionDay, Zone: "UTC", Assumed: true},
	} {
		got, err := (&parser{archive: &archive{}}).time("sent", text)
		if err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", text, diff)
		}
	}
}

func day(hour, minute, nano int) time.Time {
	return time.Date(2024, 5, 1, hour, minute, 0, nano, time.UTC)
}

func FuzzRead(f *testing.F) {
	for line := range strings.Lines(everyKind) {
		f.Add([]byte(line))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		src, err := definition(2).Archive(producertest.File("x.jsonl", data), producers.Options{})
		if err != nil {
			t.Fatal(err)
		}
		s, err := src.Connect(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = s.Close() }()
		for {
			b, err := s.Next(t.Context())
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			for i := range b.Events {
				encoded, err := event.Encode(&b.Events[i])
				if err != nil {
					t.Fatal(err)
				}
				if _, err := event.Decode(encoded); err != nil {
					t.Fatal(err)
				}
			}
		}
	})
}

func TestDefinition_Unreadable(t *testing.T) {
	def := Definition()
	if got := def.Unreadable(producertest.File("chat.jsonl", []byte(`{"who":"vera"}`))); !strings.Contains(got, "channel, author, text and sent") {
		t.Errorf("another tool's lines are called %q", got)
	}
	for path, data := range map[string]string{"chat.json": `{"who":"vera"}`, "chat.jsonl": "beans", "empty.jsonl": ""} {
		if got := def.Unreadable(producertest.File(path, []byte(data))); got != "" {
			t.Errorf("%s is called %q", path, got)
		}
	}
}

func TestReader_SetBackHour(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	const text = `{"channel":"c","author":"a","text":"1","sent":"2024-10-27T02:50"}
{"channel":"c","author":"a","text":"2","sent":"2024-10-27T02:10"}
{"channel":"c","author":"a","text":"3","sent":"2024-10-27T03:10"}
{"channel":"c","author":"a","text":"4","sent":"2024-03-31T02:30"}
{"channel":"c","author":"a","text":"5","sent":"2024-10-27T02:20"}
`
	c := producertest.Case{Path: "dump.jsonl", Data: []byte(text), Options: producers.Options{Zone: berlin}, Events: 5}
	producertest.Archive(t, definition(1), c)
	batches := producertest.Read(t, Definition(), c, nil)
	want := []struct{ at, detail, value string }{
		{"2024-10-27T00:50:00Z", "sent_or", "2024-10-27T01:50:00Z"},
		{"2024-10-27T01:10:00Z", "sent_or", "2024-10-27T00:10:00Z"},
		{"2024-10-27T02:10:00Z", "sent_or", ""},
		{"2024-03-31T01:30:00Z", "skipped_hour", "true"},
		{"2024-10-27T00:20:00Z", "sent_or", "2024-10-27T01:20:00Z"},
	}
	for i, e := range producertest.Events(batches) {
		m, ok := e.Body.(*event.Message)
		if !ok || e.Sent.At.Format(time.RFC3339) != want[i].at || m.Details[want[i].detail] != want[i].value {
			t.Errorf("line %d: %v, %+v, want %v", i+1, e.Sent.At, e.Body, want[i])
		}
	}
	if n := batches[0].Notices; len(n) != 1 || n[0] != producers.SkippedHour(1) {
		t.Errorf("%+v", n)
	}
}

// Service lines of one minute and author that have neither an id nor a text are distinguished by what they report.
func TestReader_ServiceWithoutText(t *testing.T) {
	line := func(service string) string {
		return `{"channel":"c","author":"Ann","sent":"2024-06-13T10:00:00Z","type":"service","service":` + service + `}`
	}
	seen := map[event.NativeID]string{}
	for _, service := range []string{
		`{"action":"join"}`, `{"action":"leave"}`, `{"action":"topic","text":"a"}`, `{"action":"topic","text":"b"}`,
		`{"action":"invite","members":["Bob"]}`, `{"action":"invite","members":["Eve"]}`,
	} {
		e := one(t, line(service), producers.Options{})
		if had := seen[e.NativeID]; had != "" {
			t.Errorf("%s and %s have one id", had, service)
		}
		seen[e.NativeID] = service
	}
}
