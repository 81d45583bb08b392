package cli_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// deadLettered is what an import reports about its dead letters.
type deadLettered struct {
	imported
	AlreadyStored int `json:"already_stored"`
	DeadLettered  int `json:"dead_lettered"`
	Causes        []struct {
		Cause  string
		Events int
		First  []struct {
			Position string
			EventID  string `json:"event_id"`
			Subject  string
		}
	} `json:"dead_letter_causes"`
}

// lines returns JSON lines of one chat; those for which refused is true have a text that Postgres is made to refuse.
func lines(n int, refused func(i int) bool) string {
	var b strings.Builder
	for i := range n {
		text := fmt.Sprint("said ", i)
		if refused(i) {
			text = "refused"
		}
		fmt.Fprintf(&b, `{"channel":"c","id":"%d","author":"a","text":%q,"sent":"2024-01-02T03:05:05Z"}`+"\n", i, text)
	}
	return b.String()
}

// TestImport_DeadLetters holds that an import counts the dead letters of its own, says why, and exits 1, in every form.
func TestImport_DeadLetters(t *testing.T) {
	t.Parallel()
	w, dir := newOutside(t), t.TempDir()
	file, clean := filepath.Join(dir, "part", "refused.jsonl"), filepath.Join(dir, "clean.jsonl")
	write(t, clean, jsonLine)
	w.run("import", clean).want(0)
	w.alter("ADD CHECK (text <> 'refused')")
	write(t, file, lines(100, func(i int) bool { return i%20 == 7 }))

	check := func(r *deadLettered) {
		t.Helper()
		if r.DeadLettered != 5 || r.Stored+r.AlreadyStored+r.DeadLettered != r.Published {
			t.Errorf("of %d published %d are stored, %d were already, %d are dead letters", r.Published, r.Stored, r.AlreadyStored, r.DeadLettered)
		}
		if len(r.Causes) != 1 || r.Causes[0].Events != 5 || len(r.Causes[0].First) != 3 || !strings.Contains(r.Causes[0].Cause, "messages_text_check") {
			t.Fatalf("the causes are %+v", r.Causes)
		}
		for _, e := range r.Causes[0].First {
			if e.Position == "" || len(e.EventID) != 32 || !strings.HasPrefix(e.Subject, "chat.jsonl.") {
				t.Errorf("the event is %+v", e)
			}
		}
	}
	var first, again deadLettered
	w.run("import", file, "--output", "json").want(1).says("5 events of this import were dead-lettered", "agrichat dlq list").into(&first)
	check(&first)
	if first.Published != 100 || first.Stored != 95 || first.AlreadyStored != 0 {
		t.Errorf("the first import says %+v", first)
	}
	w.run("import", file, "--output", "json").want(1).into(&again) // publishes what is not stored, once more
	check(&again)
	if again.Published != 5 || again.Known != 95 {
		t.Errorf("the second import says %+v", again)
	}
	w.run("import", clean).want(0) // others' dead letters are no concern of this one
	up := w.run("up", "--import", filepath.Dir(file), "--once", "--output", "json").want(1).says("5 events of this import were dead-lettered")
	var both struct{ Import deadLettered }
	up.into(&both)
	check(&both.Import)
	w.run("up", "--import", filepath.Dir(file), "--once").want(1).prints("5 dead-lettered", "messages_text_check", "agrichat dlq list")
}

// TestImport_AlreadyStored counts what was published by several at once, and stored once.
func TestImport_AlreadyStored(t *testing.T) {
	t.Parallel()
	w, dir := newOutside(t), t.TempDir()
	for part := range 4 {
		write(t, filepath.Join(dir, fmt.Sprint(part, ".jsonl")), lines(300, func(int) bool { return false }))
	}
	var r deadLettered
	w.run("import", dir, "--jobs", "4", "--output", "json").want(0).into(&r)
	if r.Stored != 300 || r.AlreadyStored != r.Published-300 || r.DeadLettered != 0 || len(r.Causes) != 0 {
		t.Errorf("imported %+v", r)
	}
	w.run("import", dir).want(0).prints("0 stored, 0 updated, 0 already stored", "0 dead-lettered")
}

// TestImport_Standstill waits behind a shut gate: the import says why nothing is stored, goes on waiting, and says what is left when
// it is stopped.
func TestImport_Standstill(t *testing.T) {
	t.Parallel()
	w, file := newOutside(t), filepath.Join(t.TempDir(), "one.jsonl")
	write(t, file, jsonLine)
	w.run("migrate").want(0)
	w.run("gate", "pause", "--why", "a new disk").want(0)
	in := w.start("nothing is being stored", "import", file)
	in.await("a new disk")
	in.stop().want(1).says("the same command goes on from here", "left are 1 messages of the bus to be stored")
	w.run("gate", "resume").want(0)
	w.run("import", file).want(0)
	w.equal()
}
