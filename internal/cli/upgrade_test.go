package cli_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
)

// answer is what a view says: its rows, as text and in order.
type answer struct {
	name    string
	columns []string
	rows    []string
}

// viewAnswers asks the views for the columns that want names; for all there are where want has none.
func viewAnswers(t *testing.T, dsn, clickhouse string, want map[string][]string) (out []answer) {
	t.Helper()
	c, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(t.Context())
	ofPostgres, ofClickHouse := fixtureViews()
	for _, view := range ofPostgres {
		a := answer{name: "postgres " + view}
		if a.columns = want[a.name]; want == nil {
			a.columns = askPostgres(t, dsn, `SELECT attname::text FROM pg_attribute WHERE attrelid = 'agrichat.`+view+`'::regclass AND attnum > 0
				AND attname <> 'search' ORDER BY attnum`)
		}
		a.rows = askPostgres(t, dsn, "SELECT ROW("+strings.Join(a.columns, ", ")+")::text FROM agrichat."+view+" ORDER BY 1")
		out = append(out, a)
	}
	for _, view := range ofClickHouse {
		a := answer{name: "clickhouse " + view}
		if a.columns = want[a.name]; want == nil {
			a.columns = strings.Split(askClickHouse(t, clickhouse, "SELECT name FROM system.columns WHERE database = currentDatabase() AND table = '"+
				view+"' ORDER BY position"), "\n")
		}
		rows := askClickHouse(t, clickhouse, "SELECT toString(("+strings.Join(a.columns, ", ")+")) AS r FROM "+view+" ORDER BY r")
		a.rows = strings.Split(rows, "\n")
		out = append(out, a)
	}
	return out
}

// keptAnswers are those of the fixture.
func keptAnswers(t *testing.T) (out []answer, columns map[string][]string) {
	t.Helper()
	data, err := os.ReadFile(fixture("views.txt"))
	if err != nil {
		t.Fatal(err)
	}
	columns = map[string][]string{}
	for part := range strings.SplitSeq(strings.TrimSuffix(string(data), "\n\n"), "\n\n") {
		lines := strings.Split(part, "\n")
		name, list, _ := strings.Cut(lines[0], "\t")
		columns[name] = strings.Split(list, ",")
		out = append(out, answer{name, columns[name], lines[1:]})
	}
	return out, columns
}

// keptRows are the rows of the fixture, by table, as the columns that there were then show them.
func keptRows(t *testing.T, dsn string) map[string][]string {
	t.Helper()
	dump, err := os.ReadFile(fixture("postgres.sql"))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]string{}
	for line := range strings.Lines(string(dump)) {
		if rest, ok := strings.CutPrefix(line, "COPY agrichat."); ok {
			table, columns, _ := strings.Cut(strings.TrimSuffix(rest, ") FROM stdin;\n"), " (")
			out[table] = askPostgres(t, dsn, fmt.Sprintf("SELECT ROW(%s)::text FROM agrichat.%s ORDER BY 1", columns, table))
		}
	}
	return out
}

// TestUpgrade holds that what an older program stored is all there after the upgrade, that its export brings nothing new, and
// that the stores are equal; with the bus of that time, and with one that is new.
func TestUpgrade(t *testing.T) {
	t.Parallel()
	for name, folders := range map[string][]string{
		"with its bus": {"clickhouse", "nats"}, "with a new bus": {"clickhouse"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.restore(folders...)
			withBus := len(folders) == 2
			if withBus {
				w.run("verify").want(1).one("version 2", "nothing was migrated", "agrichat migrate")
			}
			up := w.start("Ctrl-C stops", "up")
			var s standing
			w.run("status", "--output", "json").want(0).into(&s)
			dsn := s.Postgres.DSN
			before := keptRows(t, dsn)
			checkUpgraded(t, &s)

			w.importsNothing(withBus)
			c := w.equal()
			if withBus {
				if c.DeadLetters != 1 {
					t.Errorf("there are %d dead letters", c.DeadLetters)
				}
				for table, rows := range keptRows(t, dsn) {
					if diff := cmp.Diff(before[table], rows); diff != "" && table != "ledger" {
						t.Errorf("importing again changed %s (-was +is):\n%s", table, diff)
					}
				}
			}
			checkIDs(t, dsn, before)
			up.stop().want(0)
		})
	}
}

