package hatest

import (
	"fmt"
	"slices"
	"time"

	"github.com/agrichat/agrichat/internal/labtest"
	"github.com/agrichat/agrichat/internal/verify"
)

// The lines of the processes' logs that times are read from.
const (
	gateOpen       = "the gate is open"
	gateShut       = "the gate is shut"
	gateRecovering = "the gate is recovering"
	committed      = "stored a batch"
	noHoles        = "the ledger has no holes"
)

// logs reads what the roles of a kind have written since the scene was set.
func (s *Scene) logs(kind labtest.Kind) ([]Line, error) {
	var all []Line
	for _, h := range s.Hosts(kind) {
		lines, err := readLog(h.Name, h.Log(h.Role()))
		if err != nil {
			return nil, err
		}
		all = append(all, those(lines, s.from)...)
	}
	return all, nil
}

// result works out what a scene came to.
func (s *Scene) result(r *verify.Report, v *verdict) (Row, error) {
	row := Row{Lost: v.lost, Doubled: v.doubled, Stale: v.stale + int(r.Missing+r.Differing+r.Extra), Examples: v.examples}
	for _, p := range r.Problems {
		row.Examples = append(row.Examples, fmt.Sprintf("verify: %s: %s %s %d %s", p.What, p.Kind, p.ID, p.Sequence, p.Detail))
	}
	row.Examples = row.Examples[:min(len(row.Examples), 10)]
	workers, err := s.logs(labtest.Worker)
	if err != nil {
		return row, err
	}
	row.Late = late(workers)
	// What comes after the last word of the source comes when it comes.
	commits := slices.DeleteFunc(those(workers, s.began.Add(-5*time.Second), committed),
		func(l Line) bool { return l.Time.After(s.marks["ended"]) })
	row.Gap, _ = longestGap(times(commits), s.began)
	row.Publish, _ = longestGap(s.acks.since(s.began.Add(-5*time.Second)), s.began)
	for _, l := range those(workers, s.began, noHoles) {
		row.Holes += uint64(l.number("filled"))
	}
	row.Paused = slices.ContainsFunc(those(workers, s.began, gateShut), func(l Line) bool { return l.Fields["reason"] != "starting" })
	s.failover(&row, workers, commits)
	if back, ok := s.marks["etcd"]; ok {
		s.afterEtcd(&row, commits, back)
	}
	return row, nil
}

// failover measures the first new term after the fault.
func (s *Scene) failover(row *Row, workers, commits []Line) {
	var deleted time.Time
	var term KeyMove
	for _, m := range s.since(s.began) {
		switch {
		case m.Leader == "" && deleted.IsZero():
			deleted = m.At
		case m.Leader != "":
			row.Tokens++
			if term.Token == 0 {
				term = m
			}
		}
	}
	if !deleted.IsZero() {
		row.Shut = pointer(s.shutAfter(deleted, workers))
	}
	if term.Token == 0 {
		return
	}
	writable, ok := s.tookWrites(term.Leader, term.At)
	if !ok {
		return
	}
	// A leader that takes its key again may have taken writes all the while.
	from := latest(writable, term.At)
	for _, c := range commits {
		if uint64(c.number("token")) == term.Token {
			row.First = pointer(max(0, c.Time.Sub(from)))
			break
		}
	}
	for _, l := range those(workers, from.Add(-time.Second), gateOpen) {
		if uint64(l.number("token")) == term.Token {
			row.Filled = pointer(max(0, l.Time.Sub(from)))
			break
		}
	}
}

// shutAfter is how long after a moment the last worker's gate was shut: zero if all were before.
func (s *Scene) shutAfter(deleted time.Time, workers []Line) time.Duration {
	var longest time.Duration
	for _, h := range s.Hosts(labtest.Worker) {
		own := slices.DeleteFunc(slices.Clone(workers), func(l Line) bool { return l.Host != h.Name })
		open := false
		for _, l := range those(own, time.Time{}, gateOpen, gateShut, gateRecovering) {
			if l.Time.After(deleted) {
				if open && l.Message == gateShut {
					longest = max(longest, l.Time.Sub(deleted))
				}
				break
			}
			open = l.Message == gateOpen
		}
	}
	return longest
}

// afterEtcd measures how soon commits went on after etcd was there again and a leader took writes.
func (s *Scene) afterEtcd(row *Row, commits []Line, back time.Time) {
	from := back
	moves := s.since(s.began)
	for _, m := range slices.Backward(moves) {
		if m.Leader == "" {
			continue
		}
		if t, ok := s.tookWrites(m.Leader, m.At); ok {
			from = latest(from, m.At, t)
		}
		break
	}
	for _, c := range commits {
		if c.Time.After(from) {
			row.Resumed = pointer(c.Time.Sub(from))
			return
		}
	}
}

// late counts the commits of workers that had seen a newer token before they sent them.
func late(workers []Line) int {
	seen := map[string]uint64{}
	n := 0
	for _, l := range those(workers, time.Time{}, gateOpen, gateShut, gateRecovering, committed) {
		token := uint64(l.number("token"))
		if l.Message == committed {
			if token < seen[l.Host] {
				n++
			}
			continue
		}
		seen[l.Host] = max(seen[l.Host], token)
	}
	return n
}

func times(lines []Line) []time.Time {
	out := make([]time.Time, len(lines))
	for i := range lines {
		out[i] = lines[i].Time
	}
	return out
}

func latest(first time.Time, more ...time.Time) time.Time {
	for _, t := range more {
		if t.After(first) {
			first = t
		}
	}
	return first
}

func pointer[T any](v T) *T { return &v }
