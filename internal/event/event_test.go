package event_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/event/eventtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The ids of stored events depend on these: they must not change, whatever is done to the code that makes them.
func TestStateID_Golden(t *testing.T) {
	if got, want := event.Thing("s", "n", "c", "1", event.ThingMessage).String(), goldenThing; got != want {
		t.Errorf("thing %s, want %s", got, want)
	}
	e := sample()
	if got := e.ID.String(); got != goldenEvent {
		t.Errorf("event %s, want %s", got, goldenEvent)
	}
}

func sample() *event.Event {
	e := &event.Event{
		Source: "s", Namespace: "n", Channel: "c", NativeID: "1", Kind: event.KindMessage, Revision: event.Unedited,
		Body: &event.Message{Type: event.TypeMessage, Text: "hi"},
	}
	if err := e.Seal(); err != nil {
		panic(err) // the sample is part of the test
	}
	return e
}

// However text is shared out between the parts, ids differ, unless the parts are the same.
func TestDigest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := rapid.SliceOfN(rapid.StringOf(rapid.SampledFrom([]rune("ab\x00"))), 0, 4).Draw(t, "a")
		b := rapid.SliceOfN(rapid.StringOf(rapid.SampledFrom([]rune("ab\x00"))), 0, 4).Draw(t, "b")
		if got, want := event.Digest(a...) == event.Digest(b...), slices.Equal(a, b); got != want {
			t.Errorf("digests of %q and %q are equal: %v", a, b, got)
		}
	})
	long := strings.Repeat("x", 1000)
	if event.Digest(long, "y") == event.Digest(long+"y") || event.Digest(long) != event.Digest(strings.Clone(long)) {
		t.Error("long parts run together")
	}
}

func TestEvent_Seal_Provenance(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := eventtest.Events().Draw(t, "event")
		c := eventtest.Copies(e).Draw(t, "copy")
		c.Account, c.Seen, c.Raw = "another", time.Unix(1, 0), []byte("other")
		if err := c.Seal(); err != nil || c.ID != e.ID {
			t.Errorf("the id depends on who collected it or on what is known: %s, %s (%v)", e.ID, c.ID, err)
		}
	})
}

func TestEvent_Seal_Parts(t *testing.T) {
	ids := map[event.ID]string{sample().ID: "nothing"}
	for name, change := range map[string]func(*event.Event){
		"source":    func(e *event.Event) { e.Source = "z" },
		"namespace": func(e *event.Event) { e.Namespace = "z" },
		"channel":   func(e *event.Event) { e.Channel = "z" },
		"native id": func(e *event.Event) { e.NativeID = "z" },
		"revision":  func(e *event.Event) { e.Revision = "z" },
		"kind":      func(e *event.Event) { e.Kind, e.Body = event.KindReactions, &event.Reactions{Target: "1"} },
	} {
		e := sample()
		change(e)
		if err := e.Seal(); err != nil {
			t.Fatal(err)
		}
		if other, same := ids[e.ID]; same {
			t.Errorf("changing %s gives the id of changing %s", name, other)
		}
		ids[e.ID] = name
	}
}

func TestEvent_Thing_Deletion(t *testing.T) {
	e := sample()
	d := *e
	d.Kind, d.Revision, d.Body = event.KindDeletion, event.RevisionDeleted(event.Unedited), &event.Deletion{}
	if d.Thing() != e.Thing() {
		t.Error("a deletion is about another thing than its message")
	}
}

func TestEvent_Seal_Incomplete(t *testing.T) {
	for name, spoil := range map[string]func(*event.Event){
		"no source":          func(e *event.Event) { e.Source = "" },
		"no namespace":       func(e *event.Event) { e.Namespace = "" },
		"no channel":         func(e *event.Event) { e.Channel = "" },
		"no native id":       func(e *event.Event) { e.NativeID = "" },
		"no revision":        func(e *event.Event) { e.Revision = "" },
		"no body":            func(e *event.Event) { e.Body = nil },
		"no kind":            func(e *event.Event) { e.Kind = "" },
		"unknown kind":       func(e *event.Event) { e.Kind = "shout" },
		"body of other kind": func(e *event.Event) { e.Kind = event.KindIdentity },
		"id not UTF-8":       func(e *event.Event) { e.NativeID = "a\xff" },
		"channel not UTF-8":  func(e *event.Event) { e.Channel = "a\xff" },
	} {
		e := sample()
		spoil(e)
		if err := e.Seal(); !errors.Is(err, event.ErrIncomplete) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestParseID(t *testing.T) {
	id := sample().ID
	if got, err := event.ParseID(id.String()); err != nil || got != id {
		t.Errorf("%s comes back as %s (%v)", id, got, err)
	}
	for _, s := range []string{"", "00", strings.Repeat("z", 32), id.String() + "0"} {
		if _, err := event.ParseID(s); err == nil {
			t.Errorf("%q is an id", s)
		}
	}
}

func TestRevision(t *testing.T) {
	at := func(s string) time.Time {
		v, err := time.Parse(time.RFC3339Nano, s)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	content := []event.Revision{event.Unedited}
	for i, text := range []string{"A", "B", "A", "B"} {
		content = append(content, event.RevisionContent(uint64(i+1), content[i], text))
	}
	for name, sorted := range map[string][]event.Revision{
		"instants": {
			event.Unedited, event.RevisionAt(at("0001-01-01T00:00:00Z")), event.RevisionAt(at("1969-12-31T23:59:59Z")),
			event.RevisionAt(at("1970-01-01T00:00:00Z")), event.RevisionAt(at("2024-05-01T00:00:00.000001Z")),
			event.RevisionAt(at("2024-05-01T00:00:00.000002Z")), event.RevisionAt(at("9999-12-31T00:00:00Z")),
			event.RevisionDeleted(event.Unedited),
		},
		"numbers": {event.Unedited, event.RevisionSeq(0), event.RevisionSeq(9), event.RevisionSeq(10), event.RevisionSeq(1 << 63)},
		"changes": {event.Unedited, event.RevisionChange(1, "z"), event.RevisionChange(2, "a"), event.RevisionChange(10, "a")},
		"content": content,
		"deletions": {
			event.RevisionAt(at("9999-01-01T00:00:00Z")), event.RevisionDeleted(event.Unedited),
			event.RevisionDeleted(event.RevisionAt(at("2024-05-01T00:00:00Z"))),
			event.RevisionDeleted(event.RevisionAt(at("2024-05-02T00:00:00Z"))),
		},
	} {
		for i := 1; i < len(sorted); i++ {
			if sorted[i-1] >= sorted[i] {
				t.Errorf("%s: %s is not before %s", name, sorted[i-1], sorted[i])
			}
		}
	}
}

func TestRevisionAt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := time.UnixMicro(rapid.Int64Range(-60_000_000_000_000_000, 250_000_000_000_000_000).Draw(t, "a"))
		b := time.UnixMicro(rapid.Int64Range(-60_000_000_000_000_000, 250_000_000_000_000_000).Draw(t, "b"))
		if got, want := strings.Compare(string(event.RevisionAt(a)), string(event.RevisionAt(b))), a.Compare(b); got != want {
			t.Errorf("revisions of %v and %v compare as %d, want %d", a, b, got, want)
		}
	})
}

