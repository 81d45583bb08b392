package slack

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/fault"
	"github.com/agrichat/agrichat/producers"
	"github.com/agrichat/agrichat/producers/producertest"
)

func TestDefinition(t *testing.T) { producertest.Definition(t, Definition()) }

// mixed is a day with something of everything, and one record that is broken.
func mixed() []byte {
	return dayOf(
		said1("1714550400.000100", "Good morning <@U0000BORIS> &amp; all", `"client_msg_id": "c1"`),
		said1("1714550401.123456", "parent", `"thread_ts": "1714550401.123456"`, `"reply_count": 1`,
			`"replies": [{"user": "U0000BORIS", "ts": "1714550500.654321"}, {"ts": "1714550600.000200"}]`,
			`"reactions": [{"name": "seedling", "count": 2, "users": ["U0000BORIS", "U000ROBOT"]}]`),
		"{\n    \"type\": \"message\",\n    \"text\": \"no end,\n    \"ts\": \"1714550402.000100\"\n}",
		said1("1714550403.000100", "edited", `"edited": {"user": "U0000ANNA", "ts": "1714550700.000000"}`),
		pretty(`"type": "message"`, `"subtype": "tombstone"`, `"user": "USLACKBOT"`, `"text": "This message was deleted."`,
			`"hidden": true`, `"ts": "1714550404.000100"`, `"thread_ts": "1714550404.000100"`),
		pretty(`"type": "message"`, `"subtype": "channel_join"`, `"user": "U0000BORIS"`, `"text": "<@U0000BORIS> has joined the channel"`,
			`"ts": "1714550405.000100"`),
		said1("1714550406.000100", "a picture", `"files": [{"id": "F1", "name": "a.png", "mimetype": "image/png", `+
			`"url_private": "https:\/\/files.slack.com\/files-pri\/T1-F1\/a.png?t=xoxe-1-2-3-abc"}]`),
	)
}

func TestReader_ConformanceOfDays(t *testing.T) {
	data := mixed()
	for _, batch := range []int{1, 2, 500} {
		c := day(data)
		c.Events, c.Unparsed, c.Cuts = 8, 1, 400
		producertest.Archive(t, definition(batch), c)
	}
}

func TestReader_ConformanceOfOneLine(t *testing.T) {
	// the broken record has no lines to tell where it ends
	line := bytes.ReplaceAll(bytes.ReplaceAll(mixed(), []byte("\n"), nil), []byte("  "), nil)
	line = bytes.ReplaceAll(line, []byte(`": `), []byte(`":`))
	c := day(line)
	c.Events, c.Unparsed, c.Cuts = 6, 1, 400
	producertest.Archive(t, definition(2), c)
}

func TestReader_ConformanceOfLists(t *testing.T) {
	own := map[string][]byte{}
	for name, data := range beside() {
		own[strings.TrimPrefix(name, "../")] = data
	}
	for path, want := range map[string]int{"export/users.json": 5, "export/channels.json": 4, "export/dms.json": 3, "export/mpims.json": 2} {
		data := own[strings.TrimPrefix(path, "export/")]
		for _, batch := range []int{1, 2, 500} { // a channel's members do not fit into one batch
			producertest.Archive(t, definition(batch), producertest.Case{Path: path, Data: data, Beside: own, Events: want, Cuts: 200})
		}
	}
}

func TestRecognise(t *testing.T) {
	record := `{"type":"message","user":"U1","text":"x","ts":"1714550400.000100"}`
	for _, c := range []struct {
		path, data string
		want       producers.Confidence
	}{
		{"e/general/2024-05-01.json", "[" + record + "]", producers.Certain},
		{"e/general/2024-05-01.json", "\xef\xbb\xbf[\r\n" + record + "]", producers.Certain},
		{"e/general/part.json", "[" + record + "]", producers.Likely},
		{"e/general/2024-05-01.json", "[]", producers.Possible},
		{"notes.json", "[]", producers.No},
		{"e/general/2024-05-01.json", `[{"date":"x"}]`, producers.No},
		{"e/users.json", exportUsers, producers.Certain},
		{"e/channels.json", exportChannels, producers.Certain},
		{"e/dms.json", exportDMs, producers.Certain},
		{"e/integration_logs.json", `[{"user_id":"U1","user_name":"a","date":"1","change_type":"added"}]`, producers.Certain},
		{"e/general/2024-05-01.json", `[{"user":"U1","text":"x","ts":"1714550400.000100"}]`, producers.Likely},
		{"e/general/day.json", `[{"user":"U1","text":"x","ts":"1714550400.000100"}]`, producers.No},
		{"shop/users.json", `[{"id": "u1", "name": "ann", "profile": {}}]`, producers.No},
		{"shop/users.json", `[{"id": 1, "profile": {}}]`, producers.No},
		{"shop/channels.json", `{"id":"C00000001"}`, producers.No},
	} {
		if got := confidence(c.path, c.data); got != c.want {
			t.Errorf("%s %.40s: confidence %d, want %d", c.path, c.data, got, c.want)
		}
	}
}

