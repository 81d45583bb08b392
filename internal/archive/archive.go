// Package archive is the read model: it queries ClickHouse for the API, the pages and the command line.
//
// It promises that a result is computed from the current states, never from increments, so that duplicates and late facts do not change it,
// and that a query which matches nothing returns no rows and no error. It writes nothing, caches nothing, and formats nothing for people.
package archive

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/agrichat/agrichat/internal/ch"
	"github.com/agrichat/agrichat/internal/fault"
	"github.com/agrichat/agrichat/internal/sqlfile"
)

//go:embed queries/*.sql
var queries embed.FS

// Archive queries one ClickHouse database. Its methods may be called by several goroutines at once.
type Archive struct{ db *ch.DB }

// New returns an archive of db, which must be migrated.
func New(db *ch.DB) *Archive { return &Archive{db: db} }

// Filter selects messages; an empty field selects all.
type Filter struct {
	Source, Namespace, Channel string
	From, To                   time.Time // by the time a message was sent: From <= sent < To; those without a time are left out
}

func (f Filter) params() ch.Params {
	micros := func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return strconv.FormatInt(t.UnixMicro(), 10)
	}
	return ch.Params{
		"source": f.Source, "namespace": f.Namespace, "channel": f.Channel,
		"from": micros(f.From), "to": micros(f.To),
	}
}

// Counts are what every statistic counts: see schemas/clickhouse.
type Counts struct {
	Messages   uint64     `json:"messages"` // that people wrote, and that are not deleted
	Deleted    uint64     `json:"deleted"`
	Edited     uint64     `json:"edited"`
	Service    uint64     `json:"service"`
	Unparsed   uint64     `json:"unparsed"`
	Characters uint64     `json:"characters"`
	Words      uint64     `json:"words"`
	Reactions  uint64     `json:"reactions"` // that the messages have now
	People     uint64     `json:"people"`
	Chats      uint64     `json:"chats"`
	First      *time.Time `json:"first,omitempty"`
	Last       *time.Time `json:"last,omitempty"`
}

func (f *Counts) into() []any {
	return []any{&f.Messages, &f.Deleted, &f.Edited, &f.Service, &f.Unparsed, &f.Characters, &f.Words, &f.Reactions, &f.People,
		&f.Chats, &f.First, &f.Last}
}

// Totals counts everything.
func (a *Archive) Totals(ctx context.Context, f Filter) (Counts, error) {
	var total Counts
	err := a.query(ctx, "totals", f.params(), func(rows driver.Rows) error { return rows.Scan(total.into()...) })
	return total, err
}

// Zoneless is how many messages have a time of which the network did not name the zone: it was named by the user, or taken for UTC.
type Zoneless struct {
	Messages uint64 `json:"messages"`
	Of       uint64 `json:"of"` // messages with a time
}

// Zoneless counts the messages whose zone was assumed.
func (a *Archive) Zoneless(ctx context.Context, f Filter) (Zoneless, error) {
	var z Zoneless
	err := a.query(ctx, "zoneless", f.params(), func(rows driver.Rows) error { return rows.Scan(&z.Messages, &z.Of) })
	return z, err
}

// Network is a namespace of a source.
type Network struct {
	Source    string `json:"source"`
	Namespace string `json:"namespace"`
	Counts
}

// Networks counts by source and namespace, the busiest first.
func (a *Archive) Networks(ctx context.Context, f Filter) ([]Network, error) {
	return list(ctx, a, "networks", f.params(), func(n *Network) []any {
		return append([]any{&n.Source, &n.Namespace}, n.into()...)
	})
}

// Chat is a channel of a network.
type Chat struct {
	Source    string `json:"source"`
	Namespace string `json:"namespace"`
	Channel   string `json:"channel"`
	Name      string `json:"name"` // what it is called now; may be empty
	Type      string `json:"type"`
	Counts
}

// Everyone is a limit above every number of rows.
const Everyone = 1 << 40

// Chats counts by chat, the busiest first, at most limit.
func (a *Archive) Chats(ctx context.Context, f Filter, limit uint64) ([]Chat, error) {
	return list(ctx, a, "chats", limited(f, limit), func(c *Chat) []any {
		return append([]any{&c.Source, &c.Namespace, &c.Channel, &c.Name, &c.Type}, c.into()...)
	})
}

