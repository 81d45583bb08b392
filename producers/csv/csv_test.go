package csv

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/fault"
	"github.com/agrichat/agrichat/producers"
	"github.com/agrichat/agrichat/producers/filekit"
	"github.com/agrichat/agrichat/producers/producertest"
)

// fileOf is what a source is given of a case.
func fileOf(c producertest.Case) producers.File {
	f := producertest.File(c.Path, c.Data)
	f.Beside = func(rel string) (io.ReadCloser, error) {
		if b, ok := c.Beside[rel]; ok {
			return io.NopCloser(bytes.NewReader(b)), nil
		}
		return nil, &fs.PathError{Op: "open", Path: rel, Err: fs.ErrNotExist}
	}
	return f
}

func TestDefinition(t *testing.T) { producertest.Definition(t, Definition()) }

func fixture(t *testing.T, name string) producertest.Case {
	t.Helper()
	path := filepath.Join("testdata", name)
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return producertest.Case{Path: path, Data: b, Cuts: len(b)}
}

func TestReader_Conformance(t *testing.T) {
	for _, batch := range []int{1, 2, filekit.BatchSize} {
		c := fixture(t, "forum/chat.csv")
		c.Events, c.Unparsed = 8, 2
		producertest.Archive(t, definition(batch), c)
		c = fixture(t, "viber/talk.tsv")
		c.Events = 4
		producertest.Archive(t, definition(batch), c)
	}
}

// What is made of the fixtures stands beside them.
func TestReader_Golden(t *testing.T) {
	for _, name := range []string{"forum/chat.csv", "viber/talk.tsv"} {
		var got strings.Builder
		for _, e := range readAll(t, fixture(t, name)) {
			e.Reading.ZoneNamed = 0 // when the fixture was checked out
			b, err := event.Encode(&e)
			if err != nil {
				t.Fatal(err)
			}
			got.Write(append(b, '\n'))
		}
		golden := filepath.Join("testdata", name+".golden.jsonl")
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got.String(), "\n")); diff != "" {
			t.Errorf("%s: %s", golden, diff)
		}
	}
}

func TestReader_RowsWithIDs(t *testing.T) {
	all := readAll(t, table(head+"1,garden,u1,Olga,2024-07-01 12:00:00,hello,\n2,garden,u2,Pavel,2024-07-01 12:01:00,\"a \"\"b\"\"\r\nc, d\",1\n", numbered))
	if len(all) != 2 {
		t.Fatalf("%d events", len(all))
	}
	first, second := all[0], all[1]
	want := event.Event{
		ID: first.ID, Source: "csv", Namespace: "forum", Channel: "garden", NativeID: "1",
		Author: event.Person{ID: "u1", Name: "Olga"}, Kind: event.KindMessage, Revision: event.Unedited, Sent: first.Sent,
		Reading: event.Reading{ZoneNamed: 1}, // the mapping has no date here
		Body:    &event.Message{Type: event.TypeMessage, Text: "hello"}, Raw: []byte("1,garden,u1,Olga,2024-07-01 12:00:00,hello,"),
	}
	if diff := cmp.Diff(want, first); diff != "" {
		t.Error(diff)
	}
	if got := first.Sent; got.At.Format("15:04") != "10:00" || got.Zone != "Europe/Berlin" || !got.Assumed || got.Precision != event.PrecisionSecond {
		t.Errorf("sent %+v", got)
	}
	b := message(t, second)
	if diff := cmp.Diff(&event.Ref{NativeID: "1"}, b.ReplyTo); diff != "" || b.Text != "a \"b\"\nc, d" {
		t.Errorf("text %q, reply %s", b.Text, diff)
	}
}

