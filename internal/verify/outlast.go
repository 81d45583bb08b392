package verify

import (
	"context"
	"time"

	"github.com/agrichat/agrichat/internal/fault"
)

// outage is how long a server may be away while it is asked: longer than a restart, or than a new leader takes. It is what
// consumers bear too.
const outage = time.Minute

// Outlast asks until there is an answer, as long as what goes wrong is transient and has not gone wrong for longer than an
// outage lasts: a server may restart just when somebody who has waited for long asks. Asking must bear repetition. It returns
// the last error, also where ctx ends meanwhile.
func Outlast(ctx context.Context, ask func(context.Context) error) error {
	tick := time.NewTicker(awaitEvery)
	defer tick.Stop()
	for began := (time.Time{}); ; {
		err := ask(ctx)
		switch {
		case err == nil, fault.Of(err) != fault.Transient:
			return err
		case began.IsZero():
			began = time.Now()
		case time.Since(began) > outage:
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-tick.C:
		}
	}
}