// checkUpgraded holds that all rows are there and that the views answer as they did.
func checkUpgraded(t *testing.T, s *standing) {
	t.Helper()
	want, columns := keptAnswers(t)
	got := viewAnswers(t, s.Postgres.DSN, s.ClickHouse.URL, columns)
	for i, w := range want {
		if diff := cmp.Diff(w.rows, got[i].rows); diff != "" || w.name != got[i].name || len(w.rows) == 0 {
			t.Errorf("%s (-was +is):\n%s", w.name, diff)
		}
	}
	dump, err := os.ReadFile(fixture("postgres.sql"))
	if err != nil {
		t.Fatal(err)
	}
	for table, rows := range keptRows(t, s.Postgres.DSN) {
		_, after, _ := strings.Cut(string(dump), "COPY agrichat."+table+" (")
		part, _, _ := strings.Cut(after, "\\.\n")
		had, has := strings.Count(part, "\n")-1, len(rows)
		newBus, joined := table == "incarnations" && has > had, table == "ledger" && 0 < has && has < had // by compaction
		if has != had && !newBus && !joined {
			t.Errorf("%s has %d rows, had %d", table, has, had)
		}
	}
}

// importsNothing imports what the older program imported.
func (w *world) importsNothing(withBus bool) {
	w.t.Helper()
	files := []string{"import", fixture("orchard.jsonl"), fixture("second.jsonl"), "--output", "json"}
	var r imported
	w.run(files...).want(0).into(&r)
	if withBus && (r.Published != 0 || r.Stored != 0 || r.Facts != 0) {
		w.t.Errorf("importing again brought %+v", r)
	}
	r = imported{}
	w.run(files...).want(0).into(&r)
	if r.Published != 0 || r.Stored != 0 || r.Facts != 0 {
		w.t.Errorf("importing once more brought %+v", r)
	}
}

// checkIDs holds that there is no thing that was not there before. What an account saw may be known better.
func checkIDs(t *testing.T, dsn string, before map[string][]string) {
	t.Helper()
	for table, key := range map[string]string{"events": "event_id", "messages": "thing_id", "reactions": "thing_id", "memberships": "thing_id",
		"channels": "key", "identities": "key"} {
		for _, id := range askPostgres(t, dsn, "SELECT "+key+"::text FROM agrichat."+table) {
			found := false
			for _, row := range before[table] {
				found = found || strings.HasPrefix(row, "("+id)
			}
			if !found {
				t.Errorf("%s has %s, which it had not", table, id)
			}
		}
	}
}

// TestUpgrade_OtherPostgres holds that a data folder of another major version of PostgreSQL is refused with what to do, and that
// doing so keeps everything.
func TestUpgrade_OtherPostgres(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.run("import", fixture("orchard.jsonl")).want(0)
	was := w.equal()
	dir := filepath.Join(w.data, "postgres")
	version := filepath.Join(dir, "data", "PG_VERSION")
	info, err := os.Stat(version)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(version, []byte("17\n"), info.Mode()); err != nil {
		t.Fatal(err)
	}
	for _, command := range []string{"up", "verify"} {
		w.run(command).want(1).says("made by PostgreSQL 17", "move the folder "+dir+" aside", "agrichat up", "agrichat verify")
	}
	if err := os.Rename(dir, dir+".aside"); err != nil {
		t.Fatal(err)
	}
	w.run("up", "--once").want(0)
	is := w.equal()
	if is.Bus != was.Bus || is.Postgres != was.Postgres || is.ClickHouse != was.ClickHouse {
		t.Errorf("was %+v, is %+v", was, is)
	}
}
