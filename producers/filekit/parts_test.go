package filekit_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/fault"
	"github.com/agrichat/agrichat/internal/jsonscan"
	"github.com/agrichat/agrichat/producers"
	"github.com/agrichat/agrichat/producers/filekit"
	"github.com/agrichat/agrichat/producers/producertest"
)

func TestReadLocal(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		printed, utc, other string
		zone                *time.Location
		detail              string
	}{
		{"2024-07-01 12:00", "2024-07-01 10:00", "", berlin, " "},
		{"2024-07-01 12:00", "2024-07-01 12:00", "", nil, " "},
		{"2024-10-27 02:30", "2024-10-27 00:30", "2024-10-27 01:30", berlin, "sent_or 2024-10-27T01:30:00Z"},
		{"2024-03-31 02:30", "2024-03-31 01:30", "", berlin, "skipped_hour true"},
	} {
		printed, err := time.Parse("2006-01-02 15:04", c.printed)
		if err != nil {
			t.Fatal(err)
		}
		got := filekit.ReadLocal(printed, event.PrecisionMinute, c.zone)
		other := ""
		if !got.Other.IsZero() {
			other = got.Other.Format("2006-01-02 15:04")
		}
		key, value := got.Detail()
		if got.At.Format("2006-01-02 15:04") != c.utc || other != c.other || key+" "+value != c.detail || !got.Assumed || !got.Changed().Equal(printed) {
			t.Errorf("%s is %+v, with the detail %s %s", c.printed, got, key, value)
		}
		if first := got.At; other != "" {
			if got.TakeOther(); !got.Other.Equal(first) || got.At.Format("2006-01-02 15:04") != c.other {
				t.Errorf("the other instant of %s is %+v", c.printed, got)
			}
		}
	}
	zoned := filekit.LocalTime{Instant: event.NewInstant(time.Unix(1, 0), event.PrecisionSecond)}
	if !zoned.Changed().Equal(zoned.At) {
		t.Errorf("a time with a zone changed at %v", zoned.Changed())
	}
}

func TestDays_Next(t *testing.T) {
	var d filekit.Days[int]
	for line, day := range []string{"mon", "mon", "tue", "mon", "wed", "thu", "thu"} {
		if _, again := d.Next(line, day, "10:00", "vera", "ok"); again != (line == 1 || line == 3 || line == 6) {
			t.Errorf("line %d: an equal line came before: %v", line, again)
		}
	}
	// tuesday began at line 2, but a line of monday came after: its counts are those from line 0 on only. Wednesday's are exact.
	if d.Anchor != 4 {
		t.Errorf("anchor %d, want 4", d.Anchor)
	}
}

