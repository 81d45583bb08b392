package app

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"

	"github.com/agrichat/agrichat/internal/fault"
)

func TestOneLine(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ text, want string }{
		"one line":             {"connecting: refused", "connecting: refused"},
		"a continued line":     {"connecting to:\n\thost a: refused\n  host b: refused", "connecting to: host a: refused host b: refused"},
		"repeated lines":       {"refused\nrefused\n\nrefused", "refused"},
		"two errors":           {"first\nsecond", "first\nsecond"},
		"a password":           {"connecting to postgres://me:hunter2@h/d failed", "connecting to postgres://me:xxxxx@h/d failed"},
		"only continued lines": {"  a\n  b", "a b"},
	} {
		if got := OneLine(tt.text); strings.Contains(got, "hunter2") || name != "a password" && got != tt.want {
			t.Errorf("%s: got %q, want %q", name, got, tt.want)
		}
	}
}

func TestHosts(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"postgres://me:secret@db:5432/chats?sslmode=disable": "db:5432",
		"nats://me:secret@a:1,nats://b:2":                    "a:1,b:2",
		"postgres://me:secret@a:1,b:2/chats":                 "a:1,b:2",
		"postgres://me:s%zz@db/chats":                        "db",
		"host=db port=5432":                                  "host=db port=5432",
		"http://127.0.0.1:8123":                              "127.0.0.1:8123",
	} {
		if got := Hosts(address); got != want {
			t.Errorf("%s: got %q, want %q", address, got, want)
		}
	}
}

func TestRedacted(t *testing.T) {
	t.Parallel()
	err := Redacted(fault.AsFatal(fmt.Errorf("opening postgres://me:hunter2@h/d:\n  %w", io.ErrUnexpectedEOF)))
	if text := err.Error(); strings.Contains(text, "hunter2") || strings.Contains(text, "\n") {
		t.Errorf("the text is %q", text)
	}
	if !errors.Is(err, io.ErrUnexpectedEOF) || fault.Of(err) != fault.Fatal {
		t.Error("the class is lost")
	}
}

func TestUsageErrorf(t *testing.T) {
	t.Parallel()
	err := fmt.Errorf("source irc: %w", UsageErrorf("reading %s: %w", "x", io.EOF))
	var usage UsageError
	if !errors.As(err, &usage) || !errors.Is(err, io.EOF) || usage.Error() != "reading x: EOF" {
		t.Errorf("got %v", err)
	}
}

func TestConnectError(t *testing.T) {
	t.Parallel()
	if connectError(nil, "NATS", "nats://h", "nats.urls") != nil {
		t.Error("no error became one")
	}
	refused := &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
	for name, tt := range map[string]struct {
		err  error
		key  string
		want string
	}{
		"refused":        {refused, "nats.urls", "connecting to NATS: nothing answers at h:4222 (connection refused); start the server, or correct nats.urls"},
		"embedded":       {refused, "", "connecting to the embedded NATS: nothing answers at h:4222 (connection refused)"},
		"no host":        {fmt.Errorf("x: %w", &net.DNSError{Name: "h"}), "nats.urls", "(no host h)"},
		"text alone":     {errors.New("nats: no servers available for connection"), "nats.urls", "(no servers available for connection)"},
		"another reason": {errors.New("authorization violation"), "nats.urls", "authorization violation"},
	} {
		err := connectError(tt.err, "NATS", "nats://me:hunter2@h:4222", tt.key)
		if !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: got %q, want %q", name, err, tt.want)
		}
		if !errors.Is(err, tt.err) {
			t.Errorf("%s: the class is lost", name)
		}
	}
}
