package cli_test

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// problem is what a verification must name.
type problem struct{ what, kind, id string }

// has reports whether the verification names it.
func (c *compared) has(p problem) bool {
	for _, q := range c.Problems {
		if q.What == p.what && q.Kind == p.kind && q.ID == p.id {
			return true
		}
	}
	return false
}

// TestVerify_Problems spoils the stores in every way by hand, one at a time: each is found by id, and what is missing
// is made whole.
func TestVerify_Problems(t *testing.T) {
	t.Parallel()
	w := newOutside(t)
	w.run("import", sample(t)).want(0)
	whole := w.equal()
	pick := func(sql string) string {
		t.Helper()
		return strings.ReplaceAll(w.ask(sql)[0], "-", "")
	}
	// lose deletes a row of a state, or more, that ClickHouse keeps.
	lose := func(table, key, more string) func() problem {
		return func() problem {
			id := pick("SELECT " + key + "::text FROM agrichat." + table + " ORDER BY 1 LIMIT 1")
			w.exec("DELETE FROM agrichat." + table + " WHERE " + key + " = '" + id + "' " + more)
			return problem{"in ClickHouse, not in Postgres", table, id}
		}
	}
	// alter changes a row in ClickHouse and leaves its version.
	alter := func(table, key, set, more string) func() problem {
		return func() problem {
			id := w.clickhouse("SELECT lower(hex(" + key + ")) FROM " + table + " FINAL WHERE true" + more + " ORDER BY 1 LIMIT 1")
			w.clickhouse("ALTER TABLE " + table + " UPDATE " + set + " WHERE " + key + " = unhex('" + id + "') SETTINGS mutations_sync = 2")
			return problem{"differs", table, id}
		}
	}
	const message = "SELECT thing_id::text FROM agrichat.messages WHERE kind = 'message' ORDER BY thing_id OFFSET %d LIMIT 1"
	for _, tt := range []struct {
		name  string
		spoil func() problem
	}{
		{"an event is deleted in PostgreSQL", func() problem {
			id := pick("SELECT event_id::text FROM agrichat.events WHERE kind = 'message' ORDER BY event_id LIMIT 1")
			w.exec("DELETE FROM agrichat.events WHERE event_id = '" + id + "'")
			return problem{"missing in Postgres", "event", id}
		}},
		{"a message is deleted in PostgreSQL", func() problem {
			id := pick(fmt.Sprintf(message, 0))
			w.exec("DELETE FROM agrichat.messages WHERE thing_id = '" + id + "'")
			return problem{"missing in Postgres", "message", id}
		}},
		{"a message is deleted in both", func() problem {
			id := pick(fmt.Sprintf(message, 1))
			w.exec("DELETE FROM agrichat.messages WHERE thing_id = '" + id + "'")
			w.clickhouse("ALTER TABLE messages DELETE WHERE thing_id = unhex('" + id + "') SETTINGS mutations_sync = 2")
			return problem{"missing in Postgres", "message", id}
		}},
		{"a message is deleted in ClickHouse", func() problem {
			id := pick(fmt.Sprintf(message, 2))
			w.clickhouse("ALTER TABLE messages DELETE WHERE thing_id = unhex('" + id + "') SETTINGS mutations_sync = 2")
			return problem{"missing in ClickHouse", "messages", id}
		}},
		{"reactions are deleted in ClickHouse", func() problem {
			id := pick("SELECT thing_id::text FROM agrichat.reactions ORDER BY thing_id LIMIT 1")
			w.clickhouse("ALTER TABLE reactions DELETE WHERE 1 SETTINGS mutations_sync = 2")
			return problem{"missing in ClickHouse", "reactions", id}
		}},
		{"a row of an older version stands in ClickHouse", func() problem {
			id := pick(fmt.Sprintf(message, 3))
			w.exec("UPDATE agrichat.messages SET changed = (SELECT max(counter) FROM agrichat.ledger) WHERE thing_id = '" + id + "'")
			return problem{"differs", "messages", id}
		}},
		{"a text is changed in ClickHouse", alter("messages", "thing_id", "text = 'a 0'", " AND kind = 'message'")},
		{"a time is changed in ClickHouse", alter("versions", "event_id", "sent_at = toDateTime64(1, 6, 'UTC')", "")},
		{"a reaction is changed in ClickHouse", alter("reactions", "thing_id", "emoji = 'x'", "")},
		{"a membership is changed in ClickHouse", alter("memberships", "thing_id", "state = 'x'", "")},
		{"a channel is changed in ClickHouse", alter("channels", "key", "name = 'x'", "")},
		{"an identity is changed in ClickHouse", alter("identities", "key", "bot = NOT bot", "")},
		{"a message of the same version and of other content stands in ClickHouse", func() problem {
			id := pick(fmt.Sprintf(message, 4))
			w.clickhouse("INSERT INTO messages SELECT * REPLACE ('a 0' AS text, toFixedString('of another text', 16) AS content_hash) FROM messages FINAL " +
				"WHERE thing_id = unhex('" + id + "')")
			return problem{"differs", "messages", id}
		}},
		{"a reaction is deleted in PostgreSQL", lose("reactions", "thing_id", "")},
		{"all reactions are deleted in PostgreSQL", lose("reactions", "thing_id", "OR true")},
		{"a membership is deleted in PostgreSQL", lose("memberships", "thing_id", "")},
		{"memberships are deleted with all that was said of them", func() problem {
			w.exec("DELETE FROM agrichat.membership_words")
			return lose("memberships", "thing_id", "OR true")()
		}},
		{"an identity is deleted in PostgreSQL", lose("identities", "key", "")},
		{"a channel is deleted in PostgreSQL", lose("channels", "key", "")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var c compared
			states := w.states()
			want := tt.spoil()
			w.run("verify", "--output", "json", "--wait", "2s").want(1).into(&c)
			if c.Equal || c.Missing+c.Differing+c.Extra == 0 || !c.has(want) {
				t.Fatalf("%+v is not named in %+v", want, c)
			}
			text := w.run("verify", "--wait", "2s").want(1).prints(want.id, want.what, "NOT EQUAL", "--repair")
			if text.err != "" {
				t.Errorf("says %q", text.err)
			}
			w.run("verify", "--repair").want(0).quiet().prints("verified up to sequence")
			if now := w.equal(); now.Bus != whole.Bus || now.Postgres != whole.Postgres || now.ClickHouse != whole.ClickHouse {
				t.Errorf("was %+v, is %+v", whole, now)
			}
			if diff := cmp.Diff(states, w.states()); diff != "" {
				t.Errorf("what was made anew is not what was lost (-was +is):\n%s", diff)
			}
		})
	}
}