// Rows without ids are distinguished by content, those of two channels by themselves.
func TestReader_RowsWithoutIDs(t *testing.T) {
	mapping := "namespace: n\nchannel: room\nauthor: who\ntext: text\ntime: {column: at, layout: \"%Y-%m-%d %H:%M\"}\n"
	rows := "room,who,at,text\na,A,2024-01-01 10:00,x\nb,A,2024-01-01 10:00,x\na,A,2024-01-01 10:00,x\n"
	c := table(rows, mapping)
	batches := producertest.Read(t, Definition(), c, nil)
	all := producertest.Events(batches)
	if all[0].NativeID == all[2].NativeID || batches[0].Counts.Ambiguous != 1 {
		t.Errorf("ids %s and %s, counts %+v", all[0].NativeID, all[2].NativeID, batches[0].Counts)
	}
	alone := readAll(t, table(strings.Replace(rows, "b,A,2024-01-01 10:00,x\n", "", 1), mapping))
	if alone[1].ID != all[2].ID {
		t.Error("a row of another channel changes an id")
	}
}

func TestReader_UnreadableTime(t *testing.T) {
	all := readAll(t, table(head+"1,g,u,U,sometime,x,\n2,g,u,U,,y,\n3,g,u,U,2024-10-27 02:30:00,z,\n", numbered))
	if !all[0].Sent.IsZero() || message(t, all[0]).Details["time"] != "sometime" {
		t.Errorf("sent %+v", all[0].Sent)
	}
	if !all[1].Sent.IsZero() || message(t, all[1]).Details != nil {
		t.Errorf("sent %+v", all[1].Sent)
	}
	if got := message(t, all[2]).Details["sent_or"]; got != "2024-10-27T01:30:00Z" || all[2].Sent.At.Format("15:04") != "00:30" {
		t.Errorf("the hour that comes twice: %v or %s", all[2].Sent.At, got)
	}
}

func TestReader_BrokenRows(t *testing.T) {
	for name, c := range map[string]struct{ bad, why string }{
		"too few":            {"2,g,u,U,2024-01-01 00:00:00,x\n", "6 cells, not 7"},
		"too many":           {"2,g,u,U,2024-01-01 00:00:00,x,,y\n", "8 cells, not 7"},
		"a lost quote":       {"2,g,u,U,2024-01-01 00:00:00,\"x,\n", "quotation mark"},
		"no measure":         {"2,g,u,U,2024-01-01 00:00:00," + strings.Repeat("x", longest+window) + ",\n", "more than any message"},
		"no measure, quoted": {"2,g,u,U,2024-01-01 00:00:00,\"" + strings.Repeat("x", longest+window) + "\n", "more than any message"},
	} {
		text := head + "1,g,u,U,2024-01-01 00:00:00,x,\n" + c.bad + "3,g,u,U,2024-01-01 00:00:00,\"y\",\n4,g,u,U,2024-01-01 00:00:00,z,"
		all := readAll(t, table(text, numbered))
		if len(all) != 4 || !strings.Contains(reasons(all), c.why) || all[3].NativeID != "4" {
			t.Errorf("%s: %d events, %s", name, len(all), reasons(all))
			continue
		}
		if want := strings.TrimSuffix(c.bad, "\n"); string(all[1].Raw) != want[:min(len(want), sampled)] {
			t.Errorf("%s: kept %.80q", name, all[1].Raw)
		}
		u := all[1].Body.(*event.Unparsed)
		if u.Line != 3 || int(u.Offset) != strings.Index(text, c.bad) {
			t.Errorf("%s: line %d, offset %d", name, u.Line, u.Offset)
		}
	}
}

