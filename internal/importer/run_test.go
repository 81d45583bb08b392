package importer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/agrichat/agrichat/internal/app"
	"github.com/agrichat/agrichat/internal/files"
	"github.com/agrichat/agrichat/internal/reread"
	"github.com/agrichat/agrichat/internal/testenv"
	"github.com/agrichat/agrichat/producers"
)

// found finds what is in a folder.
func found(t *testing.T, dir string) *files.Findings {
	t.Helper()
	in, err := find([]string{dir}, "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := in.Close(); err != nil {
			t.Error(err)
		}
	})
	return in
}

// running calls do with an app that stores and aggregates, on servers of the test.
func running(t *testing.T, do func(ctx context.Context, a *app.App)) {
	t.Helper()
	env := []string{"HOME=" + t.TempDir(), "AGRICHAT_DATA=" + t.TempDir(), "AGRICHAT_NATS_URLS=" + testenv.NATS(t).URL(), "AGRICHAT_POSTGRES_DSN=" + testenv.Postgres(t),
		"AGRICHAT_CLICKHOUSE_URL=" + testenv.ClickHouse(t), "AGRICHAT_NATS_CHAT_MAX_BYTES=256MB", "AGRICHAT_NATS_FACTS_MAX_BYTES=256MB"}
	c, err := app.LoadConfig("", env, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = app.Run(t.Context(), app.Environment{Config: c, Log: slog.New(slog.DiscardHandler), Environ: env},
		app.Options{Requirements: app.AllStores(), Consume: true, Create: true}, func(ctx context.Context, a *app.App) error { do(ctx, a); return nil })
	if err != nil {
		t.Fatal(err)
	}
}

// chat is a WhatsApp export of lines a minute apart.
func chat(lines ...string) string {
	var b strings.Builder
	for i, l := range lines {
		fmt.Fprintf(&b, "25.01.24, 10:%02d - %s\n", i, l)
	}
	return b.String()
}

// counts are the numbers of a report that a test is about.
func counts(r *Report) string {
	return fmt.Sprintf("read %d events %d published %d known %d stored %d updated %d already %d unparsed %d rejected %d overlapping %d", r.Read, r.Events, r.Published, r.Known,
		r.Stored, r.Updated, r.Already, r.Unparsed, r.Rejected, r.Overlapping)
}

// codes are the codes of a report's notices, with their counts.
func codes(of []Notice) (out []string) {
	for _, n := range of {
		out = append(out, fmt.Sprint(n.Code, " ", n.Count))
	}
	slices.Sort(out)
	return out
}

// TestImporter_Run imports two exports that overlap: what is stored is in the report by file and chat, a second import publishes nothing, and a chat that
// was exported with another name of a person is reported; then the zone that was assumed is corrected from the log.
func TestImporter_Run(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "a", "WhatsApp Chat with Farm.txt"), chat("Bob: one", "Ann: two", "Bob: three", "Ann: four"))
	write(t, filepath.Join(dir, "b", "log.jsonl"), `{"channel":"c","id":"1","author":"a","text":"hello","sent":"2024-01-02T03:04:05Z"}`+"\nnot JSON\n")
	running(t, func(ctx context.Context, a *app.App) {
		var mu sync.Mutex
		var reported []string
		c := Config{Options: producers.Options{Account: "me"}, Jobs: 2, Servers: a, Rejects: filepath.Join(dir, "rejected"), Metrics: a.IngestMetrics(),
			Observer: Observer{File: func(f FileDone) {
				mu.Lock()
				defer mu.Unlock()
				reported = append(reported, fmt.Sprint(filepath.Base(f.Path), " ", f.Title, " ", f.Read, " ", f.Published, " ", f.Known, " ", f.Failed))
			}}}
		imported := func(want string, in ...string) *Report {
			t.Helper()
			findings := found(t, filepath.Join(append([]string{dir}, in...)...))
			r, err := New(c, findings).Run(ctx)
			if err != nil || counts(r) != want {
				t.Errorf("%v\n got %s\nwant %s", err, counts(r), want)
			}
			return r
		}
		first := imported("read 6 events 8 published 8 known 0 stored 8 updated 0 already 0 unparsed 1 rejected 1 overlapping 0")
		if diff := cmp.Diff([]string{"zone-assumed 4"}, codes(first.Notices)); diff != "" {
			t.Error(diff)
		}
		slices.Sort(reported)
		if diff := cmp.Diff([]string{"WhatsApp Chat with Farm.txt WhatsApp 4 6 0 false", "log.jsonl JSON Lines 2 2 0 false"}, reported); diff != "" {
			t.Error(diff)
		}
		if text, err := os.ReadFile(first.Rejects); err != nil || !strings.Contains(string(text), "not JSON") || len(first.Places) != 1 || first.Places[0].Line != 2 {
			t.Errorf("rejected %q, %v, at %+v", text, err, first.Places)
		}
		var stored int64
		for _, c := range first.PerChat {
			stored += c.Stored
		}
		if stored != first.Stored || first.Facts == 0 || len(first.PerFile) != 2 {
			t.Errorf("by chat %+v, by file %+v", first.PerChat, first.PerFile)
		}

		imported("read 6 events 8 published 0 known 8 stored 0 updated 0 already 0 unparsed 1 rejected 1 overlapping 0")

		write(t, filepath.Join(dir, "c", "WhatsApp Chat with Farm.txt"), chat("Bobby: one", "Ann: two", "Bobby: three", "Ann: four"))
		renamed := imported("read 4 events 6 published 3 known 3 stored 3 updated 0 already 0 unparsed 0 rejected 0 overlapping 4", "c")
		if !slices.Contains(codes(renamed.Notices), "overlap-authors 2") {
			t.Errorf("noticed %+v", renamed.Notices)
		}

		again, err := New(Config{Servers: a, Metrics: a.IngestMetrics()}, &files.Findings{}).Reread(ctx, reread.Config{Zone: time.FixedZone("Europe/Moscow", 3*3600)})
		if err != nil || again.Changed != 8 || again.Published != 8 || len(again.Chats) != 1 {
			t.Errorf("read again: %+v, %v", again, err)
		}
	})
}

