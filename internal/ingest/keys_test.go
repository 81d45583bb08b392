package ingest

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/producers"
)

// exportOf makes an export: keys are even, and odd ones are known to the record; each stands in the minute beside it.
func exportOf(of ...[2]int) *Export {
	x := &Export{}
	for _, k := range of {
		x.add(Key(k[0]), time.Unix(int64(60*k[1]), 0))
	}
	return x
}

func TestMeeting(t *testing.T) {
	for _, c := range []struct {
		name string
		of   []*Export
		want int
	}{
		{"alone", []*Export{exportOf([2]int{2, 1}, [2]int{4, 1})}, 0},
		{"two that meet", []*Export{exportOf([2]int{2, 1}, [2]int{4, 2}), exportOf([2]int{4, 2}, [2]int{6, 2}, [2]int{8, 3})}, 1},
		{"three in a row", []*Export{exportOf([2]int{2, 1}, [2]int{4, 2}), exportOf([2]int{4, 2}, [2]int{10, 2}, [2]int{6, 3}), exportOf([2]int{6, 3}, [2]int{8, 4})}, 2},
		{"two that overlap", []*Export{exportOf([2]int{2, 1}, [2]int{4, 2}), exportOf([2]int{2, 1}, [2]int{4, 2}, [2]int{6, 3})}, 0},
		{"a longer overlap", []*Export{exportOf([2]int{2, 1}, [2]int{4, 2}, [2]int{6, 3}), exportOf([2]int{4, 2}, [2]int{6, 3}, [2]int{8, 4})}, 0},
		{"the record's end", []*Export{exportOf([2]int{3, 1}, [2]int{4, 1}, [2]int{6, 2})}, 1},
		{"the record's beginning", []*Export{exportOf([2]int{2, 1}, [2]int{4, 2}, [2]int{7, 2})}, 1},
		{"one message that another has behind others", []*Export{exportOf([2]int{2, 1}, [2]int{4, 2}), exportOf([2]int{4, 2})}, 1},
		{"a copy of one message alone", []*Export{exportOf([2]int{2, 1}), exportOf([2]int{2, 1})}, 0},
		{"a copy from when a log had a minute", []*Export{exportOf([2]int{2, 1}, [2]int{4, 1}), exportOf([2]int{2, 1})}, 1},
		{"the same again", []*Export{exportOf([2]int{3, 1}, [2]int{5, 1})}, 0},
	} {
		if got := Meeting(c.of); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}

func TestDiffering(t *testing.T) {
	for _, c := range []struct {
		name string
		of   []*Export
		want int
	}{
		{"between two", []*Export{exportOf([2]int{2, 1}, [2]int{4, 2}, [2]int{6, 3}), exportOf([2]int{2, 1}, [2]int{6, 3})}, 1},
		{"both first", []*Export{exportOf([2]int{2, 1}, [2]int{6, 2}), exportOf([2]int{4, 1}, [2]int{6, 2})}, 1},
		{"both last", []*Export{exportOf([2]int{2, 1}, [2]int{6, 2}), exportOf([2]int{2, 1}, [2]int{8, 2}, [2]int{10, 3})}, 1},
		{"one begins later", []*Export{exportOf([2]int{2, 1}, [2]int{4, 2}, [2]int{6, 3}), exportOf([2]int{6, 3}, [2]int{8, 4})}, 0},
		{"two that overlap and two others that do", []*Export{
			exportOf([2]int{2, 1}, [2]int{4, 2}), exportOf([2]int{4, 2}, [2]int{6, 3}),
			exportOf([2]int{12, 6}, [2]int{14, 7}), exportOf([2]int{14, 7}, [2]int{16, 8})}, 0},
		{"known at both ends", []*Export{exportOf([2]int{3, 1}, [2]int{4, 2}, [2]int{7, 3})}, 1},
		{"nothing in common", []*Export{exportOf([2]int{2, 1}), exportOf([2]int{4, 1})}, 0},
	} {
		if got := Differing(c.of); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}

func TestApart(t *testing.T) {
	one, two := exportOf([2]int{2, 5}, [2]int{4, 2}), exportOf([2]int{6, 1}, [2]int{8, 2})
	for _, c := range []struct {
		name string
		of   []*Export
		want int
	}{
		{"alone", []*Export{one}, 1},
		{"nothing in common", []*Export{one, two}, 2},
		{"one in common", []*Export{one, two, exportOf([2]int{8, 2}, [2]int{10, 3})}, 1},
		{"known to the record", []*Export{exportOf([2]int{2, 1}, [2]int{5, 2})}, 0},
	} {
		if got := Apart(c.of); len(got) != c.want {
			t.Errorf("%s: %d, want %d", c.name, len(got), c.want)
		}
	}
	if first, last := one.Minutes(); first != 2 || last != 5 {
		t.Errorf("minutes %d to %d", first, last)
	}
}

// A message without a time is in no minute: it does not lengthen the span of its export.
func TestTally_KeyWithoutTime(t *testing.T) {
	tl := newTally(false)
	sent := time.Unix(60*5, 0).UTC()
	for i, at := range []event.Instant{{}, event.NewInstant(sent, event.PrecisionMinute), {}} {
		id := event.NativeID("k" + event.Digest(strconv.Itoa(i)))
		tl.take([]event.Event{{Kind: event.KindMessage, NativeID: id, Sent: at}}, []bool{false}, 0)
	}
	x := tl.result().Keys[Chat{}]
	if x == nil {
		t.Fatal("no keys")
	}
	if first, last := x.Minutes(); first != 5 || last != 5 {
		t.Errorf("minutes %d to %d, want 5", first, last)
	}
}

// again is a live source that tells one message at every connection.
type again struct{ e event.Event }

func (a *again) Connect(context.Context, producers.Cursor) (producers.Session, error) {
	return &toldAgain{e: a.e}, nil
}

type toldAgain struct {
	e    event.Event
	over bool
}

func (s *toldAgain) Next(context.Context) (producers.Batch, error) {
	if s.over {
		return producers.Batch{}, errOdd
	}
	s.over = true
	return producers.Batch{Events: []event.Event{s.e}, Cursor: producers.Cursor("1"), Counts: producers.Counts{Read: 1},
		Notices: producers.Notices{{Code: "odd", Text: "lines are odd", Count: 2}}}, nil
}

func (s *toldAgain) Close() error { return nil }

// TestRun_LiveKeys holds that what a live source tells again over another connection is not compared as an export would be, and that its
// notices are passed on as they come.
func TestRun_LiveKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := message(1)
		e.NativeID, e.Sent = event.NativeID("k"+event.Digest("line")), event.NewInstant(time.Unix(60, 0), event.PrecisionSecond)
		if err := e.Seal(); err != nil {
			t.Fatal(err)
		}
		s := newStream()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		reg := prometheus.NewRegistry()
		noted := 0
		r, err := Run(ctx, Config{Name: "again", Source: &again{e}, Live: true, Publisher: s, Metrics: NewMetrics(reg),
			Noticed: func(n producers.Notice) { noted += n.Count }})
		if err != nil || r.Published < 2 {
			t.Fatalf("%+v, %v", r, err)
		}
		if len(r.Keys) > 0 {
			t.Errorf("keys are kept: %+v", r.Keys)
		}
		if got := gathered(t, reg, "agrichat_ingest_notices_total"); noted != 2*r.Published || got != float64(noted) {
			t.Errorf("%d records were noted, counted %v, want %d", noted, got, 2*r.Published)
		}
	})
}

