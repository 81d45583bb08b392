package all_test

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/fault"
	"github.com/agrichat/agrichat/producers"
	"github.com/agrichat/agrichat/producers/all"
	"github.com/agrichat/agrichat/producers/producertest"
)

// TestGolden holds the bytes of every envelope and every cursor that a connector makes of its fixtures against a committed file: a change
// to a connector's code that is no change of what it says leaves them alone. UPDATE_GOLDEN=1 writes the files anew.
func TestGolden(t *testing.T) {
	for _, d := range all.Definitions() {
		if d.Archive == nil {
			continue
		}
		t.Run(string(d.Name), func(t *testing.T) {
			got := golden(t, d.Name)
			file := filepath.Join("testdata", "golden", string(d.Name)+".txt")
			if os.Getenv("UPDATE_GOLDEN") != "" {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
				t.Errorf("%s differs (-want +got): %s", file, diff)
			}
		})
	}
}

// golden is what a source makes of each of its fixtures, and of a long export, which takes several batches.
func golden(t *testing.T, name event.Source) string {
	var out strings.Builder
	dir := filepath.Join("..", string(name), "testdata")
	err := filepath.WalkDir(dir, func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.Contains(file, ".golden.") {
			return err
		}
		data, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		f := producertest.File(file, data)
		f.Beside = func(rel string) (io.ReadCloser, error) {
			return os.Open(filepath.Join(filepath.Dir(file), filepath.FromSlash(rel)))
		}
		if sureness := definition(name).Recognise(f); sureness > producers.No || strings.Contains(filepath.ToSlash(file), "/bad/") {
			fmt.Fprintf(&out, "== %s confidence %d\n", filepath.ToSlash(file), sureness)
			writeRead(t, &out, name, f, producers.Options{Account: "4711", Zone: berlin(t)}, true)
			out.WriteString("-- in UTC\n")
			writeRead(t, &out, name, f, producers.Options{Account: "4711"}, false)
			out.WriteString("-- with every option\n")
			writeRead(t, &out, name, f, producers.Options{
				Account: "4711", Namespace: "ours", Channel: "shed", Zone: berlin(t), Charset: "windows-1251", DateOrder: producers.MonthFirst,
			}, false)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	f := long(name)
	fmt.Fprintf(&out, "== %s confidence %d\n", f.Path, definition(name).Recognise(f))
	writeRead(t, &out, name, f, producers.Options{Account: "4711", Zone: berlin(t)}, false)
	return out.String()
}

func definition(name event.Source) producers.Definition {
	for _, d := range all.Definitions() {
		if d.Name == name {
			return d
		}
	}
	panic("no source is called " + string(name))
}

func berlin(t *testing.T) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

// writeRead writes the batches of a file: cursors, counts and notices as they are, envelopes as they are or as a digest. Every cursor is
// read on from, which must give the same rest.
func writeRead(t *testing.T, out *strings.Builder, name event.Source, f producers.File, o producers.Options, whole bool) {
	t.Helper()
	src, err := definition(name).Archive(f, o)
	if err != nil {
		fmt.Fprintf(out, "refused: %s\n", fault.Of(err))
		return
	}
	batches, err := producertest.Drain(t.Context(), src, nil)
	for i, b := range batches {
		fmt.Fprintf(out, "batch: %+v\n", b.Counts)
		for _, n := range b.Notices {
			fmt.Fprintf(out, "notice: %d %s %s\n", n.Count, n.Code, n.Option)
		}
		if lines := envelopes(t, b.Events); whole {
			out.Write(lines)
		} else {
			fmt.Fprintf(out, "%d events %s\n", len(b.Events), event.Digest(string(lines)))
		}
		fmt.Fprintf(out, "cursor: %s\n", b.Cursor)
		rest, _ := producertest.Drain(t.Context(), src, b.Cursor)
		if diff := cmp.Diff(batches[i+1:], rest); diff != "" && !(len(rest) == 0 && i+1 == len(batches)) {
			t.Errorf("%s: resuming after batch %d differs: %s", f.Path, i, diff)
		}
	}
	if err != nil {
		fmt.Fprintf(out, "failed: %s\n", fault.Of(err))
	}
}

func envelopes(t *testing.T, events []event.Event) []byte {
	t.Helper()
	var out bytes.Buffer
	for _, e := range events {
		e.Reading.ZoneNamed, e.Reading.CharsetNamed = min(1, e.Reading.ZoneNamed), min(1, e.Reading.CharsetNamed) // times of the fixture's file
		b, err := event.Encode(&e)
		if err != nil {
			t.Fatal(err)
		}
		out.Write(append(b, '\n'))
	}
	return out.Bytes()
}

// longRecords are enough for several batches of any source.
const longRecords = 1300

// long makes an export of a source that takes several batches, with records that cannot be read, equal records, and more than two days.
func long(name event.Source) producers.File {
	var b strings.Builder
	file, end := "", ""
	var record func(b *strings.Builder, n int, at time.Time, text string)
	broken := "} broken\n"
	switch name {
	case "csv":
		file, record = "long/chat.csv", func(b *strings.Builder, _ int, at time.Time, text string) {
			fmt.Fprintf(b, "garden,vera,%s,%s\n", at.Format(time.DateTime), text)
		}
	case "discord":
		file, end, broken = "long/beans [420000000000000001].json", "\n]}", ",\n{\"id\": \"5\"] }"
		b.WriteString(`{"guild": {"id": "1", "name": "G"}, "channel": {"id": "420000000000000001", "type": "GuildTextChat", "name": "beans"}, ` +
			`"dateRange": {}, "messages": [`)
		record = func(b *strings.Builder, n int, at time.Time, text string) {
			fmt.Fprintf(b, "%s\n{\"id\": \"%d\", \"type\": \"Default\", \"timestamp\": %q, \"content\": %q, \"author\": {\"id\": \"7\", \"name\": \"vera\"}}",
				strings.Repeat(",", min(n, 1)), 1000+n, at.Format(time.RFC3339), text)
		}
	case "irc":
		file, record = "long/#garden.log", func(b *strings.Builder, _ int, at time.Time, text string) {
			fmt.Fprintf(b, "[%s] <vera> %s\n", at.Format(time.DateTime), text)
		}
	case "jsonl":
		file, record = "long/chat.jsonl", func(b *strings.Builder, _ int, at time.Time, text string) {
			fmt.Fprintf(b, "{\"channel\":\"garden\",\"author\":\"vera\",\"text\":%q,\"sent\":%q}\n", text, at.Format(time.DateTime))
		}
	case "slack":
		file, end, broken = "long/garden/2024-05-01.json", "\n]\n", ",\n    \"no record\""
		b.WriteString("[")
		record = func(b *strings.Builder, n int, at time.Time, text string) {
			fmt.Fprintf(b, "%s\n    {\n        \"type\": \"message\",\n        \"user\": \"U0000ANNA\",\n        \"text\": %q,\n        \"ts\": \"%d.%06d\"\n    }",
				strings.Repeat(",", min(n, 1)), text, at.Unix(), n)
		}
	case "telegram":
		file, end, broken = "long/result.json", "\n ]\n}\n", ",\n  {\"id\": 4, \"type\": ]}"
		b.WriteString("{\n \"name\": \"Garden\",\n \"type\": \"private_supergroup\",\n \"id\": 555,\n \"messages\": [")
		record = func(b *strings.Builder, n int, at time.Time, text string) {
			fmt.Fprintf(b, "%s\n  {\"id\": %d, \"type\": \"message\", \"date\": %q, \"from\": \"Vera\", \"from_id\": \"user7\", \"text\": %q}",
				strings.Repeat(",", min(n, 1)), 10+n, at.Format("2006-01-02T15:04:05"), text)
		}
	case "whatsapp":
		file, broken = "long/WhatsApp Chat with Garden.txt", "99/99/2024, 10:00 - Vera: no such day\n"
		record = func(b *strings.Builder, _ int, at time.Time, text string) {
			fmt.Fprintf(b, "%s - Vera: %s\n", at.Format("02/01/2006, 15:04"), text)
		}
	default:
		panic("no long export of " + string(name))
	}
	at := time.Date(2024, 10, 26, 12, 0, 0, 0, time.UTC) // a day before clocks are set back in Berlin
	for n := range longRecords {
		record(&b, n, at, fmt.Sprintf("line %d", n/2))
		if n%300 == 299 {
			b.WriteString(broken)
		}
		at = at.Add(time.Duration(n%5) * time.Minute)
	}
	b.WriteString(end)
	f := producertest.File(file, []byte(b.String()))
	f.Beside = func(rel string) (io.ReadCloser, error) {
		if name == "csv" && rel == path.Base(file)+".map.yaml" {
			return io.NopCloser(strings.NewReader("namespace: forum\nheader: false\nchannel: 1\nauthor: 2\ntext: 4\n" +
				"time: {column: 3, layout: \"%Y-%m-%d %H:%M:%S\"}\n")), nil
		}
		return nil, &fs.PathError{Op: "open", Path: rel, Err: fs.ErrNotExist}
	}
	return f
}