// TestImporter_Run_stopped holds that an import that is stopped before it began says so, and has published nothing.
func TestImporter_Run_stopped(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "log.jsonl"), `{"channel":"c","id":"1","author":"a","text":"hello","sent":"2024-01-02T03:04:05Z"}`+"\n")
	running(t, func(ctx context.Context, a *app.App) {
		stopped, stop := context.WithCancel(ctx)
		i := New(Config{Servers: a, Observer: Observer{Display: func(*Progress) Display { stop(); return noDisplay{} }}}, found(t, dir))
		r, err := i.Run(stopped)
		if !errors.Is(err, ErrStopped) || r.Published != 0 || r.Files != 1 {
			t.Errorf("%v: %+v", err, r)
		}
	})
}

// noDisplay shows nothing.
type noDisplay struct{}

func (noDisplay) File(*FileProgress) (moved func(int64), done func()) {
	return func(int64) {}, func() {}
}
func (noDisplay) Moved(int64) {}
func (noDisplay) Close()      {}

// TestImporter_DryRun holds that everything is read and counted without a server, that nothing counts as published, and that files which cannot be
// read, or which no source reads, are reported with the rest.
func TestImporter_DryRun(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "a", "log.jsonl"), `{"channel":"c","id":"1","author":"a","text":"hello","sent":"2024-01-02T03:04:05Z"}`+"\n")
	write(t, filepath.Join(dir, "a", "WhatsApp Chat with Farm.txt"), chat("Bob: one"))
	write(t, filepath.Join(dir, "a", "broken.zip"), "PK\x03\x04 and nothing more")
	in := found(t, dir)
	if errs := Unreadable(in, producers.Options{}); len(errs) != 1 || !strings.Contains(errs[0].Error(), "--account") {
		t.Errorf("unreadable: %v", errs)
	}
	began := time.Now().Add(-time.Hour)
	var quiet []QuietFiles
	r, err := New(Config{Began: began, Observer: Observer{Quiet: func(q QuietFiles) { quiet = append(quiet, q) }}}, in).DryRun(t.Context())
	if err == nil || !strings.Contains(err.Error(), "broken.zip was not read") || !strings.Contains(err.Error(), "Farm.txt") {
		t.Errorf("ended with %v", err)
	}
	if got, want := counts(r), "read 1 events 1 published 0 known 0 stored 0 updated 0 already 0 unparsed 0 rejected 1 overlapping 0"; got != want ||
		!r.DryRun || r.Rejects != "" || r.Seconds < 3600 || len(r.Skipped) != 1 {
		t.Errorf("%s: %+v", got, r)
	}
	if diff := cmp.Diff([]QuietFiles{{Files: 2, Read: 1}}, quiet); diff != "" {
		t.Error(diff)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if r, err := New(Config{}, in).DryRun(ctx); r != nil || !errors.Is(err, context.Canceled) {
		t.Errorf("stopped: %+v, %v", r, err)
	}
	if r := Nothing(found(t, filepath.Join(t.TempDir()))); r.Files != 0 || r.PerChat == nil {
		t.Errorf("of nothing: %+v", r)
	}
}

func TestReport_incomplete(t *testing.T) {
	t.Parallel()
	for want, r := range map[string]Report{
		"":                                    {},
		"1 event of this import was dead":     {Dead: 1},
		"2 events of this import were dead":   {Dead: 2},
		"3 messages of this import were remo": {Unstored: 3},
	} {
		if err := r.incomplete(); (err == nil) != (want == "") || err != nil && !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: %v", want, err)
		}
	}
}

// TestNotices_add holds that equal notices of several files are counted together, and that the files are listed up to a limit.
func TestNotices_add(t *testing.T) {
	t.Parallel()
	var n notices
	for i := range MaxListed + 5 {
		n.add(fmt.Sprint("f", i), []producers.Notice{{Code: "zone", Text: "assumed", Option: "--zone", Count: 2}})
	}
	n.add("g", []producers.Notice{{Code: "charset", Text: "guessed", Count: 99}, {Code: "zone", Text: "named", Count: 50}})
	got := n.sorted()
	if len(got) != 3 || got[0].Code != "charset" || got[1].Text != "assumed" || got[1].Count != 2*(MaxListed+5) {
		t.Fatalf("%+v", got)
	}
	if got[1].FileCount != MaxListed+5 || len(got[1].Files) != MaxListed || got[1].Files[0] != "f0" {
		t.Errorf("%+v", got[1])
	}
}
