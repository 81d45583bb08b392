package corpus

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/agrichat/agrichat/internal/event"
)

// TestLive_Next holds that a message comes when it is due, and those that are late at once, one by one.
func TestLive_Next(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := &Live{Run: "r", Rate: 100, Messages: 5, Corpus: Corpus{Bytes: 425}}
		s, err := l.Connect(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		ids := map[event.ID]bool{}
		for i, want := range []time.Duration{0, 10, 20, 55, 55} {
			if i == 3 {
				time.Sleep(35 * time.Millisecond) // in a bubble: whoever publishes was held up
			}
			b, err := s.Next(t.Context())
			if err != nil || len(b.Events) != 1 {
				t.Fatalf("%d events: %v", len(b.Events), err)
			}
			if at := time.Since(began); at != want*time.Millisecond {
				t.Errorf("message %d came after %v", i, at)
			}
			ids[b.Events[0].ID] = true
		}
		if len(ids) != 5 {
			t.Errorf("%d different messages of 5", len(ids))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if b, err := s.Next(ctx); !errors.Is(err, context.DeadlineExceeded) || len(b.Events) > 0 {
			t.Errorf("it says more: %v, %v", b, err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}
