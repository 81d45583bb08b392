package ingest

import (
	"context"
	"testing"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/producers"
)

// counted counts what the bucket of cursors is asked to do, each time with the disk synced.
type counted struct {
	*stream
	saves, forgets int
}

func (c *counted) Save(ctx context.Context, name string, cur producers.Cursor) error {
	c.saves++
	return c.stream.Save(ctx, name, cur)
}

func (c *counted) Forget(ctx context.Context, name string) error {
	c.forgets++
	return c.stream.Forget(ctx, name)
}

func TestASmallArchiveNeedsNoCursor(t *testing.T) {
	t.Parallel()
	s := &counted{stream: newStream()}
	cfg := config(&chat{total: 30, size: 10}, s.stream)
	cfg.Cursors, cfg.SaveEvery = s, 0
	if _, err := Run(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	if s.saves != 0 || s.forgets != 0 || s.holds(t, 30) != 0 {
		t.Errorf("%d cursors were saved, %d forgotten", s.saves, s.forgets)
	}
}

// TestACursorThatStoodIsForgotten also where the rest of the archive was too small to save another.
func TestACursorThatStoodIsForgotten(t *testing.T) {
	t.Parallel()
	s := &counted{stream: newStream()}
	for n := range 20 {
		s.acked[message(n).ID] = true
	}
	s.saved = 20
	cfg := config(&chat{total: 30, size: 10}, s.stream)
	cfg.Cursors, cfg.SaveEvery = s, 0
	r, err := Run(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	if r.Published != 10 || s.saved != 0 || s.forgets != 1 {
		t.Errorf("%d were published, cursor %d stands, %d were forgotten", r.Published, s.saved, s.forgets)
	}
}

// TestARunThatIsCutShortLeavesItsCursor however short it was.
func TestARunThatIsCutShortLeavesItsCursor(t *testing.T) {
	t.Parallel()
	s := newStream()
	ctx, cancel := context.WithCancel(t.Context())
	c := &chat{total: 30, size: 10, fail: func(at int) error {
		if at == 20 {
			cancel()
			return ctx.Err()
		}
		return nil
	}}
	cfg := config(c, s)
	cfg.SaveEvery = 0
	if _, err := Run(ctx, cfg); err == nil || s.saved != 20 {
		t.Errorf("cursor %d stands, the run ended with %v", s.saved, err)
	}
}

func TestWhatCannotBeReadIsTold(t *testing.T) {
	t.Parallel()
	var lines []int
	cfg := config(&chat{total: 30, size: 10}, newStream())
	cfg.Rejected = func(e *event.Event) { lines = append(lines, e.Body.(*event.Unparsed).Line) }
	if _, err := Run(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	if len(lines) != 3 || lines[0] != 7 || lines[2] != 27 {
		t.Errorf("told of lines %v", lines)
	}
}