func TestReader_Dialects(t *testing.T) {
	const mapping = "namespace: n\nchannel: {value: c}\nauthor: who\ntext: text\ntime: {column: at, layout: unix}\n"
	for name, c := range map[string]struct{ text, mapping string }{
		"plain":               {"who,at,text\nA,1,x\n", mapping},
		"windows":             {"\xef\xbb\xbfwho,at,text\r\nA,1,x\r\n", mapping},
		"a mark and quotes":   {"\xef\xbb\xbf\"who\",\"at\",\"text\"\n\"A\",\"1\",\"x\"", mapping},
		"no last line end":    {"who,at,text\nA,1,x", mapping},
		"blank lines":         {"who,at,text\n\nA,1,x\n\n\n", mapping},
		"semicolons":          {"who;at;text\nA;1;x\n", mapping},
		"a last delimiter":    {"who;at;text;\nA;1;x;\n", mapping},
		"tabs":                {"who\tat\ttext\nA\t1\tx\n", mapping},
		"named delimiter":     {"who|at|text\nA|1|x\n", mapping + "delimiter: pipe\n"},
		"another quote":       {"who,at,text\nA,1,'x'\n", mapping + "quote: \"'\"\n"},
		"spaces in the names": {" who , at , text \nA,1,x\n", mapping},
		"numbers": {"A,1,x\n", "namespace: n\nchannel: {value: c}\nauthor: 1\ntext: 3\nheader: false\n" +
			"time: {column: 2, layout: unix}\n"},
		"numbers after a mark": {"\xef\xbb\xbfA,1,x\n", "namespace: n\nchannel: {value: c}\nauthor: 1\ntext: 3\nheader: false\n" +
			"time: {column: 2, layout: unix}\n"},
	} {
		all := readAll(t, table(c.text, c.mapping))
		if len(all) != 1 || all[0].Author.ID != "A" || all[0].Sent.At.Unix() != 1 || all[0].Body.(*event.Message).Text != "x" {
			t.Errorf("%s: %+v", name, all)
		}
	}
	none := readAll(t, table("who,at,text\nA,1,\"x\n", mapping+"quote: none\n"))
	if len(none) != 1 || message(t, none[0]).Text != `"x` {
		t.Errorf("without quotes: %+v", none)
	}
}

// Equal rows of a day are counted on after a stop, however days are mixed, and the cursor stays small on a day of many rows.
func TestReader_ResumeWithoutIDs(t *testing.T) {
	mapping := "namespace: n\nchannel: {value: c}\nauthor: who\ntext: text\ntime: {column: at, layout: \"%Y-%m-%d %H:%M\"}\n"
	var b strings.Builder
	b.WriteString("who,at,text\n")
	for i := range 600 {
		fmt.Fprintf(&b, "A,2024-01-%02d 10:00,%d\n", 1+i/200+i%2, i%7)
	}
	for _, batch := range []int{1, 45} {
		c := table(b.String(), mapping)
		c.Events, c.Cuts = 600, 8
		if batch > 1 {
			producertest.Archive(t, definition(batch), c)
		}
		for _, x := range producertest.Read(t, definition(batch), c, nil) {
			if len(x.Cursor) > 500 {
				t.Fatalf("a cursor of %d bytes", len(x.Cursor))
			}
		}
	}
	cut := table(b.String()[:3000], mapping)
	batches := producertest.Read(t, definition(50), table(b.String(), mapping), nil)
	src, err := Definition().Archive(fileOf(cut), cut.Options)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := src.Connect(t.Context(), batches[len(batches)-2].Cursor); fault.Of(err) != fault.Fatal {
		t.Errorf("going on in another file: %v", err)
	}
}

// A chat without messages is no mistake of whoever mapped its columns.
func TestReader_BlankTables(t *testing.T) {
	for _, text := range []string{"\n", "\xef\xbb\xbf", " \r\n\r\n", head} {
		if all := readAll(t, table(text, numbered)); len(all) != 0 {
			t.Errorf("%q: %d events", text, len(all))
		}
	}
}

