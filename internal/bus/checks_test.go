package bus

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestBus_AskChecks(t *testing.T) {
	b := newBus(t)
	if got, err := b.AskChecks(t.Context()); err != nil || len(got) != 0 {
		t.Fatalf("while nobody answers: %q, %v", got, err)
	}
	for _, name := range []string{"one", "two"} {
		if err := b.AnswerChecks(func() ([]byte, error) { return []byte(name), nil }); err != nil {
			t.Fatal(err)
		}
	}
	answers, err := b.AskChecks(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, a := range answers {
		got = append(got, string(a))
	}
	slices.Sort(got)
	if diff := cmp.Diff([]string{"one", "two"}, got); diff != "" {
		t.Error(diff)
	}
}