func TestReactionNative(t *testing.T) {
	a, b := event.IdentityKey("s", "n", "a"), event.IdentityKey("s", "n", "b")
	if event.ReactionNative("1", a, "x") == event.ReactionNative("1", b, "x") ||
		event.ReactionNative("1", a, "x") == event.ReactionNative("1", a, "y") ||
		event.ReactionNative("1", a, "x") == event.ReactionNative("2", a, "x") {
		t.Error("two reactions have one id")
	}
	p := event.Person{ID: "a"}
	elsewhere := event.Person{Namespace: "m", ID: "a"}
	if p.Key("s", "n") != a || elsewhere.Key("s", "n") != event.IdentityKey("s", "m", "a") {
		t.Error("a person's namespace is not heeded")
	}
}

func TestDecode_RoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := eventtest.Events().Draw(t, "event")
		e.Seen = time.UnixMicro(rapid.Int64Range(1, 4_000_000_000_000_000).Draw(t, "seen")).UTC()
		b, err := event.Encode(e)
		if err != nil {
			t.Fatal(err)
		}
		back, err := event.Decode(b)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(e, back); diff != "" {
			t.Errorf("comes back otherwise: %s", diff)
		}
	})
}

// Bytes that are no text survive in Raw, and cost a text only themselves; a zero byte costs nothing.
func TestDecode_InvalidUTF8(t *testing.T) {
	e := sample()
	e.Raw = []byte("raw\xff\x00")
	e.Body = &event.Message{Type: event.TypeMessage, Text: "zero\x00 bad\xff </script>&"}
	b, err := event.Encode(e)
	if err != nil {
		t.Fatal(err)
	}
	back, err := event.Decode(b)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(back.Raw, e.Raw) || back.Body.(*event.Message).Text != "zero\x00 bad\uFFFD </script>&" || back.ID != e.ID {
		t.Errorf("raw %q, text %q", back.Raw, back.Body.(*event.Message).Text)
	}
	again, err := event.Encode(back)
	if err != nil {
		t.Fatal(err)
	}
	if second, err := event.Decode(again); err != nil || !cmp.Equal(back, second) {
		t.Errorf("a second envelope differs (%v): %s", err, cmp.Diff(back, second))
	}
}

func TestDecode_Invalid(t *testing.T) {
	b, err := event.Encode(sample())
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string][2]string{
		"another version": {`"v":1`, `"v":2`},
		"another id":      {goldenEvent, strings.Repeat("0", 32)},
		"a changed part":  {`"channel":"c"`, `"channel":"d"`},
		"an unknown kind": {`"kind":"message"`, `"kind":"shout"`},
		"no body":         {`"body":`, `"nobody":`},
		"a body of text":  {`"body":{`, `"body":"x","b":{`},
		"a cut":           {`}`, ``},
	} {
		changed := strings.Replace(string(b), change[0], change[1], 1)
		if changed == string(b) {
			t.Fatalf("%s: nothing was changed in %s", name, b)
		}
		if _, err := event.Decode([]byte(changed)); err == nil {
			t.Errorf("%s is read", name)
		}
	}
}

func TestDecode_UnknownFields(t *testing.T) {
	b, err := event.Encode(sample())
	if err != nil {
		t.Fatal(err)
	}
	later := strings.Replace(string(b), `"v":1`, `"v":1,"later":true`, 1)
	if _, err := event.Decode([]byte(later)); err != nil {
		t.Errorf("a field of a later program: %v", err)
	}
}

func FuzzDecode(f *testing.F) {
	b, err := event.Encode(sample())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte(`{"v":1,"kind":"reactions","body":{"target":"1"},"raw_b64":"/w=="}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := event.Decode(data)
		if err != nil {
			return
		}
		b, err := event.Encode(e)
		if err != nil {
			t.Fatalf("what was read cannot be written: %v", err)
		}
		back, err := event.Decode(b)
		if err != nil {
			t.Fatalf("what was written cannot be read: %v", err)
		}
		if diff := cmp.Diff(e, back); diff != "" {
			t.Errorf("comes back otherwise: %s", diff)
		}
	})
}