func TestPlan_Charset(t *testing.T) {
	const mapping = "namespace: n\nchannel: {value: c}\nauthor: кто\ntext: text\ncharset: windows-1251\ntime: {column: at, layout: unix}\n"
	all := readAll(t, table("\xea\xf2\xee,at,text\n\xc0,1,\xcf\xf0\xe8\n\xd0\x90,1,x\n", mapping))
	if len(all) != 2 || message(t, all[0]).Text != "При" || all[1].Author.ID != "А" || string(all[0].Raw) != "\xc0,1,\xcf\xf0\xe8" {
		t.Errorf("%+v", all)
	}
	if r := all[0].Reading; r.Charset != "windows-1251" || r.CharsetNamed == 0 || !all[1].Reading.IsZero() {
		t.Errorf("%+v, %+v", r, all[1].Reading)
	}
	c := table("who,at,text\nA,1,x\n", "")
	c.Data = append([]byte("\xff\xfe"), c.Data...)
	if err := refused(t, c); !strings.Contains(err.Error(), "UTF-16") {
		t.Errorf("UTF-16: %v", err)
	}
}

// A mapping may leave open what the user says otherwise, and its own word counts more.
func TestPlan_Options(t *testing.T) {
	c := table("who,at,text\nA,2024-07-01 12:00,x\n", "author: who\ntext: text\ntime: {column: at, layout: \"%Y-%m-%d %H:%M\"}\n")
	c.Options = producers.Options{Namespace: "n", Channel: "c", Zone: zone(t, "Asia/Tokyo"), Account: "me"}
	e := readAll(t, c)[0]
	if e.Namespace != "n" || e.Channel != "c" || e.Account != "me" || e.Sent.At.Hour() != 3 {
		t.Errorf("%+v", e)
	}
	c.Beside["chat.csv.map.yaml"] = []byte("namespace: m\nchannel: {value: d}\nauthor: who\ntext: text\n" +
		"time: {column: at, layout: \"%Y-%m-%d %H:%M\", zone: UTC}\n")
	e = readAll(t, c)[0]
	if e.Namespace != "m" || e.Channel != "d" || e.Sent.At.Hour() != 12 {
		t.Errorf("%+v", e)
	}
}

func TestRecognise(t *testing.T) {
	const dce = "AuthorID,Author,Date,Content,Attachments,Reactions\n"
	for name, c := range map[string]struct {
		path, text string
		beside     string
		want       producers.Confidence
	}{
		"a table":               {path: "x/chat.csv", text: "a,b\n1,2\n", want: producers.No},
		"its mapping":           {path: "x/chat.csv", text: "a,b\n1,2\n", beside: "chat.csv.map.yaml", want: producers.Likely},
		"its folder's mapping":  {path: "x/chat.tsv", text: "a\tb\n", beside: "mapping.yaml", want: producers.Likely},
		"a text with a mapping": {path: "x/chat.txt", text: "a|b\n", beside: "chat.txt.map.yml", want: producers.Likely},
		"a text in its folder":  {path: "x/chat.txt", text: "a|b\n", beside: "mapping.yaml", want: producers.No},
		"Discord's":             {path: "x/d.csv", text: dce, beside: "mapping.yaml", want: producers.Likely}, // less than certain
		"no table":              {path: "x/chat.csv", text: "a\n", want: producers.No},
		"another file":          {path: "x/chat.json", text: "{\"a\":1,\"b\":2}", beside: "chat.json.map.yaml", want: producers.No},
		"bytes":                 {path: "x/chat.csv", text: "a,\x00b\n", want: producers.No},
		"a NUL in a message":    {path: "x/chat.csv", text: "a,b\n1,what came \x00 of it\n", beside: "mapping.yaml", want: producers.Likely},
	} {
		got := recognise(fileOf(producertest.Case{
			Path: c.path, Data: []byte(c.text), Beside: map[string][]byte{c.beside: []byte("{}")},
		}))
		if got != c.want {
			t.Errorf("%s: confidence %d, want %d", name, got, c.want)
		}
	}
}

