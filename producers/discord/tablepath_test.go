package discord

import (
	"strings"
	"testing"
	"time"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/producers"
	"github.com/agrichat/agrichat/producers/producertest"
)

func TestTables_LocateNamesakes(t *testing.T) {
	for name, c := range map[string]map[string]event.Channel{
		"one folder":             {"x/beans.csv": "name:beans", "x/peas.csv": "name:peas"},
		"a name says nothing":    {"x/part.csv": "name:x/part"},
		"nor where no folder is": {"part.csv": "name:part"},
		"a copy":                 {"x/beans.csv": "name:beans", "x/beans (1).csv": "name:beans", "x/beans - Copy.csv": "name:beans"},
		"two folders":            {"x/a/beans.csv": "name:a/beans", "x/b/beans.csv": "name:b/beans", "x/b/peas.csv": "name:peas"},
		"two trees":              {"x/a/y/beans.csv": "name:a/y/beans", "x/b/y/beans.csv": "name:b/y/beans"},
		"two zips":               {"a.zip/beans.csv": "name:a/beans", "b.zip/beans.csv": "name:b/beans"},
		"a root and a folder":    {"beans.csv": "name:beans", "a/beans.csv": "name:a/beans"},
		"numbered parts":         {"x/beans/1.csv": "name:x/beans", "y/beans/1.csv": "name:y/beans", "y/beans/2.csv": "name:y/beans"},
		"days of one channel":    {"x/2024-05-01/beans.csv": "name:beans", "x/2024-05-02/beans.csv": "name:beans", "x/20240503/beans.csv": "name:beans"},
		"dated exports":          {"export 2024-05/beans.csv": "name:beans", "export 2024-06/beans.csv": "name:beans"},
		"numbers are no dates":   {"server1/beans.csv": "name:server1/beans", "server2/beans.csv": "name:server2/beans"},
		"ids":                    {"a/beans [420000000000000001].csv": channelID, "b/beans [420000000000000001].csv": channelID},
	} {
		t.Run(name, func(t *testing.T) {
			def := Definition()
			for path := range c {
				if def.Recognise(producertest.File(path, []byte(today))) != producers.Certain {
					t.Fatalf("%s is not recognised", path)
				}
			}
			for path, want := range c {
				batches := producertest.Read(t, def, producertest.Case{Path: path, Data: []byte(today)}, nil)
				if got := producertest.Events(batches)[0].Channel; got != want {
					t.Errorf("%s is of %q, want %q", path, got, want)
				}
				said := len(batches[0].Notices) == 1 && batches[0].Notices[0].Code == "channel-from-path" && batches[0].Notices[0].Count == 3
				if derived := strings.HasPrefix(string(want), "name:"); said != derived {
					t.Errorf("%s: notices %+v", path, batches[0].Notices)
				}
			}
		})
	}
	named := producertest.Read(t, Definition(), producertest.Case{Path: "x/beans.csv", Data: []byte(today),
		Options: producers.Options{Channel: "beans"}}, nil)
	if len(named[0].Notices) > 0 {
		t.Errorf("the channel was named, and yet: %+v", named[0].Notices)
	}
}

func TestTable_SetBackHour(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	row := func(at string) string { return "\"vera#0001\";\"" + at + "\";\"x\";\"\";\"\";\n" }
	head := "Author;Date;Content;Attachments;Reactions;\n"
	first := head + row("31-Oct-21 02:30 AM") + row("31-Oct-21 02:10 AM")
	second := head + row("31-Oct-21 02:20 AM")
	c := producertest.Case{Path: "beans/2.csv", Data: []byte(second), Beside: map[string][]byte{"1.csv": []byte(first)},
		Options: producers.Options{Zone: berlin}}
	m := ofKind(producertest.Events(producertest.Read(t, Definition(), c, nil)), event.KindMessage)
	if got := m[0].Sent.At.Format(time.RFC3339); got != "2021-10-31T01:20:00Z" {
		t.Errorf("the second part begins at %s, before the first ends", got)
	}
	gap := producertest.Case{Path: "beans/1.csv", Data: []byte(head + row("28-Mar-21 02:30 AM")), Options: producers.Options{Zone: berlin}}
	batches := producertest.Read(t, Definition(), gap, nil)
	m = ofKind(producertest.Events(batches), event.KindMessage)
	if m[0].Body.(*event.Message).Details[producers.DetailSkippedHour] != "true" || m[0].Sent.At.Format(time.RFC3339) != "2021-03-28T01:30:00Z" {
		t.Errorf("in a skipped hour: %+v", m[0])
	}
	if n := batches[0].Notices; len(n) != 2 || n[1] != producers.SkippedHour(1) {
		t.Errorf("notices %+v", n)
	}
}
