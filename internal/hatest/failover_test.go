package hatest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/agrichat/agrichat/internal/labtest"
)

// The suite is told by its environment what to do; make test-ha says what there is.
const (
	runsVariable  = "HA_RUNS"  // how often each case runs
	shortVariable = "HA_SHORT" // 1: the eight cases for which there is always time
	casesVariable = "HA_CASES" // a pattern of cases' names, with the profile: ^crash/async$
	tableVariable = "HA_TABLE" // a file to write the table into, beside the rows; rows that stand there count too
)

// shortSlack multiplies the bounds on times in the short run, which shares small and noisy machines with others: it holds that nothing
// is lost or duplicated, and that nothing stands still. The full run holds the bounds themselves.
const shortSlack = 3

// caseWithin is how long a case may take, its settling included.
const caseWithin = 8 * time.Minute

func TestFailover(t *testing.T) {
	var failures []string
	t.Cleanup(func() { // after the lab's account, which is long: whoever sees the end of the output sees why
		if t.Failed() {
			t.Log("failed:\n" + strings.Join(failures, "\n"))
		}
	})
	lab := labtest.Start(t, labtest.Options{FaultPoints: true})
	if err := lab.StartRoles(t.Context()); err != nil {
		t.Fatal(err)
	}
	runs, err := strconv.Atoi(os.Getenv(runsVariable))
	if err != nil {
		runs = 1
	}
	wanted := regexp.MustCompile(os.Getenv(casesVariable))
	rows := standing(t)
	for range runs {
		for _, c := range Cases() {
			for _, strict := range c.profiles(os.Getenv(shortVariable) == "1") {
				name := c.Name + "/" + profile(strict)
				if !wanted.MatchString(name) {
					continue
				}
				t.Run(name, func(t *testing.T) {
					row, err := play(t, lab, c, strict)
					if errors.Is(err, labtest.ErrNoNetem) {
						t.Skip(err)
					}
					if err != nil {
						failures = append(failures, fmt.Sprintf("%s: %v", name, err))
						t.Fatal(err)
					}
					row.Run = 1 + ran(rows, row)
					rows = append(rows, row)
					t.Logf("%s", encode(t, row))
					for _, b := range row.Broken {
						failures = append(failures, name+": "+b)
						t.Error(b)
					}
					for _, e := range row.Examples {
						t.Log(e)
					}
				})
				report(t, rows)
			}
		}
	}
	t.Log("\n" + Table(rows))
}

// play runs a case once.
func play(t *testing.T, lab *labtest.Lab, c Case, strict bool) (Row, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), caseWithin)
	defer cancel()
	log := slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelInfo}))
	s, err := set(ctx, lab, stage{strict: strict, workers: c.Workers, alone: c.Alone}, log)
	if err != nil {
		return Row{}, err
	}
	defer s.bus.Close()
	upTo, err := s.play(ctx, c.Do)
	if err != nil {
		return Row{}, err
	}
	wait := 2 * time.Minute
	if c.Must == "lose" {
		wait = 20 * time.Second // for what will never come
	}
	report, found, err := s.settle(ctx, upTo, wait)
	if err != nil {
		return Row{}, err
	}
	row, err := s.result(report, found)
	if err != nil {
		return Row{}, err
	}
	row.Case, row.Profile, row.Said = c.Name, profile(strict), upTo
	slack := 1
	if os.Getenv(shortVariable) == "1" {
		slack = shortSlack
	}
	row.Broken = c.broken(&row, strict, slack)
	if len(row.Broken) == 0 {
		row.Examples = nil // of what was meant to be lost
	}
	return row, nil
}

