package event

import (
	"bytes"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// encodeAny is what Encode must put out: encoding/json's form of the wire.
func encodeAny(e *Event) ([]byte, error) {
	body, err := marshal(e.Body)
	if err != nil {
		return nil, err
	}
	w := wire{
		Version: int(e.Kind.version()), ID: e.ID.String(), Body: body,
		wireHeader: wireHeader{
			Source: e.Source, Namespace: e.Namespace, Account: e.Account, Channel: e.Channel, NativeID: e.NativeID, Author: e.Author,
			Kind: e.Kind, Revision: e.Revision, Sent: e.Sent, Seen: e.Seen, Reading: e.Reading,
		},
	}
	if utf8.Valid(e.Raw) {
		w.Raw = string(e.Raw)
	} else {
		w.RawBase64 = e.Raw
	}
	return marshal(w)
}

// decodeAny is what Decode must return.
func decodeAny(b []byte) (*Event, error) {
	e, id, err := readAny(b)
	if err != nil {
		return nil, err
	}
	if err := e.Seal(); err != nil {
		return nil, fmt.Errorf("decoding event %s: %w", id, err)
	}
	if e.ID.String() != id {
		return nil, fmt.Errorf("event calls itself %s, its content says %s", id, e.ID)
	}
	return e, nil
}

// sameAsJSON holds Decode against encoding/json, and Encode of what came of it.
func sameAsJSON(t *testing.T, b []byte) {
	t.Helper()
	want, wantErr := decodeAny(b)
	got, err := Decode(b)
	if fmt.Sprint(err) != fmt.Sprint(wantErr) || !reflect.DeepEqual(got, want) {
		t.Fatalf("%q\nis read as   %+v, %v\nand not as   %+v, %v", b, got, err, want, wantErr)
	}
	slim, thing, err := DecodeWithoutRaw(b)
	if head, _, raw := bytes.Cut(b, []byte(rawKey)); raw && fmt.Sprint(err) != fmt.Sprint(wantErr) {
		want, wantErr = decodeAny(append(slices.Clone(head), '}')) // only the raw form cannot be read
		got = want
	}
	if fmt.Sprint(err) != fmt.Sprint(wantErr) {
		t.Fatalf("%q\nis refused without its raw form as %v, not as %v", b, err, wantErr)
	}
	if err != nil {
		return
	}
	if thing != want.Thing() {
		t.Errorf("%q is about %s, not %s", b, thing, want.Thing())
	}
	if want.Kind != KindUnparsed {
		want.Raw = nil
	}
	if !reflect.DeepEqual(slim, want) {
		t.Fatalf("%q\nis read as   %+v\nand not as   %+v", b, slim, want)
	}
	writesAsJSON(t, got)
}

func writesAsJSON(t *testing.T, e *Event) {
	t.Helper()
	want, wantErr := encodeAny(e)
	got, err := Encode(e)
	if (err == nil) != (wantErr == nil) || !bytes.Equal(got, want) {
		t.Fatalf("written as %s, %v\nnot as     %s, %v", got, err, want, wantErr)
	}
}

// odd holds what a codec of our own gets wrong.
var odd = []string{
	"", "a", `"`, `\`, "\\\"", "\x00\x1f\x7f\b\f\n\r\t", "<&>", "\u2027\u2028\u2029\u202a", "\xe2\x80", "\xe2\x80\xff", "\xff\xfe",
	"привет, 🙂", "\ufffd", "\xed\xa0\x80", `,"raw":"`, `},"raw":"x"}`, `\u0041`, "\u00e2\u0080\u00a8", "\xe2", "x\xe2\x80",
}

func oddEvents() []*Event {
	var out []*Event
	now := time.Date(2024, 2, 29, 23, 59, 59, 123456789, time.FixedZone("", 3600))
	for i, s := range odd {
		next := odd[(i+1)%len(odd)]
		for _, body := range []Body{
			&Message{Type: TypeMessage, Text: s, Edited: Instant{At: now, Zone: s}, ReplyTo: &Ref{NativeID: NativeID(s)}, Thread: NativeID(next)},
			&Message{Type: MessageType(s), ReplyTo: &Ref{Namespace: Namespace(s), Channel: Channel(next), NativeID: "1"}},
			&Message{Text: s, Details: map[string]string{"raw": s, s: next}, Links: []string{s}, Mentions: []Person{{Name: s}}},
			&Unparsed{Reason: s, File: next}, &Deletion{}, &Reaction{Target: "1", Emoji: s},
		} {
			out = append(out, &Event{
				Source: "s", Namespace: "n", Account: Account(s), Channel: "c", NativeID: "1" + NativeID(next), Kind: body.kind(),
				Author: Person{ID: AuthorID(next), Name: s, Bot: i%2 == 0}, Revision: Unedited, Raw: []byte(s + next), Body: body,
				Sent: Instant{At: now.UTC(), Precision: Precision(i % 7), Zone: next, Assumed: i%2 == 1}, Seen: now,
			})
		}
	}
	return append(out,
		&Event{Kind: KindMessage, Seen: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC), Body: &Message{}},
		&Event{Kind: KindMessage, Sent: Instant{At: time.Date(-1, 1, 1, 0, 0, 0, 0, time.UTC)}, Body: &Message{}},
		&Event{Kind: KindMessage, Body: &Message{Edited: Instant{At: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)}}},
		&Event{Kind: KindMessage, Body: &Message{Attachments: []Attachment{{Seconds: math.NaN()}}}},
		&Event{Kind: KindMessage, Body: (*Message)(nil)}, &Event{}, &Event{Body: &Message{}, Author: Person{Bot: true}},
	)
}

