package jsonl

import (
	"encoding/json"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/producers"
	"github.com/agrichat/agrichat/producers/producertest"
	schemas "github.com/agrichat/agrichat/schemas/event"
)

// The schema that writers go by and the parser allow the same keys of each kind.
func TestKeysOf(t *testing.T) {
	text, err := schemas.FS.ReadFile("jsonl.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	var schema struct {
		OneOf []struct {
			Properties map[string]struct {
				Const string   `json:"const"`
				Enum  []string `json:"enum"`
			} `json:"properties"`
		} `json:"oneOf"`
	}
	if err := json.Unmarshal(text, &schema); err != nil {
		t.Fatal(err)
	}
	kinds := 0
	for _, of := range schema.OneOf {
		kind := of.Properties["kind"]
		for _, name := range append(kind.Enum, kind.Const) {
			if name == "" {
				continue
			}
			kinds++
			keys, ok := keysOf(name)
			slices.Sort(keys)
			if diff := cmp.Diff(slices.Sorted(maps.Keys(of.Properties)), keys); !ok || diff != "" {
				t.Errorf("keys of %q, in the schema and here: %s", name, diff)
			}
		}
	}
	if kinds < 9 {
		t.Errorf("the schema names %d kinds", kinds)
	}
}

// Of several states of one thing the later one has the greater revision, in whichever order the lines come.
func TestParser_Revisions(t *testing.T) {
	const of = `"network":"n","channel":"c","author":"a"`
	for name, lines := range map[string][]string{
		"a message, its edits, its deletion": {
			`{` + of + `,"id":"1","text":"x","sent":"2024-05-01T12:00:00Z"}`,
			`{"kind":"edit",` + of + `,"id":"1","text":"y","edited":"2024-05-01T12:05:00Z"}`,
			`{"kind":"edit",` + of + `,"id":"1","text":"z","edited":"2024-05-01T12:06:00Z"}`,
			`{"kind":"delete",` + of + `,"id":"1","sent":"2024-05-01T12:07:00Z"}`,
		},
		"edits that are only numbered": {
			`{` + of + `,"id":"1","text":"x"}`, `{"kind":"edit",` + of + `,"id":"1","text":"y","order":9}`, `{"kind":"edit",` + of + `,"id":"1","text":"z","order":10}`,
		},
		"a reaction and its removal in one instant": {
			`{"kind":"reaction",` + of + `,"target":"1","emoji":"x","sent":"2024-05-01T12:00:00Z"}`,
			`{"kind":"reaction",` + of + `,"target":"1","emoji":"x","sent":"2024-05-01T12:00:00Z","removed":true}`,
		},
		"a membership": {
			`{"kind":"membership",` + of + `,"state":"joined","sent":"2024-05-01T12:00:00Z"}`, `{"kind":"membership",` + of + `,"state":"left","sent":"2024-05-01T12:00:01Z"}`,
		},
	} {
		var last event.Event
		for i, line := range lines {
			e := one(t, line, producers.Options{})
			if e.Kind == event.KindUnparsed {
				t.Fatalf("%s: %+v", name, e.Body)
			}
			if i > 0 && (e.NativeID != last.NativeID || e.Revision <= last.Revision) {
				t.Errorf("%s: after %s comes %s of %s", name, last.Revision, e.Revision, e.NativeID)
			}
			last = e
		}
	}
}

// The zone that the user names moves times, and leaves ids and revisions alone.
func TestParser_Zone(t *testing.T) {
	lines := everyKind + `{"channel":"c","author":"a","text":"x","sent":"2024-05-01 12:00","edited":"2024-05-01 12:05"}` + "\n"
	read := func(zone string) []event.Event {
		o := producers.Options{}
		if zone != "" {
			var err error
			if o.Zone, err = time.LoadLocation(zone); err != nil {
				t.Fatal(err)
			}
		}
		return producertest.Events(producertest.Read(t, Definition(), producertest.Case{Path: "a.jsonl", Data: []byte(lines), Options: o}, nil))
	}
	utc, moved := read(""), 0
	for i, e := range read("Asia/Tbilisi") {
		if e.NativeID != utc[i].NativeID || e.Revision != utc[i].Revision {
			t.Errorf("event %d is %s %s, and %s %s in UTC", i, e.NativeID, e.Revision, utc[i].NativeID, utc[i].Revision)
		}
		if !e.Sent.At.Equal(utc[i].Sent.At) {
			if moved++; !e.Sent.Assumed {
				t.Errorf("event %d moved although its zone is printed", i)
			}
		}
	}
	if moved == 0 {
		t.Error("no time moved")
	}
}
