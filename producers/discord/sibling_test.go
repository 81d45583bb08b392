package discord

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
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

// TestTable_Sibling: rows take the ids of the messages that they are, however often a text comes in a minute.
func TestTable_Sibling(t *testing.T) {
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

// counted counts the bytes that are read of its JSON files.
type counted struct {
	fs.File
	n *int64
}

func (c counted) Read(b []byte) (int, error) {
	n, err := c.File.Read(b)
	*c.n += int64(n)
	return n, err
}

// TestTable_SiblingIsCached: however many parts a table has, the export beside it is read once, and again where it is another.
func TestTable_SiblingIsCached(t *testing.T) {
	var messages []string
	for i := range 2000 {
		messages = append(messages, typed(i, "Default", strings.Repeat("weeds ", 20)))
	}
	name := "Allotment - Plots - beans [" + channelID + "]"
	folder := fstest.MapFS{name + ".json": {Data: export(messages...), ModTime: time.Unix(1, 0)}}
	for i := range 20 {
		row := `"7","vera#0000","` + noon().Add(time.Duration(i)*time.Second).Format("2006-01-02T15:04:05.0000000-07:00") + `","` + strings.Repeat("weeds ", 20) + `","",""` + "\n"
		folder[fmt.Sprintf("%s [part %d].csv", name, i+1)] = &fstest.MapFile{Data: []byte("AuthorID,Author,Date,Content,Attachments,Reactions\n" + row)}
	}
	def, read, size := definition(100), int64(0), int64(len(folder[name+".json"].Data))
	ids := map[event.NativeID]bool{}
	part := func(i int) {
		file := fmt.Sprintf("%s [part %d].csv", name, i+1)
		f := producertest.File("e/"+file, folder[file].Data)
		f.Beside = func(rel string) (io.ReadCloser, error) {
			r, err := folder.Open(rel)
			if err == nil && strings.HasSuffix(rel, ".json") {
				return counted{r, &read}, nil
			}
			return r, err
		}
		src, err := def.Archive(f, producers.Options{})
		if err != nil {
			t.Fatal(err)
		}
		s, err := src.Connect(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		b, err := s.Next(t.Context())
		if err = errors.Join(err, s.Close()); err != nil {
			t.Fatal(err)
		}
		for _, e := range b.Events {
			if e.Kind == event.KindMessage {
				ids[e.NativeID] = true
			}
		}
	}
	for i := range 20 {
		part(i)
	}
	if len(ids) != 20 || read < size {
		t.Errorf("%d messages: %v", len(ids), ids)
	}
	if most := 2 * size; read > most {
		t.Errorf("%d bytes were read of %d", read, size)
	}
	read = 0
	folder[name+".json"].ModTime = time.Unix(2, 0)
	if part(0); read < size {
		t.Errorf("%d bytes were read of an export that is another", read)
	}
}
