package seqset_test

import (
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/agrichat/agrichat/internal/seqset"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestSet compares every operation with a map.
func TestSet(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var s seqset.Set
		model := map[uint64]struct{}{}
		for range rapid.IntRange(0, 12).Draw(t, "adds") {
			first := rapid.Uint64Range(1, 40).Draw(t, "first")
			last := first + rapid.Uint64Range(0, 6).Draw(t, "more")
			s.Add(first, last)
			for q := first; q <= last; q++ {
				model[q] = struct{}{}
			}
		}
		if got, want := members(s), slices.Sorted(maps.Keys(model)); !cmp.Equal(got, want) {
			t.Fatalf("holds %v, want %v", got, want)
		}
		if s.Len() != uint64(len(model)) {
			t.Fatalf("has %d members, want %d", s.Len(), len(model))
		}
		for q := range uint64(50) {
			if _, want := model[q]; s.Has(q) != want {
				t.Fatalf("Has(%d) is %t", q, s.Has(q))
			}
		}
		checkMissing(t, s, model)
		back, err := seqset.Parse(s.String())
		if err != nil || back.String() != s.String() {
			t.Fatalf("%s came back as %s: %v", s, back, err)
		}
	})
}

func checkMissing(t *rapid.T, s seqset.Set, model map[uint64]struct{}) {
	from := rapid.Uint64Range(1, 45).Draw(t, "from")
	to := rapid.Uint64Range(1, 50).Draw(t, "to")
	var want []uint64
	for q := from; q <= to; q++ {
		if _, there := model[q]; !there {
			want = append(want, q)
		}
	}
	if got := members(s.Missing(from, to)); !cmp.Equal(got, want) {
		t.Fatalf("%s lacks %v of %d to %d, want %v", s, got, from, to, want)
	}
}

func members(s seqset.Set) []uint64 {
	var out []uint64
	for _, sp := range s.Spans() {
		for q := sp.First; q <= sp.Last; q++ {
			out = append(out, q)
		}
	}
	return out
}

func TestSet_Add(t *testing.T) {
	t.Parallel()
	s := seqset.Of(5, 1, 3, 2, 9)
	if got, want := s.String(), "{[1,4),[5,6),[9,10)}"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	s.Union(seqset.Of(4))
	if first, last := s.Bounds(); first != 1 || last != 9 || s.String() != "{[1,6),[9,10)}" {
		t.Errorf("got %s from %d to %d", s, first, last)
	}
}

func TestParse_Invalid(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "{", "[1,2)", "{[1,2]}", "{[2,1)}", "{[a,b)}", "{[1)}"} {
		if s, err := seqset.Parse(text); err == nil {
			t.Errorf("%q was read as %s", text, s)
		}
	}
}
