// Package clock waits. It promises that nobody waits past the end of a context.
package clock

import (
	"context"
	"time"
)

// Sleep blocks for a time, or until ctx ends; then it returns ctx's error.
func Sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
