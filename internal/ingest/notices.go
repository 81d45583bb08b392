package ingest

import (
	"cmp"
	"maps"
	"slices"

	"github.com/agrichat/agrichat/internal/charset"
	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/producers"
)

// The codes of notices that the runner makes of what events say was assumed.
const (
	NoticeZone      = "zone-assumed"
	NoticeDateOrder = "date-order-guessed"
	NoticeCharset   = "charset-guessed"
	NoticeDamaged   = "bytes-replaced"
	NoticeTimeless  = "no-time"
)

// notices are added up by all but their count.
type notices map[producers.Notice]int

func (n notices) add(of producers.Notice) {
	count := max(of.Count, 1)
	of.Count = 0
	n[of] += count
}

// read makes notices of what a batch's events say was assumed.
func (n notices) read(events []event.Event) {
	var zone, order, damaged, timeless int
	for i := range events {
		e := &events[i]
		if e.Kind != event.KindMessage {
			continue
		}
		r := &e.Reading
		switch {
		case e.Sent.IsZero():
			timeless++
		case e.Sent.Assumed && r.ZoneNamed == 0 && !isOffset(e.Sent.Zone):
			zone++
		}
		if r.DateGuessed {
			order++
		}
		switch {
		case r.Charset == charset.Damaged:
			damaged++
		case r.Charset != "" && r.CharsetNamed == 0:
			n.add(producers.Notice{Code: NoticeCharset, Option: "--charset",
				Text: "text that is not UTF-8 was read as " + r.Charset + ", which is a guess"})
		}
	}
	for _, o := range [...]struct {
		count  int
		notice producers.Notice
	}{
		{zone, producers.Notice{Code: NoticeZone, Text: "times carry no zone and were read as UTC", Option: "--zone"}},
		{order, producers.Notice{Code: NoticeDateOrder, Text: "day and month could be either way round; the order is a guess", Option: "--date-order"}},
		{damaged, producers.Notice{Code: NoticeDamaged, Text: "single bytes are no UTF-8 and were replaced; the raw bytes are kept"}},
		{timeless, producers.Notice{Code: NoticeTimeless, Text: "messages carry no time; of a log, the day may be put into the file's name, as in #channel.2023-12-31.log"}},
	} {
		if o.count > 0 {
			o.notice.Count = o.count
			n.add(o.notice)
		}
	}
}

// isOffset reports whether a zone is a distance from UTC, which only the input itself can have named.
func isOffset(zone string) bool { return zone != "" && (zone[0] == '+' || zone[0] == '-') }

// sorted returns the notices, those of most records first.
func (n notices) sorted() []producers.Notice {
	out := slices.Collect(maps.Keys(n))
	for i := range out {
		out[i].Count = n[out[i]]
	}
	slices.SortFunc(out, func(a, b producers.Notice) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Code, b.Code), cmp.Compare(a.Text, b.Text), cmp.Compare(a.Option, b.Option))
	})
	return out
}

// name puts into each event's reading when the user named what it was read with.
func (c *Config) name(events []event.Event) {
	if c.ZoneNamed == 0 && c.CharsetNamed == 0 {
		return
	}
	for i := range events {
		e := &events[i]
		if e.Reading.ZoneNamed == 0 && hasAssumed(e) {
			e.Reading.ZoneNamed = c.ZoneNamed
		}
		if e.Reading.Charset != "" && e.Reading.Charset != charset.Damaged && e.Reading.CharsetNamed == 0 {
			e.Reading.CharsetNamed = c.CharsetNamed
		}
	}
}

// hasAssumed reports whether the zone of a time of an event was assumed.
func hasAssumed(e *event.Event) bool {
	if e.Sent.Assumed {
		return true
	}
	m, ok := e.Body.(*event.Message)
	return ok && (m.Edited.Assumed || m.Forward != nil && m.Forward.Sent.Assumed)
}
