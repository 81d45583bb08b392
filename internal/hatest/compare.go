package hatest

import (
	"context"
	"embed"
	"fmt"
	"strconv"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/agrichat/agrichat/consumers"
	"github.com/agrichat/agrichat/internal/bus"
	"github.com/agrichat/agrichat/internal/ch"
	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/sqlfile"
)

//go:embed queries/*.sql
var queries embed.FS

func query(name string) string { return sqlfile.Text(queries, name) }

// said is what is known of a message.
type said struct {
	text            string
	gone, corrected bool
}

// reacted is a person's reaction to a message.
type reacted struct{ message, person string }

// truth is what the stores must hold: worked out from what the load said, and from nothing else.
type truth struct {
	events    map[event.ID]struct{}
	messages  map[string]said
	reactions map[reacted]struct{}
}

func (l *Load) truth(upTo uint64) (*truth, error) {
	t := &truth{events: map[event.ID]struct{}{}, messages: map[string]said{}, reactions: map[reacted]struct{}{}}
	for n := uint64(1); n <= upTo; n++ {
		e, err := l.record(n)
		if err != nil {
			return nil, err
		}
		t.events[e.ID] = struct{}{}
		id := strconv.FormatUint(about(n), 10)
		switch b := e.Body.(type) {
		case *event.Message:
			t.messages[id] = said{text: b.Text, corrected: !b.Edited.IsZero()}
		case *event.Deletion:
			m := t.messages[id]
			m.gone = true
			t.messages[id] = m
		case *event.Reaction:
			t.reactions[reacted{id, string(e.Author.ID)}] = struct{}{}
		}
	}
	return t, nil
}

// Stores are where the comparison looks.
type Stores struct {
	Bus    *bus.Bus
	Record *pgxpool.Pool
	Facts  *ch.DB
}

// verdict counts what is amiss, and names the first few.
type verdict struct {
	lost     int // events
	doubled  int
	stale    int // things whose state in a store is not what the source made it, or that a store lacks
	examples []string
}

func (v *verdict) add(count *int, format string, args ...any) {
	*count++
	if len(v.examples) < 10 {
		v.examples = append(v.examples, fmt.Sprintf(format, args...))
	}
}

// compare holds every store against the truth.
func (s *Stores) compare(ctx context.Context, l *Load, upTo uint64) (*verdict, error) {
	t, err := l.truth(upTo)
	if err != nil {
		return nil, err
	}
	v := &verdict{}
	for _, step := range []func(context.Context, *Load, *truth, *verdict) error{
		s.compareBus, s.compareEvents, s.compareMessages, s.compareReactions,
	} {
		if err := step(ctx, l, t, v); err != nil {
			return nil, err
		}
	}
	return v, nil
}

func (s *Stores) compareBus(ctx context.Context, _ *Load, t *truth, v *verdict) error {
	last, err := s.Bus.Reader().LastSequence(ctx)
	if err != nil {
		return err
	}
	stands := make(map[string]struct{}, len(t.events))
	err = s.Bus.Reader().Range(ctx, 1, last, true, func(d consumers.Delivery) error {
		for id := range d.IDs() {
			stands[id] = struct{}{}
		}
		return nil
	})
	for id := range t.events {
		if _, ok := stands[id.String()]; !ok {
			v.add(&v.lost, "event %s is not on the bus", id)
		}
	}
	return err
}

func (s *Stores) compareEvents(ctx context.Context, l *Load, t *truth, v *verdict) error {
	rows, err := s.Record.Query(ctx, query("events.postgres"), string(l.Run))
	if err != nil {
		return fmt.Errorf("reading events: %w", err)
	}
	held := make(map[event.ID]struct{}, len(t.events))
	var id [16]byte
	_, err = pgx.ForEachRow(rows, []any{&id}, func() error {
		if _, known := t.events[event.ID(id)]; !known {
			v.add(&v.stale, "PostgreSQL holds event %s, which nobody said", event.ID(id))
		}
		if _, twice := held[event.ID(id)]; twice {
			v.add(&v.doubled, "PostgreSQL holds event %s twice", event.ID(id))
		}
		held[event.ID(id)] = struct{}{}
		return nil
	})
	for id := range t.events {
		if _, ok := held[id]; !ok {
			v.add(&v.lost, "event %s is not in PostgreSQL", id)
		}
	}
	return err
}