// The sample that an error shows is a mapping that reads the table.
func TestSampleMapping(t *testing.T) {
	for name, text := range map[string]string{
		"plain":   "message_id,room,user_id,user_name,created_at,message\n1,r,u,U,2024-05-01T12:00:00Z,hello\n",
		"dots":    "Datum;Name;Text\n01.05.2024 12:00;Olga;hello\n",
		"strange": "\"a, b\",c,\"d \"\"e\"\"\",date\n1,2,3,2024-05-01 12:00:00.5\n",
	} {
		c := producertest.Case{Path: "x/chat.csv", Data: []byte(text), Beside: map[string][]byte{}}
		err := refused(t, c)
		_, sample, ok := strings.Cut(err.Error(), "\n\n")
		if fault.Of(err) != fault.Fatal || !ok || !strings.Contains(err.Error(), "chat.csv.map.yaml") {
			t.Errorf("%s: %v", name, err)
		}
		if strings.Contains(sample, "\n ") {
			t.Errorf("%s: an error is printed without indentation, and this needs it:\n%s", name, sample)
		}
		c.Beside["chat.csv.map.yaml"] = []byte(sample)
		all := readAll(t, c)
		if len(all) != 1 || all[0].Kind != event.KindMessage {
			t.Errorf("%s: %d events with\n%s", name, len(all), sample)
		}
		if name == "plain" && (message(t, all[0]).Text != "hello" || all[0].NativeID != "1" || all[0].Author.ID != "u" || all[0].Sent.IsZero()) {
			t.Errorf("%s: %+v", name, all[0])
		}
	}
}

// Another mapping is another reading: a cursor of the first does not stop it.
func TestReader_ChangedMapping(t *testing.T) {
	c := table(head+"1,g,u,U,2024-01-01 00:00:00,x,\n", numbered)
	batches := producertest.Read(t, Definition(), c, nil)
	end := batches[len(batches)-1].Cursor
	if n := len(producertest.Read(t, Definition(), c, end)); n != 0 {
		t.Errorf("%d batches after the end", n)
	}
	c.Beside["chat.csv.map.yaml"] = []byte(strings.Replace(numbered, "namespace: forum", "namespace: other", 1))
	if all := producertest.Events(producertest.Read(t, Definition(), c, end)); len(all) != 1 || all[0].Namespace != "other" {
		t.Errorf("%d events", len(all))
	}
}

// A table that has grown since its end was reached is read again; its ids are those of before.
func TestReader_GrownTable(t *testing.T) {
	c := table(head+"1,g,u,U,2024-01-01 00:00:00,x,\n", numbered)
	batches := producertest.Read(t, Definition(), c, nil)
	c.Data = append(c.Data, "2,g,u,U,2024-01-01 00:00:00,y,\n"...)
	all := producertest.Events(producertest.Read(t, Definition(), c, batches[len(batches)-1].Cursor))
	if len(all) != 2 || all[0].ID != batches[0].Events[0].ID {
		t.Errorf("%d events", len(all))
	}
}

func TestReader_ManyRows(t *testing.T) {
	var b strings.Builder
	b.WriteString(head)
	const n = 3000
	for i := range n {
		fmt.Fprintf(&b, "%d,g,u,U,2024-01-01 00:00:00,\"%s\n%d\",\n", i, strings.Repeat("x", i%200), i)
	}
	all := readAll(t, table(b.String(), numbered))
	if len(all) != n || all[n-1].NativeID != "2999" {
		t.Errorf("%d events", len(all))
	}
}

func TestDefinition_Unreadable(t *testing.T) {
	def := Definition()
	if got := def.Unreadable(producertest.File("export/chat.csv", []byte("who,what\nvera,beans\n"))); !strings.Contains(got, "chat.csv.map.yaml") {
		t.Errorf("a table without a mapping is called %q", got)
	}
	for path, data := range map[string]string{"chat.txt": "who,what\n", "empty.csv": "", "zeros.csv": strings.Repeat("\x00", 64)} {
		if got := def.Unreadable(producertest.File(path, []byte(data))); got != "" {
			t.Errorf("%s is called %q", path, got)
		}
	}
}
