package gate

import (
	"context"
	"errors"
	"log/slog"
	"time"
)

// Run shuts the door when trust ends, and tells OnChange of changes, until ctx ends. Unless the door is alone it is shut
// while nobody runs it, so whoever wants writers to finish ends them first.
func (d *Door) Run(ctx context.Context) error {
	if !d.run(true) {
		return errors.New("the door is being run already")
	}
	defer d.tell()
	defer d.run(false)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		timer.Reset(d.left())
		d.tell()
		select {
		case <-timer.C:
		case <-d.wake:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// run says whether somebody runs the door from now on; it reports whether that is a change.
func (d *Door) run(on bool) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.running == on {
		return false
	}
	d.running = on
	d.settle()
	return true
}

// idle is how long Run sleeps when there is nothing to wait for.
const idle = time.Hour

// left settles, and returns how long trust lasts.
func (d *Door) left() time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.settle()
	if left := time.Until(d.trust.Until); left > 0 {
		return left
	}
	return idle
}

// tell passes on what is in the queue. Only Run calls it, so that OnChange sees changes in order.
func (d *Door) tell() {
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

// level of what is said of a change. That a process which has just begun finds the gate open is no news; that it finds it
// shut is.
func (c change) level() slog.Level {
	if c.to.Reason == Starting || c.from.Reason == Starting && c.to.State == Opened {
		return slog.LevelDebug
	}
	return slog.LevelInfo
}
