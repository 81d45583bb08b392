package ch_test

import (
	"context"
	"embed"
	"errors"
	"io/fs"
	"math/big"
	"net"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/google/go-cmp/cmp"

	"github.com/agrichat/agrichat/internal/ch"
	"github.com/agrichat/agrichat/internal/fact"
	"github.com/agrichat/agrichat/internal/fault"
	"github.com/agrichat/agrichat/internal/testenv"
	"github.com/agrichat/agrichat/schemas/clickhouse"
)

func TestMain(m *testing.M) { testenv.Main(m) }

//go:embed testdata/*.sql
var testSQL embed.FS

func sql(t *testing.T, name string) string {
	t.Helper()
	text, err := testSQL.ReadFile("testdata/" + name + ".sql")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func open(t *testing.T, cfg ch.Config) *ch.DB {
	t.Helper()
	db, err := ch.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

func migrated(t *testing.T) *ch.DB {
	t.Helper()
	db := open(t, ch.Config{URL: testenv.ClickHouse(t)})
	if err := db.Migrate(t.Context(), clickhouse.FS); err != nil {
		t.Fatal(err)
	}
	return db
}

func exec(t *testing.T, db *ch.DB, name string) {
	t.Helper()
	if err := db.Exec(t.Context(), sql(t, name)); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

func TestMigratingAtTheSameTimeAndAgain(t *testing.T) {
	t.Parallel()
	address := testenv.ClickHouse(t)
	var wg sync.WaitGroup
	for range 4 {
		db := open(t, ch.Config{URL: address})
		wg.Go(func() {
			for range 2 {
				if err := db.Migrate(t.Context(), clickhouse.FS); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	db := open(t, ch.Config{URL: address})
	files, err := fs.Glob(clickhouse.FS, "*.sql")
	if err != nil {
		t.Fatal(err)
	}
	if n, err := db.SchemaVersion(t.Context()); err != nil || int(n) != len(files) {
		t.Errorf("the schema is number %d, %v; want %d", n, err, len(files))
	}
	err = db.Each(t.Context(), sql(t, "comments"), nil, func(rows driver.Rows) error {
		var name string
		if err := rows.Scan(&name); err != nil {
			return err
		}
		t.Errorf("the table %s says nothing of what it is", name)
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func TestANewerSchemaIsRefused(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	exec(t, db, "newer_schema")
	err := db.Migrate(t.Context(), clickhouse.FS)
	if fault.Of(err) != fault.Fatal || !strings.Contains(err.Error(), "newer program") {
		t.Errorf("migrating a schema from the future: %v (%v)", err, fault.Of(err))
	}
}

func TestAMigrationThatFailsIsNotRecorded(t *testing.T) {
	t.Parallel()
	db := open(t, ch.Config{URL: testenv.ClickHouse(t)})
	files := fstest.MapFS{
		"0001_good.sql": {Data: []byte("-- nothing;\n")},
		"0002_bad.sql":  {Data: []byte("NOT A STATEMENT;\n")},
	}
	if err := db.Migrate(t.Context(), files); fault.Of(err) != fault.Fatal {
		t.Errorf("a migration that is not SQL: %v (%v)", err, fault.Of(err))
	}
	if n, err := db.SchemaVersion(t.Context()); err != nil || n != 1 {
		t.Errorf("the schema is number %d, %v; want 1", n, err)
	}
}

func TestAMissingDatabaseIsFatalOrCreated(t *testing.T) {
	t.Parallel()
	u, err := url.Parse(testenv.ClickHouse(t))
	if err != nil {
		t.Fatal(err)
	}
	u.Path += "_`other"
	_, err = ch.Open(t.Context(), ch.Config{URL: u.String()})
	if fault.Of(err) != fault.Fatal || !strings.Contains(err.Error(), "does not exist") {
		t.Errorf("opening a database that is not there: %v (%v)", err, fault.Of(err))
	}
	open(t, ch.Config{URL: u.String(), Create: true})
}

func TestAWrongPasswordIsFatalAndNotShown(t *testing.T) {
	t.Parallel()
	u, err := url.Parse(testenv.ClickHouse(t))
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword("agrichat", "s3cret")
	_, err = ch.Open(t.Context(), ch.Config{URL: u.String()})
	if fault.Of(err) != fault.Fatal || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("opening with a wrong password: %v (%v)", err, fault.Of(err))
	}
	_, err = ch.Open(t.Context(), ch.Config{URL: "http://a:s3cret@[::1"})
	if fault.Of(err) != fault.Fatal || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("opening an address that is none: %v (%v)", err, fault.Of(err))
	}
}

func TestNobodyThereIsTransient(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	for _, scheme := range []string{"http", "clickhouse"} {
		_, err := ch.Open(t.Context(), ch.Config{URL: scheme + "://u:s3cret@" + address + "/d"})
		if err == nil || fault.Of(err) != fault.Transient || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: opening where nobody listens: %v (%v)", scheme, err, fault.Of(err))
		}
	}
}

func TestAMissingTableIsFatal(t *testing.T) {
	t.Parallel()
	db := open(t, ch.Config{URL: testenv.ClickHouse(t)})
	_, err := db.Query(t.Context(), sql(t, "missing_table"), nil)
	if fault.Of(err) != fault.Fatal {
		t.Errorf("asking a table that is not there: %v (%v)", err, fault.Of(err))
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err = db.Query(ctx, sql(t, "missing_table"), nil); fault.Of(err) != fault.Stopped {
		t.Errorf("asking when stopped: %v (%v)", err, fault.Of(err))
	}
}

// channel is a block of one row.
func channel(key byte, version int64, name string) []ch.Column {
	return []ch.Column{
		{Name: "key", Type: "FixedString(16)", Values: []string{string(append(make([]byte, 15), key))}, Rows: 1},
		{Name: "version", Type: "UInt128", Values: []*big.Int{big.NewInt(version)}, Rows: 1},
		{Name: "source", Type: "String", Values: []string{"irc"}, Rows: 1},
		{Name: "name", Type: "String", Values: []string{name}, Rows: 1},
	}
}

func count(t *testing.T, db *ch.DB) (n uint64) {
	t.Helper()
	err := db.Each(t.Context(), sql(t, "count_channels"), nil, func(rows driver.Rows) error { return rows.Scan(&n) })
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestATokenIsRemembered shows what the token is for, and its other side: rows that were lost do not come back by it.
func TestATokenIsRemembered(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	insert := func(token string, key byte) {
		t.Helper()
		if err := db.Insert(t.Context(), sql(t, "insert_channels"), token, channel(key, 1, "x")); err != nil {
			t.Fatal(err)
		}
	}
	insert("a", 1)
	insert("a", 2) // taken for the first one
	if n := count(t, db); n != 1 {
		t.Errorf("after one token twice there are %d rows, want 1", n)
	}
	insert("b", 1)
	insert("c", 2)
	if n := count(t, db); n != 2 {
		t.Errorf("after two more tokens there are %d rows, want 2", n)
	}
	exec(t, db, "lose_channels")
	insert("b", 1)
	if n := count(t, db); n != 0 {
		t.Errorf("after the rows were lost the old token brought back %d: nothing needs another telling any more", n)
	}
	insert("b, and something new", 1)
	if n := count(t, db); n != 1 {
		t.Errorf("after the rows were lost a new token brought back %d rows, want 1", n)
	}
}

// TestUnequalColumnsAreRefused because the driver would send nothing and say nothing.
func TestUnequalColumnsAreRefused(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	columns := channel(1, 1, "x")
	columns[3].Values = []string{"x", "y"}
	err := db.Insert(t.Context(), sql(t, "insert_channels"), "a", columns)
	if fault.Of(err) != fault.Poison {
		t.Errorf("inserting columns of 1 and 2 rows: %v (%v)", err, fault.Of(err))
	}
}

func TestStatesAreTheNewestSortedAndInRange(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	exec(t, db, "many_messages")
	var all []ch.State
	from, to := ch.AllIDs()
	collect := func(s ch.State) error { all = append(all, s); return nil }
	if err := db.States(t.Context(), ch.Messages, from, to, collect); err != nil {
		t.Fatal(err)
	}
	if len(all) != 100_000 {
		t.Fatalf("%d states, want 100000", len(all))
	}
	for i, s := range all {
		if i > 0 && string(all[i-1].ID[:]) >= string(s.ID[:]) {
			t.Fatalf("state %d is not behind the one before it", i)
		}
		if s.Version.Generation != 3 || s.Version.Token != 5 || s.Version.Counter < 100_000 {
			t.Fatalf("state %d is of version %s, not of the newest", i, s.Version)
		}
	}
	middle, limit := all[30_000].ID, all[60_000].ID
	want := all[30_000:60_001]
	all = nil
	if err := db.States(t.Context(), ch.Messages, middle, limit, collect); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, all); diff != "" {
		t.Errorf("the states of a range (-want +got):\n%s", diff)
	}
}

// TestStatesStopWhenToldTo also shows, by the search for leaks, that nothing goes on reading.
func TestStatesStopWhenToldTo(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	exec(t, db, "many_messages")
	enough := errors.New("enough")
	from, to := ch.AllIDs()
	for range 20 {
		n := 0
		err := db.States(t.Context(), ch.Messages, from, to, func(ch.State) error {
			if n++; n == 10 {
				return enough
			}
			return nil
		})
		if !errors.Is(err, enough) || n != 10 {
			t.Fatalf("stopped after %d states: %v", n, err)
		}
	}
}

func TestCounts(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	exec(t, db, "many_messages")
	var things, deleted, timeless uint64
	days := make(map[time.Time]bool)
	err := db.Counts(t.Context(), ch.Messages, func(c ch.Count) error {
		things += c.Things
		deleted += c.Deleted
		if c.Day == nil {
			timeless += c.Things
		} else {
			days[*c.Day] = true
		}
		return nil
	})
	if err != nil || things != 100_000 || deleted != 25_000 || timeless != 10_000 || len(days) != 3 {
		t.Errorf("counted %d things, %d deleted, %d without a time, %d days: %v", things, deleted, timeless, len(days), err)
	}
}

// TestEveryTableCanBeReadBack also runs each query on an empty, migrated database.
func TestEveryTableCanBeReadBack(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	columns := channel(1, 0, "x")
	v := fact.Version{Generation: 65535, Token: fact.MaxPart, Counter: fact.MaxPart - 1}
	columns[1].Values = []*big.Int{v.Big()}
	if err := db.Insert(t.Context(), sql(t, "insert_channels"), "a", columns); err != nil {
		t.Fatal(err)
	}
	from, to := ch.AllIDs()
	for _, table := range ch.Tables() {
		var states []ch.State
		err := db.States(t.Context(), table, from, to, func(s ch.State) error { states = append(states, s); return nil })
		if err != nil {
			t.Error(err)
		}
		var counts []ch.Count
		if err := db.Counts(t.Context(), table, func(c ch.Count) error { counts = append(counts, c); return nil }); err != nil {
			t.Error(err)
		}
		if table == ch.Channels {
			if diff := cmp.Diff([]ch.State{{ID: [16]byte{15: 1}, Version: v, Intact: true}}, states); diff != "" {
				t.Errorf("the states of channels (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff([]ch.Count{{Source: "irc", Things: 1}}, counts); diff != "" {
				t.Errorf("the counts of channels (-want +got):\n%s", diff)
			}
		} else if len(states)+len(counts) != 0 {
			t.Errorf("%s holds %v, %v", table, states, counts)
		}
	}
}
