package cli_test

import (
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// streams are the names of the streams there are, those of buckets too.
func (w *world) streams() map[string]bool {
	w.t.Helper()
	nc, err := nats.Connect(w.variable("AGRICHAT_NATS_URLS"))
	if err != nil {
		w.t.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		w.t.Fatal(err)
	}
	names, list := map[string]bool{}, js.StreamNames(w.t.Context())
	for name := range list.Name() {
		names[name] = true
	}
	if list.Err() != nil {
		w.t.Fatal(list.Err())
	}
	return names
}

func (w *world) deleteStream(name string) {
	w.t.Helper()
	nc, err := nats.Connect(w.variable("AGRICHAT_NATS_URLS"))
	if err != nil {
		w.t.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		w.t.Fatal(err)
	}
	if err := js.DeleteStream(w.t.Context(), name); err != nil {
		w.t.Fatal(err)
	}
}

// TestReaders_CreateNothing holds that commands that only look leave empty servers empty, and say what would fill them.
func TestReaders_CreateNothing(t *testing.T) {
	t.Parallel()
	w := newOutside(t)
	for _, args := range [][]string{{"verify"}, {"stats"}, {"dlq", "list"}, {"dlq", "show", "1"}, {"replay", "aggregate"}} {
		w.run(args...).want(1).one("nothing was created", "agrichat up", "agrichat migrate")
	}
	w.run("status").want(0).prints("missing", "stream CHAT", "nothing was created", "agrichat migrate")
	for _, args := range [][]string{{"replay", "--help"}, {"config"}} {
		w.run(args...).want(0)
	}
	if got := w.streams(); len(got) != 0 {
		t.Errorf("they made the streams %v", got)
	}
	if got := w.ask("SELECT nspname::text FROM pg_namespace WHERE nspname = 'agrichat'"); len(got) != 0 {
		t.Error("they made the schema of PostgreSQL")
	}
	if got := w.clickhouse("SELECT count() FROM system.tables WHERE database = currentDatabase()"); got != "0" {
		t.Errorf("they made %s tables in ClickHouse", got)
	}
	w.run("migrate").want(0).prints("the schema is number")
	w.run("status").want(0)
	w.equal()

	w.deleteStream("CHAT")
	for _, args := range [][]string{{"verify"}, {"dlq", "list"}, {"dlq", "show", "1"}} {
		w.run(args...).want(1).one("stream CHAT", "nothing was created", "agrichat migrate")
	}
	w.run("status").want(0).prints("missing", "stream CHAT", "nothing was created")
	w.run("stats").want(0)
	if w.streams()["CHAT"] {
		t.Error("the stream is there again")
	}
}

// TestReaders_MigrateNothing holds that an old schema stays as it is until a command that may migrate runs.
func TestReaders_MigrateNothing(t *testing.T) {
	t.Parallel()
	w := newOutside(t)
	w.run("migrate").want(0)
	if _, err := w.postgres().Exec(t.Context(), "DELETE FROM public.agrichat_migrations WHERE version_id > 2"); err != nil {
		t.Fatal(err)
	}
	w.clickhouse("DELETE FROM schema_migrations WHERE number > 2")
	w.run("status").want(0)
	w.run("stats").want(0)
	w.run("dlq", "list").want(0)
	w.run("verify").want(1).one("version 2", "nothing was migrated", "agrichat migrate")
	if got := w.ask("SELECT max(version_id)::text FROM public.agrichat_migrations"); got[0] != "2" {
		t.Errorf("the schema of PostgreSQL is number %s", got[0])
	}
	if got := w.clickhouse("SELECT max(number) FROM schema_migrations"); got != "2" {
		t.Errorf("the schema of ClickHouse is number %s", got)
	}
}

// TestSchema_Unfrozen holds that a database from before the schema was frozen is refused with what to do.
func TestSchema_Unfrozen(t *testing.T) {
	t.Parallel()
	w := newOutside(t)
	w.run("migrate").want(0)
	if _, err := w.postgres().Exec(t.Context(), "ALTER TABLE agrichat.events RENAME COLUMN position TO sequence"); err != nil {
		t.Fatal(err)
	}
	w.run("verify").want(1).one("frozen", "agrichat up")
	w.run("migrate").want(1).one("frozen", "agrichat up")
	w.clickhouse("DROP TABLE messages")
	w.clickhouse("CREATE TABLE messages (sequence UInt64) ENGINE = MergeTree ORDER BY sequence")
	r := w.run("stats").want(1)
	if r.one("frozen", "clickhouse.url"); strings.Contains(r.err, "emptied") {
		t.Error(r.err)
	}
}

// TestSchema_Newer holds that an older program leaves a newer one's stores alone, and says what to run.
func TestSchema_Newer(t *testing.T) {
	t.Parallel()
	w := newOutside(t)
	w.run("import", sample(t, "jsonl")).want(0)
	const newer = "INSERT INTO schema_migrations (number, name) VALUES (9999, 'of a newer program')"
	w.clickhouse(newer)
	for _, command := range []string{"up", "migrate", "verify"} {
		w.run(command).want(1).says("schema", "ClickHouse", "9999", "run a newer program")
	}
	w.clickhouse("ALTER TABLE schema_migrations DELETE WHERE number = 9999 SETTINGS mutations_sync = 2") // else `up` may end with either
	if _, err := w.postgres().Exec(t.Context(), "INSERT INTO public.agrichat_migrations (version_id, is_applied) VALUES (9999, true)"); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"up"}, {"migrate"}, {"verify"}, {"import", sample(t, "jsonl")}} {
		w.run(args...).want(1).says("the database's schema is version 9999", "run the newer program that made it")
	}
}
