package crashtest

import (
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

// Each query returns a column of JSON objects. Those under model give what the model has, those under all whatever may not
// depend on how often the program died: everything but the sequences, which an event that is published twice has two of.
//
//go:embed queries
var queries embed.FS

func (h *house) query(name string) string {
	h.Helper()
	b, err := queries.ReadFile("queries/" + name)
	if err != nil {
		h.Fatal(err)
	}
	return string(b)
}

// where is the part of status that leads to the stores.
type where struct {
	Up         bool
	Postgres   struct{ DSN string }
	ClickHouse struct{ URL string }
	NATS       struct{ URL string }
}

func (h *house) status() where {
	h.Helper()
	var w where
	if err := json.Unmarshal(h.run("status", "--output", "json"), &w); err != nil {
		h.Fatal(err)
	}
	return w
}

// stores are connections to both, of a house where somebody is up.
type stores struct {
	h    *house
	conn *pgx.Conn
	url  string
}

// look opens both stores for the time that do takes.
func (h *house) look(do func(*stores)) {
	h.Helper()
	at := h.status()
	if !at.Up {
		h.Fatal("nobody is up")
	}
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, at.Postgres.DSN)
	if err != nil {
		h.Fatal(err)
	}
	defer func() {
		if err := conn.Close(ctx); err != nil {
			h.Error(err)
		}
	}()
	do(&stores{h: h, conn: conn, url: at.ClickHouse.URL})
}

// rows runs a query in the store that its name ends with, and returns the rows in order.
func (s *stores) rows(name string) []string {
	s.h.Helper()
	ask := s.clickhouse
	if strings.HasSuffix(name, ".postgres.sql") {
		ask = s.postgres
	}
	list, err := ask(s.h.query(name))
	if err != nil {
		s.h.Fatalf("%s: %v", name, err)
	}
	slices.Sort(list)
	return list
}

func (s *stores) postgres(sql string) ([]string, error) {
	rows, err := s.conn.Query(context.Background(), sql)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

func (s *stores) clickhouse(sql string) ([]string, error) {
	req, err := http.NewRequest(http.MethodPost, s.url, strings.NewReader(sql))
	if err != nil {
		return nil, err
	}
	if user := req.URL.User; user != nil {
		password, _ := user.Password()
		req.SetBasicAuth(user.Username(), password)
	}
	q := req.URL.Query()
	q.Set("database", path.Base(req.URL.Path))
	req.URL.RawQuery, req.URL.Path, req.Close = q.Encode(), "/", true
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s %w", resp.Status, text, err)
	}
	return strings.FieldsFunc(string(text), func(r rune) bool { return r == '\n' }), nil
}

// model reads from one store what the model says.
func (s *stores) model(store string) *model {
	s.h.Helper()
	m := newModel()
	for _, r := range s.rows("model/messages." + store + ".sql") {
		var v struct {
			place
			message
		}
		s.decode(r, &v)
		once(s, m.Messages, v.place, v.message)
	}
	for _, r := range s.rows("model/reactions." + store + ".sql") {
		var v struct {
			reactor
			Count int
		}
		s.decode(r, &v)
		once(s, m.Reactions, v.reactor, v.Count)
	}
	for _, r := range s.rows("model/members." + store + ".sql") {
		var v struct {
			place
			State string
		}
		s.decode(r, &v)
		once(s, m.Members, v.place, v.State)
	}
	return m
}

func (s *stores) decode(row string, v any) {
	s.h.Helper()
	if err := json.Unmarshal([]byte(row), v); err != nil {
		s.h.Fatalf("%s: %v", row, err)
	}
}

// once puts a thing into a map that must not have it yet.
func once[K comparable, V any](s *stores, m map[K]V, key K, v V) {
	s.h.Helper()
	if _, there := m[key]; there {
		s.h.Errorf("a second row of one thing: %+v: %+v", key, v)
	}
	m[key] = v
}

// everything is what both stores show, by query.
func (h *house) everything() map[string][]string {
	h.Helper()
	names, err := queries.ReadDir("queries/all")
	if err != nil {
		h.Fatal(err)
	}
	out := map[string][]string{}
	h.look(func(s *stores) {
		for _, e := range names {
			out[e.Name()] = s.rows("all/" + e.Name())
		}
	})
	return out
}

// verified is the part of verify's report that says all.
type verified struct {
	Bus, Postgres, ClickHouse, Missing, Extra, Differing uint64
	Equal                                                bool
	DeadLetters, Holes                                   uint64
	Problems                                             []any
}

// proves is the judgement, in a house where somebody is up: the program's own verification, the model, and the undisturbed
// run.
func (h *house) proves() {
	h.Helper()
	var v verified
	p := h.start("", "verify", "--output", "json")
	p.wait()
	if err := json.Unmarshal(p.out.text(), &v); err != nil {
		h.Fatalf("verify: %v: %v\n%s", p.cmd.ProcessState, err, p.err.text())
	}
	if !v.Equal || v.Missing+v.Extra+v.Differing+v.Holes != 0 || v.Bus == 0 || v.Postgres != v.Bus || v.ClickHouse != v.Bus ||
		p.wait() != 0 {
		h.Errorf("verify says %+v, %v", v, p.cmd.ProcessState)
	}
	want := input(h.T).model
	h.look(func(s *stores) {
		for _, store := range []string{"postgres", "clickhouse"} {
			got := s.model(store)
			h.same("messages in "+store, differences(want.Messages, got.Messages))
			h.same("reactions in "+store, differences(want.Reactions, got.Reactions))
			h.same("memberships in "+store, differences(want.Members, got.Members))
		}
	})
	calm := undisturbed(h.T)
	for name, got := range h.everything() {
		if len(got) == 0 {
			h.Errorf("%s shows nothing", name)
		}
		h.same(name+", and the undisturbed run", differences(counted(calm[name]), counted(got)))
	}
}

// same reports differences, a few of them: one message that is wrong is as red as a thousand.
func (h *house) same(what string, differences []string) {
	h.Helper()
	if n := len(differences); n > 0 {
		h.Errorf("%s: %d differ:\n%s", what, n, strings.Join(differences[:min(n, 5)], "\n"))
	}
}

// differences tells every key that two maps do not agree on.
func differences[K, V comparable](want, got map[K]V) []string {
	var out []string
	for k, w := range want {
		switch g, there := got[k]; {
		case !there:
			out = append(out, fmt.Sprintf("lost: %+v: %+v", k, w))
		case g != w:
			out = append(out, fmt.Sprintf("%+v: %+v, not %+v", k, g, w))
		}
	}
	for k, g := range got {
		if _, there := want[k]; !there {
			out = append(out, fmt.Sprintf("not known: %+v: %+v", k, g))
		}
	}
	slices.Sort(out)
	return out
}

// counted is how often each row is there.
func counted(rows []string) map[string]int {
	out := make(map[string]int, len(rows))
	for _, r := range rows {
		out[r]++
	}
	return out
}
