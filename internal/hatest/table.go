package hatest

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// broken names the bounds that a row did not keep. slack multiplies the bounds on times: 1 on a machine that does nothing else.
func (c Case) broken(r *Row, strict bool, slack int) []string {
	var out []string
	add := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	switch c.Must {
	case "lose":
		if r.Lost == 0 {
			add("nothing was lost without gate and sweep: the suite proves nothing")
		}
		return out
	case "say":
		return nil
	}
	for _, n := range []struct {
		what  string
		count int
	}{{"lost", r.Lost}, {"doubled", r.Doubled}, {"stale", r.Stale}, {"committed under a token older than one seen", r.Late}} {
		if n.count > 0 {
			add("%d %s", n.count, n.what)
		}
	}
	within := func(what string, took *time.Duration, bound time.Duration) {
		bound *= time.Duration(slack)
		switch {
		case bound == 0:
		case took == nil:
			add("%s: not seen", what)
		case *took > bound:
			add("%s: %s, and the bound is %s", what, took.Round(time.Millisecond), bound)
		}
	}
	b := c.Bounds
	gap := b.Gap
	if strict {
		gap = b.GapStrict
	}
	within("without a commit", &r.Gap, gap)
	within("without an acknowledged publication", &r.Publish, b.Publish)
	within("commits after etcd was back", r.Resumed, b.Resumed)
	if r.Shut != nil && !b.Asleep {
		within("gate shut after the leader key was deleted", r.Shut, shutWithin)
	}
	if b.Failover && (r.Tokens > 0 || r.First != nil) {
		if r.First == nil || r.Filled == nil {
			add("the new leader's first commit, or the filling of the holes, was not seen")
		} else {
			within("first commit after the new leader took writes", r.First, firstWithin)
			within("holes filled after the new leader took writes", r.Filled, filledWithin)
		}
	}
	if b.NoPause && r.Paused {
		add("the gate was shut")
	}
	return out
}

// Table shows rows in Markdown: a line a case and profile, medians and worst of its runs.
func Table(rows []Row) string {
	var b strings.Builder
	b.WriteString("| case | profile | runs | events | lost | doubled | stale | late | no commit | gate shut after the key was deleted | " +
		"first commit | holes filled | after etcd | publishing stood |\n|---|---|---|---|---|---|---|---|---|---|---|---|---|---|\n")
	for _, c := range Cases() {
		for _, p := range []string{"async", "strict"} {
			own := slices.DeleteFunc(slices.Clone(rows), func(r Row) bool { return r.Case != c.Name || r.Profile != p })
			if len(own) > 0 {
				line(&b, c, p, own)
			}
		}
	}
	return b.String()
}

func line(b *strings.Builder, c Case, profile string, rows []Row) {
	sum := func(of func(Row) int) (n int) {
		for _, r := range rows {
			n += of(r)
		}
		return n
	}
	spread := func(of func(Row) *time.Duration) string {
		var list []time.Duration
		for _, r := range rows {
			if d := of(r); d != nil {
				list = append(list, *d)
			}
		}
		return summary(list)
	}
	fmt.Fprintf(b, "| %s | %s | %d | %d | %d | %d | %d | %d | %s | %s | %s | %s | %s | %s |\n", c.What, profile, len(rows),
		sum(func(r Row) int { return int(r.Said) }), sum(func(r Row) int { return r.Lost }), sum(func(r Row) int { return r.Doubled }),
		sum(func(r Row) int { return r.Stale }), sum(func(r Row) int { return r.Late }),
		spread(func(r Row) *time.Duration { return &r.Gap }), spread(func(r Row) *time.Duration { return r.Shut }),
		spread(func(r Row) *time.Duration { return r.First }), spread(func(r Row) *time.Duration { return r.Filled }),
		spread(func(r Row) *time.Duration { return r.Resumed }), spread(func(r Row) *time.Duration { return &r.Publish }))
}

// summary is the median and the worst, which of one run are the same.
func summary(list []time.Duration) string {
	if len(list) == 0 {
		return ""
	}
	slices.Sort(list)
	median, worst := (list[(len(list)-1)/2]+list[len(list)/2])/2, list[len(list)-1]
	if len(list) == 1 {
		return seconds(worst)
	}
	return seconds(median) + " / " + seconds(worst)
}

func seconds(d time.Duration) string {
	if d < time.Second {
		return fmt.Sprintf("%d ms", d.Milliseconds())
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}
