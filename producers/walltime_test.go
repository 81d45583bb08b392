package producers_test

import (
	"testing"
	"time"

	"github.com/agrichat/agrichat/producers"
)

func TestWallTime(t *testing.T) {
	for _, c := range []struct {
		zone, local, first, second string
		skipped                    bool
	}{
		{"Europe/Berlin", "2021-06-01 12:00", "2021-06-01T10:00:00Z", "", false},
		{"Europe/Berlin", "2021-03-28 01:59", "2021-03-28T00:59:00Z", "", false},
		{"Europe/Berlin", "2021-03-28 02:30", "2021-03-28T01:30:00Z", "", true},
		{"Europe/Berlin", "2021-03-28 03:00", "2021-03-28T01:00:00Z", "", false},
		{"Europe/Berlin", "2021-10-31 01:59", "2021-10-30T23:59:00Z", "", false},
		{"Europe/Berlin", "2021-10-31 02:30", "2021-10-31T00:30:00Z", "2021-10-31T01:30:00Z", false},
		{"Europe/Berlin", "2021-10-31 03:00", "2021-10-31T02:00:00Z", "", false},
		{"America/New_York", "2021-03-14 02:30", "2021-03-14T07:30:00Z", "", true},
		{"America/New_York", "2021-11-07 01:30", "2021-11-07T05:30:00Z", "2021-11-07T06:30:00Z", false},
		{"Australia/Lord_Howe", "2021-10-03 02:10", "2021-10-02T15:40:00Z", "", true},
		{"Australia/Lord_Howe", "2021-04-04 01:45", "2021-04-03T14:45:00Z", "2021-04-03T15:15:00Z", false},
		{"Pacific/Apia", "2011-12-30 12:00", "2011-12-30T22:00:00Z", "", true},
		{"UTC", "2021-03-28 02:30", "2021-03-28T02:30:00Z", "", false},
	} {
		t.Run(c.zone+" "+c.local, func(t *testing.T) {
			zone, err := time.LoadLocation(c.zone)
			if err != nil {
				t.Fatal(err)
			}
			local, err := time.Parse("2006-01-02 15:04", c.local)
			if err != nil {
				t.Fatal(err)
			}
			first, second, skipped := producers.WallTime(local, zone)
			if got := first.UTC().Format(time.RFC3339); got != c.first || skipped != c.skipped {
				t.Errorf("first %s, skipped %v; want %s, %v", got, skipped, c.first, c.skipped)
			}
			if got := ""; !second.IsZero() || c.second != "" {
				got = second.UTC().Format(time.RFC3339)
				if got != c.second {
					t.Errorf("second %s, want %s", got, c.second)
				}
			}
		})
	}
}