// Author is an identity that wrote something.
type Author struct {
	Source    string `json:"source"`
	Namespace string `json:"namespace"` // of the identity
	ID        string `json:"id"`
	Name      string `json:"name"` // as the network gives it now, or else on the latest message
	Bot       bool   `json:"bot"`
	Counts
}

// Authors returns who wrote most, at most limit.
func (a *Archive) Authors(ctx context.Context, f Filter, limit uint64) ([]Author, error) {
	return list(ctx, a, "authors", limited(f, limit), func(w *Author) []any {
		return append([]any{&w.Source, &w.Namespace, &w.ID, &w.Name, &w.Bot}, w.into()...)
	})
}

func limited(f Filter, limit uint64) ch.Params {
	p := f.params()
	p["limit"] = strconv.FormatUint(limit, 10)
	return p
}

// Hour is an hour of the day, or of the week. Hours without messages are left out, and so are messages whose
// hour is unknown.
type Hour struct {
	Weekday    time.Weekday `json:"weekday"` // 0: Sunday; always 0 for hours of the day
	Hour       uint8        `json:"hour"`
	Messages   uint64       `json:"messages"`
	Characters uint64       `json:"characters"`
	Words      uint64       `json:"words"`
	Reactions  uint64       `json:"reactions"`
}

// HoursOfDay returns how much was written in each hour of the day, as clocks in the zone showed it.
func (a *Archive) HoursOfDay(ctx context.Context, f Filter, zone *time.Location) ([]Hour, error) {
	p, err := zoned(f, zone)
	if err != nil {
		return nil, err
	}
	return list(ctx, a, "hours_of_day", p, func(h *Hour) []any {
		return []any{&h.Hour, &h.Messages, &h.Characters, &h.Words, &h.Reactions}
	})
}

// HoursOfWeek returns how much was written in each hour of the week, as clocks in the zone showed it, from Sunday.
func (a *Archive) HoursOfWeek(ctx context.Context, f Filter, zone *time.Location) ([]Hour, error) {
	p, err := zoned(f, zone)
	if err != nil {
		return nil, err
	}
	var out []Hour
	err = a.query(ctx, "hours_of_week", p, func(rows driver.Rows) error {
		var day uint8
		var h Hour
		if err := rows.Scan(&day, &h.Hour, &h.Messages, &h.Characters, &h.Words, &h.Reactions); err != nil {
			return err
		}
		h.Weekday = time.Weekday(day)
		out = append(out, h)
		return nil
	})
	return out, err
}

// Day is a day on the calendar of a zone.
type Day struct {
	Day string `json:"day"` // 2006-01-02
	Counts
}

// Days counts by day, as calendars in the zone showed it. Messages without a time are left out.
func (a *Archive) Days(ctx context.Context, f Filter, zone *time.Location) ([]Day, error) {
	p, err := zoned(f, zone)
	if err != nil {
		return nil, err
	}
	return list(ctx, a, "days", p, func(d *Day) []any { return append([]any{&d.Day}, d.into()...) })
}

// errLocal is a zone without a name that the server knows.
var errLocal = errors.New("the zone Local has no name that ClickHouse knows: name one, like Europe/Berlin or UTC")

func zoned(f Filter, zone *time.Location) (ch.Params, error) {
	if zone == time.Local {
		return nil, fault.AsPoison(errLocal)
	}
	p := f.params()
	p["zone"] = zone.String()
	return p, nil
}

// list queries rows of one kind.
func list[T any](ctx context.Context, a *Archive, name string, params ch.Params, into func(*T) []any) ([]T, error) {
	var out []T
	err := a.query(ctx, name, params, func(rows driver.Rows) error {
		var one T
		if err := rows.Scan(into(&one)...); err != nil {
			return err
		}
		out = append(out, one)
		return nil
	})
	return out, err
}

func (a *Archive) query(ctx context.Context, name string, params ch.Params, take func(driver.Rows) error) error {
	if err := a.db.Each(ctx, sqlfile.Text(queries, name), params, take); err != nil {
		return fmt.Errorf("querying %s: %w", name, err)
	}
	return nil
}
