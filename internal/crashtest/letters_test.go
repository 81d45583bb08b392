package crashtest

import (
	"context"
	_ "embed"
	"testing"
)

//go:embed queries/refuse.sql
var refuseSQL string

//go:embed queries/accept.sql
var acceptSQL string

// The program dies while it takes a bundle apart of which Postgres refuses one event, while it makes dead letters, and while these
// are requeued after what was wrong has been mended.
func TestDeathOfDeadLetters(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	files := input(t).files
	h.run("migrate")
	h.execute(refuseSQL)
	for _, at := range []string{"split:1", "split:2", "dead.copied:1", "dead.noted:1", "normalise.dead:1"} {
		h.dies(at, files)
	}
	h.start("", importOf(files)...).wait()
	h.execute(acceptSQL)
	for _, at := range []string{"dlq.published:1", "dlq.noted:1"} {
		p := h.start(at, "dlq", "requeue", "all")
		if !p.killed() {
			h.Fatalf("a requeue that was to die at %s: %v\n%s", at, p.cmd.ProcessState, p.err.text())
		}
	}
	u := h.up()
	h.run("dlq", "requeue", "all")
	h.imports(files)
	h.proves()
	u.stop()
}

// The program dies while it joins rows of the ledger.
func TestDeathInCompaction(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	files := input(t).files
	h.imports(files[:4])
	h.execute("UPDATE agrichat.ledger SET written_at = written_at - interval '2 hours'")
	for _, at := range []string{"compacting:1", "compacted:1"} {
		if p := h.start(at, "up"); !p.killed() {
			h.Fatalf("it was to die at %s: %v\n%s", at, p.cmd.ProcessState, p.err.text())
		}
	}
	u := h.up()
	h.imports(files)
	h.proves()
	u.stop()
}

// execute changes Postgres, in a house where nobody is up.
func (h *house) execute(sql string) {
	h.Helper()
	u := h.up()
	h.look(func(s *stores) {
		if _, err := s.conn.Exec(context.Background(), sql); err != nil {
			h.Fatal(err)
		}
	})
	u.stop()
}
