package labtest

import (
	"context"
	"os"
	"testing"
	"time"
)

// Start brings a lab up for a test, and down with its end. It skips the test unless AGRICHAT_LAB=1: a lab needs root and
// minutes, and so is no part of the other tests, even where those may not skip.
func Start(t testing.TB, o Options) *Lab {
	t.Helper()
	if os.Getenv("AGRICHAT_LAB") != "1" {
		t.Skip("it needs root and minutes: make test-ha runs it")
	}
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	l, err := Up(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(l.Account())
		}
		if err := l.Down(); err != nil {
			t.Error(err)
		}
	})
	return l
}