func encode(t *testing.T, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// ran counts the rows of a row's case and profile.
func ran(rows []Row, like Row) (n int) {
	for _, r := range rows {
		if r.Case == like.Case && r.Profile == like.Profile {
			n++
		}
	}
	return n
}

// rowsBeside is where the rows of a table are.
func rowsBeside(table string) string {
	return strings.TrimSuffix(table, filepath.Ext(table)) + ".jsonl"
}

// standing reads the rows of an earlier run.
func standing(t *testing.T) (rows []Row) {
	t.Helper()
	name := os.Getenv(tableVariable)
	if name == "" {
		return nil
	}
	data, err := os.ReadFile(rowsBeside(name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for line := range bytes.Lines(data) {
		var r Row
		err = errors.Join(err, json.Unmarshal(line, &r))
		rows = append(rows, r)
	}
	if err != nil {
		t.Fatalf("reading the rows of an earlier run: %v", err)
	}
	return rows
}

// report writes what there is so far: a suite that takes hours may be ended early, and goes on from there.
func report(t *testing.T, rows []Row) {
	t.Helper()
	name := os.Getenv(tableVariable)
	if name == "" {
		return
	}
	var lines []byte
	for _, r := range rows {
		lines = append(append(lines, encode(t, r)...), '\n')
	}
	for file, text := range map[string][]byte{name: []byte(Table(rows)), rowsBeside(name): lines} {
		if err := os.WriteFile(file, text, 0o644); err != nil {
			t.Error(err)
		}
	}
}

// profiles are those in which a case runs: strict or not.
func (c Case) profiles(short bool) []bool {
	switch {
	case short:
		return c.Short
	case c.Only != nil:
		return c.Only
	}
	return []bool{false, true}
}

func profile(strict bool) string {
	if strict {
		return "strict"
	}
	return "async"
}

// The suite must be able to fail.
func TestBounds(t *testing.T) {
	second := time.Second
	minute := time.Minute
	good := Row{Gap: second, Shut: new(time.Duration), First: &second, Filled: &second, Resumed: &second, Tokens: 1}
	for name, tt := range map[string]struct {
		bounds Bounds
		must   string
		change func(*Row)
		want   int
	}{
		"all is well":      {Bounds{Gap: minute, Failover: true, Resumed: minute}, "", func(*Row) {}, 0},
		"lost":             {Bounds{}, "", func(r *Row) { r.Lost = 1 }, 1},
		"doubled":          {Bounds{}, "", func(r *Row) { r.Doubled = 1 }, 1},
		"stale":            {Bounds{}, "", func(r *Row) { r.Stale = 1 }, 1},
		"late":             {Bounds{}, "", func(r *Row) { r.Late = 1 }, 1},
		"long gap":         {Bounds{Gap: time.Millisecond}, "", func(*Row) {}, 1},
		"shut late":        {Bounds{}, "", func(r *Row) { r.Shut = &second }, 1},
		"filled late":      {Bounds{Failover: true}, "", func(r *Row) { r.Filled = &minute }, 1},
		"nothing to see":   {Bounds{Failover: true}, "", func(r *Row) { r.First, r.Filled = nil, nil }, 1},
		"resumed late":     {Bounds{Resumed: time.Millisecond}, "", func(*Row) {}, 1},
		"never resumed":    {Bounds{Resumed: minute}, "", func(r *Row) { r.Resumed = nil }, 1},
		"paused":           {Bounds{NoPause: true}, "", func(r *Row) { r.Paused = true }, 1},
		"publishing stood": {Bounds{Publish: second}, "", func(r *Row) { r.Publish = minute }, 1},
		"lost as it must":  {Bounds{Failover: true}, "lose", func(r *Row) { r.Lost = 1 }, 0},
		"lost nothing":     {Bounds{}, "lose", func(*Row) {}, 1},
		"whatever it is":   {Bounds{}, "say", func(r *Row) { r.Lost, r.Late = 3, 3 }, 0},
	} {
		t.Run(name, func(t *testing.T) {
			r := good
			tt.change(&r)
			if got := (Case{Bounds: tt.bounds, Must: tt.must}).broken(&r, false, 1); len(got) != tt.want {
				t.Errorf("%d bounds are said to be broken: %q", len(got), got)
			}
		})
	}
}

func TestSummary(t *testing.T) {
	for want, list := range map[string][]time.Duration{
		"": nil, "40 ms": {40 * time.Millisecond}, "1.5 s / 2.0 s": {2 * time.Second, time.Second},
		"200 ms / 9.0 s": {9 * time.Second, 100 * time.Millisecond, 200 * time.Millisecond},
	} {
		if got := summary(list); got != want {
			t.Errorf("%v: %q, want %q", list, got, want)
		}
	}
}

func TestShortRunsSeven(t *testing.T) {
	var names []string
	for _, c := range Cases() {
		for _, strict := range c.profiles(true) {
			names = append(names, c.Name+"/"+profile(strict))
		}
	}
	if len(names) != 7 || !slices.Contains(names, "freeze-ungated/async") {
		t.Errorf("the short suite is %q", names)
	}
}
