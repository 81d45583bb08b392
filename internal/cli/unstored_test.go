package cli_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
)

// purge removes everything that CHAT holds, as an operator would.
func (w *world) purge() {
	w.t.Helper()
	nc, err := nats.Connect(w.variable("AGRICHAT_NATS_URLS"))
	if err != nil {
		w.t.Fatal(err)
	}
	defer nc.Close()
	js, err := nc.JetStream()
	if err == nil {
		err = js.PurgeStream("CHAT")
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

// TestVerify_Unstored: messages that are removed from CHAT after they were stored are no difference, those that are removed before
// they were stored are one until somebody accepts it.
func TestVerify_Unstored(t *testing.T) {
	t.Parallel()
	w, dir := newOutside(t), t.TempDir()
	w.run("import", sample(t, "jsonl")).want(0)
	stored := w.equal()
	w.purge()
	w.run("verify").want(0).prints("hold the same")

	for range 5 { // nothing consumes now
		w.publish("chat.test.me.c", "never stored")
	}
	w.purge()
	w.run("verify").want(1).prints("NOT EQUAL", "5 sequences") // no worker has noticed yet
	file := filepath.Join(dir, "next.jsonl")
	write(t, file, strings.Replace(jsonLine, "hello", "after the purge", 1))
	w.run("import", file).want(0)

	var c struct {
		Equal    bool
		Missing  uint64
		Unstored uint64
		Accepted uint64 `json:"unstored_accepted"`
		Problems []struct {
			What, Kind, Detail string
			Sequence           int
		}
	}
	w.run("verify", "--output", "json").want(1).into(&c)
	if c.Equal || c.Unstored != 5 || c.Missing != 0 || c.Accepted != 0 {
		t.Fatalf("verify says %+v", c)
	}
	if len(c.Problems) != 1 || c.Problems[0].What != "removed from the stream before it was stored" || c.Problems[0].Sequence != stored.Sequence+1 {
		t.Errorf("the problems are %+v", c.Problems)
	}
	w.run("verify", "--repair").want(1).prints("NOT EQUAL", "5 sequences", "--accept-unstored")

	w.run("verify", "--accept-unstored").want(0).prints("5 sequences were removed before they were stored", "accepted")
	w.run("verify").want(0).prints("5 sequences were removed before they were stored", "accepted")
	c.Problems = nil
	w.run("verify", "--output", "json").want(0).into(&c)
	if !c.Equal || c.Unstored != 0 || c.Accepted != 5 || len(c.Problems) != 0 {
		t.Errorf("once accepted verify says %+v", c)
	}
}
