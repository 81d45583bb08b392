package cli_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/agrichat/agrichat/internal/testenv"
)

// standing is what status says.
type standing struct {
	Data     string
	Up       bool
	HTTP     string
	Postgres struct {
		DSN      string
		Embedded bool
	}
	ClickHouse, NATS struct {
		URL      string
		Embedded bool
	}
	Streams   []struct{ Name string }
	Consumers []struct{ Name string }
	Gate      struct{ State string }
	Sources   []struct{ Name, Kind string }
	Processes []struct {
		Process string
		Ready   bool
	}
}

// TestUp is the program as somebody with a laptop runs it: in one terminal, with commands in another.
func TestUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	up := w.start("Ctrl-C stops", "up")
	up.await("health")
	var s standing
	r := w.run("status", "--output", "json").want(0).quiet().into(&s)
	fields(t, []byte(r.out), "data", "up", "postgres", "clickhouse", "nats", "streams", "consumers", "gate", "sources", "processes")
	if !s.Up || s.Data != w.data || !s.Postgres.Embedded || !s.ClickHouse.Embedded || !s.NATS.Embedded || s.Gate.State != "open" ||
		len(s.Streams) != 4 || len(s.Consumers) != 2 || s.Sources == nil ||
		len(s.Processes) != 1 || !s.Processes[0].Ready {
		t.Errorf("status says %+v", s)
	}
	w.run("status").want(0).quiet().prints(s.Postgres.DSN, s.ClickHouse.URL, s.NATS.URL, "CONSUMER", "gate")
	checkHealth(t, s.HTTP)

	w.run("up").want(1).one(w.data, "agrichat status", "--data")
	var got imported
	w.run("import", sample(t), "--output", "json").want(0).quiet().into(&got)
	w.equal()
	checkAddresses(t, &s, &got)

	stopped := up.stop().want(0).quiet()
	if strings.Contains(stopped.err, s.Postgres.DSN) || stopped.out != "" {
		t.Errorf("up prints %q and says %q", stopped.out, stopped.err)
	}
	var after standing
	w.run("status", "--output", "json").want(1).into(&after)
	if after.Up || after.Data != w.data || after.Processes == nil || len(after.Processes) > 0 {
		t.Errorf("status says %+v after the end", after)
	}
}

// checkAddresses holds that other programs get in where status says, and see what was imported.
func checkAddresses(t *testing.T, s *standing, i *imported) {
	t.Helper()
	if got := askPostgres(t, s.Postgres.DSN, "SELECT count(*)::text FROM agrichat.events"); got[0] == "0" {
		t.Error("PostgreSQL is empty")
	}
	stored := askClickHouse(t, s.ClickHouse.URL, "SELECT count() FROM versions FINAL")
	if want := askPostgres(t, s.Postgres.DSN, "SELECT count(*)::text FROM agrichat.events")[0]; stored != want {
		t.Errorf("ClickHouse has %s versions, want %s", stored, want)
	}
	nc, err := nats.Connect(s.NATS.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js, err := nc.JetStream()
	if err != nil {
		t.Fatal(err)
	}
	if n := carriedBy(t, js); n != i.Published {
		t.Errorf("the stream carries %d events, want %d", n, i.Published)
	}
	for _, address := range []string{s.ClickHouse.URL, s.NATS.URL, s.Postgres.DSN} {
		if !strings.Contains(address, "127.0.0.1:") {
			t.Errorf("%s is not on the loopback alone", address)
		}
	}
}

// carriedBy counts the events of CHAT as a program of somebody else's does: by the lines of its messages.
func carriedBy(t *testing.T, js nats.JetStreamContext) (n int) {
	t.Helper()
	sub, err := js.SubscribeSync("chat.>", nats.OrderedConsumer())
	if err != nil {
		t.Fatal(err)
	}
	for {
		m, err := sub.NextMsg(10 * time.Second)
		if err != nil {
			t.Fatal(err)
		}
		n += bytes.Count(m.Data, []byte("\n")) + 1
		if meta, err := m.Metadata(); err != nil || meta.NumPending == 0 {
			return n
		}
	}
}

func get(t testing.TB, url string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Close = true
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

// checkHealth holds that a role answers whoever keeps it running and whoever measures it.
func checkHealth(t *testing.T, url string) {
	t.Helper()
	if status, text := get(t, url+"/healthz"); status != http.StatusOK || text != "ok\n" {
		t.Errorf("/healthz answers %d %s", status, text)
	}
	status, text := get(t, url+"/readyz")
	var ready struct{ Ready bool }
	if err := json.Unmarshal([]byte(text), &ready); err != nil || status != http.StatusOK || !ready.Ready {
		t.Errorf("/readyz answers %d %s", status, text)
	}
	_, text = get(t, url+"/metrics")
	if !strings.Contains(text, "agrichat_component_state") {
		t.Errorf("/metrics answers %s", text)
	}
	checkUnits(t, text)
}

// checkUnits holds that every metric of ours names what it counts in, or is a state.
func checkUnits(t *testing.T, text string) {
	t.Helper()
	units := []string{"total", "seconds", "bytes", "messages", "events", "info", "state", "waiting", "connected", "reason", "token", "acting", "maintenance", "transactions"}
	for _, m := range regexp.MustCompile(`(?m)^# TYPE (agrichat_\w+) (\w+)`).FindAllStringSubmatch(text, -1) {
		last := m[1][strings.LastIndex(m[1], "_")+1:]
		if !slices.Contains(units, last) || (m[2] == "counter") != (last == "total") {
			t.Errorf("%s is a %s without its unit", m[1], m[2])
		}
	}
}

// TestUp_EachServer holds that each server can be embedded or somebody else's, whatever the others are.
func TestUp_EachServer(t *testing.T) {
	t.Parallel()
	for name, variable := range map[string]func(testing.TB) string{
		"NATS":       func(t testing.TB) string { return "AGRICHAT_NATS_URLS=" + testenv.NATS(t).URL() },
		"PostgreSQL": func(t testing.TB) string { return "AGRICHAT_POSTGRES_DSN=" + testenv.Postgres(t) },
		"ClickHouse": func(t testing.TB) string { return "AGRICHAT_CLICKHOUSE_URL=" + testenv.ClickHouse(t) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t).with(variable(t))
			w.run("import", sample(t, "jsonl")).want(0).quiet()
			w.equal()
			up := w.start("Ctrl-C stops", "up")
			up.await("health")
			var s standing
			w.run("status", "--output", "json").want(0).into(&s)
			up.stop().want(0)
			embedded := map[string]bool{"NATS": s.NATS.Embedded, "PostgreSQL": s.Postgres.Embedded, "ClickHouse": s.ClickHouse.Embedded}
			for server, is := range embedded {
				if is != (server != name) {
					t.Errorf("embedded is %v", embedded)
				}
			}
		})
	}
}
