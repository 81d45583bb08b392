package cli_test

import (
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// TestVerify_OutOfRange: times that ClickHouse cannot hold are counted, and the days add up.
func TestVerify_OutOfRange(t *testing.T) {
	t.Parallel()
	w, file := newOutside(t), filepath.Join(t.TempDir(), "old.jsonl")
	var lines strings.Builder
	for _, sent := range []string{"1899-12-31T23:59:59Z", "2262-01-01T00:00:00Z", "1900-01-01T00:00:00Z", "2024-01-02T03:04:05Z"} {
		lines.WriteString(`{"channel":"c","author":"a","text":"at ` + sent + `","sent":"` + sent + `"}` + "\n")
	}
	write(t, file, lines.String())
	w.run("import", file).want(0)
	type report struct {
		OutOfRange int `json:"out_of_range"`
		Things     []struct {
			Kind       string
			OutOfRange int `json:"out_of_range"`
		}
		Days []struct {
			Day                       string
			Bus, Postgres, ClickHouse int
		}
	}
	var c, same report
	w.run("verify", "--output", "json").want(0).into(&c)
	if c.OutOfRange != 4 {
		t.Errorf("%d times lie outside: %+v", c.OutOfRange, c)
	}
	named := false
	for _, d := range c.Days {
		named = named || d.Day == "outside 1900-2261" && d.Bus == 2
		if d.Bus != d.Postgres || d.Postgres != d.ClickHouse {
			t.Errorf("of %q there are %+v", d.Day, d)
		}
	}
	if !named {
		t.Errorf("the days are %+v", c.Days)
	}
	w.run("verify").want(0).prints("4 times lie outside 1900-2261 and are empty in ClickHouse")
	few := filepath.Join(t.TempDir(), "few.yaml") // too few connections for all parts of the comparison at once
	write(t, few, "postgres:\n  max_conns: 2\n")
	w.run("verify", "--config", few, "--output", "json").want(0).into(&same)
	if !reflect.DeepEqual(same, c) {
		t.Errorf("with few connections verify says %+v, else %+v", same, c)
	}
}
