package telegram

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"golang.org/x/text/encoding/charmap"

	"github.com/agrichat/agrichat/internal/charset"
	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/producers"
)

// in1251 is what a program stores that does not know better.
func in1251(t *testing.T, utf8 []byte) []byte {
	t.Helper()
	b, err := charmap.Windows1251.NewEncoder().Bytes(utf8)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func charsetJSON() []byte {
	return []byte("{\n \"name\": \"Дачники\",\n \"messages\": [\n  " + pretty(`"type": "message"`, `"date": "2021-03-12T10:00:00"`,
		`"from": "Боб"`, `"text": "привет, как дела"`, `"reactions": [ {"type": "emoji", "emoji": "да", "count": 1, "recent": [ {"from": "Аня", "date": "2021-03-12T10:00:01"} ]} ]`) +
		",\n  " + pretty(`"type": "message"`, `"date": "2021-03-12T10:00:00"`, `"from": "Аня"`, `"text": "хорошо"`) +
		",\n  " + pretty(`"id": 7`, `"type": "message"`, `"date": "2021-03-12T10:01:00"`, `"from": "Ann"`, `"text": "plain"`) +
		",\n  " + pretty(`"id": 8`, `"type": "message"`, `"date": "2021-03-12T10:01:00"`, `"from": "Аня"`, `"text": ""`,
		`"poll": {"question": "Когда?", "answers": [ {"text": "завтра", "voters": 1} ]}`) + "\n ]\n}\n")
}

func charsetPage() []byte {
	return pageOf("Дачники", pageService("-1", "12 March 2021"), pageService("9", "Боб changed group photo"), pageMessage("1", "12.03.2021 10:00:00", "Боб", "привет, как дела"),
		pageMessage("2", "12.03.2021 10:00:01", "", "хорошо"), pageMessage("3", "12.03.2021 10:00:02", "Аня", "вот &#1076;&#1072;"), pageMessage("4", "12.03.2021 10:00:03", "Ann", "plain"))
}

func TestCharset(t *testing.T) {
	for name, data := range map[string][]byte{"JSON": charsetJSON(), "HTML": charsetPage()} {
		t.Run(name, func(t *testing.T) {
			_, want := readAll(t, data, mine())
			stored := in1251(t, data)
			var ids []event.ID
			for _, named := range []string{"", "windows-1251", "koi8-r"} {
				o := mine()
				o.Charset = named
				_, got := readAll(t, stored, o)
				if len(got) != len(want) {
					t.Fatalf("%s: %d events, want %d", named, len(got), len(want))
				}
				var now []event.ID
				for i := range got {
					now = append(now, got[i].ID)
					if named != "koi8-r" {
						sameTexts(t, &want[i], &got[i])
					}
					checkReading(t, &got[i], stored, named)
				}
				if ids == nil {
					ids = now
				}
				if diff := cmp.Diff(ids, now); diff != "" {
					t.Errorf("read as %q the ids are others: %s", named, diff)
				}
			}
		})
	}
}

func sameTexts(t *testing.T, want, got *event.Event) {
	t.Helper()
	if want.Author.Name != got.Author.Name {
		t.Errorf("author %q, want %q", got.Author.Name, want.Author.Name)
	}
	content := cmpopts.IgnoreFields(event.Reactions{}, "Target") // content keys are of the bytes
	if diff := cmp.Diff(want.Body, got.Body, content); diff != "" {
		t.Errorf("%s of %s: %s", got.Kind, want.NativeID, diff)
	}
}

// checkReading: what is not UTF-8 is marked, and its bytes are kept as they were.
func checkReading(t *testing.T, e *event.Event, stored []byte, named string) {
	t.Helper()
	if len(e.Raw) > 0 && !bytes.Contains(stored, e.Raw) {
		t.Errorf("raw is not what stands in the file: %q", e.Raw)
	}
	want := ""
	for _, b := range e.Raw {
		if b >= 0x80 {
			want = named
			if want == "" {
				want = "windows-1251"
			}
		}
	}
	if e.Kind == event.KindMessage && e.Reading.Charset != want {
		t.Errorf("message %s is said to be read as %q, want %q", e.NativeID, e.Reading.Charset, want)
	}
}

func TestCharset_SingleBytes(t *testing.T) {
	for name, data := range map[string][]byte{
		"JSON": chatOf("private_supergroup", pretty(`"id": 1`, `"date": "2020-01-01T00:00:00"`, `"from": "Аня"`, "\"text\": \"при\xffвет\"")),
		"HTML": pageOf("Chat", pageMessage("1", "01.01.2020 00:00:00", "Аня", "при\xffвет")),
	} {
		byID, _ := readAll(t, data, producers.Options{Account: "1", Charset: "koi8-r"})
		e := byID["1"]
		if m := message(t, e); m.Text != "при\uFFFDвет" || e.Author.Name != "Аня" || e.Reading.Charset != charset.Damaged {
			t.Errorf("%s: %q by %q, read as %q", name, m.Text, e.Author.Name, e.Reading.Charset)
		}
		if !bytes.Contains(e.Raw, []byte("\xff")) {
			t.Errorf("%s: the byte is lost", name)
		}
	}
}

func TestCharset_OfThePage(t *testing.T) {
	data := bytes.Replace(charsetPage(), []byte("<html>"), []byte(`<html><head><meta charset="koi8-r"/></head>`), 1)
	stored, err := charmap.KOI8R.NewEncoder().Bytes(data)
	if err != nil {
		t.Fatal(err)
	}
	byID, _ := readAll(t, stored, mine())
	if e := byID["1"]; message(t, e).Text != "привет, как дела" || e.Reading.Charset != "koi8-r" {
		t.Errorf("%q, read as %q", message(t, e).Text, e.Reading.Charset)
	}
}

func TestCharset_Unknown(t *testing.T) {
	for _, data := range [][]byte{charsetJSON(), charsetPage()} {
		src, err := Definition().Archive(producers.File{Path: "x", Head: data}, producers.Options{Charset: "windows-125l"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := src.Connect(t.Context(), nil); err == nil {
			t.Error("a charset that nobody knows is taken")
		}
	}
}
