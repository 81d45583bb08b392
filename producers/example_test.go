package producers_test

import (
	"fmt"
	"time"

	"github.com/agrichat/agrichat/producers"
)

// A network that numbers nothing gets content keys. Equal lines of a minute are counted, so that none is lost; whether an export that begins
// within the minute holds the same ones cannot be known, which is reported.
func ExampleTally() {
	var t producers.Tally
	for _, text := range []string{"ok", "ok", "yes"} {
		id, ambiguous := t.Next("2024-05-01", "12:00", "vera", text)
		fmt.Println(producers.IsContentKey(id), ambiguous)
	}
	// Output:
	// true false
	// true true
	// true false
}

// Exports print texts differently; content keys do not depend on it.
func ExampleNormaliseText() {
	fmt.Printf("%q\n", producers.NormaliseText("the\u00a0beans \u200e came\tup "))
	// Output: "the beans came up"
}

// An hour that comes twice is two instants.
func ExampleWallTime() {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		fmt.Println(err)
		return
	}
	first, second, skipped := producers.WallTime(time.Date(2024, 10, 27, 2, 30, 0, 0, time.UTC), berlin)
	fmt.Println(first.UTC().Format("15:04"), second.UTC().Format("15:04"), skipped)
	// Output: 00:30 01:30 false
}

// Equal notices are one, with the count of all.
func ExampleNotices_Add() {
	var n producers.Notices
	for range 3 {
		n.Add(producers.SkippedHour(1))
	}
	fmt.Println(len(n), n[0].Code, n[0].Option, n[0].Count)
	// Output: 1 skipped-hour --zone 3
}

func ExampleUncopied() {
	fmt.Println(producers.Uncopied("2021-03-01 (1).log"))
	fmt.Println(producers.Uncopied("2021-03-01 - Copy (2).log"))
	// Output:
	// 2021-03-01.log
	// 2021-03-01.log
}