// states is everything in the record but the counters of transactions.
func (w *world) states() []string {
	var out []string
	for _, table := range []string{"events", "messages", "reactions", "memberships", "membership_words", "channels", "identities", "sightings"} {
		where := ""
		if table == "reactions" {
			where = " WHERE count > 0" // those that count nobody stand for nothing
		}
		out = append(out, w.ask("SELECT (to_jsonb(x) - 'changed' - 'token' - 'seen_at')::text FROM agrichat."+table+" x"+where+" ORDER BY 1")...)
	}
	return out
}

// TestVerify_Extra holds that what nobody sent is found, wherever it claims to come from, and stays.
func TestVerify_Extra(t *testing.T) {
	t.Parallel()
	w := newOutside(t)
	w.run("import", sample(t, "jsonl")).want(0)
	whole := w.equal()
	extra := strings.Repeat("ab", 16)
	for name, version := range map[string]string{"of an old version": "toUInt128(1)", "of a version that nobody has come to": "version + 999999"} {
		t.Run(name, func(t *testing.T) {
			w.clickhouse("INSERT INTO messages SELECT * REPLACE (toFixedString(unhex('" + extra + "'), 16) AS thing_id, " + version +
				" AS version) FROM messages LIMIT 1")
			var c compared
			w.run("verify", "--output", "json").want(1).into(&c)
			if c.Extra != 1 || c.Missing+c.Differing != 0 || !c.has(problem{"in ClickHouse, not in Postgres", "messages", extra}) {
				t.Errorf("says %+v", c)
			}
			w.run("verify", "--repair").want(1).prints(extra, "what is extra is not deleted")
			w.clickhouse("ALTER TABLE messages DELETE WHERE thing_id = unhex('" + extra + "') SETTINGS mutations_sync = 2")
			w.equal()
		})
	}
	w.exec(`INSERT INTO agrichat.events SELECT (jsonb_populate_record(e, jsonb_build_object('event_id', '` + extra + `'))).*
		FROM agrichat.events e ORDER BY position LIMIT 1`)
	var c compared
	w.run("verify", "--output", "json", "--wait", "2s").want(1).into(&c)
	if !c.has(problem{"in Postgres, not on the bus", "event", extra}) || c.Extra != 1 {
		t.Errorf("says %+v", c)
	}
	w.exec("DELETE FROM agrichat.events WHERE event_id = '" + extra + "'")
	w.equal()
	var half compared
	w.run("verify", "--sequence", fmt.Sprint(whole.Sequence/2), "--output", "json").want(0).into(&half)
	if half.Sequence != whole.Sequence/2 || half.Bus == 0 || half.Bus >= whole.Bus || half.Bus != half.Postgres || half.Bus != half.ClickHouse {
		t.Errorf("up to the half it says %+v", half)
	}
}

