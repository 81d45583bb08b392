package discord

import (
	"io"
	"path"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/producers"
	"github.com/agrichat/agrichat/producers/producertest"
)

// readBeside reads a file of a folder, a batch after the other, each in a session of its own.
func readBeside(t *testing.T, folder fstest.MapFS, name string, o producers.Options) (all []event.Event, notices []string) {
	t.Helper()
	def := definition(2)
	f := producertest.File("e/"+name, folder[name].Data)
	f.Beside = func(rel string) (io.ReadCloser, error) { return folder.Open(path.Join(path.Dir(name), rel)) }
	var from producers.Cursor
	for {
		src, err := def.Archive(f, o)
		if err != nil {
			t.Fatal(err)
		}
		s, err := src.Connect(t.Context(), from)
		if err != nil {
			t.Fatal(err)
		}
		b, err := s.Next(t.Context())
		if closed := s.Close(); closed != nil {
			t.Fatal(closed)
		}
		if err != nil {
			return all, notices
		}
		all, from = append(all, b.Events...), b.Cursor
		for _, n := range b.Notices {
			for range n.Count {
				notices = append(notices, n.Code)
			}
		}
	}
}

// TestTable_JoinsTheJSONBeside: rows take the ids of the messages that they are, however often a text comes in a minute.
func TestTable_JoinsTheJSONBeside(t *testing.T) {
	row := func(n int, text string) string {
		return `"7","vera#0000","` + noon().Add(time.Duration(n)*time.Second).Format("2006-01-02T15:04:05.0000000-07:00") + `","` + text + `","",""`
	}
	json := string(export(
		typed(0, "Default", "lol"), typed(1, "Default", "lol"),
		message(idAt(noon().Add(time.Second), 77), "Default", noon().Add(time.Second).Format(time.RFC3339Nano), "lol"), typed(2, "GuildMemberJoin", "Joined the server."),
		typed(3, "Default", "corrected", `"attachments": [ { "id": "5", "url": "https://cdn.discordapp.com/a/my%20file.png", "fileName": "my file.png", "fileSizeBytes": 9 } ]`),
		typed(4, "Default", "beans"),
	))
	table := strings.Join([]string{
		"AuthorID,Author,Date,Content,Attachments,Reactions",
		row(0, "lol"), row(1, "lol"), row(1, "lol"), row(2, "Joined the server."), row(3, "corected"), row(4, "beans"), row(90, "later"), "",
	}, "\n")
	for name, c := range map[string]struct{ json, csv string }{
		"names of the exporter": {"Allotment - Plots - beans [" + channelID + "].json", "Allotment - Plots - beans [" + channelID + "].csv"},
		"another date":          {"Allotment - beans [" + channelID + "] (after 2024-01-01).json", "Allotment - beans [" + channelID + "].csv"},
		"names of the user":     {"beans.json", "beans.csv"},
	} {
		t.Run(name, func(t *testing.T) {
			folder := fstest.MapFS{c.json: {Data: []byte(json)}, c.csv: {Data: []byte(table)}, "other [410000000000000009].json": {Data: export(plain(0))}}
			want := ofKind(read(t, jsonPath, []byte(json), producers.Options{}), event.KindMessage)
			all, notices := readBeside(t, folder, c.csv, producers.Options{})
			got := ofKind(all, event.KindMessage)
			if len(got) != len(want)+1 {
				t.Fatalf("%d messages", len(got))
			}
			for i, w := range want {
				g := got[i]
				if g.ID != w.ID || g.Author != w.Author || g.Sent != w.Sent {
					t.Errorf("message %d is %s by %+v at %v, want %s by %+v at %v", i, g.NativeID, g.Author, g.Sent, w.NativeID, w.Author, w.Sent)
				}
				b, wb := g.Body.(*event.Message), w.Body.(*event.Message)
				if b.Type != wb.Type || !slices.Equal(b.Attachments, wb.Attachments) || g.Reading.Unversioned != (b.Text != wb.Text) {
					t.Errorf("message %d: %+v, %+v, want %+v", i, b, g.Reading, wb)
				}
			}
			if last := got[len(got)-1]; last.Channel != channelID || !strings.HasPrefix(string(last.NativeID), "k") {
				t.Errorf("a row that the JSON lacks: %+v", last)
			}
			if n := count(notices, "ids-from-sibling"); n != 6 || count(notices, "not-in-sibling") != 1 || len(notices) != 7 {
				t.Errorf("notices %q", notices)
			}
		})
	}
	alone := fstest.MapFS{"beans.csv": {Data: []byte(table)}, "peas.json": {Data: []byte(json)}}
	if all, _ := readBeside(t, alone, "beans.csv", producers.Options{}); all[0].Channel != "name:beans" {
		t.Errorf("the table became one of %q", all[0].Channel)
	}
}

func count(list []string, of string) (n int) {
	for _, s := range list {
		if s == of {
			n++
		}
	}
	return n
}