func TestEncode_OddStrings(t *testing.T) {
	for _, e := range oddEvents() {
		writesAsJSON(t, e)
		if e.Seal() != nil {
			continue
		}
		if b, err := Encode(e); err == nil {
			sameAsJSON(t, b)
		}
	}
}

// What a person or another program may write differs from ours in ways that JSON allows, or forbids.
func TestDecode_OtherForms(t *testing.T) {
	e := &Event{
		Source: "s", Namespace: "n", Account: "a", Channel: "c", NativeID: "1", Kind: KindMessage, Revision: Unedited,
		Author: Person{ID: "7", Name: "Ann"}, Sent: NewInstant(time.Unix(1, 0), PrecisionSecond), Seen: time.Unix(2, 0).UTC(),
		Body: &Message{Type: TypeMessage, Text: "hi", ReplyTo: &Ref{NativeID: "0"}, Edited: NewInstant(time.Unix(3, 0), PrecisionSecond)},
		Raw:  []byte(`{"x":1}`),
	}
	if err := e.Seal(); err != nil {
		t.Fatal(err)
	}
	b, err := Encode(e)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range [][2]string{
		{"", ""}, {`"v":1`, `"v":12`}, {`"v":1`, `"v":1.0`}, {`"v":1,`, ``}, {`"v":1`, ` "v" : 1`}, {`"v"`, `"V"`}, {`"id":"`, `"id":"0`},
		{`"account":"a",`, ``}, {`"account":"a"`, `"account":null`}, {`"account":"a"`, `"account":"\u0061"`}, {`"account":"a"`, `"account":"\ud800"`},
		{`"account":"a"`, `"account":"\ud83d\ude42"`}, {`"account":"a"`, `"account":"\ud83dx"`}, {`"account":"a"`, `"account":"\x"`},
		{`"account":"a"`, "\"account\":\"\n\""}, {`"account":"a"`, "\"account\":\"\xff\""}, {`"account":"a"`, `"account":"\u+123"`},
		{`"account":"a"`, `"account":"a","account":"b"`}, {`"account":"a"`, `"account":1`}, {`"account":"a"`, `"account":"\`},
		{`"source":"s",`, ``}, {`"native_id":"1"`, `"native_id":""`}, {`"kind":"message"`, `"kind":"shout"`},
		{`"precision":"second"`, `"precision":""`}, {`"precision":"second"`, `"precision":"week"`}, {`"precision":"second"`, `"precision":"secon\u0064"`},
		{`00:00:01Z`, `00:00:01\u005a`}, {`00:00:01Z`, `00:00:01`}, {`00:00:01Z`, `00:00:01+03:00`}, {`00:00:01Z`, `00:00:01,5Z`}, {`1970-01-01T00:00:02Z`, ``},
		{`"type":"message"`, `"type":"message","more":[{}]`}, {`"body":{`, `"body":null,"rest":{`}, {`"body":{`, `"body":{"raw":"x",`}, {`"body":`, `"corpse":`},
		{`"author":{`, `"author":{"bot":false,`}, {`"author":{"id":"7","name":"Ann"}`, `"author":{}`}, {`"name":"Ann"`, `"name":"Ann","bot":truest`},
		{`"raw":"`, `"raw":"\q`}, {`"raw":"`, `"raw":"\`}, {`"raw":"`, "\"raw\":\"\x01"}, {`"raw":"`, "\"raw\":\"\xff"}, {`"raw":"`, `"raw":"\udc00`}, {`"raw":"`, `"raw":"","raw":"`},
		{`"raw":"{\"x\":1}"`, `"raw":null`}, {`"raw":"{\"x\":1}"`, `"raw":""`}, {`"raw":"{\"x\":1}"`, `"raw_b64":"eA=="`}, {`,"raw":"{\"x\":1}"`, ``}, {`"}`, `"}}`}, {`"}`, `"} `}, {`"}`, `"}x`},
		{`"reply_to":{`, `"reply_to":null,"x":{`}, {`"reply_to":{"native_id":"0"}`, `"reply_to":{}`},
	} {
		sameAsJSON(t, []byte(strings.Replace(string(b), r[0], r[1], 1)))
		if i := strings.LastIndex(string(b), r[0]); i >= 0 {
			sameAsJSON(t, []byte(string(b[:i])+r[1]+string(b[i+len(r[0]):])))
		}
	}
	for i := range b {
		sameAsJSON(t, b[:i])
	}
}

// TestDecodeFast: the fast path is of use only while it takes what our writer writes.
func TestDecodeFast(t *testing.T) {
	for _, raw := range []string{"", "plain", `{"id": 1, "text": "a\nb"}`} {
		for _, m := range []*Message{{Type: TypeMessage, Text: "привет \"you\"\n"}, {Type: TypeMessage, ReplyTo: &Ref{NativeID: "1"}}, {Links: []string{"x"}}} {
			e := &Event{Source: "s", Namespace: "n", Channel: "c", NativeID: "1", Kind: KindMessage, Revision: Unedited, Body: m, Raw: []byte(raw),
				Author: Person{ID: "1", Name: "Ann"}, Sent: NewInstant(time.Unix(1, 0), PrecisionSecond), Seen: time.Unix(2, 0).UTC()}
			b, err := Encode(e)
			if err != nil {
				t.Fatal(err)
			}
			if got, _ := decodeFast(b, true); got == nil {
				t.Errorf("not read by the fast path: %s", b)
			}
		}
	}
}

func FuzzDecode_AsJSON(f *testing.F) {
	for _, e := range oddEvents() {
		if e.Seal() != nil {
			continue
		}
		b, err := Encode(e)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b, uint16(0), byte(0))
		f.Add(b, uint16(len(b)/2), byte('"'))
	}
	f.Fuzz(func(t *testing.T, b []byte, at uint16, c byte) {
		sameAsJSON(t, b)
		if int(at) < len(b) { // one byte of it changed
			b = bytes.Clone(b)
			b[at] = c
			sameAsJSON(t, b)
		}
	})
}

func benchEnvelope(tb testing.TB) *Event {
	raw := `{"id": 12345, "type": "message", "date": "2024-01-01T10:00:00", "date_unixtime": "1704103200", "from": "Иван Петров", "from_id": "user123456", "reply_to_message_id": 12340, "text": "` +
		strings.Repeat("привет, как дела ", 3) + `", "text_entities": [{"type": "plain", "text": "` + strings.Repeat("привет, как дела ", 3) + `"}]}`
	e := &Event{Source: "telegram", Namespace: "telegram", Channel: "supergroup:1234567890", NativeID: "12345", Kind: KindMessage, Revision: Unedited,
		Author: Person{ID: "user123456", Name: "Иван Петров"}, Sent: NewInstant(time.Unix(1704103200, 0), PrecisionSecond), Seen: time.Now().UTC(),
		Body: &Message{Type: TypeMessage, Text: strings.Repeat("привет, как дела ", 3), ReplyTo: &Ref{NativeID: "12340"}}, Raw: []byte(raw)}
	if err := e.Seal(); err != nil {
		tb.Fatal(err)
	}
	return e
}

func BenchmarkEncode(b *testing.B) {
	e := benchEnvelope(b)
	for name, encode := range map[string]func(*Event) ([]byte, error){"ours": Encode, "encoding-json": encodeAny} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := encode(e); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkDecode(b *testing.B) {
	data, err := Encode(benchEnvelope(b))
	if err != nil {
		b.Fatal(err)
	}
	for name, decode := range map[string]func([]byte) (*Event, error){
		"ours": Decode, "encoding-json": decodeAny,
		"without-raw": func(b []byte) (*Event, error) { e, _, err := DecodeWithoutRaw(b); return e, err },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := decode(data); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// TestAppendReading holds that every field of a reading is written as encoding/json does, and read back.
func TestAppendReading(t *testing.T) {
	full := Reading{ZoneNamed: 1, Printed: Printed{At: -2, Zone: "Europe/Berlin", ZoneNamed: 3}, EditedNamed: -1, ForwardNamed: 4, DateGuessed: true,
		Charset: "koi8-r", CharsetNamed: 5, Unversioned: true, Differs: true, AsOf: 6, Swapped: true}
	some := full
	some.ZoneNamed, some.Printed.ZoneNamed, some.DateGuessed = 0, 0, false
	for i, r := range []Reading{full, some, {Printed: Printed{Zone: "UTC"}}, {EditedNamed: 1}, {Differs: true}} {
		want, err := marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		if got := AppendReading(nil, &r); string(got) != string(want) {
			t.Errorf("%s, not %s", got, want)
		}
		e := &Event{Source: "s", Namespace: "n", Channel: "c", NativeID: NativeID(fmt.Sprint(i)), Kind: KindMessage, Revision: Unedited, Reading: r, Body: &Message{Type: TypeMessage}}
		if err := e.Seal(); err != nil {
			t.Fatal(err)
		}
		data, err := Encode(e)
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := decodeFast(data, true); got == nil || got.Reading != r {
			t.Errorf("%s is read as %+v", data, got)
		}
		sameAsJSON(t, data)
	}
}