// TestRecognise_OtherIDs: lists whose ids are not Slack's are read where days of an export lie beside them.
func TestRecognise_OtherIDs(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, data string) {
		if err := errors.Join(os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755), os.WriteFile(filepath.Join(dir, name), []byte(data), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	lists := map[string]string{
		"users.json":    `[{"id":"u1","name":"ann","real_name":"Ann"},{"id":"x7yq1b7yjnz7rkmq4w1cyk8ghe","name":"bob","profile":{"real_name":"Bob"}}]`,
		"channels.json": `[{"id":"1","name":"general","created":1600000000,"members":["u1"]}]`,
		"dms.json":      `[{"id":"dm1","members":["u1","u2"]}]`,
	}
	confidences := func() string {
		out := ""
		for _, name := range []string{"users.json", "channels.json", "dms.json"} {
			f := producertest.File(filepath.Join(dir, name), []byte(lists[name]))
			f.Beside = func(rel string) (io.ReadCloser, error) { return os.Open(filepath.Join(dir, rel)) }
			out += fmt.Sprint(recognise(f), " ")
		}
		return out
	}
	write("notes/a.json", "[]")
	if got := confidences(); got != "0 0 0 " {
		t.Errorf("without days: %s", got)
	}
	write("general/2024-05-01.json", "[]")
	if got := confidences(); got != "2 2 2 " {
		t.Errorf("beside days: %s", got)
	}
}

// TestArchive_ChannelOfFile: a file of messages that is called after no day is of the channel that it is called after.
func TestArchive_ChannelOfFile(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]event.Channel{
		"dump/general.json":            "general",
		"dump/random.json":             "random",
		"general.json":                 "general",
		"export/field/part.json":       "C0000FIELD",
		"dump/C0000FIELD.json":         "C0000FIELD",
		"dump/messages.json":           "dump",
		"dump/2024-05.json":            "dump",
		"dump/2024-05-01 (1).json":     "dump",
		"dump/general 2024-05-01.json": "general",
	} {
		c := day(dayOf(said1("1714550400.000100", "x")))
		c.Path = path
		if got := readCase(t, c)[0].Channel; got != want {
			t.Errorf("%s is of channel %q, want %q", path, got, want)
		}
	}
}

// TestUnreadable: what other programs write of Slack, and what is like an export of it, is named as what it is.
func TestUnreadable(t *testing.T) {
	t.Parallel()
	const record = `{"type":"message","user":"U1","text":"x","ts":"1714550400.000100"}`
	for data, want := range map[string]string{
		`{"ok":true,"messages":[` + record + `],"has_more":false}`:                      "Slack",
		`{"channel_id":"C1","name":"general","messages":[` + record + `]}`:              "Slack",
		`{"type":"version","version":1}` + "\n" + `{"type":"team","team":{"name":"a"}}`: "Mattermost",
		`{"ok":true}`: "",
		`[` + record:  "",
		`{"messages":[{"id":1,"type":"message","date":"2020-01-01T00:00:00"}]}`: "",
	} {
		got := elsewhere(producertest.File("a.json", []byte(data)))
		if (got == "") != (want == "") || !strings.Contains(got, want) {
			t.Errorf("%.60s is %q", data, got)
		}
	}
}

func TestRecognise_Foreign(t *testing.T) {
	for path, text := range map[string]string{
		"result.json": `{"name":"x","type":"private_group","id":1,"messages":[{"id":1,"type":"message","date":"2020-01-01T00:00:00"}]}`,
		"dce.json":    `{"guild":{"id":"1"},"messages":[{"id":"3","type":"Default","timestamp":"2020"}]}`,
		"a.jsonl":     `{"channel":"c","author":"a","text":"t","sent":"2020-01-01T00:00:00Z"}`,
		"list.json":   `[{"type":"message","ts":1714550400}]`,
		"irc.log":     "[00:01] <a> \"ts\": \"1714550400.000100\" \"type\": \"message\"\n",
		"rooms.json":  `[{"type":"m.room.message","event_id":"$1","user":"x","ts":"1714550400.000100"}]`,
	} {
		producertest.Foreign(t, Definition(), producertest.File(path, []byte(text)))
	}
}

