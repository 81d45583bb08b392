package bus

import (
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestToken(t *testing.T) {
	for in, want := range map[string]string{
		"": "_", "room": "room", "#русский чат": "_23русский_20чат", "a.b": "a_2eb", "*": "_2a", ">": "_3e", "_": "_5f", "\xff": "_ff",
		"\x00": "_00", "-100123": "-100123", "�": "_ef_bf_bd",
	} {
		if got := token(in); got != want {
			t.Errorf("token(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestToken_rapid(t *testing.T) {
	seen := map[string]string{}
	rapid.Check(t, func(rt *rapid.T) {
		s := rapid.OneOf(rapid.String(), rapid.StringN(0, 400, -1), rapid.StringMatching(`[_\.ab0-9 ]{0,6}`),
			rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) })).Draw(rt, "s")
		for kind, got := range map[string]string{"t": token(s), "k": key(s)} {
			if got == "" || len(got) > maxToken || strings.ContainsAny(got, ". *>\t\r\n\x00") || !utf8.ValidString(got) {
				rt.Fatalf("%q became %q", s, got)
			}
			if before, ok := seen[kind+got]; ok && before != s {
				rt.Fatalf("%q and %q both became %q", before, s, got)
			}
			seen[kind+got] = s
		}
	})
}

func TestToken_long(t *testing.T) {
	long := strings.Repeat("ж", 300)
	if a, b := token(long+"1"), token(long+"2"); a == b || len(a) > maxToken {
		t.Fatal(a, b)
	}
}
