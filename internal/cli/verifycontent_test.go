package cli_test

import "testing"

// contents is what a verification says of the contents of rows.
type contents struct {
	compared
	WithoutHash int `json:"without_hash"`
	Truncated   int
}

// TestVerify_Content: stores that hold different texts under one version are not equal, and a repair has both hold the bus's.
func TestVerify_Content(t *testing.T) {
	t.Parallel()
	w := newOutside(t)
	w.run("import", sample(t, "jsonl")).want(0)
	w.equal()
	const text = "SELECT text FROM messages FINAL WHERE thing_id = unhex('"
	id := w.clickhouse("SELECT lower(hex(thing_id)) FROM messages FINAL WHERE kind = 'message' ORDER BY 1 LIMIT 1")
	recorded := "SELECT text FROM agrichat.messages WHERE thing_id = '" + id + "'"
	was, wasRecorded := w.clickhouse(text+id+"')"), w.ask(recorded)
	for _, now := range []string{"NEW a 0", "NEW b \x1f 0"} {
		w.exec("UPDATE agrichat.messages SET text = '" + now + "' WHERE thing_id = '" + id + "'")
		var c contents
		w.run("verify", "--output", "json").want(1).into(&c)
		if c.Differing != 1 || c.Missing+c.Extra != 0 || !c.has(problem{"differs", "messages", id}) {
			t.Fatalf("%+v", c)
		}
		w.run("verify").want(1).prints("NOT EQUAL", id, "other content")
		w.run("verify", "--repair").want(0).prints("hold the same")
		if got := w.ask(recorded); got[0] != wasRecorded[0] {
			t.Errorf("after the repair PostgreSQL says %q", got)
		}
		if got := w.clickhouse(text + id + "')"); got != was {
			t.Errorf("after the repair ClickHouse says %q", got)
		}
		w.clickhouse("OPTIMIZE TABLE messages FINAL") // a merge keeps the row that came last, too
		w.equal()
	}
}

// TestVerify_WithoutHash: rows that an older program published are no difference, and are counted.
func TestVerify_WithoutHash(t *testing.T) {
	t.Parallel()
	w := newOutside(t)
	w.run("import", sample(t, "jsonl")).want(0)
	var c contents
	w.run("verify", "--output", "json").want(0).into(&c)
	if c.WithoutHash+c.Truncated != 0 {
		t.Errorf("after an import: %+v", c)
	}
	w.clickhouse("ALTER TABLE messages UPDATE content_hash = toFixedString('', 16), text = 'a 0' WHERE kind = 'message' SETTINGS mutations_sync = 2")
	w.run("verify", "--output", "json").want(0).into(&c)
	if c.WithoutHash == 0 || !c.Equal {
		t.Errorf("without hashes: %+v", c)
	}
	w.run("verify").want(0).prints("no content hash", "agrichat replay aggregate")
	w.run("replay", "aggregate").want(0)
	w.run("verify", "--output", "json").want(0).into(&c)
	if c.WithoutHash != 0 || w.clickhouse("SELECT count() FROM messages FINAL WHERE text = 'a 0'") != "0" {
		t.Errorf("published again: %+v", c)
	}
}

// TestVerify_Truncated: what was too large for the bus is no difference, and is counted.
func TestVerify_Truncated(t *testing.T) {
	t.Parallel()
	w := newOutside(t)
	w.run("import", sample(t, "jsonl")).want(0)
	id := w.clickhouse("SELECT lower(hex(thing_id)) FROM messages FINAL WHERE kind = 'message' ORDER BY 1 LIMIT 1")
	w.clickhouse("ALTER TABLE messages UPDATE truncated = true, text = left(text, 1), links = [] WHERE thing_id = unhex('" + id + "') SETTINGS mutations_sync = 2")
	var c contents
	w.run("verify", "--output", "json").want(0).into(&c)
	if c.Truncated != 1 || !c.Equal {
		t.Errorf("%+v", c)
	}
	w.run("verify").want(0).prints("1 facts were too large")
	w.exec("UPDATE agrichat.messages SET text = text || ' ' WHERE thing_id = '" + id + "'")
	w.run("verify").want(1).prints(id, "other content")
}