func TestReplay(t *testing.T) {
	f := producers.File{Path: "a.txt"}
	run := func(ctx context.Context, to int64, sizes ...int64) (at int64, err error) {
		err = filekit.Replay(ctx, f, to, func() int64 { return at }, func() error {
			if len(sizes) == 0 {
				return io.EOF
			}
			at, sizes = at+sizes[0], sizes[1:]
			return nil
		})
		return at, err
	}
	if at, err := run(t.Context(), 5, 2, 3, 4); err != nil || at != 5 {
		t.Errorf("stopped at %d: %v", at, err)
	}
	for name, sizes := range map[string][]int64{"too short": {2}, "no record there": {2, 4}} {
		if _, err := run(t.Context(), 5, sizes...); fault.Of(err) != fault.Fatal || !strings.Contains(err.Error(), "a.txt") {
			t.Errorf("%s: %v, which is %s", name, err, fault.Of(err))
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := run(ctx, 5, 2, 3); fault.Of(err) != fault.Stopped {
		t.Errorf("cancelled: %v", err)
	}
	broken := errors.New("broken disk")
	if err := filekit.Replay(t.Context(), f, 5, func() int64 { return 0 }, func() error { return broken }); !errors.Is(err, broken) || fault.Of(err) == fault.Fatal {
		t.Errorf("a disk that breaks: %v, which is %s", err, fault.Of(err))
	}
	if err := filekit.SkipTo(f, strings.NewReader("abc"), 3); err != nil {
		t.Error(err)
	}
	if err := filekit.SkipTo(f, io.MultiReader(strings.NewReader("abc")), 4); fault.Of(err) != fault.Fatal {
		t.Errorf("a file that is too short: %v", err)
	}
}

func TestSidecars_Sum(t *testing.T) {
	opened := 0
	s := filekit.NewSidecars(func(name string) (io.ReadCloser, error) {
		opened++
		if name == "gone" {
			return nil, fmt.Errorf("opening: %w", fs.ErrNotExist)
		}
		return io.NopCloser(strings.NewReader(name)), nil
	})
	for range 2 {
		sum, ok, err := s.Sum(t.Context(), "abc")
		want := filekit.Sum{SHA256: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", Bytes: 3}
		if err != nil || !ok || sum != want {
			t.Errorf("%+v, %v", sum, err)
		}
		if sum, ok, err := s.Sum(t.Context(), "gone"); err != nil || !ok || !errors.Is(sum.Err, fs.ErrNotExist) {
			t.Errorf("%+v, %v", sum, err)
		}
	}
	if opened != 2 {
		t.Errorf("%d files were opened, want each once", opened)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := s.Sum(ctx, "another"); fault.Of(err) != fault.Stopped {
		t.Errorf("cancelled: %v", err)
	}
	if sum, _, err := s.Sum(t.Context(), "another"); err != nil || sum.Bytes != 7 {
		t.Errorf("what was cancelled is remembered: %+v, %v", sum, err)
	}
	if _, ok, err := filekit.NewSidecars(nil).Sum(t.Context(), "abc"); ok || err != nil {
		t.Errorf("nothing lies beside it, but %v, %v", ok, err)
	}
}

func TestListBeside(t *testing.T) {
	dir := t.TempDir()
	if err := errors.Join(os.Mkdir(filepath.Join(dir, "empty"), 0o755), os.WriteFile(filepath.Join(dir, "a.txt"), nil, 0o644)); err != nil {
		t.Fatal(err)
	}
	f := producers.File{Path: "b.txt", Beside: func(rel string) (io.ReadCloser, error) { return os.Open(filepath.Join(dir, rel)) }}
	var names []string
	list, err := filekit.ListBeside(f, ".")
	for _, e := range list {
		names = append(names, e.Name())
	}
	if diff := cmp.Diff([]string{"a.txt", "empty"}, names); err != nil || diff != "" && len(names) != 2 {
		t.Errorf("%v: %s", err, diff)
	}
	if list, err := filekit.ListBeside(f, "empty"); err != nil || list == nil || len(list) != 0 {
		t.Errorf("an empty folder is %v, %v", list, err)
	}
	if list, err := filekit.ListBeside(f, "none"); err != nil || list != nil {
		t.Errorf("no folder is %v, %v", list, err)
	}
}

func TestMarks(t *testing.T) {
	head := []byte("\ufeff \r\nid,text\r\nx")
	if got := string(filekit.TrimMark(head)); !strings.HasPrefix(got, " \r\n") {
		t.Errorf("TrimMark gives %q", got)
	}
	if got := string(filekit.TrimHead(head)); !strings.HasPrefix(got, "id,") {
		t.Errorf("TrimHead gives %q", got)
	}
	for head, want := range map[string]string{"\ufeffa,b\r\nc": "a,b", "a": "a", "": "", "a\rb\nc": "a\rb"} {
		if got := string(filekit.FirstLine([]byte(head))); got != want {
			t.Errorf("the first line of %q is %q", head, got)
		}
	}
	for text, want := range map[string]bool{"\ufeff{}": true, "{}": false, "": false} {
		w := jsonscan.NewWindow(strings.NewReader(text), 16, 0, 1, 0)
		w.Next()
		if got := filekit.SkipMark(w); got != want || want && w.Offset() != 3 {
			t.Errorf("a mark is passed in %q: %v, at %d", text, got, w.Offset())
		}
		if filekit.SkipMark(w) {
			t.Errorf("a second mark is passed in %q", text)
		}
	}
}

func TestDecoder(t *testing.T) {
	const text = "\xcf\xf0\xe8\xe2\xe5\xf2, \xfd\xf2\xee \xef\xf0\xee\xe2\xe5\xf0\xea\xe0" // windows-1251
	a := filekit.Archive{File: producertest.File("a", []byte(text)), Options: producers.Options{Charset: "windows-1251"}}
	d, err := a.NewDecoder()
	if err != nil {
		t.Fatal(err)
	}
	if got := string(d.Text([]byte(text))); got != "Привет, это проверка" || d.Label != "windows-1251" {
		t.Errorf("%q in %q", got, d.Label)
	}
	if got := string(d.Text([]byte("Привет"))); got != "Привет" || d.Label != "" {
		t.Errorf("%q in %q", got, d.Label)
	}
	cells := []string{"1", text}
	keys := filekit.KeyCells(cells)
	if keys[1] == cells[1] || &filekit.KeyCells([]string{"a"})[0] == &keys[0] {
		t.Errorf("keys %q", keys)
	}
	if d.Row(cells); cells[1] != "Привет, это проверка" || d.Label != "windows-1251" {
		t.Errorf("%q in %q", cells, d.Label)
	}
	if d.Row(cells); d.Label != "" {
		t.Errorf("a row that is UTF-8 is in %q", d.Label)
	}
}