// TestVerify_RepairTwice holds that ClickHouse, which remembers the blocks it has taken, takes what it has lost again, and again.
func TestVerify_RepairTwice(t *testing.T) {
	t.Parallel()
	w := newOutside(t)
	file := filepath.Join(t.TempDir(), "one.jsonl")
	write(t, file, jsonLine)
	w.run("import", file).want(0) // one transaction, one batch of facts, one block
	for range 3 {
		for _, table := range []string{"messages", "versions", "channels", "identities"} {
			w.clickhouse("ALTER TABLE " + table + " DELETE WHERE 1 SETTINGS mutations_sync = 2")
		}
		w.run("verify").want(1).prints("missing in ClickHouse")
		w.run("verify", "--repair").want(0)
		w.equal()
	}
}

// exec changes the record behind the program's back.
func (w *world) exec(sql string) {
	w.t.Helper()
	tag, err := w.postgres().Exec(w.t.Context(), sql)
	if err != nil || tag.RowsAffected() == 0 {
		w.t.Fatalf("%s: %s %v", sql, tag, err)
	}
}

// alter changes the record's table of messages.
func (w *world) alter(how string) {
	w.t.Helper()
	if _, err := w.postgres().Exec(w.t.Context(), "ALTER TABLE agrichat.messages "+how); err != nil {
		w.t.Fatalf("%s: %v", how, err)
	}
}

