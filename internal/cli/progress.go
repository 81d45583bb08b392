package cli

import (
	"log/slog"
	"time"

	"github.com/agrichat/agrichat/internal/ingest"
)

// fileProgress tells how far one file is: a person by a line, whoever reads JSON by the log. ingest calls it by one goroutine at
// a time.
type fileProgress struct {
	path string
	last time.Time // when it was told, or begun
	now  func() time.Time
	note func(format string, args ...any) // nil: nobody reads lines
	log  *slog.Logger
}

func (p *fileProgress) observe(g ingest.Progress) {
	now := p.now()
	if g.State == ingest.Done || now.Sub(p.last) < progressEvery {
		return
	}
	p.last = now
	switch {
	case p.note == nil:
		p.log.Info("importing", "file", p.path, "read", g.Read, "published", g.Published, "known", g.Known, "state", g.State, "why", g.Why)
	case g.State == ingest.Waiting:
		p.note("%s: waiting: %s\n", p.path, g.Why)
	default:
		p.note("%s: %d read, %d published, %d known\n", p.path, g.Read, g.Published, g.Known)
	}
}

// lines is note, or nil where the output is for a script.
func (a *app) lines() func(format string, args ...any) {
	if a.output == "json" {
		return nil
	}
	return a.note
}
