package csv

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/fault"
	"github.com/agrichat/agrichat/producers/producertest"
)

// Each mistake is named, with where it is and what would do.
func TestMapping_Errors(t *testing.T) {
	with := func(old, replacement string) string {
		if !strings.Contains(numbered, old) {
			t.Fatalf("the mapping has no %q", old)
		}
		return strings.Replace(numbered, old, replacement, 1)
	}
	for name, c := range map[string]struct {
		mapping string
		says    []string
	}{
		"empty":                   {"", []string{"empty"}},
		"no YAML":                 {"a: [", []string{"yaml"}},
		"an unknown key":          {with("author:", "autor:"), []string{"line 5", "autor", "author_name"}},
		"a key within a column":   {with("channel: room", "channel: {colum: room}"), []string{"line 3", "colum", "column, value"}},
		"a key within the time":   {with("zone: Europe", "zne: Europe"), []string{"line 7", "zne", "layout"}},
		"a column that is absent": {with("uid", "usr"), []string{"author", `"usr"`, `"uid"`, `"room"`}},
		"a number too high":       {with("uid", "99"), []string{"author", "99", "has 7"}},
		"a layout of Go":          {with("%Y-%m-%d %H:%M:%S", "2006-01-02 15:04:05"), []string{"time: layout", "%Y"}},
		"an unknown part":         {with("%H:%M", "%Q:%M"), []string{"time: layout", "%Q", "rfc3339"}},
		"half an hour":            {with("%H:%M", "%I:%M"), []string{"time: layout", "%p"}},
		"no year":                 {with("%Y-", ""), []string{"time: layout", "no year"}},
		"a lone sign":             {with("%S", "%"), []string{"time: layout", "lone"}},
		"no layout":               {with(`layout: "%Y-%m-%d %H:%M:%S", `, ""), []string{"time: layout", "say how"}},
		"a zone":                  {with("Europe/Berlin", "Berlin"), []string{"time: zone", `"Berlin"`, "Europe/Berlin"}},
		"no namespace":            {with("namespace: forum", ""), []string{"namespace", "--namespace"}},
		"no channel":              {with("channel: room", ""), []string{"channel", "--channel"}},
		"no text":                 {with("text: message", ""), []string{"text"}},
		"no time":                 {with("time:", "# time:"), []string{"time", "layout"}},
		"nobody":                  {with("author: uid\nauthor_name: user", ""), []string{"author", "author_name"}},
		"replies without ids":     {with("id: id\n", ""), []string{"reply_to", "map id"}},
		"one id for all":          {with("id: id", "id: {value: 1}"), []string{"id", "column"}},
		"both":                    {with("channel: room", "channel: {column: room, value: x}"), []string{"line 3", "either"}},
		"a charset":               {numbered + "charset: cp-nope\n", []string{"charset", "cp-nope", "IANA"}},
		"a delimiter":             {numbered + "delimiter: '::'\n", []string{"delimiter", "semicolon"}},
		"a bare delimiter":        {numbered + "delimiter: ,\n", []string{"quotation marks", "comma"}},
		"a quote":                 {numbered + "quote: ','\n", []string{"quote", "delimiter"}},
		"several":                 {with("uid", "usr") + "charset: x\n", []string{"usr", "charset"}},
	} {
		err := refused(t, table(head, c.mapping))
		if err == nil {
			continue
		}
		if fault.Of(err) != fault.Fatal {
			t.Errorf("%s: the error is %s", name, fault.Of(err))
		}
		for _, word := range append(c.says, "chat.csv.map.yaml") {
			if !strings.Contains(err.Error(), word) {
				t.Errorf("%s: %q is not in: %v", name, word, err)
			}
		}
	}
	if err := refused(t, table("a,a,b\n", "namespace: n\nchannel: {value: c}\nauthor: a\ntext: b\ntime: {column: b, layout: unix}\n")); !strings.Contains(
		err.Error(), "columns 1 and 2") {
		t.Errorf("two columns of one name: %v", err)
	}
}