func (s *Stores) compareMessages(ctx context.Context, l *Load, t *truth, v *verdict) error {
	for _, store := range []struct {
		name string
		each func(func(id string, m said) error) error
	}{
		{"PostgreSQL", func(yield func(string, said) error) error { return s.recordMessages(ctx, l, yield) }},
		{"ClickHouse", func(yield func(string, said) error) error { return s.factMessages(ctx, l, yield) }},
	} {
		held := make(map[string]struct{}, len(t.messages))
		err := store.each(func(id string, m said) error {
			if _, twice := held[id]; twice {
				v.add(&v.doubled, "%s holds message %s twice", store.name, id)
			}
			held[id] = struct{}{}
			if want := t.messages[id]; m != want {
				v.add(&v.stale, "%s holds message %s as %+v, and it is %+v", store.name, id, m, want)
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("reading messages from %s: %w", store.name, err)
		}
		for id := range t.messages {
			if _, ok := held[id]; !ok {
				v.add(&v.stale, "message %s is not in %s", id, store.name)
			}
		}
	}
	return nil
}

func (s *Stores) recordMessages(ctx context.Context, l *Load, yield func(string, said) error) error {
	rows, err := s.Record.Query(ctx, query("messages.postgres"), string(l.Run))
	if err != nil {
		return err
	}
	var id string
	var m said
	_, err = pgx.ForEachRow(rows, []any{&id, &m.text, &m.gone, &m.corrected}, func() error { return yield(id, m) })
	return err
}

func (s *Stores) factMessages(ctx context.Context, l *Load, yield func(string, said) error) error {
	return s.Facts.Each(ctx, query("messages.clickhouse"), ch.Params{"run": string(l.Run)}, func(rows driver.Rows) error {
		var id string
		var m said
		if err := rows.Scan(&id, &m.text, &m.gone, &m.corrected); err != nil {
			return err
		}
		return yield(id, m)
	})
}

func (s *Stores) compareReactions(ctx context.Context, l *Load, t *truth, v *verdict) error {
	count := func(store string, held map[reacted]uint64) {
		for r := range t.reactions {
			switch n := held[r]; {
			case n == 0:
				v.add(&v.stale, "the reaction of %s to message %s is not in %s", r.person, r.message, store)
			case n > 1:
				v.add(&v.doubled, "the reaction of %s to message %s is in %s %d times", r.person, r.message, store, n)
			}
		}
		if len(held) > len(t.reactions) {
			v.add(&v.stale, "%s holds %d reactions, and there are %d", store, len(held), len(t.reactions))
		}
	}
	record, err := s.recordReactions(ctx, l)
	if err != nil {
		return fmt.Errorf("reading reactions from PostgreSQL: %w", err)
	}
	count("PostgreSQL", record)
	facts, err := s.factReactions(ctx, l)
	if err != nil {
		return fmt.Errorf("reading reactions from ClickHouse: %w", err)
	}
	count("ClickHouse", facts)
	return nil
}

func (s *Stores) recordReactions(ctx context.Context, l *Load) (map[reacted]uint64, error) {
	rows, err := s.Record.Query(ctx, query("reactions.postgres"), string(l.Run))
	if err != nil {
		return nil, err
	}
	held := map[reacted]uint64{}
	var r reacted
	var n uint64
	_, err = pgx.ForEachRow(rows, []any{&r.message, &r.person, &n}, func() error {
		held[r] = n
		return nil
	})
	return held, err
}

func (s *Stores) factReactions(ctx context.Context, l *Load) (map[reacted]uint64, error) {
	held := map[reacted]uint64{}
	err := s.Facts.Each(ctx, query("reactions.clickhouse"), ch.Params{"run": string(l.Run)}, func(rows driver.Rows) error {
		var r reacted
		var n uint64
		if err := rows.Scan(&r.message, &r.person, &n); err != nil {
			return err
		}
		held[r] = n
		return nil
	})
	return held, err
}
