package normalise

import (
	"context"
	"time"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/seqset"
)

// PublishPending is Publisher.PublishPending.
func (s *Store) PublishPending(ctx context.Context) error { return s.publisher.PublishPending(ctx) }

// KeepRepublishing is Publisher.KeepRepublishing.
func (s *Store) KeepRepublishing(ctx context.Context, every time.Duration) {
	s.publisher.KeepRepublishing(ctx, every)
}

// RepublishFrom is Publisher.RepublishFrom.
func (s *Store) RepublishFrom(ctx context.Context, from int64, done func(facts int)) error {
	return s.publisher.RepublishFrom(ctx, from, done)
}

// Pending is Reports.Pending.
func (s *Store) Pending(ctx context.Context) (Pending, error) { return s.reports.Pending(ctx) }

// CounterAt is Reports.CounterAt.
func (s *Store) CounterAt(ctx context.Context, sequence uint64) (int64, error) {
	return s.reports.CounterAt(ctx, sequence)
}

// AlreadyStored is Reports.AlreadyStored.
func (s *Store) AlreadyStored(ctx context.Context, events []event.Event) ([]bool, error) {
	return s.reports.AlreadyStored(ctx, events)
}

// ImportCounts is Reports.ImportCounts.
func (s *Store) ImportCounts(ctx context.Context, sequences seqset.Set) ([]ImportCounts, error) {
	return s.reports.ImportCounts(ctx, sequences)
}

// Mixed is Reports.Mixed.
func (s *Store) Mixed(ctx context.Context, chats []string, from uint64) ([]Mixed, error) {
	return s.reports.Mixed(ctx, chats, from)
}

// DeadLettersIn is Reports.DeadLettersIn.
func (s *Store) DeadLettersIn(ctx context.Context, sequences seqset.Set) (DeadLetters, error) {
	return s.reports.DeadLettersIn(ctx, sequences)
}

// UnstoredIn is Reports.UnstoredIn.
func (s *Store) UnstoredIn(ctx context.Context, sequences seqset.Set) (seqset.Set, error) {
	return s.reports.UnstoredIn(ctx, sequences)
}
