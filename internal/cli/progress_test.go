package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
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

// TestALongImportSaysHowFarItIs every five seconds, about all of its files, with a rate and the time that is left.
func TestALongImportSaysHowFarItIs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var said []string
		say := toPerson(func(format string, args ...any) { said = append(said, fmt.Sprintf(format, args...)) })
		files := sized(1000, 3000, 0)
		p := newProgress(files, time.Now)
		ctx, cancel := context.WithTimeout(t.Context(), 24*time.Second)
		defer cancel()
		go func() {
			a, b := p.begin(files[0]), p.begin(files[1])
			a.observe(reading(100, 0, 500))
			time.Sleep(9 * time.Second)
			a.observe(reading(200, 0, 1000))
			a.end()
			b.observe(reading(300, 40, 1000))
			time.Sleep(5 * time.Second)
			b.observe(ingest.Progress{State: ingest.Waiting, Why: "no\aroom", Counts: ingest.Counts{Read: 300, Known: 40, Bytes: 1000}})
			time.Sleep(5 * time.Second)
			b.observe(reading(900, 40, 9000)) // a session that broke counts some of it twice
		}()
		p.tell(ctx, say)
		if diff := cmp.Diff([]string{
			"0 of 3 files, 100 read, 20/s, 35 s left\n",
			"1 of 3 files, 500 read, 40 known, 50/s, 10 s left\n",
			"1 of 3 files, 500 read, 40 known, 33/s, 15 s left, waiting: no room\n",
			"1 of 3 files, 1100 read, 40 known, 55/s\n",
		}, said); diff != "" {
			t.Error(diff)
		}
	})
}

// TestWhatWasReadBeforeIsNoPace holds that an import which goes on does not promise to be as fast as what it need not do.
func TestWhatWasReadBeforeIsNoPace(t *testing.T) {
	t.Parallel()
	at := time.Now()
	files := sized(1000)
	p := newProgress(files, func() time.Time { return at })
	f := p.begin(files[0])
	f.resumed(800)
	at = at.Add(10 * time.Second)
	f.observe(reading(10, 0, 100))
	if s := p.standing(); s.Bytes != 900 || s.Left != 10*time.Second || s.Rate != 1 {
		t.Errorf("%+v", s)
	}
	if s := f.standing(); s.Bytes != 900 || s.Left != 10*time.Second {
		t.Errorf("%+v", s)
	}
}

func TestALogHearsHowFarItIs(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	toLog(slog.New(slog.NewJSONHandler(&out, nil)))(standing{Files: 3, Done: 1, Counts: ingest.Counts{Read: 7, Published: 5, Known: 2},
		Bytes: 10, Of: 30, Rate: 2.5, Left: 8 * time.Second, Hand: []string{"b"}, Why: "no room"})
	var got map[string]any
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	delete(got, "time")
	if diff := cmp.Diff(map[string]any{"level": "INFO", "msg": "importing", "files": 3., "done": 1., "read": 7., "published": 5., "known": 2.,
		"unparsed": 0., "bytes": 10., "of": 30., "per_second": 2., "left_seconds": 8., "in_hand": []any{"b"}, "waiting": "no room"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestTimesThatPeopleSay(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{59 * time.Second: "59 s", 61 * time.Second: "1 min 01 s",
		3*time.Hour + 5*time.Minute: "3 h 05 min"} {
		if got := shortly(d); got != want {
			t.Errorf("%s is said as %q, want %q", d, got, want)
		}
	}
}