func TestReader_IntegrationLogs(t *testing.T) {
	c := producertest.Case{Path: "e/integration_logs.json", Data: []byte(`[{"user_id":"U1","date":"1","change_type":"added"}]`)}
	if all := readCase(t, c); len(all) != 0 {
		t.Errorf("%d events", len(all))
	}
}

func TestArchive_Namespace(t *testing.T) {
	record := said1("1714550400.000100", "x", `"team": "T0000MSG01"`)
	for name, c := range map[string]struct {
		beside  map[string][]byte
		options producers.Options
		record  string
		want    event.Namespace
	}{
		"users.json, most of whom are at home": {beside(), producers.Options{}, record, "T00000FARM"},
		"named by the user":                    {beside(), producers.Options{Namespace: "farm"}, record, "farm"},
		"the messages":                         {map[string][]byte{}, producers.Options{}, record, "T0000MSG01"},
		"nobody":                               {map[string][]byte{}, producers.Options{}, said1("1714550400.000100", "x"), "slack"},
	} {
		k := day(dayOf(c.record))
		k.Beside, k.Options = c.beside, c.options
		if got := readCase(t, k)[0].Namespace; got != c.want {
			t.Errorf("%s: namespace %q, want %q", name, got, c.want)
		}
	}
}

func TestArchive_ChannelOfFolder(t *testing.T) {
	cyrillic := "оранжерея"
	for folder, want := range map[string]event.Channel{
		"field":                "C0000FIELD",
		"D000000001":           "D000000001", // direct messages stand in folders called by id
		"mpdm-anna.k--boris-1": "G000000MP1",
		"gone":                 "gone", // channels that no list names
		cyrillic:               "C0000EMPTY",
		"#U043e#U0440#U0430#U043d#U0436#U0435#U0440#U0435#U044f": "C0000EMPTY", // as unzip writes it
		"%D0%BE%D1%80%D0%B0%D0%BD%D0%B6%D0%B5%D1%80%D0%B5%D1%8F": "C0000EMPTY",
		"\xae\xe0\xa0\xad\xa6\xa5\xe0\xa5\xef":                   "C0000EMPTY", // code page 866, as Windows packs it
		"╨╛╤Ç╨░╨╜╨╢╨╡╤Ç╨╡╤Å":                                     "C0000EMPTY", // UTF-8 that was taken for code page 437
		"%AE%E0%A0%AD%A6%A5%E0%A5%EF":                            "C0000EMPTY", // the same, as the numbers of its bytes
		"«αá¡ªÑαÑ∩":                                              "C0000EMPTY", // the same, read as code page 437
		"odd\xff":                                                "odd%FF",
	} {
		c := day(dayOf(said1("1714550400.000100", "x")))
		c.Path = "export/" + folder + "/2024-05-01.json"
		if got := readCase(t, c)[0].Channel; got != want {
			t.Errorf("folder %q is channel %q, want %q", folder, got, want)
		}
	}
}

// A list of channels tells which charset a folder's name was in, also where two bytes alone say nothing.
func TestArchive_ChannelInAnyCharset(t *testing.T) {
	for _, folder := range []string{"稲", "\x88\xee", "ê\u03b5"} { // code page 932, and the same read as 437
		c := day(dayOf(said1("1714550400.000100", "x")))
		c.Path = "export/" + folder + "/2024-05-01.json"
		c.Beside = map[string][]byte{"../channels.json": []byte(`[{"id":"C0000RICE1","name":"稲","created":1,"members":[]}]`)}
		if got := readCase(t, c)[0].Channel; got != "C0000RICE1" {
			t.Errorf("folder %q is channel %q", folder, got)
		}
	}
}

func TestArchive_NoFolder(t *testing.T) {
	c := producertest.Case{Path: "2024-05-01.json", Data: dayOf(said1("1714550400.000100", "x")), Beside: map[string][]byte{}}
	src, err := Definition().Archive(producertest.File(c.Path, c.Data), producers.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := src.Connect(t.Context(), nil); fault.Of(err) != fault.Fatal || !strings.Contains(err.Error(), "--channel") {
		t.Errorf("got %v", err)
	}
	c.Options.Channel = "C1"
	if e := readCase(t, c)[0]; e.Channel != "C1" {
		t.Errorf("channel %q", e.Channel)
	}
}

// A list that is there and cannot be opened would change ids if it were taken for missing.
func TestWorkspaces_UnreadableList(t *testing.T) {
	f := producertest.File("e/field/2024-05-01.json", dayOf(said1("1714550400.000100", "x")))
	f.Beside = failing
	src, err := Definition().Archive(f, producers.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := src.Connect(t.Context(), nil); err == nil || fault.Of(err) != fault.Transient {
		t.Errorf("got %v", err)
	}
}
