package event_test

import (
	"bytes"
	"fmt"
	"os"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/event/eventtest"
)

// TestEncode_AsJSON holds the generated codec against encoding/json on arbitrary events.
func TestEncode_AsJSON(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		e := eventtest.Events().Draw(t, "event")
		if rapid.Bool().Draw(t, "published") {
			e.Seen = time.UnixMicro(rapid.Int64Range(0, 4_000_000_000_000_000).Draw(t, "seen")).UTC()
		}
		got, err := event.Encode(e)
		if err != nil {
			t.Fatal(err)
		}
		want, err := event.EncodeAny(e)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Fatalf("written as %s\nnot as     %s", got, want)
		}
		read, err := event.Decode(got)
		wantRead, wantErr := event.DecodeAny(got)
		if fmt.Sprint(err) != fmt.Sprint(wantErr) || !reflect.DeepEqual(read, wantRead) {
			t.Fatalf("%s\nis read as   %+v, %v\nand not as   %+v, %v", got, read, err, wantRead, wantErr)
		}
	})
}

// TestEncode_Golden holds that envelopes of an earlier writer are read, and written byte for byte as they were.
func TestEncode_Golden(t *testing.T) {
	data, err := os.ReadFile("testdata/envelopes.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	lines := bytes.Split(bytes.TrimSuffix(data, []byte("\n")), []byte("\n"))
	if len(lines) < 90 {
		t.Fatalf("only %d envelopes", len(lines))
	}
	for i, want := range lines {
		e, err := event.Decode(want)
		if err != nil {
			t.Fatalf("line %d: %v", i+1, err)
		}
		if got, err := event.Encode(e); err != nil || !bytes.Equal(got, want) {
			t.Errorf("line %d is written as %s, %v\nnot as %s", i+1, got, err, want)
		}
	}
}
