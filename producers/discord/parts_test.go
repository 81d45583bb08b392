package discord

import (
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/producers"
	"github.com/agrichat/agrichat/producers/producertest"
)

func TestScanner_Value(t *testing.T) {
	for text, want := range map[string]struct{ raw, why string }{
		`{"a": [1, "}"]} rest`: {raw: `{"a": [1, "}"]}`},
		`"a \" b", 1`:          {raw: `"a \" b"`},
		`12.5e3, 1`:            {raw: `12.5e3`},
		`true`:                 {raw: `true`},
		"{\"a\": \"b\n\"}":     {why: "a string has no end"},
		`{"a": [1`:             {why: "the file ends in the middle of a record"},
		`{"a": "\\"}`:          {raw: `{"a": "\\"}`},
	} {
		for _, r := range []io.Reader{strings.NewReader(text), iotest.OneByteReader(strings.NewReader(text))} {
			s := newScanner(r, 0, 1)
			if _, ok := s.Next(); !ok {
				t.Fatalf("%q has no value", text)
			}
			raw, why := s.value()
			if string(raw) != want.raw || why != want.why {
				t.Errorf("%q gives %q, %q", text, raw, why)
			}
		}
	}
}

func TestNextRecord(t *testing.T) {
	for text, want := range map[string]int{
		`xx { "id": "12", "type": "Default", "timestamp": "x" }`: 3,
		`{"id":"1","type":"Default","timestamp":"x"}`:            0,
		`{ "id": "12", "name": "vera" }`:                         -1, // an author, not a message
		`] , "messageCount": 3 }`:                                0,
		`[ "]" ] }`:                                              -1,
		`{ "id": "12", "type": "Def`:                             -1,
		``:                                                       -1,
	} {
		if got := nextRecord([]byte(text), true); got != want {
			t.Errorf("in %q the next record begins at %d, want %d", text, got, want)
		}
	}
}

func TestParseHeader(t *testing.T) {
	for line, want := range map[string]struct {
		delimiter byte
		width     int
		ok        bool
	}{
		"AuthorID,Author,Date,Content,Attachments,Reactions":              {',', 6, true},
		`"AuthorID";"Author";"Date";"Content";"Attachments";"Reactions";`: {';', 6, true},
		"author\tdate\tcontent\tattachments\treactions":                   {'\t', 5, true},
		"Author,Date,Content": {',', 3, false},
		"":                    {',', 0, false},
	} {
		if c, ok := parseHeader([]byte(line)); ok != want.ok || c.delimiter != want.delimiter || c.width != want.width {
			t.Errorf("%q is %+v, %v", line, c, ok)
		}
	}
}

func TestRow(t *testing.T) {
	for text, want := range map[string]struct {
		cells string
		n     int
		whole bool
	}{
		"a,b\nc":           {"a|b", 4, true},
		"\"a\"\"b\",c\r\n": {"a\"b|c", 10, true},
		"\"a\nb\",c\n":     {"a\nb|c", 8, true},
		"\"a\"b\",c\n":     {"a\"b|c", 8, true},
		"\"open,c\n":       {"", 8, false},
		"a,b":              {"a|b", 3, true},
	} {
		cells, n, whole := parseRow([]byte(text), ',', true, 0)
		if strings.Join(cells, "|") != want.cells || n != want.n || whole != want.whole {
			t.Errorf("%q is %q, length %d, whole %v", text, cells, n, whole)
		}
	}
	if cells, _, whole := parseRow([]byte("a,b,c\n"), ',', true, 2); len(cells) != 2 || !whole {
		t.Errorf("of three cells two are %q", cells)
	}
}

func TestAttachments(t *testing.T) {
	got := attachments(`https://cdn.discordapp.com/a,b.png?ex=1, https://x/c.mp4,files\d.ogg`)
	want := []event.Attachment{
		{Kind: "photo", Name: "a,b.png", URL: "https://cdn.discordapp.com/a,b.png?ex=1"},
		{Kind: "audio", Name: "c.mp4,files\\d.ogg", URL: "https://x/c.mp4,files\\d.ogg"}, // a path after an address cannot be told from its end
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if got := attachments(`files\a.png, files\b.txt`); len(got) != 2 || got[0].Path != "files/a.png" || got[1].Name != "b.txt" {
		t.Errorf("paths are %+v", got)
	}
	if got := attachments(""); got != nil {
		t.Errorf("nothing is %+v", got)
	}
}

func TestReactionCounts(t *testing.T) {
	for list, want := range map[string][]event.ReactionCount{
		"👍 (2),kek (1)":  {{Emoji: "👍", Count: 2}, {Emoji: "kek", Count: 1}},
		"a (b) (3)":      nil, // "b" is no number
		"x (0), (2), (":  nil,
		"kek (12":        nil,
		"one (1), trail": {{Emoji: "one", Count: 1}},
	} {
		if diff := cmp.Diff(want, reactionCounts(list)); diff != "" {
			t.Errorf("%q: %s", list, diff)
		}
	}
}

func TestSnowflakeTime_Bounds(t *testing.T) {
	for id, zero := range map[string]bool{"": true, "x": true, "0": true, "4194303": true, "-5": true, "4194304": false, "99999999999999999999": true} {
		if got := snowflakeTime(id); got.IsZero() != zero {
			t.Errorf("%q was issued at %v", id, got.At)
		}
	}
}

// A file that names another one outside of its folder, or one that cannot be opened, gets no hash and no error.
func TestLocate(t *testing.T) {
	files := map[string]string{"a b.png": "picture"}
	f := producertest.File("e/beans.json", nil)
	f.Beside = folder("e/beans.json", files).Beside
	beside := newSidecars(f)
	for where, want := range map[string]event.Attachment{
		`a b.png`:           {Name: "a b.png", Path: "a b.png", Bytes: 7},
		`a%20b.png`:         {Name: "a%20b.png", Path: "a%20b.png", Bytes: 7}, // as older versions wrote names
		`..\..\secret`:      {Name: "secret", Path: "../../secret", Missing: "the export names this file, which cannot be read from it"},
		`https://x/y.png?z`: {Name: "y.png", URL: "https://x/y.png?z"},
	} {
		var got event.Attachment
		if err := locate(t.Context(), beside, &got, where); err != nil {
			t.Fatal(err)
		}
		if (got.SHA256 != "") != (want.Bytes > 0) {
			t.Errorf("%s has the hash %q", where, got.SHA256)
		}
		got.SHA256 = ""
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", where, diff)
		}
	}
	var alone event.Attachment
	if err := locate(t.Context(), newSidecars(producers.File{}), &alone, "a b.png"); err != nil || alone.Missing != "" || alone.Path != "a b.png" {
		t.Errorf("without anything beside it: %+v, %v", alone, err)
	}
}
