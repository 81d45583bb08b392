package bus

import (
	"context"
	"fmt"
	"sort"
	"time"
)

// SequenceAt returns the first sequence of CHAT that was taken at t or later; one past the last if there is none.
func (b *Bus) SequenceAt(ctx context.Context, t time.Time) (uint64, error) {
	s, err := b.Stream(ctx, Chat)
	if err != nil {
		return 0, err
	}
	var failed error
	n := sort.Search(int(s.Last+1-s.First), func(i int) bool {
		if failed != nil {
			return true
		}
		d, found, err := b.next(ctx, Chat, s.First+uint64(i))
		if err != nil {
			failed = fmt.Errorf("looking for %s in the stream: %w", t.Format(time.RFC3339), err)
		}
		return !found || !d.Stored.Before(t)
	})
	return s.First + uint64(n), failed
}
