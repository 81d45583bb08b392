package producers

import (
	"strings"
	"testing"
	"unicode"

	"pgregory.net/rapid"
)

// TestNormaliseText holds the shortcut for texts that are normal already against the rule itself.
func TestNormaliseText(t *testing.T) {
	rule := func(s string) string {
		return strings.Join(strings.Fields(strings.Map(func(r rune) rune {
			if unicode.Is(unicode.Cf, r) {
				return -1
			}
			return r
		}, s)), " ")
	}
	pieces := []string{"a", "ы", "ש", " ", "  ", "\t", "\n", "\u00a0", "\u00ad", "\u200e", "\u061c", "\u0600", "€", "😀", "\xd0", "\xff", "\x85", "é", "\x7f", "\u0605"}
	rapid.Check(t, func(t *rapid.T) {
		s := strings.Join(rapid.SliceOfN(rapid.SampledFrom(pieces), 0, 8).Draw(t, "pieces"), "")
		if got, want := NormaliseText(s), rule(s); got != want {
			t.Fatalf("NormaliseText(%q) = %q, want %q", s, got, want)
		}
	})
}
