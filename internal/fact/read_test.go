package fact_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/agrichat/agrichat/internal/fact"
)

// decodeAny is what Decode must return.
func decodeAny(data []byte) (*fact.Batch, error) {
	var b fact.Batch
	if err := json.Unmarshal(data, &b); err != nil {
		var form struct{ V int }
		if json.Unmarshal(data, &form) == nil && form.V > fact.FormVersion {
			return nil, (&fact.Batch{V: form.V}).Check()
		}
		return nil, fmt.Errorf("decoding facts: %w", err)
	}
	return &b, b.Check()
}

// readsAsJSON holds a reader, which may have read other batches before, against encoding/json.
func readsAsJSON(t rapid.TB, r *fact.Reader, data []byte) {
	t.Helper()
	want, wantErr := decodeAny(data)
	got, err := r.Read(data)
	if fmt.Sprint(err) != fmt.Sprint(wantErr) || !reflect.DeepEqual(got, want) {
		t.Fatalf("%q\nis read as   %+v, %v\nand not as   %+v, %v", data, got, err, want, wantErr)
	}
}

func encode(t testing.TB, b *fact.Batch) []byte {
	t.Helper()
	data, err := fact.Encode(b)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// full has every field.
func full() *fact.Batch {
	at, later := time.Date(2024, 2, 29, 23, 59, 59, 123456000, time.UTC), time.Date(1, 1, 1, 0, 0, 0, 1, time.FixedZone("", 3600))
	return &fact.Batch{
		Version: fact.Version{Generation: 3, Token: fact.MaxPart, Counter: 9}, Source: "telegram", Namespace: "n", Channel: "c",
		ChannelKey: "00112233445566778899aabbccddeeff", RepublishID: "x",
		Messages: []fact.Message{
			{Thing: "a", ExternalID: "1", Kind: "message", AuthorKey: "k", Author: "7", AuthorName: "Анна", SentAt: &at, Precision: 5,
				Assumed: true, Text: "<b>&amp; \u2028 \U0001F525 \xff \\u0041 \"\n", Revision: "0", EditedAt: &later, Deleted: true, DeletedAt: &at,
				ReplyTo: "0", Thread: "5", Forwarded: true, Action: "pin", Media: []string{"photo", ""}, Links: []string{"http://a/?b&c"},
				Hashtags: []string{"один"}, Mentions: []string{"@a", "@b"}, Accounts: []string{"me"}, Position: 1<<64 - 1, Hash: fact.Hash{1, 2, 3, 15: 255}},
			{Thing: "b"},
		},
		Versions:    []fact.Edition{{Event: "e", Thing: "a", Kind: "message", Revision: "0", SentAt: &at, Position: 7, Hash: fact.Hash{1}}, {}},
		Reactions:   []fact.Reaction{{Thing: "r", Message: "a", Target: "1", PersonKey: "k", Person: "7", PersonName: "A", Emoji: "👍", Count: 1<<32 - 1, At: &at, Removed: true, Hash: fact.Hash{2}}, {}},
		Memberships: []fact.Membership{{Thing: "m", IdentityKey: "k", Identity: "7", Name: "Анна", State: "joined", At: &at, Hash: fact.Hash{3}}, {}},
		Channels:    []fact.Channel{{Name: "имя", Type: "group", Topic: "t"}, {Type: "group"}, {Topic: "t"}, {Name: "n", Topic: "t", Hash: fact.Hash{4}}, {Hash: fact.Hash{5}}, {}},
		Identities:  []fact.Identity{{Key: "k", Namespace: "n", ID: "7", Name: "Анна", Username: "a", Bot: true, Hash: fact.Hash{6}}, {}},
		Sightings:   []fact.Sighting{{ID: "s", Event: "e", Thing: "t", Account: "alice", Removed: true, Hash: fact.Hash{7}}, {}},
	}
}

// TestReader_Read_Fast also holds that it is read as encoding/json does. The fast path is of use only while it takes
// what our writer writes.
func TestReader_Read_Fast(t *testing.T) {
	t.Parallel()
	var reused fact.Reader
	read := func(t rapid.TB, b *fact.Batch) {
		t.Helper()
		data, err := fact.Encode(b)
		if err != nil {
			return // a time that JSON does not take
		}
		if !fact.ReadsFast(data) {
			t.Fatalf("not read by the fast path: %s", data)
		}
		readsAsJSON(t, &reused, data)
		readsAsJSON(t, new(fact.Reader), data)
	}
	read(t, full())
	read(t, &fact.Batch{})
	read(t, full())
	rapid.Check(t, func(t *rapid.T) { read(t, batches().Draw(t, "batch")) })
}

// TestReader_Read_OtherForms: what another program may write differs from ours in ways that JSON allows, or forbids.
func TestReader_Read_OtherForms(t *testing.T) {
	t.Parallel()
	data := string(encode(t, full()))
	var reused fact.Reader
	for _, r := range [][2]string{
		{"", ""}, {"", " "}, {`"v":1`, `"v":12`}, {`"v":1`, `"v":1.0`}, {`"v":1`, `"v":"1"`}, {`"v":1,`, ``}, {`"v":1`, ` "v" : 1`}, {`"v"`, `"V"`},
		{`"v":1`, `"v":01`}, {`"v":1`, `"v":2,"v":1`}, {`"v":1`, `"v":1,"v":2`}, {`"v":1`, `"v":null`}, {`"v":1`, `"v":1e0`},
		{`"version":{`, `"version":null,"other":{`}, {`"Generation":3`, `"generation":3`}, {`"Generation":3`, `"Generation":65536`},
		{`"Generation":3`, `"Generation":03`}, {`"Generation":3`, `"Generation":-3`}, {`"Generation":3`, `"Generation":+3`},
		{`"Generation":3`, `"Generation":0`}, {`"Generation":3`, `"Generation":00`}, {`"Generation":3`, `"Generation":`},
		{`"Counter":9`, `"Counter":18446744073709551615`}, {`"Counter":9`, `"Counter":18446744073709551616`},
		{`"Counter":9`, `"Counter":99999999999999999999999999999999`}, {`"Counter":9`, `"Counter":9.5`}, {`"Counter":9`, `"Counter":9e1`},
		{`"Counter":9`, `"Counter":9,"Counter":8`}, {`"Counter":9`, `"Counter":9,"more":[{}]`}, {`"Counter":9`, `"Counter":null`},
		{`"source":"telegram",`, ``}, {`"source":"telegram"`, `"source":null`}, {`"source":"telegram"`, `"source":1`},
		{`"telegram"`, `"\u0074\/\b\f\n\r\t\"\\"`}, {`"telegram"`, `"\ud83d\ude42"`}, {`"telegram"`, `"\ud83d"`}, {`"telegram"`, `"\ude42\ud83d"`},
		{`"telegram"`, `"\ud83dx"`}, {`"telegram"`, `"\ud83d\u0041"`}, {`"telegram"`, `"\x"`}, {`"telegram"`, `"\u+123"`}, {`"telegram"`, `"\u1_23"`},
		{`"telegram"`, `"\u12"`}, {`"telegram"`, `"\`}, {`"telegram"`, `"\"`}, {`"telegram"`, `"\\"`}, {`"telegram"`, `"\\\"`}, {`"telegram"`, `"\uFFFF\u0000"`},
		{`"telegram"`, "\"\n\""}, {`"telegram"`, "\"\xff\""}, {`"telegram"`, "\"\xed\xa0\x80\""}, {`"telegram"`, "\"\xe2\x80\""}, {`"telegram"`, "\"\u2028\x7f\ufffd\""},
		{`"telegram"`, "\"\x1f\""}, {`"telegram"`, "\"\x00\""}, {`"telegram"`, `"telegram","source":"other"`}, {`"telegram"`, `"telegram","channel":null`},
		{`"channel":"c",`, ``}, {`"channel":"c"`, `"channel":""`}, {`"channel":"c"`, `"channel_key":"1","channel":"c"`}, {`"again":"x",`, ``}, {`"again":"x"`, `"later":{"x":[1]}`},
		{`"messages":[`, `"messages":null,"x":[`}, {`"messages":[`, `"messages":[null,`}, {`"messages":[`, `"messages":[],"x":[`}, {`"messages":[`, `"messages":{`},
		{`"messages":[`, `"messages":[{},`}, {`"messages":[`, `"Messages":[`}, {`"messages":[`, "\"messages\":[\n"}, {`"versions":[`, `"messages":[`}, {`"versions":[`, `"versions":[]`},
		{`{"thing":"b"`, `{"thing":"b","thing":"c"`}, {`{"thing":"b"`, `{"external_id":"b"`}, {`{"thing":"b"`, `{"thing":"b","TEXT":"b"`}, {`{"thing":"b"`, `[{"thing":"b"`},
		{`"precision":5`, `"precision":256`}, {`"precision":5`, `"precision":-1`}, {`"precision":5`, `"precision":255`}, {`"precision":5`, `"precision":"5"`}, {`"precision":5,`, ``},
		{`"assumed":true`, `"assumed":false`}, {`"assumed":true`, `"assumed":truest`}, {`"assumed":true`, `"assumed":null`}, {`"assumed":true`, `"assumed":1`},
		{`23:59:59.123456Z`, `23:59:59.123456\u005a`}, {`23:59:59.123456Z`, `23:59:59`}, {`23:59:59.123456Z`, `23:59:59+03:00`}, {`23:59:59.123456Z`, `23:59:60Z`},
		{`23:59:59.123456Z`, `23:59:59,5Z`}, {`23:59:59.123456Z`, `24:00:00Z`}, {`2024-02-29T`, `2023-02-29T`}, {`2024-02-29T23:59:59.123456Z`, ``}, {`2024-02-29T23:59:59.123456Z`, `yesterday`},
		{`"2024-02-29T23:59:59.123456Z"`, `null`}, {`"2024-02-29T23:59:59.123456Z"`, `1`}, {`2024-02-29T`, `2024-02-29t`}, {`2024-02-29T`, `02024-02-29T`},
		{`"media":["photo",""]`, `"media":[]`}, {`"media":["photo",""]`, `"media":null`}, {`"media":["photo",""]`, `"media":["photo",]`}, {`"media":["photo",""]`, `"media":["photo",null]`},
		{`"media":["photo",""]`, `"media":[1]`}, {`"media":["photo",""]`, `"media":"photo"`}, {`"media":["photo",""]`, `"media":["photo" ,""]`},
		{`"position":7`, `"position":7.0`}, {`"position":7`, `"sequence":`}, {`"position":7`, `"position":7,"more":1`}, {`,"position":7`, ``},
		{`"count":4294967295`, `"count":4294967296`}, {`"count":4294967295`, `"count":0`}, {`"removed":true`, `"removed":true,"at":null`},
		{`"name":"имя"`, `"name":""`}, {`{"topic":"t"}`, `{"topic":"t","name":"n"}`}, {`{"topic":"t"}`, `{"topic":"t",}`}, {`"bot":true`, `"bot":false`},
		{`"hash":"AQIDAAAAAAAAAAAAAAAA_w"`, `"hash":"AQIDAAAAAAAAAAAAAAAA_x"`}, {`"hash":"AQIDAAAAAAAAAAAAAAAA_w"`, `"hash":""`}, {`"hash":"AQIDAAAAAAAAAAAAAAAA_w"`, `"hash":null`},
		{`"hash":"AQIDAAAAAAAAAAAAAAAA_w"`, `"hash":"AQIDAAAAAAAAAAAAAAAA_"`}, {`"hash":"AQIDAAAAAAAAAAAAAAAA_w"`, `"hash":"AQIDAAAAAAAAAAAAAAAA_w=="`}, {`"hash":"AQIDAAAAAAAAAAAAAAAA_w"`, `"hash":1`},
		{`"hash":"AQIDAAAAAAAAAAAAAAAA_w"`, `"hash":"\u0041QIDAAAAAAAAAAAAAAAA_w"`}, {`"hash":"AQIDAAAAAAAAAAAAAAAA_w"`, `"hash":"AQIDAAAAAA\nAAAAAAAA_w"`}, {`{"hash":"BQAAAAAAAAAAAAAAAAAAAA"}`, `{"hash":"BQAAAAAAAAAAAAAAAAAAAA","name":"n"}`},
		{`}`, `}}`}, {`}`, `} `}, {`}`, `}x`}, {`}`, `},`}, {`]`, `]]`}, {`]`, `,]`}, {`,`, `,,`}, {`:`, `: `}, {`:`, `::`}, {`"`, `'`},
	} {
		readsAsJSON(t, &reused, []byte(strings.Replace(data, r[0], r[1], 1)))
		if i := strings.LastIndex(data, r[0]); i >= 0 {
			readsAsJSON(t, &reused, []byte(data[:i]+r[1]+data[i+len(r[0]):]))
		} else {
			t.Errorf("%s is not there to be replaced", r[0])
		}
	}
	for _, whole := range []string{
		``, ` `, `{`, `[]`, `null`, `{}`, `{"v":1}`, ` {"v":1} `, `{"v":1}{}`, `{"v":2}`, `{"v":1,"messages":{}}`, `"v"`, `1`, "\ufeff{}", "\xff", "{\"v\":1,\"source\":\"\xff\"}",
		`{"V":1,"Messages":[{"Thing":"a","TEXT":"b"}]}`, `{"v":1,"v":1}`, `{"v":1,"later":{"x":[1]}}`, `{"v":1,"messages":null}`, `{"v":1,"source":"\ud800"}`,
		`{"v":1.5}`, `{"v":"1"}`, `{"v":1,"messages":[{"sent_at":"yesterday"}]}`, `{"v":1,"messages":[{"precision":256}]}`,
		`{"v":2,"messages":{}}`, `{"v":2,"source":1}`,
	} {
		readsAsJSON(t, &reused, []byte(whole))
	}
}

// TestReader_Read_DamagedBytes also where a batch ends too early.
func TestReader_Read_DamagedBytes(t *testing.T) {
	t.Parallel()
	data := encode(t, full())
	var reused fact.Reader
	for i := range data {
		readsAsJSON(t, &reused, data[:i])
		for _, c := range []byte("\"\\,:{}[]0u \x00\xff\xd0") {
			spoilt := bytes.Clone(data)
			spoilt[i] = c
			readsAsJSON(t, &reused, spoilt)
		}
	}
}

// TestReader_Read_Reuse whatever is read after it.
func TestReader_Read_Reuse(t *testing.T) {
	t.Parallel()
	data := encode(t, full())
	want, err := decodeAny(data)
	if err != nil {
		t.Fatal(err)
	}
	var r fact.Reader
	got, err := r.Read(data)
	if err != nil {
		t.Fatal(err)
	}
	kept := got.Messages[0]
	clear(data)
	other := &fact.Batch{Messages: []fact.Message{{Text: "other", SentAt: &time.Time{}, Media: []string{"other"}, Accounts: []string{"other"}}}}
	for range 300 {
		if _, err := r.Read(encode(t, other)); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(want.Messages[0], kept); diff != "" {
		t.Errorf("a message after others were read (-before +after):\n%s", diff)
	}
	// A long list does not fit where the last one ended.
	for n := range 300 {
		long := &fact.Batch{Messages: []fact.Message{{Links: make([]string, n), Media: []string{"x"}}}}
		readsAsJSON(t, &r, encode(t, long))
	}
}

func FuzzReader_Read(f *testing.F) {
	data := encode(f, full())
	f.Add(data, uint16(0), byte(0))
	f.Add(data, uint16(len(data)/2), byte('"'))
	f.Add(encode(f, &fact.Batch{Messages: []fact.Message{{Text: "<\"\\\u2028\xff\x00\n"}}}), uint16(100), byte('\\'))
	var used fact.Reader
	if _, err := used.Read(data); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte, at uint16, c byte) {
		r := used
		readsAsJSON(t, &r, data)
		if int(at) < len(data) { // one byte of it changed
			data = bytes.Clone(data)
			data[at] = c
			readsAsJSON(t, &r, data)
		}
	})
}

func BenchmarkRead(b *testing.B) {
	data := encode(b, thousand())
	var r fact.Reader
	for name, read := range map[string]func([]byte) (*fact.Batch, error){
		"ours": r.Read, "ours-alone": fact.Decode, "encoding-json": decodeAny,
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				if _, err := read(data); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1000, "ns/message")
		})
	}
}
