package replay_test

import (
	"context"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/agrichat/agrichat/internal/app"
	"github.com/agrichat/agrichat/internal/app/replay"
	"github.com/agrichat/agrichat/internal/bus"
	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/testenv"
)

func TestMain(m *testing.M) { testenv.Main(m) }

// message is an event of a chat.
func message(t *testing.T, id, text string) event.Event {
	t.Helper()
	e := event.Event{Source: "irc", Namespace: "net", Account: "a", Channel: "#go", NativeID: event.NativeID(id), Author: event.Person{ID: "anna"},
		Kind: event.KindMessage, Revision: event.Unedited, Sent: event.NewInstant(time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), event.PrecisionSecond),
		Seen: time.Date(2026, 11, 1, 0, 0, 1, 0, time.UTC), Body: &event.Message{Type: event.TypeMessage, Text: text}}
	if err := e.Seal(); err != nil {
		t.Fatal(err)
	}
	return e
}

// TestRun holds that a replay applies the log again, changes nothing in the same stores, and fills fresh ones.
func TestRun(t *testing.T) {
	t.Parallel()
	environ := []string{"HOME=" + t.TempDir(), "AGRICHAT_DATA=" + filepath.Join(t.TempDir(), "data"), "AGRICHAT_NATS_URLS=" + testenv.NATS(t).URL(),
		"AGRICHAT_POSTGRES_DSN=" + testenv.Postgres(t), "AGRICHAT_CLICKHOUSE_URL=" + testenv.ClickHouse(t),
		"AGRICHAT_NATS_CHAT_MAX_BYTES=64MB", "AGRICHAT_NATS_FACTS_MAX_BYTES=64MB"}
	cfg, err := app.LoadConfig("", environ, nil)
	if err != nil {
		t.Fatal(err)
	}
	freshPostgres, freshClickHouse := testenv.Postgres(t), testenv.ClickHouse(t)
	env := app.Environment{Config: cfg, Log: slog.New(slog.DiscardHandler), Environ: environ}
	err = app.Run(t.Context(), env, app.Options{Requirements: app.AllStores(), Create: true, Consume: true}, func(ctx context.Context, a *app.App) error {
		b, err := a.Bus(ctx)
		if err != nil {
			return err
		}
		events := []event.Event{message(t, "1", "hello"), message(t, "2", "again")}
		for i := range events {
			_, pending, err := b.Publisher().Begin(ctx, events[i:i+1], true)
			if err == nil {
				_, err = pending.Wait(ctx)
			}
			if err != nil {
				return err
			}
		}
		before, err := a.Verify(ctx, 0, time.Minute, app.Corrections{})
		if err != nil || !before.Equal || before.Postgres != 2 {
			t.Errorf("before a replay: %+v, %v", before, err)
		}
		for name, c := range map[string]replay.Config{
			"the same stores":       {Consumer: bus.Normalise, Sequence: 1},
			"from the last message": {Consumer: bus.Normalise, Sequence: 2},
			"fresh stores":          {Consumer: bus.Normalise, Sequence: 1, Postgres: freshPostgres, ClickHouse: freshClickHouse},
			"facts alone":           {Consumer: bus.Aggregate, Sequence: 1},
		} {
			r, err := replay.Run(ctx, a, c)
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			want := map[string]int{"the same stores": 2, "from the last message": 1, "fresh stores": 2}[name]
			published := name == "fresh stores" || name == "facts alone"
			if r.Consumer != c.Consumer || r.From != c.Sequence || r.Events != want || (r.Facts > 0) != published {
				t.Errorf("%s: %+v", name, r)
			}
		}
		after, err := a.Verify(ctx, 0, time.Minute, app.Corrections{})
		if err == nil && (!after.Equal || after.Postgres != before.Postgres) {
			t.Errorf("after replays: %+v", after)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
