package cli_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// TestVerify_concurrentWrites holds that what is written meanwhile is no difference, and keeps nobody waiting.
func TestVerify_concurrentWrites(t *testing.T) {
	t.Parallel()
	w, dir := newOutside(t), t.TempDir()
	for _, role := range []string{"normalise", "normalise", "aggregate"} {
		w.start("ready;", "consume", role)
	}
	w.run("import", sample(t, "jsonl")).want(0)
	stop, done := make(chan struct{}), make(chan int)
	go func() {
		n := 0
		defer func() { done <- n }()
		for {
			select {
			case <-stop:
				return
			default:
			}
			n++
			file := filepath.Join(dir, fmt.Sprint(n), "chat.jsonl")
			write(t, file, busyChat(n))
			w.run("import", file)
		}
	}()
	var last compared
	for range 8 {
		last = compared{}
		w.run("verify", "--output", "json").into(&last)
		if !last.Equal {
			t.Errorf("not equal: %+v", last)
		}
	}
	close(stop)
	if n := <-done; n < 2 {
		t.Errorf("only %d imports were under way", n)
	}
	if c := w.equal(); c.Bus <= last.Bus-1 {
		t.Errorf("was %+v, is %+v", last, c)
	}
}

// busyChat is one chat's messages of a round, some of them edits of earlier ones and reactions to them.
func busyChat(round int) string {
	var b strings.Builder
	for i := range 100 {
		fmt.Fprintf(&b, `{"channel":"busy","id":"%d-%d","author":"a%d","text":"round %d","sent":"2024-01-02T03:04:05Z"}`+"\n", round, i, i%7, round)
		fmt.Fprintf(&b, `{"channel":"busy","id":"same-%d","author":"a%d","text":"round %d","sent":"2024-01-02T03:04:05Z","edited":"2024-02-01T00:%02d:%02dZ"}`+"\n",
			i, i%7, round, round/60, round%60)
	}
	return b.String()
}
