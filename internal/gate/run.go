package gate

import (
	"context"
	"errors"
	"log/slog"
	"time"
)

// Run closes the gate when the lease expires, and passes changes to OnChange, until ctx ends. Unless the gate is alone it is
// closed while Run does not run: a caller that lets writers finish ends them first.
func (d *Local) Run(ctx context.Context) error {
	if !d.run(true) {
		return errors.New("the gate is being run already")
	}
	defer d.notify()
	defer d.run(false)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		timer.Reset(d.left())
		d.notify()
		select {
		case <-timer.C:
		case <-d.wake:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// run records whether Run runs from now on; it reports whether that is a change.
func (d *Local) run(on bool) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.running == on {
		return false
	}
	d.running = on
	d.update()
	return true
}

// idle is how long Run waits when no lease expires.
const idle = time.Hour

// left updates the status, and returns how long the lease lasts.
func (d *Local) left() time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.update()
	if left := time.Until(d.lease.Expires); left > 0 {
		return left
	}
	return idle
}

// notify passes the queued changes on. Only Run calls it, so that OnChange gets changes in order.
func (d *Local) notify() {
	d.mu.Lock()
	queue := d.queue
	d.queue = nil
	d.mu.Unlock()
	for _, c := range queue {
		d.cfg.Log.Log(context.Background(), c.level(), "the gate is "+string(c.to.State), "reason", c.to.Reason, "detail", c.to.Detail,
			"leader", c.to.Leader, "token", c.to.Token, "round", c.to.Round)
		if d.cfg.OnChange != nil {
			d.cfg.OnChange(c.from, c.to)
		}
	}
}

// level is the log level of a change. A gate that is open when the process starts is not worth a line; one that is shut is.
func (c change) level() slog.Level {
	if c.to.Reason == Starting || c.from.Reason == Starting && c.to.State == Opened {
		return slog.LevelDebug
	}
	return slog.LevelInfo
}
