package verify

import (
	"context"
	"time"

	"github.com/agrichat/agrichat/internal/fault"
)

// maxOutage is how long a server may be unavailable: longer than a restart, or than the election of a leader takes. Consumers retry as long.
const maxOutage = time.Minute

// RetryTransient calls do until it succeeds, and retries transient errors for at most maxOutage: a server may restart just when a query comes
// after a long wait. There is no backoff, for the interval is long against a query. do must be idempotent. The last error is returned,
// also if ctx ends meanwhile.
func RetryTransient(ctx context.Context, do func(context.Context) error) error {
	tick := time.NewTicker(awaitInterval)
	defer tick.Stop()
	for began := (time.Time{}); ; {
		err := do(ctx)
		switch {
		case err == nil, fault.Of(err) != fault.Transient:
			return err
		case began.IsZero():
			began = time.Now()
		case time.Since(began) > maxOutage:
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-tick.C:
		}
	}
}
