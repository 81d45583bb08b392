package discord

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/producers"
	"github.com/agrichat/agrichat/producers/producertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	channelID = "420000000000000001"
	jsonPath  = "exports/Allotment - Plots - beans [420000000000000001].json"
)

// preamble is what stands before the messages of a channel.
func preamble(kind string) string {
	return `{
  "guild": {
    "id": "410000000000000001",
    "name": "Allotment",
    "iconUrl": "https://cdn.discordapp.com/icons/1/a.png"
  },
  "channel": {
    "id": "` + channelID + `",
    "type": "` + kind + `",
    "categoryId": "415000000000000001",
    "category": "Plots",
    "name": "beans",
    "topic": "Beans \u0026 peas"
  },
  "dateRange": {
    "after": null,
    "before": null
  },
  "exportedAt": "2024-06-01T10:00:00.1234567+02:00",
  "messages": [`
}

// export lays messages out as the exporter does.
func export(messages ...string) []byte { return exportOf("GuildTextChat", messages...) }

func exportOf(kind string, messages ...string) []byte {
	var b strings.Builder
	b.WriteString(preamble(kind))
	for i, m := range messages {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString("\n    " + m)
	}
	fmt.Fprintf(&b, "\n  ],\n  \"messageCount\": %d\n}", len(messages))
	return []byte(b.String())
}

// idAt is the n-th id of a moment.
func idAt(at time.Time, n int) string {
	return fmt.Sprint((at.UnixMilli()-epoch)<<timeShift + int64(n))
}

func noon() time.Time { return time.Date(2024, 5, 1, 12, 0, 0, 180_000_000, time.UTC) }

// message lays one message out; more is put behind the members that every message has.
func message(id, kind, sent, content string, more ...string) string {
	members := append([]string{
		`"id": "` + id + `"`, `"type": "` + kind + `"`, `"timestamp": "` + sent + `"`, `"timestampEdited": null`,
		`"callEndedTimestamp": null`, `"isPinned": false`, `"content": "` + content + `"`, author("7", "vera"),
	}, more...)
	return "{\n      " + strings.Join(members, ",\n      ") + "\n    }"
}

func author(id, name string) string {
	return `"author": {
        "id": "` + id + `",
        "name": "` + name + `",
        "discriminator": "0000",
        "nickname": null,
        "color": "#FF0000",
        "isBot": false,
        "roles": [ { "id": "9", "name": "gardener", "color": null, "position": 1 } ],
        "avatarUrl": "https://cdn.discordapp.com/avatars/7/a.png?size=512"
      }`
}

func plain(n int) string {
	at := noon().Add(time.Duration(n) * time.Second)
	return message(idAt(at, n), "Default", at.Format("2006-01-02T15:04:05.999999999-07:00"), fmt.Sprintf("text %d", n))
}

// sentAt makes a message of a moment, of a type.
func typed(n int, kind, content string, more ...string) string {
	at := noon().Add(time.Duration(n) * time.Second)
	return message(idAt(at, n), kind, at.Format("2006-01-02T15:04:05.999999999-07:00"), content, more...)
}

func read(t *testing.T, path string, data []byte, o producers.Options) []event.Event {
	t.Helper()
	return producertest.Events(producertest.Read(t, Definition(), producertest.Case{Path: path, Data: data, Options: o}, nil))
}

// one reads an export of one message, and returns it and its snapshot of reactions, if it has any.
func one(t *testing.T, m string) (*event.Event, *event.Message, *event.Event) {
	t.Helper()
	return pickOne(t, read(t, jsonPath, export(m), producers.Options{}))
}

func pickOne(t *testing.T, all []event.Event) (e *event.Event, m *event.Message, reactions *event.Event) {
	t.Helper()
	for i := range all {
		switch all[i].Kind {
		case event.KindMessage:
			e, m = &all[i], all[i].Body.(*event.Message)
		case event.KindReactions:
			reactions = &all[i]
		case event.KindUnparsed:
			t.Fatalf("unparsed: %+v", all[i].Body)
		}
	}
	if e == nil {
		t.Fatal("there is no message")
	}
	return e, m, reactions
}

func ofKind(all []event.Event, k event.Kind) (out []event.Event) {
	for _, e := range all {
		if e.Kind == k {
			out = append(out, e)
		}
	}
	return out
}

// folder is a file among others.
func folder(path string, files map[string]string) producers.File {
	f := producertest.File(path, []byte(files[path[strings.LastIndexByte(path, '/')+1:]]))
	f.Beside = func(rel string) (io.ReadCloser, error) {
		text, ok := files[rel]
		if !ok {
			return nil, fs.ErrNotExist
		}
		return io.NopCloser(bytes.NewReader([]byte(text))), nil
	}
	return f
}

// readFile reads a file that has others beside it.
func readFile(t *testing.T, f producers.File) []event.Event {
	t.Helper()
	src, err := Definition().Archive(f, producers.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return producertest.Events(drainFrom(t, src, nil))
}

func drainFrom(t testing.TB, src producers.Source, from producers.Cursor) []producers.Batch {
	t.Helper()
	out, err := producertest.Drain(t.Context(), src, from)
	if err != nil {
		t.Fatal(err)
	}
	return out
}
