package verify

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestDayCounts_matchOutOfRange holds that times which ClickHouse cannot hold, and which are empty there, are counted on one day in all stores, and that
// rows which lack a time for another reason stay a difference.
func TestDayCounts_matchOutOfRange(t *testing.T) {
	t.Parallel()
	key := func(day string) dayKey { return dayKey{"s", "n", "c", day} }
	for name, tt := range map[string]struct{ counts, want map[dayKey]storeCounts }{
		"nothing out of range": {map[dayKey]storeCounts{key(""): {1, 1, 1}}, map[dayKey]storeCounts{key(""): {1, 1, 1}}},
		"all out of range":     {map[dayKey]storeCounts{key(""): {0, 0, 2}, key(OutOfRangeDay): {2, 2, 0}}, map[dayKey]storeCounts{key(OutOfRangeDay): {2, 2, 2}}},
		"some without a time": {map[dayKey]storeCounts{key(""): {1, 1, 3}, key(OutOfRangeDay): {2, 2, 0}},
			map[dayKey]storeCounts{key(""): {1, 1, 1}, key(OutOfRangeDay): {2, 2, 2}}},
		"too few in ClickHouse": {map[dayKey]storeCounts{key(""): {1, 1, 2}, key(OutOfRangeDay): {2, 2, 0}},
			map[dayKey]storeCounts{key(""): {1, 1, 1}, key(OutOfRangeDay): {2, 2, 1}}},
		"too many in ClickHouse": {map[dayKey]storeCounts{key(""): {1, 1, 5}, key(OutOfRangeDay): {2, 2, 0}},
			map[dayKey]storeCounts{key(""): {1, 1, 3}, key(OutOfRangeDay): {2, 2, 2}}},
		"another channel": {map[dayKey]storeCounts{{"s", "n", "d", ""}: {0, 0, 2}, key(OutOfRangeDay): {2, 2, 0}},
			map[dayKey]storeCounts{{"s", "n", "d", ""}: {0, 0, 2}, key(OutOfRangeDay): {2, 2, 0}}},
	} {
		d := newDayCounts()
		for k, c := range tt.counts {
			*d.at(k) = c
		}
		d.matchOutOfRange()
		got := map[dayKey]storeCounts{}
		for k, c := range d.counts {
			got[k] = *c
		}
		if diff := cmp.Diff(tt.want, got, cmp.AllowUnexported(dayKey{})); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestDayOf(t *testing.T) {
	t.Parallel()
	berlin := time.FixedZone("", 3600)
	for want, at := range map[string]*time.Time{
		"":            nil,
		"2023-12-31":  new(time.Date(2024, 1, 1, 0, 30, 0, 0, berlin)), // days are those of UTC
		"1900-01-01":  new(time.Date(1900, 1, 1, 0, 0, 0, 0, time.UTC)),
		OutOfRangeDay: new(time.Date(1899, 12, 31, 23, 59, 59, 0, time.UTC)),
	} {
		if got := dayOf(at); got != want {
			t.Errorf("%v is on day %q, want %q", at, got, want)
		}
	}
}