// TestDLQ_Bundle holds that one event that the record refuses keeps none of those from it that it travelled with,
// and that the comparison knows each of them once.
func TestDLQ_Bundle(t *testing.T) {
	t.Parallel()
	w, dir := newOutside(t), t.TempDir()
	write(t, filepath.Join(dir, "first.jsonl"), jsonLine)
	w.run("import", filepath.Join(dir, "first.jsonl")).want(0)
	w.alter("ADD CHECK (text <> 'refused')")
	var lines strings.Builder
	for i := range 60 {
		text := fmt.Sprint("said ", i)
		if i == 33 {
			text = "refused"
		}
		fmt.Fprintf(&lines, `{"channel":"c","author":"a","text":%q,"sent":"2024-01-02T03:05:05Z"}`+"\n", text)
	}
	write(t, filepath.Join(dir, "second.jsonl"), lines.String())
	w.run("import", filepath.Join(dir, "second.jsonl")).want(1).says("1 event of this import was dead-lettered", "agrichat dlq list").
		prints("60 events published", "59 stored", "1 dead-lettered", "messages_text_check", "agrichat dlq list")
	var list []struct {
		EventID string `json:"event_id"`
		Cause   string
	}
	w.run("dlq", "list", "--output", "json").want(0).quiet().into(&list)
	if len(list) != 1 || strings.Contains(list[0].EventID, ",") || !strings.Contains(list[0].Cause, "messages_text_check") {
		t.Fatalf("the dead letters are %+v", list)
	}
	if c := w.equal(); c.DeadLetters != 1 || c.Bus != 61 {
		t.Errorf("verify says %+v", c)
	}
	w.alter("DROP CONSTRAINT messages_text_check")
	w.run("dlq", "requeue", "all").want(0).quiet().prints("1 requeued")
	write(t, filepath.Join(dir, "third.jsonl"), strings.Replace(jsonLine, "hello", "goodbye", 1))
	w.run("import", filepath.Join(dir, "third.jsonl")).want(0) // waits for all that stands before it on the bus
	if got := w.ask("SELECT text FROM agrichat.v_messages WHERE text = 'refused'"); len(got) != 1 {
		t.Errorf("after it was requeued the record holds %v", got)
	}
	w.equal()
}

// TestDLQ holds that what cannot be stored is set aside with its cause, while everything else is stored.
func TestDLQ(t *testing.T) {
	t.Parallel()
	w := newOutside(t)
	w.run("import", sample(t, "jsonl")).want(0)
	normaliser := w.start("ready;", "consume", "normalise") // it has stored nothing, and gets nothing else
	w.publish("chat.test.me.c", "this is no event")
	normaliser.await("dead-lettered")
	var list []struct {
		ID       int
		Stream   string
		Sequence int
		Cause    string
		Attempts int
	}
	w.run("dlq", "list", "--output", "json").want(0).quiet().into(&list)
	if len(list) != 1 || list[0].Stream != "CHAT" || list[0].Cause == "" || list[0].Attempts < 5 {
		t.Fatalf("the dead letters are %+v", list)
	}
	id := fmt.Sprint(list[0].ID)
	w.run("dlq", "list").want(0).quiet().prints("CAUSE", "chat.test.me.c")
	w.run("dlq", "show", id).want(0).quiet().prints("this is no event", "cause")
	var shown map[string]json.RawMessage
	w.run("dlq", "show", id, "--output", "json").want(0).into(&shown)
	if c := w.equal(); c.DeadLetters != 1 || c.Sequence != list[0].Sequence {
		t.Errorf("with a dead letter verify says %+v", c)
	}
	w.run("verify").want(0).prints("1 messages are dead letters", "agrichat dlq list")
	w.run("dlq", "show", "99").want(1).one("99", "no such dead letter")
	w.run("dlq", "show", "all").want(2).one("all", "dlq list")
	w.run("dlq", "drop", "first").want(2).one("first", "dlq list")

	w.run("dlq", "requeue", id).want(0).quiet().prints("1 requeued")
	eventually(t, "it is a dead letter again", func() bool {
		list = nil
		w.run("dlq", "list", "--output", "json").want(0).into(&list)
		return len(list) == 1
	})
	w.run("dlq", "drop", "all").want(0).quiet().prints("1 dropped")
	w.run("dlq", "list", "--output", "json").want(0).into(&list)
	if len(list) != 0 {
		t.Errorf("the dead letters are %+v", list)
	}
	if c := w.equal(); c.DeadLetters != 2 {
		t.Errorf("after the drop verify says %+v", c)
	}
	if r := w.run("verify").want(0).prints("2 messages whose dead letters were dropped or requeued"); strings.Contains(r.out, "dlq list") {
		t.Errorf("after the drop verify says %s", r.out)
	}
	normaliser.stop().want(0)
	var none []json.RawMessage
	if r := w.run("dlq", "list", "--output", "json").want(0).into(&none); strings.TrimSpace(r.out) != "[]" {
		t.Errorf("an empty list is %s", r.out)
	}
}
