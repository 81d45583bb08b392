package cli

import (
	"cmp"
	"slices"
	"sync"

	"github.com/agrichat/agrichat/producers"
)

// liveNotice is what a live source assumed, or what may stand twice, since the process began.
type liveNotice struct {
	Source string `json:"source"` // as configured
	Code   string `json:"code"`
	Text   string `json:"text"`
	Count  int    `json:"count"`
}

// liveNotices adds up the notices of live sources. The zero value is ready.
type liveNotices struct {
	mu  sync.Mutex // covers all
	all []liveNotice
}

func (l *liveNotices) add(source string, n producers.Notice) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range l.all {
		if o := &l.all[i]; o.Source == source && o.Code == n.Code && o.Text == n.Text {
			o.Count += n.Count
			return
		}
	}
	l.all = append(l.all, liveNotice{source, n.Code, n.Text, n.Count})
}

func (l *liveNotices) list() []liveNotice {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := slices.Clone(l.all)
	slices.SortFunc(out, func(a, b liveNotice) int {
		return cmp.Or(cmp.Compare(a.Source, b.Source), cmp.Compare(a.Code, b.Code), cmp.Compare(a.Text, b.Text))
	})
	return out
}

// printLiveNotices writes a row for each notice of the live sources of all processes.
func printLiveNotices(t *table, list []processReport) {
	headed := false
	for _, p := range list {
		for _, n := range p.Notices {
			if !headed {
				t.row()
				t.row("SOURCE", "COUNT", "NOTICE")
				headed = true
			}
			t.row(n.Source, n.Count, n.Text)
		}
	}
}
