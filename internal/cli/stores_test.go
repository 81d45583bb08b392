package cli_test

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/nats-io/nats.go"

	"github.com/agrichat/agrichat/internal/testenv"
)

// postgres connects as any other program would.
func (w *world) postgres() *pgxpool.Pool {
	return testenv.Pool(w.t, w.variable("AGRICHAT_POSTGRES_DSN"))
}

// clickhouse asks as any other program would, and returns the answer.
func (w *world) clickhouse(sql string) string {
	w.t.Helper()
	return askClickHouse(w.t, w.variable("AGRICHAT_CLICKHOUSE_URL"), sql)
}

func askClickHouse(t testing.TB, address, sql string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	u.RawQuery = url.Values{"database": {strings.TrimPrefix(u.Path, "/")}}.Encode()
	u.Path = "/"
	req, err := http.NewRequest(http.MethodPost, u.String(), strings.NewReader(sql))
	if err != nil {
		t.Fatal(err)
	}
	req.Close = true // a connection that is left open would be found by the search for leaks
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s %s %v", sql, resp.Status, text, err)
	}
	return strings.TrimSpace(string(text))
}

// askPostgres returns the rows of a query, each as text.
func askPostgres(t testing.TB, dsn, sql string) []string {
	t.Helper()
	c, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(t.Context())
	rows, err := c.Query(t.Context(), sql)
	if err != nil {
		t.Fatal(err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return all
}

func (w *world) ask(sql string) []string {
	w.t.Helper()
	return askPostgres(w.t, w.variable("AGRICHAT_POSTGRES_DSN"), sql)
}

// publish puts a message onto the bus as anybody might.
func (w *world) publish(subject, text string) {
	w.t.Helper()
	nc, err := nats.Connect(w.variable("AGRICHAT_NATS_URLS"))
	if err != nil {
		w.t.Fatal(err)
	}
	defer nc.Close()
	if _, err := nc.Request(subject, []byte(text), patience); err != nil {
		w.t.Fatal(err)
	}
}

// views are what others rely on in Postgres.
func views() []string { return []string{"v_messages", "v_reactions", "v_versions", "v_seen_by"} }

// sameViews fails the test unless two records show the same.
func sameViews(t testing.TB, dsn, other string) {
	t.Helper()
	for _, v := range views() {
		sql := "SELECT to_jsonb(v)::text FROM agrichat." + v + " v ORDER BY 1"
		a := askPostgres(t, dsn, sql)
		if diff := cmp.Diff(a, askPostgres(t, other, sql)); diff != "" || len(a) == 0 {
			t.Errorf("%s: %d rows, -want +got:\n%s", v, len(a), diff)
		}
	}
}
