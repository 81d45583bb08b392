package cli

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/agrichat/agrichat/internal/verify"
)

// listen finds out who listens while an import goes on: nobody, a person by bars or, on a terminal that can only print, by
// lines; or a log.
func (i *importing) listen(a *app, in *findings) {
	i.progress = newProgress(in.Files, time.Now)
	terminal := a.screen().terminal()
	i.note, i.warn = a.note, standstillToLog(i.log)
	switch {
	case in.quiet:
		i.note = func(string, ...any) {}
	case a.output == "json" || terminal == nil:
		i.say, i.left = toLog(i.log), leftToLog(i.log)
	case dumb(a.environ):
		i.say, i.left, i.warn = toPerson(i.note), leftToPerson(i.note), standstillToPerson(i.note)
	default:
		i.left, i.warn = leftToPerson(i.note), standstillToPerson(i.note)
		i.bars = func() *bars { return raiseBars(a.screen(), terminal, a.environ, i.progress) }
	}
}

// watched does the reading while whoever listens is told how far it is.
func (i *importing) watched(ctx context.Context, read func() error) error {
	if i.bars != nil {
		i.progress.bars = i.bars()
		defer i.progress.bars.lower()
	}
	if i.say == nil {
		return read()
	}
	ctx, stop := context.WithCancel(ctx)
	var telling sync.WaitGroup
	telling.Go(func() { i.progress.tell(ctx, i.say) })
	defer func() {
		stop()
		telling.Wait()
	}()
	return read()
}

// leftToLog and leftToPerson tell what is waited for when everything has been read.
func leftToLog(log *slog.Logger) func(verify.Left) {
	return func(l verify.Left) {
		log.Info("waiting", "to_be_stored", l.Sequences, "to_be_told_of", l.Untold, "to_be_aggregated", l.Facts)
	}
}

func leftToPerson(note func(string, ...any)) func(verify.Left) {
	return func(l verify.Left) {
		note("waiting: %d messages of the bus to be stored, %d transactions to tell of, %d facts to be aggregated\n", l.Sequences, l.Untold, l.Facts)
	}
}

// sometimes tells at the pace of all that is told.
func sometimes(tell func(verify.Left)) func(verify.Left) {
	last := time.Now()
	return func(l verify.Left) {
		if tell == nil || time.Since(last) < progressEvery {
			return
		}
		last = time.Now()
		tell(l)
	}
}
