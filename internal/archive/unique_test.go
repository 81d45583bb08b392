package archive

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestUnique(t *testing.T) {
	got := unique([]Overlap{
		{Kind: OverlapIDs, Key: "b", Other: "a", Messages: 3},
		{Kind: OverlapIDs, Key: "a", Other: "b", Messages: 4},
		{Kind: OverlapIDs, Key: "a", Other: "a", Messages: 1},
		{Kind: OverlapIDs, Key: "a", Other: "b", Messages: 2},
		{Kind: OverlapPeople, Key: "a", Authors: [2]string{"x", "y"}, Messages: 2},
		{Kind: OverlapPeople, Key: "a", Authors: [2]string{"x", "z"}, Messages: 2},
		{Kind: OverlapZones, Key: "a", Shift: time.Hour, Messages: 2},
	})
	want := []Overlap{
		{Kind: OverlapIDs, Key: "a", Other: "b", Messages: 4},
		{Kind: OverlapIDs, Key: "a", Other: "a", Messages: 1},
		{Kind: OverlapPeople, Key: "a", Authors: [2]string{"x", "y"}, Messages: 2},
		{Kind: OverlapPeople, Key: "a", Authors: [2]string{"x", "z"}, Messages: 2},
		{Kind: OverlapZones, Key: "a", Shift: time.Hour, Messages: 2},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
