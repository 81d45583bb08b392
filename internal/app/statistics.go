package app

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/agrichat/agrichat/internal/archive"
	"github.com/agrichat/agrichat/internal/verify"
)

// StatisticsReport is who wrote most and when. Scripts rely on its names.
type StatisticsReport struct {
	Totals   archive.Counts    `json:"totals"`
	Chats    []archive.Chat    `json:"chats"`
	Authors  []archive.Author  `json:"authors"`
	Hours    []HourOfDay       `json:"hours_of_day"`
	Busiest  []HourOfWeek      `json:"busiest_hours_of_week"`
	Zone     string            `json:"zone"` // of the hours
	Networks []archive.Network `json:"networks"`

	Zoneless archive.Zoneless `json:"without_zone"`
}

// HourOfDay is an hour of every day.
type HourOfDay struct {
	Hour       uint8  `json:"hour"`
	Messages   uint64 `json:"messages"`
	Characters uint64 `json:"characters"`
	Words      uint64 `json:"words"`
	Reactions  uint64 `json:"reactions"`
}

// HourOfWeek is an hour of one day of the week, by its number, 0 for Sunday, and its name.
type HourOfWeek struct {
	WeekdayName string `json:"weekday_name"`
	archive.Hour
}

// Statistics queries ClickHouse for the statistics of everything: top is how many authors and hours of the week.
func (c *Connections) Statistics(ctx context.Context, top uint64) (*StatisticsReport, error) {
	db, err := c.ClickHouse(ctx)
	if err != nil {
		return nil, err
	}
	zone := c.cfg.Import.Location()
	if zone == nil {
		zone = time.UTC
	}
	var r *StatisticsReport
	err = verify.RetryTransient(ctx, func(ctx context.Context) (err error) {
		r, err = statistics(ctx, archive.New(db), zone, top)
		return err
	})
	return r, err
}

func statistics(ctx context.Context, x *archive.Archive, zone *time.Location, top uint64) (*StatisticsReport, error) {
	r := &StatisticsReport{Zone: zone.String()}
	var errs [7]error
	r.Totals, errs[0] = x.Totals(ctx, archive.Filter{})
	r.Networks, errs[1] = x.Networks(ctx, archive.Filter{})
	r.Chats, errs[2] = x.Chats(ctx, archive.Filter{}, archive.Everyone)
	r.Authors, errs[3] = x.Authors(ctx, archive.Filter{}, top)
	day, err := x.HoursOfDay(ctx, archive.Filter{}, zone)
	errs[4] = err
	week, err := x.HoursOfWeek(ctx, archive.Filter{}, zone)
	errs[5] = err
	r.Zoneless, errs[6] = x.Zoneless(ctx, archive.Filter{})
	slices.SortStableFunc(week, func(a, b archive.Hour) int { return int(b.Messages) - int(a.Messages) })
	for _, h := range day {
		r.Hours = append(r.Hours, HourOfDay{h.Hour, h.Messages, h.Characters, h.Words, h.Reactions})
	}
	for _, h := range week[:min(len(week), int(top))] {
		r.Busiest = append(r.Busiest, HourOfWeek{h.Weekday.String(), h})
	}
	return r, errors.Join(errs[:]...)
}
