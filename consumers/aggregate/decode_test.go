package aggregate

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/agrichat/agrichat/internal/fact"
)

// decode exists for its speed alone, so it must read whatever fact.Decode reads, and refuse what it refuses.
func TestDecodeReadsWhatFactsAre(t *testing.T) {
	t.Parallel()
	at := time.Date(2024, 2, 29, 23, 59, 59, 123456000, time.UTC)
	whole, err := fact.Encode(&fact.Batch{
		Version: fact.Version{Generation: 3, Token: fact.MaxPart, Counter: 9}, Source: "telegram", Namespace: "n", Channel: "c",
		ChannelKey: "00112233445566778899aabbccddeeff", Again: "x",
		Messages: []fact.Message{
			{Thing: "a", Text: "<b>&amp; \u2028 \U0001F525 \xff \\u0041 \"", SentAt: &at, Precision: 5, Media: []string{"photo", ""}, Sequence: 1 << 63},
			{Thing: "b", Deleted: true, DeletedAt: &at, Links: []string{}},
		},
		Versions:    []fact.Edition{{Event: "e", Revision: "0", SentAt: &at}},
		Reactions:   []fact.Reaction{{Emoji: "👍", Count: 1<<32 - 1, Removed: true}},
		Memberships: []fact.Membership{{State: "joined", At: &at}},
		Channels:    []fact.Channel{{Name: "имя"}},
		Identities:  []fact.Identity{{Key: "k", Bot: true}},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		string(whole), `{"v":1}`, ` {"v":1} `, `{"V":1,"Messages":[{"Thing":"a","TEXT":"b"}]}`, `{"v":1,"v":1}`, `{"v":1,"later":{"x":[1]}}`,
		`{"v":1,"messages":null}`, "{\"v\":1,\"source\":\"\xff\"}", `{"v":1,"source":"\ud800"}`, `{"v":2}`, `{}`, `null`, ``, `{`, `[]`,
		`{"v":1}{}`, `{"v":"1"}`, `{"v":1.5}`, `{"v":1,"messages":[{"sent_at":"yesterday"}]}`, `{"v":1,"messages":[{"precision":256}]}`,
		`{"v":1,"messages":{}}`,
	} {
		want, wantErr := fact.Decode([]byte(text))
		got, gotErr := decode([]byte(text))
		if (wantErr == nil) != (gotErr == nil) {
			t.Errorf("%.60s: the error is %v, and should be %v", text, gotErr, wantErr)
		}
		if wantErr == nil {
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%.60s is read differently (-fact.Decode +decode):\n%s", text, diff)
			}
		}
	}
}
