package cli_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestStatus_NothingRuns(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.run("status").want(1).says("no agrichat runs here", "agrichat up")
	if _, err := os.Stat(w.data); !os.IsNotExist(err) {
		t.Errorf("the data folder was made: %v", err)
	}
	var r struct {
		Data string `json:"data"`
		Up   bool   `json:"up"`
	}
	w.run("status", "--output", "json").want(1).into(&r)
	if r.Up || r.Data != w.data {
		t.Errorf("%+v", r)
	}
	t.Run("an empty folder stays empty", func(t *testing.T) {
		if err := os.Mkdir(w.data, 0o700); err != nil {
			t.Fatal(err)
		}
		w.run("status").want(1)
		list, err := os.ReadDir(w.data)
		if err != nil || len(list) > 0 {
			t.Errorf("%v, %v", list, err)
		}
	})
	t.Run("the addresses of a process that has ended", func(t *testing.T) {
		addresses := `{"pid":2147483646,"nats":"nats://127.0.0.1:1","postgres":"postgres://127.0.0.1:1/x","clickhouse":"http://127.0.0.1:1"}`
		path := filepath.Join(w.data, "agrichat.run.json")
		if err := os.WriteFile(path, []byte(addresses), 0o600); err != nil {
			t.Fatal(err)
		}
		w.run("status").want(1).says("no agrichat runs here")
		left, err := os.ReadFile(path)
		if diff := cmp.Diff(addresses, string(left)); diff != "" || err != nil {
			t.Errorf("%s, %v", diff, err)
		}
	})
}

// TestStatus_BesideUp polls while up starts: it must neither keep it from starting nor start anything itself.
func TestStatus_BesideUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	up := w.start("", "up")
	polls := 0
	eventually(t, "status reaches what up has started", func() bool {
		polls++
		r := w.run("status")
		if r.status == 1 && !strings.Contains(r.err, "no agrichat runs here") {
			t.Errorf("poll %d: %s", polls, r.err)
		}
		return r.status == 0
	})
	if polls < 3 {
		t.Errorf("only %d polls", polls)
	}
	w.run("status").want(0).prints("yes", w.data)
	up.stop().want(0)
	w.run("status").want(1).says("no agrichat runs here")
}