// gathered is the sum of a counter's series.
func gathered(t *testing.T, reg *prometheus.Registry, name string) (sum float64) {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name {
			for _, m := range f.GetMetric() {
				sum += m.GetCounter().GetValue()
			}
		}
	}
	return sum
}

func TestHold(t *testing.T) {
	idOf := func(n int) event.NativeID { return event.NativeID(fmt.Sprintf("k%016x%016x", n, 0)) }
	resumed := exportOf([2]int{4, 1}, [2]int{6, 1}, [2]int{8, 2})
	resumed.Resumed = true
	for _, c := range []struct {
		name  string
		of    []*Export
		fresh []int
	}{
		{"beyond the record", []*Export{exportOf([2]int{2, 1}, [2]int{5, 2}, [2]int{6, 3})}, []int{2, 6}},
		{"between what the record holds", []*Export{exportOf([2]int{3, 1}, [2]int{4, 2}, [2]int{7, 3})}, nil},
		{"shared by two", []*Export{exportOf([2]int{3, 1}, [2]int{4, 2}, [2]int{7, 3}), exportOf([2]int{4, 2}, [2]int{7, 3})}, []int{4}},
		{"nothing in common", []*Export{exportOf([2]int{2, 1}, [2]int{4, 2})}, []int{2, 4}},
		{"after what an earlier run read", []*Export{resumed}, []int{8}},
	} {
		h := Hold(c.of)
		for n := 2; n < 10; n += 2 {
			held, fresh := h.Has(idOf(n))
			wantHeld := slices.ContainsFunc(c.of, func(x *Export) bool {
				return slices.ContainsFunc(x.Keys, func(k Key) bool { return int(k&^1) == n })
			})
			if held != wantHeld || fresh != slices.Contains(c.fresh, n) {
				t.Errorf("%s: %d is held %v, fresh %v", c.name, n, held, fresh)
			}
		}
	}
}
