package cli_test

import (
	"fmt"
	"path/filepath"
	"regexp"
	"testing"
)

// TestRoles_Apart is the program as a team runs it: every role a process of its own, several of each, servers of others.
func TestRoles_Apart(t *testing.T) {
	t.Parallel()
	w := newOutside(t)
	where := regexp.MustCompile(`at (http://\S+);`)
	var roles []*running
	for _, args := range [][]string{
		{"consume", "normalise"}, {"consume", "normalise"}, {"consume", "aggregate"}, {"consume", "aggregate"}, {"serve"},
	} {
		r := w.start("ready;", args...)
		roles = append(roles, r)
		m := where.FindStringSubmatch(r.err.String())
		if m == nil {
			t.Fatalf("%q does not say where it is:\n%s", args, r.err)
		}
		checkHealth(t, m[1])
	}
	file := filepath.Join(t.TempDir(), "more.jsonl")
	write(t, file, jsonLine)
	w.run("import", sample(t)).want(0).quiet()
	w.run("import", file).want(0).quiet().prints("1 events published", "1 stored")
	w.equal()
	for _, r := range roles {
		r.stop().want(0).quiet()
	}
	w.equal()
}

// TestReplay rebuilds both stores beside the ones there are.
func TestReplay(t *testing.T) {
	t.Parallel()
	w, fresh := newOutside(t), newOutside(t)
	var said imported
	w.run("import", sample(t), "--output", "json").want(0).into(&said)
	before := w.equal()
	dsn, figures := w.variable("AGRICHAT_POSTGRES_DSN"), w.variable("AGRICHAT_CLICKHOUSE_URL")
	freshDSN, freshFigures := fresh.variable("AGRICHAT_POSTGRES_DSN"), fresh.variable("AGRICHAT_CLICKHOUSE_URL")
	states := w.ask("SELECT event_id::text || changed FROM agrichat.events ORDER BY 1")

	var r struct {
		Consumer string
		From     int `json:"from_sequence"`
		Events   int
		Facts    int
		Seconds  float64
	}
	w.run("replay", "normalise", "--output", "json").want(0).quiet().into(&r)
	if r.Consumer != "normalise" || r.From != 1 || r.Events != said.Published || r.Facts != 0 {
		t.Errorf("replayed %+v", r)
	}
	if after := w.ask("SELECT event_id::text || changed FROM agrichat.events ORDER BY 1"); len(after) != len(states) || after[0] != states[0] {
		t.Error("a replay into the same record changed it")
	}
	w.run("replay", "normalise", "--from-sequence", fmt.Sprint(before.Sequence/2), "--output", "json").want(0).into(&r)
	if r.From != before.Sequence/2 || r.Events == 0 || r.Events >= said.Published {
		t.Errorf("replayed %+v", r)
	}
	w.run("replay", "normalise", "--from-time", "2099-01-01T00:00:00Z", "--output", "json").want(0).into(&r)
	if r.Events != 0 {
		t.Errorf("replayed %+v", r)
	}
	w.run("replay", "normalise", "--from-time", "2000-01-01T00:00:00Z", "--output", "json").want(0).into(&r)
	if r.Events != said.Published {
		t.Errorf("replayed %+v", r)
	}
	w.run("replay", "normalise", "--from-time", "yesterday").want(2).one("--from-time", "2026")
	w.run("replay", "aggregate").want(0).quiet().prints("facts published")
	w.equal()

	w.run("replay", "normalise", "--into-postgres", freshDSN, "--into-clickhouse", freshFigures).want(0).quiet()
	sameViews(t, dsn, freshDSN)
	sameFigures(t, figures, freshFigures)
	w.with("AGRICHAT_POSTGRES_DSN="+freshDSN, "AGRICHAT_CLICKHOUSE_URL="+freshFigures).equal()
	w.equal()
}

// TestReplayAggregate rebuilds the figures alone.
func TestReplayAggregate(t *testing.T) {
	t.Parallel()
	w, fresh := newOutside(t), newOutside(t).variable("AGRICHAT_CLICKHOUSE_URL")
	w.run("import", sample(t)).want(0)
	w.run("replay", "aggregate", "--into-clickhouse", fresh).want(0).quiet()
	sameFigures(t, w.variable("AGRICHAT_CLICKHOUSE_URL"), fresh)
	w.with("AGRICHAT_CLICKHOUSE_URL=" + fresh).equal()
	w.run("replay", "aggregate", "--into-clickhouse", "http://"+noPort(t)+"/x").want(1).one("--into-clickhouse")
	w.run("replay", "normalise", "--into-postgres", "postgres://u@"+noPort(t)+"/x").want(1).one("--into-postgres")
}

// sameFigures fails the test unless two ClickHouses show the same.
func sameFigures(t testing.TB, a, b string) {
	t.Helper()
	for _, v := range []string{"v_messages", "v_versions", "v_reactions", "v_memberships", "v_by_day", "v_by_person"} {
		sql := "SELECT * FROM " + v + " ORDER BY ALL FORMAT JSONEachRow"
		if x, y := askClickHouse(t, a, sql), askClickHouse(t, b, sql); x != y || x == "" {
			t.Errorf("%s differs:\n%.2000s\n\n%.2000s", v, x, y)
		}
	}
}
