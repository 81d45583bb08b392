package engine_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/url"
	"os"
	"reflect"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/agrichat/agrichat/internal/engine"
)

func newClickHouse(t testing.TB, dir string) *engine.ClickHouse {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c, err := engine.NewClickHouse(engine.ClickHouseConfig{
		Binaries: binaries(t), Dir: dir, Command: []string{self}, Env: []string{childMark + "=1"}, Log: testLog(t),
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func chOpen(t testing.TB, address string, change ...func(*clickhouse.Options)) driver.Conn {
	t.Helper()
	opt, err := clickhouse.ParseDSN(address)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range change {
		f(opt)
	}
	conn, err := clickhouse.Open(opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

func chExec(t testing.TB, conn driver.Conn, sql string) {
	t.Helper()
	if err := conn.Exec(t.Context(), sql); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// get asks as curl does and returns the status and the answer.
func get(t *testing.T, address string, q url.Values) (int, string) {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	u.RawQuery = q.Encode()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, u.String(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return do(t, req)
}

func do(t *testing.T, req *http.Request) (int, string) {
	t.Helper()
	req.Close = true
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

func TestClickHouseAnswersPlainHTTP(t *testing.T) {
	t.Parallel()
	c := newClickHouse(t, dir(t))
	start(t, c)
	anyone := anonymous(t, c.URL())
	wrong := strings.Replace(c.URL(), "@", "x@", 1)
	user, password := credentials(t, c.URL())

	tests := []struct {
		name    string
		address string
		q       url.Values
		status  int
		want    string // a part of the answer
	}{
		{"ping needs no password", strings.Replace(anyone, "/agrichat", "/ping", 1), nil, 200, "Ok."},
		{"no password", anyone, url.Values{"query": {"SELECT 1"}}, 401, "Code: 516."},
		{"wrong password", wrong, url.Values{"query": {"SELECT 1"}}, 401, "Code: 516."},
		{"password in the address", anyone, url.Values{"query": {"SELECT 7"}, "user": {user}, "password": {password}}, 200, "7\n"},
		{"default format", c.URL(), url.Values{"query": {"SELECT 1, 'ё'"}}, 200, "1\tё\n"},
		{"FORMAT", c.URL(), url.Values{"query": {"SELECT 1 AS a, 'ё' AS b FORMAT JSON"}}, 200, `"b": "ё"`},
		{"default_format", c.URL(), url.Values{"query": {"SELECT 1 AS a"}, "default_format": {"JSONEachRow"}}, 200, `{"a":1}`},
		{"long JSON is one document", c.URL(), url.Values{"query": {"SELECT number FROM numbers(200000) FORMAT JSON"}}, 200,
			`"rows": 200000`},
		{"settings", c.URL(), url.Values{"query": {"SELECT getSetting('max_threads')"}, "max_threads": {"1"}}, 200, "1\n"},
		{"setting does not stay", c.URL(), url.Values{"query": {"SELECT getSetting('max_threads') != 1"}}, 200, "1\n"},
		{"unknown setting", c.URL(), url.Values{"query": {"SELECT 1"}, "no_such": {"1"}}, 400, "Code: 115."},
		{"parameters", c.URL(), url.Values{"query": {"SELECT {a:String}, {b:UInt8}"}, "param_a": {`q'u"o\\te`}, "param_b": {"3"}}, 200,
			`q\'u"o\\te` + "\t3\n"},
		{"database", c.URL(), url.Values{"query": {"SELECT currentDatabase()"}, "database": {"system"}}, 200, "system\n"},
		{"database of the path", c.URL(), url.Values{"query": {"SELECT currentDatabase()"}}, 200, "agrichat\n"},
		{"unknown database", c.URL(), url.Values{"query": {"SELECT 1"}, "database": {"no_such"}}, 404, "Code: 81."},
		{"unknown table", c.URL(), url.Values{"query": {"SELECT * FROM no_such"}}, 404, "Code: 60."},
		{"syntax", c.URL(), url.Values{"query": {"SELEKT 1"}}, 403, "readonly"},
		{"GET does not change", c.URL(), url.Values{"query": {"CREATE TABLE x (a UInt8) ENGINE = Memory"}}, 403, "Code: 164."},
		{"sessions", c.URL(), url.Values{"query": {"SELECT 1"}, "session_id": {"a"}}, 501, "Code: 48."},
		{"memory is bounded", c.URL(), url.Values{"query": {"SELECT groupArray(number) FROM numbers(1000000000)"},
			"max_memory_usage": {"100000000"}}, 500, "Code: 241."},
		{"error in the middle", c.URL(), url.Values{"query": {"SELECT throwIf(number = 3000000) FROM numbers(4000000)"}}, 200,
			"__exception__"},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			status, text := get(t, tc.address, tc.q)
			if status != tc.status || !strings.Contains(text, tc.want) {
				t.Errorf("got %d %.300q, want %d with %q", status, text, tc.status, tc.want)
			}
		})
	}
}

func anonymous(t *testing.T, address string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	u.User = nil
	return u.String()
}

func credentials(t *testing.T, address string) (user, password string) {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	password, _ = u.User.Password()
	return u.User.Username(), password
}

func TestClickHouseInserts(t *testing.T) {
	t.Parallel()
	c := newClickHouse(t, dir(t))
	start(t, c)
	conn := chOpen(t, c.URL())
	chExec(t, conn, "CREATE TABLE t (a UInt64, s String) ENGINE = MergeTree ORDER BY a "+
		"SETTINGS non_replicated_deduplication_window = 100")
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	if _, err := z.Write([]byte("20,zip\n")); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name   string
		q      url.Values
		body   string
		encode string
		status int
	}{
		{"values in the body", url.Values{}, "INSERT INTO t VALUES (1, 'a;b'), (2, 'FORMAT CSV')", "", 200},
		{"values across", url.Values{"query": {"INSERT INTO t (a, s) VALUES"}}, "(3, 'c')", "", 200},
		{"data in the body", url.Values{"query": {"INSERT INTO t (a, s) FORMAT CSV"}}, "4,d\n5,\"e\"\n", "", 200},
		{"all in the body", url.Values{}, "INSERT INTO t FORMAT JSONEachRow\n{\"a\":6,\"s\":\"ё\"}", "", 200},
		{"select", url.Values{}, "INSERT INTO t SELECT 7, 'g'", "", 200},
		{"zipped", url.Values{"query": {"INSERT INTO t FORMAT CSV"}}, zipped.String(), "gzip", 200},
		{"broken data", url.Values{"query": {"INSERT INTO t FORMAT CSV"}}, "not a number,x\n", "", 400},
		{"no such table", url.Values{"query": {"INSERT INTO no_such FORMAT CSV"}}, "1,x\n", "", 404},
		{"token", url.Values{"query": {"INSERT INTO t FORMAT CSV"}, "insert_deduplication_token": {"k"}}, "8,h\n", "", 200},
		{"token again", url.Values{"query": {"INSERT INTO t FORMAT CSV"}, "insert_deduplication_token": {"k"}}, "9,other\n", "", 200},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, c.URL()+"?"+tc.q.Encode(), strings.NewReader(tc.body))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Content-Encoding", tc.encode)
			if status, text := do(t, req); status != tc.status {
				t.Errorf("got %d %s, want %d", status, text, tc.status)
			}
		})
	}
	_, text := get(t, c.URL(), url.Values{"query": {"SELECT groupArray(a) FROM (SELECT a FROM t ORDER BY a)"}})
	if want := "[1,2,3,4,5,6,7,8,20]\n"; text != want {
		t.Errorf("the table holds %s, want %s", text, want)
	}
}

func TestClickHouseIsSetForOneMachine(t *testing.T) {
	t.Parallel()
	c := newClickHouse(t, dir(t))
	start(t, c)
	for query, want := range map[string]string{
		"SELECT value FROM system.merge_tree_settings WHERE name = 'merge_selector_base'":   "20\n",
		"SELECT value FROM system.server_settings WHERE name = 'memory_worker_period_ms'":   "500\n",
		"SELECT changed FROM system.server_settings WHERE name = 'max_server_memory_usage'": "1\n",
		"SELECT count() FROM system.server_settings WHERE name = 'mark_cache_size'" +
			" AND toUInt64(value) > 512 * 1024 * 1024": "0\n",
	} {
		if status, text := get(t, c.URL(), url.Values{"query": {query}}); status != http.StatusOK || text != want {
			t.Errorf("%s: got %d %q, want %q", query, status, text, want)
		}
	}
}

// every column type that our tables use, and how clickhouse-go takes and gives it.
func typesRow(i int) []any {
	day := time.Date(2024, 2, 29, 23, 59, 59, 123456000, time.UTC).Add(time.Duration(i) * time.Hour)
	row := []any{
		uuid.NewSHA1(uuid.Nil, []byte{byte(i)}), string(bytes.Repeat([]byte{byte(i)}, 16)), fmt.Sprintf("Съешь %d ещё\x00'\\", i),
		day.Truncate(time.Millisecond), (*time.Time)(nil), uint8(i), uint16(i) * 3, uint32(i) * 5, uint64(i) << 40,
		new(big.Int).Lsh(big.NewInt(int64(i)), 100), -int64(i), i%2 == 0, float64(i) / 3,
		[]string{"а", fmt.Sprint(i)}, []string{}, []string{"x", "y"}[i%2], (*string)(nil), map[string]string{"ключ": fmt.Sprint(i)},
		[]string{"message", "edit"}[i%2], "low", (*string)(nil),
	}
	if i%3 == 0 {
		s, low := fmt.Sprint("nullable ", i), fmt.Sprint("low ", i%7)
		row[4], row[16], row[20] = &day, &s, &low
	}
	return row
}

const typesTable = `CREATE TABLE types (
	id UUID, key FixedString(16), text String, sent DateTime64(3, 'UTC'), edited Nullable(DateTime64(6, 'UTC')),
	a UInt8, b UInt16, c UInt32, d UInt64, version UInt128, delta Int64, flag Bool, share Float64,
	tags Array(String), none Array(LowCardinality(String)), source LowCardinality(String), note Nullable(String), extra Map(String, String),
	kind Enum8('message' = 1, 'edit' = 2), low LowCardinality(String), lown LowCardinality(Nullable(String))
) ENGINE = ReplacingMergeTree(version) ORDER BY (key, a, b, c) SETTINGS fsync_after_insert = 1`

func TestClickHouseRoundTripOfEveryType(t *testing.T) {
	t.Parallel()
	c := newClickHouse(t, dir(t))
	start(t, c)
	for name, method := range map[string]clickhouse.CompressionMethod{
		"plain": clickhouse.CompressionNone, "lz4": clickhouse.CompressionLZ4, "zstd": clickhouse.CompressionZSTD,
		"gzip": clickhouse.CompressionGZIP,
	} {
		t.Run(name, func(t *testing.T) {
			conn := chOpen(t, c.URL(), func(o *clickhouse.Options) { o.Compression = &clickhouse.Compression{Method: method} })
			chExec(t, conn, "DROP TABLE IF EXISTS types")
			chExec(t, conn, typesTable)
			const rows = 1000
			b, err := conn.PrepareBatch(t.Context(), "INSERT INTO types")
			if err != nil {
				t.Fatal(err)
			}
			for i := range rows {
				if err := b.Append(typesRow(i % 200)...); err != nil {
					t.Fatal(err)
				}
			}
			if err := b.Send(); err != nil {
				t.Fatal(err)
			}
			compareTypes(t, conn)
		})
	}
}

func compareTypes(t *testing.T, conn driver.Conn) {
	t.Helper()
	rows, err := conn.Query(t.Context(), "SELECT * FROM types FINAL ORDER BY key")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	n := 0
	for ; rows.Next(); n++ {
		want := typesRow(n)
		got := make([]any, len(want))
		for i, v := range want {
			got[i] = reflect.New(reflect.TypeOf(v)).Interface()
		}
		if err := rows.Scan(got...); err != nil {
			t.Fatal(err)
		}
		for i := range got {
			got[i] = reflect.ValueOf(got[i]).Elem().Interface()
		}
		same := cmp.Comparer(func(a, b *big.Int) bool { return a.Cmp(b) == 0 })
		if diff := cmp.Diff(want, got, same); diff != "" {
			t.Fatalf("row %d (-sent +read):\n%s", n, diff)
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	if n != 200 {
		t.Errorf("read %d rows", n)
	}
}

func TestClickHouseKeepsWhatItAcknowledged(t *testing.T) {
	t.Parallel()
	where := dir(t)
	c := newClickHouse(t, where)
	r := start(t, c)
	conn := chOpen(t, c.URL())
	chExec(t, conn, "CREATE TABLE t (a UInt64, s String) ENGINE = MergeTree ORDER BY a")
	insertNumbers(t, conn, 100_000)
	kill(t, c.PID(), syscall.SIGKILL)
	if err := r.wait(); err == nil {
		t.Fatal("Run did not tell of the death")
	}

	r = start(t, c)
	check := func() {
		t.Helper()
		var n, sum uint64
		if err := conn.QueryRow(t.Context(), "SELECT count(), sum(a) FROM t").Scan(&n, &sum); err != nil {
			t.Fatal(err)
		}
		if n != 100_000 || sum != 99_999*50_000 {
			t.Errorf("%d rows, sum %d", n, sum)
		}
	}
	check()
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	again := newClickHouse(t, where)
	if again.URL() != c.URL() {
		t.Errorf("the address changed from %s to %s", c.URL(), again.URL())
	}
	start(t, again)
	check()
}

func insertNumbers(t testing.TB, conn driver.Conn, n int) {
	t.Helper()
	b, err := conn.PrepareBatch(t.Context(), "INSERT INTO t (a, s)")
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		if err := b.Append(uint64(i), "привет"); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Send(); err != nil {
		t.Fatal(err)
	}
}

func TestClickHouseErrorsAreClickHouses(t *testing.T) {
	t.Parallel()
	c := newClickHouse(t, dir(t))
	start(t, c)
	conn := chOpen(t, c.URL())
	var e *clickhouse.Exception
	if err := conn.Exec(t.Context(), "SELECT * FROM no_such"); !errors.As(err, &e) || e.Code != 60 {
		t.Errorf("got %v", err)
	}
	rows, err := conn.Query(t.Context(), "SELECT throwIf(number = 3000000) FROM numbers(4000000)")
	if err == nil {
		for rows.Next() {
			continue
		}
		err = rows.Err()
		rows.Close()
	}
	if !errors.As(err, &e) || e.Code != 395 {
		t.Errorf("in the middle: got %v", err)
	}
	// Named and typed values go by the protocol, not into the text.
	var s string
	err = conn.QueryRow(t.Context(), "SELECT {v:String}", clickhouse.Named("v", "таб\tи 'кавычки'\n")).Scan(&s)
	if err != nil || s != "таб\tи 'кавычки'\n" {
		t.Errorf("got %q, %v", s, err)
	}
}

func TestClickHouseStopsWhatNobodyWaitsFor(t *testing.T) {
	t.Parallel()
	c := newClickHouse(t, dir(t))
	start(t, c)
	conn := chOpen(t, c.URL())
	ctx, cancel := context.WithCancel(t.Context())
	failed := make(chan error, 1)
	const endless = "SELECT count() FROM numbers(1000000000000) WHERE sipHash64(number) = 1"
	go func() { failed <- conn.Exec(ctx, endless) }()
	count := func() uint64 {
		var n uint64
		if err := conn.QueryRow(t.Context(), "SELECT count() FROM system.processes WHERE query LIKE 'SELECT count() FROM numbers%'").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	for count() == 0 {
		continue
	}
	cancel()
	if err := <-failed; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	for count() != 0 {
		continue // the test's own time limit ends this if the statement goes on
	}
}

func TestClickHouseServesMany(t *testing.T) {
	t.Parallel()
	c := newClickHouse(t, dir(t))
	start(t, c)
	conn := chOpen(t, c.URL(), func(o *clickhouse.Options) { o.MaxOpenConns = 16 })
	chExec(t, conn, "CREATE TABLE t (a UInt64, s String) ENGINE = MergeTree ORDER BY a")
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 5 {
				if err := insertSome(t.Context(), conn); err != nil {
					t.Error(err)
				}
			}
		})
		wg.Go(func() {
			for range 20 {
				var n uint64
				if err := conn.QueryRow(t.Context(), "SELECT count() FROM t").Scan(&n); err != nil || n%1000 != 0 {
					t.Errorf("%d rows, %v", n, err)
				}
			}
		})
	}
	wg.Wait()
	var n uint64
	if err := conn.QueryRow(t.Context(), "SELECT count() FROM t").Scan(&n); err != nil || n != 40_000 {
		t.Errorf("%d rows, %v", n, err)
	}
}

func insertSome(ctx context.Context, conn driver.Conn) error {
	b, err := conn.PrepareBatch(ctx, "INSERT INTO t (a, s)")
	if err != nil {
		return err
	}
	for i := range 1000 {
		if err := b.Append(uint64(i), "x"); err != nil {
			return err
		}
	}
	return b.Send()
}
