package chatline

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestStrip(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"a\x02b\x1dc\x1fd\x0fe\x16f\x1eg\x11h": "abcdefgh",
		"\x03x\x034y\x0304,12z\x031,a":         "xyz,a",
		"\x04ff00aa,00FF00hex\x04":             "hex",
		"\x0312345":                            "345",
		"tab\tnul\x00del\x7f":                  "tab\tnuldel",
		"ё\x03":                                "ё",
	} {
		if got := Strip(in); got != want {
			t.Errorf("%q is %q, want %q", in, got, want)
		}
	}
}

func TestFold(t *testing.T) {
	t.Parallel()
	if diff := cmp.Diff([]string{"abc", "a[b]", "Иван", ""}, []string{Fold("aBC"), Fold("A[b]"), Fold("Иван"), Fold("")}); diff != "" {
		t.Error(diff)
	}
}