func TestParseLayout(t *testing.T) {
	berlin := zone(t, "Europe/Berlin")
	for _, c := range []struct {
		layout, text, want string
		precision          event.Precision
		assumed            bool
	}{
		{"rfc3339", "2024-05-01T12:00:00+02:00", "2024-05-01T10:00:00Z", event.PrecisionSecond, false},
		{"rfc3339", "2024-05-01T12:00:00.123Z", "2024-05-01T12:00:00.123Z", event.PrecisionMilli, false},
		{"unix", "1714557600", "2024-05-01T10:00:00Z", event.PrecisionSecond, false},
		{"unix", "1714557600.5", "2024-05-01T10:00:00.5Z", event.PrecisionMicro, false},
		{"unix_ms", "1714557600250", "2024-05-01T10:00:00.25Z", event.PrecisionMilli, false},
		{"%d.%m.%Y %H:%M", "1.5.2024 12:00", "2024-05-01T10:00:00Z", event.PrecisionMinute, true},
		{"%d.%m.%Y %H:%M", "01.05.2024\u202f12:00", "2024-05-01T10:00:00Z", event.PrecisionMinute, true},
		{"%Y-%m-%d %H:%M:%S.%f", "2024-05-01 12:00:00.123456", "2024-05-01T10:00:00.123456Z", event.PrecisionMicro, true},
		{"%Y-%m-%d %H:%M:%S.%f", "2024-05-01 12:00:00", "2024-05-01T10:00:00Z", event.PrecisionSecond, true},
		{"%m/%d/%y, %I:%M %p", "5/1/24, 1:30 pm", "2024-05-01T11:30:00Z", event.PrecisionMinute, true},
		{"%m/%d/%y, %I:%M %p", "5/1/24, 1:30 p.m.", "2024-05-01T11:30:00Z", event.PrecisionMinute, true},
		{"%e %b %Y", "1 May 2024", "2024-04-30T22:00:00Z", event.PrecisionDay, true},
		{"%A, %d %B %Y %H:%M:%S", "Wednesday, 01 may 2024 12:00:00", "2024-05-01T10:00:00Z", event.PrecisionSecond, true},
		{"%Y-%m-%d %H:%M:%S%z", "2024-05-01 12:00:00+0200", "2024-05-01T10:00:00Z", event.PrecisionSecond, false},
		{"%Y-%m-%d %H:%M:%S %z", "2024-05-01 12:00:00 +02:00", "2024-05-01T10:00:00Z", event.PrecisionSecond, false},
		{"%Y%m%d%H%M%S", "20240501120000", "2024-05-01T10:00:00Z", event.PrecisionSecond, true},
		{"%Y-%m-%dT%H:%M:%SZ", "2024-05-01T12:00:00Z", "2024-05-01T10:00:00Z", event.PrecisionSecond, true},
		{"unix", "12:00", "", 0, false},
		{"%Y-%m-%d", "2024-13-01", "", 0, false},
		{"%Y-%m-%d", "2024-01-01 12:00", "", 0, false},
	} {
		l, err := parseLayout(c.layout)
		if err != nil {
			t.Errorf("%s: %v", c.layout, err)
			continue
		}
		m, ok := l.read(c.text, berlin)
		if c.want == "" {
			if ok {
				t.Errorf("%s reads %q as %v", c.layout, c.text, m.At)
			}
			continue
		}
		if got := m.At.Format(time.RFC3339Nano); !ok || got != c.want || m.Precision != c.precision || m.Assumed != c.assumed {
			t.Errorf("%s reads %q as %s (%s, assumed %v), want %s (%s)", c.layout, c.text, got, m.Precision, m.Assumed, c.want, c.precision)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(head+"1,g,u,U,2024-01-01 00:00:00,\"a\nb\",\n2,g,u,U,x,y\n"), uint8(1))
	f.Add([]byte("\xef\xbb\xbf"+head+",g,u,U,2024-01-01 00:00:00,\"a\"\"b,\r\n\xff,,\r\n"), uint8(2))
	f.Fuzz(func(t *testing.T, data []byte, batch uint8) {
		data = append([]byte(head), data...)
		c, def := table(string(data), numbered), definition(1+int(batch%4))
		batches := producertest.Read(t, def, c, nil)
		size := int64(0)
		for i, b := range batches {
			size += b.Counts.Bytes
			for _, e := range b.Events {
				if _, err := event.Encode(&e); err != nil {
					t.Fatal(err)
				}
			}
			if i == int(batch)%len(batches) {
				rest := producertest.Events(producertest.Read(t, def, c, bytes.Clone(b.Cursor)))
				if diff := cmp.Diff(producertest.Events(batches[i+1:]), rest); diff != "" {
					t.Fatalf("going on after batch %d differs: %s", i, diff)
				}
			}
		}
		if size != int64(len(data)) {
			t.Fatalf("%d bytes of %d are accounted for", size, len(data))
		}
	})
}

func FuzzMapping(f *testing.F) {
	f.Add([]byte(numbered))
	f.Add([]byte("time: [1"))
	f.Add([]byte("channel: {value: x}\ntime: {column: [date, 2], layout: \"%_%d\"}\nquote:\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := parseMapping(text)
		if err != nil {
			return
		}
		if p, err := m.plan(producertest.File("x.csv", []byte(head)), options("n")); err == nil && p.width != 7 {
			t.Fatalf("width %d", p.width)
		}
	})
}
