package fact_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/agrichat/agrichat/internal/fact"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func versions() *rapid.Generator[fact.Version] {
	return rapid.Custom(func(t *rapid.T) fact.Version {
		return fact.Version{Generation: rapid.Uint16().Draw(t, "generation"), Token: rapid.Uint64Range(0, fact.MaxPart).Draw(t, "token"),
			Counter: rapid.Uint64Range(0, fact.MaxPart).Draw(t, "counter")}
	})
}

func TestVersion_Compare(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, b := versions().Draw(t, "a"), versions().Draw(t, "b")
		want := 0
		for _, p := range [][2]uint64{{uint64(a.Generation), uint64(b.Generation)}, {a.Token, b.Token}, {a.Counter, b.Counter}} {
			if p[0] != p[1] {
				want = -1
				if p[0] > p[1] {
					want = 1
				}
				break
			}
		}
		if got := a.Compare(b); got != want {
			t.Fatalf("%s against %s is %d, want %d", a, b, got, want)
		}
		if back := fact.FromBig(a.Big()); back != a {
			t.Fatalf("%s came back as %s", a, back)
		}
		if a.Big().BitLen() > 128 {
			t.Fatalf("%s takes %d bits", a, a.Big().BitLen())
		}
	})
}

func TestDecode(t *testing.T) {
	t.Parallel()
	b := &fact.Batch{Version: fact.Version{Generation: 1, Token: 2, Counter: 3}, Source: "s", Namespace: "n", Channel: "c",
		Messages: []fact.Message{{Thing: "t", Kind: "message", Text: "привет <b>"}}, Identities: []fact.Identity{{Key: "k", ID: "i"}}}
	data, err := fact.Encode(b)
	if err != nil {
		t.Fatal(err)
	}
	back, err := fact.Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(b, back); diff != "" || back.Len() != 2 {
		t.Errorf("%d facts, %s", back.Len(), diff)
	}
	for _, bad := range []string{"", "{", `{"v":0}`} {
		if _, err := fact.Decode([]byte(bad)); err == nil || errors.Is(err, fact.ErrNewer) {
			t.Errorf("%q was read, or is newer: %v", bad, err)
		}
	}
	for _, newer := range []string{`{"v":2}`, `{"v":2,"messages":"of another type"}`} {
		if _, err := fact.Decode([]byte(newer)); !errors.Is(err, fact.ErrNewer) {
			t.Errorf("%q is not newer: %v", newer, err)
		}
	}
}
