package event_test

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"path"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/event/eventtest"
	schemas "github.com/agrichat/agrichat/schemas/event"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const base = "https://github.com/agrichat/agrichat/schemas/event/"

func compile(t *testing.T, name string) *jsonschema.Schema {
	t.Helper()
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	for _, n := range []string{"envelope.schema.json", "jsonl.schema.json"} {
		b, err := schemas.FS.ReadFile(n)
		if err != nil {
			t.Fatal(err)
		}
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		if err := c.AddResource(base+n, doc); err != nil {
			t.Fatal(err)
		}
	}
	s, err := c.Compile(base + name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func value(b []byte) (any, error) { return jsonschema.UnmarshalJSON(bytes.NewReader(b)) }

func golden(t *testing.T) map[string][]byte {
	t.Helper()
	out := map[string][]byte{}
	names, err := fs.Glob(schemas.FS, "golden/*.json")
	if err != nil || len(names) == 0 {
		t.Fatalf("no golden envelopes (%v)", err)
	}
	for _, n := range names {
		if out[path.Base(n)], err = schemas.FS.ReadFile(n); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

func TestEnvelopeSchema_Golden(t *testing.T) {
	schema := compile(t, "envelope.schema.json")
	kinds := map[event.Kind]bool{}
	for name, b := range golden(t) {
		v, err := value(b)
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(v); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		e, err := event.Decode(b)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		kinds[e.Kind] = true
		again, err := event.Encode(e)
		if err != nil {
			t.Fatal(err)
		}
		var want, got any
		if err := json.Unmarshal(b, &want); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(again, &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s is written otherwise: %s", name, diff)
		}
	}
	if len(kinds) != 9 {
		t.Errorf("golden envelopes of %d kinds", len(kinds))
	}
}

func TestEnvelopeSchema_Encode(t *testing.T) {
	schema := compile(t, "envelope.schema.json")
	lines := compile(t, "jsonl.schema.json")
	rapid.Check(t, func(t *rapid.T) {
		b, err := event.Encode(eventtest.Events().Draw(t, "event"))
		if err != nil {
			t.Fatal(err)
		}
		v, err := value(b)
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(v); err != nil {
			t.Errorf("%s: %v", b, err)
		}
		if err := lines.Validate(v); err != nil {
			t.Errorf("as a line: %v", err)
		}
	})
}

func TestEnvelopeSchema_Invalid(t *testing.T) {
	schema := compile(t, "envelope.schema.json")
	b := golden(t)["message.json"]
	for name, change := range map[string][2]string{
		"version":   {`"v": 1`, `"v": 2`},
		"id":        {`"id": "`, `"id": "x`},
		"kind":      {`"kind": "message"`, `"kind": "shout"`},
		"body":      {`"type": "message"`, `"type": "shout"`},
		"precision": {`"precision": "second"`, `"precision": "eon"`},
		"time":      {`2024-05-01T09:00:00Z`, `yesterday`},
		"channel":   {`"channel": "`, `"other": "`},
	} {
		changed := strings.Replace(string(b), change[0], change[1], 1)
		v, err := value([]byte(changed))
		if err != nil || changed == string(b) {
			t.Fatalf("%s: nothing was changed (%v)", name, err)
		}
		if schema.Validate(v) == nil {
			t.Errorf("a wrong %s is valid", name)
		}
	}
}

// TestLineSchema_Sample: the lines of the sample are what the schema describes, except the one that was cut on purpose.
func TestLineSchema_Sample(t *testing.T) {
	schema := compile(t, "jsonl.schema.json")
	b, err := os.ReadFile("../../deploy/sample/jsonl/bookforum.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	broken := 0
	for line := range strings.Lines(string(b)) {
		v, err := value([]byte(line))
		if err != nil {
			broken++
			continue
		}
		if err := schema.Validate(v); err != nil {
			t.Errorf("%s: %v", line, err)
		}
	}
	if broken != 1 {
		t.Errorf("%d lines are no JSON, want 1", broken)
	}
}

func TestLineSchema_Invalid(t *testing.T) {
	schema := compile(t, "jsonl.schema.json")
	for _, line := range []string{
		`{"author":"a","text":"x"}`,
		`{"channel":"c","snet":"2024"}`,
		`{"kind":"edit","channel":"c","id":"1","text":"x"}`,
		`{"kind":"delete","channel":"c"}`,
		`{"kind":"reaction","channel":"c","target":"1","emoji":"x","author":"a","removed":true}`,
		`{"kind":"membership","channel":"c","author":"a","state":"left"}`,
		`{"kind":"message","channel":"c","emoji":"x"}`,
	} {
		v, err := value([]byte(line))
		if err != nil {
			t.Fatal(err)
		}
		if schema.Validate(v) == nil {
			t.Errorf("%s is valid", line)
		}
	}
}
