package normalise

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/jackc/pgx/v5"

	"github.com/agrichat/agrichat/consumers"
	"github.com/agrichat/agrichat/internal/fault"
	"github.com/agrichat/agrichat/internal/pg"
)

// errRefused says that Postgres rejects one message after the other, which is hardly the fault of all of them.
var errRefused = errors.New("the record refuses one message after the other")

// aloneTries is how often a delivery that fails alone for an unknown reason is tried before that is taken for its own fault.
const aloneTries = 5

// attemptAll is handle for batches that are being split. A panic is poison, and a single delivery that fails for an unknown reason is
// retried; what is still unmarked then was rejected by a store that takes writes.
func (k *Store) attemptAll(ctx context.Context, batch []consumers.Delivery, how manner) error {
	err := k.protect(ctx, batch, how)
	for try := 1; len(batch) == 1 && fault.Unmarked(err) && try < aloneTries; try++ {
		if e := k.probe(ctx); e != nil {
			if fault.Unmarked(e) {
				e = fault.AsTransient(e, 0)
			}
			return e
		}
		if e := pause(ctx, conflictPause); e != nil {
			return e
		}
		err = k.protect(ctx, batch, how)
	}
	return err
}

func (k *Store) protect(ctx context.Context, batch []consumers.Delivery, how manner) (err error) {
	defer func() {
		if v := recover(); v != nil {
			k.cfg.Log.Error("storing panicked; report this with its stack", "panic", v, "stack", string(debug.Stack()))
			err = fault.AsPoison(fmt.Errorf("storing panicked: %v", v))
		}
	}()
	return k.handle(ctx, batch, how)
}

// probe reports whether a transaction is admitted and commits.
func (k *Store) probe(ctx context.Context) error {
	err := k.write(ctx, func(context.Context, pgx.Tx, life) error { return nil })
	return pg.Classify(err)
}
