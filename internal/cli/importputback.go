package cli

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/agrichat/agrichat/consumers/normalise"
	"github.com/agrichat/agrichat/internal/verify"
)

// errPutBack says what to do where messages were lost with the stream that had acknowledged them.
var errPutBack = errors.New("the stream CHAT was put back to an earlier state while files were imported, and what it had acknowledged may be lost: " +
	"repeat the command; what is stored already is not published again")

// putBackEvery is how often an import that waits asks whether the stream is still the one that it published to: what it waits for
// would never come.
const putBackEvery = time.Second

// awaitUnlessPutBack waits until what was published is stored and aggregated, or the stream was put back.
func (i *importing) awaitUnlessPutBack(ctx context.Context, v *verify.Verifier, k *normalise.Store, last uint64) error {
	waiting, cancel := context.WithCancelCause(ctx)
	var watching sync.WaitGroup
	watching.Go(func() {
		tick := time.NewTicker(putBackEvery)
		defer tick.Stop()
		for {
			select {
			case <-waiting.Done():
				return
			case <-tick.C:
			}
			if i.putBack(waiting, k) {
				cancel(errPutBack)
			}
		}
	})
	err := i.await(waiting, v, last)
	lost := errors.Is(context.Cause(waiting), errPutBack)
	cancel(nil)
	watching.Wait()
	if ctx.Err() == nil && (lost || err == nil && i.putBack(ctx, k)) {
		return errPutBack
	}
	return err
}

// putBack reports whether workers have found the stream to be another one than at the beginning. That nobody answers proves nothing;
// nor does a number where there was none: nobody had stored anything yet, or nobody had noticed that the stream was put back before.
func (i *importing) putBack(ctx context.Context, k *normalise.Store) bool {
	now, err := k.Incarnation(ctx)
	if err != nil {
		return false
	}
	if i.incarnation == 0 {
		i.incarnation = now
	}
	return now > i.incarnation
}
