package importer

import (
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/agrichat/agrichat/internal/files"
	"github.com/agrichat/agrichat/internal/ingest"
	"github.com/agrichat/agrichat/producers"
)

// files of these sizes, called a, b and so on.
func sized(sizes ...int64) (out []files.Found) {
	for n, size := range sizes {
		out = append(out, files.Found{File: producers.File{Path: "export/" + string(rune('a'+n)), Size: size}})
	}
	return out
}

func reading(read, known int, bytes int64) ingest.Progress {
	return ingest.Progress{State: ingest.Reading, Counts: ingest.Counts{Read: read, Published: read - known, Known: known, Bytes: bytes}}
}

// TestProgress_Watch holds that a long import reports every five seconds how far all of its files are, with a rate and the time that remains.
func TestProgress_Watch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var got []Snapshot
		files := sized(1000, 3000, 0)
		p := NewProgress(files, time.Now)
		err := p.Watch(t.Context(), Observer{Progress: func(s Snapshot) { got = append(got, s) }}, func() error {
			a, b := p.Begin(files[0]), p.Begin(files[1])
			a.Observe(reading(100, 0, 500))
			time.Sleep(9 * time.Second)
			a.Observe(reading(200, 0, 1000))
			a.End()
			b.Observe(reading(300, 40, 1000))
			time.Sleep(5 * time.Second)
			b.Observe(ingest.Progress{State: ingest.Waiting, Why: "no room", Counts: ingest.Counts{Read: 300, Known: 40, Bytes: 1000}})
			time.Sleep(5 * time.Second)
			b.Observe(reading(900, 40, 9000)) // a session that broke counts some of it twice
			time.Sleep(5 * time.Second)
			return nil
		})
		if err != nil {
			t.Error(err)
		}
		for n := range got {
			got[n].Rate, got[n].Remaining = math.Round(got[n].Rate), got[n].Remaining.Truncate(time.Second)
		}
		if diff := cmp.Diff([]Snapshot{
			{Files: 3, Counts: reading(100, 0, 500).Counts, Bytes: 500, Of: 4000, Rate: 20, Remaining: 35 * time.Second, Reading: []string{"export/a", "export/b"}},
			{Files: 3, Done: 1, Counts: reading(500, 40, 2000).Counts, Bytes: 2000, Of: 4000, Rate: 50, Remaining: 10 * time.Second, Reading: []string{"export/b"}},
			{Files: 3, Done: 1, Counts: ingest.Counts{Read: 500, Published: 200, Known: 40, Bytes: 2000}, Bytes: 2000, Of: 4000, Rate: 33, Remaining: 15 * time.Second,
				Reading: []string{"export/b"}, Waiting: "no room"},
			{Files: 3, Done: 1, Counts: reading(1100, 40, 10000).Counts, Bytes: 4000, Of: 4000, Rate: 55, Reading: []string{"export/b"}},
		}, got); diff != "" {
			t.Error(diff)
		}
	})
}

// TestProgress_Snapshot_resumed holds that what an earlier import read does not count in the rate.
func TestProgress_Snapshot_resumed(t *testing.T) {
	t.Parallel()
	at := time.Now()
	files := sized(1000)
	p := NewProgress(files, func() time.Time { return at })
	f := p.Begin(files[0])
	f.Resumed(800)
	at = at.Add(10 * time.Second)
	f.Observe(reading(10, 0, 100))
	if s := p.Snapshot(); s.Bytes != 900 || s.Remaining != 10*time.Second || s.Rate != 1 {
		t.Errorf("%+v", s)
	}
	if s := f.Snapshot(); s.Bytes != 900 || s.Remaining != 10*time.Second {
		t.Errorf("%+v", s)
	}
}
