package cli_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/agrichat/agrichat/internal/testenv"
)

// readiness is what /readyz answers.
type readiness struct {
	Ready  bool
	Checks []check
}

type check struct{ Name, State, Reason string }

func (r *readiness) failing() (out []string) {
	for _, c := range r.Checks {
		if c.State != "ok" {
			out = append(out, c.Name+": "+c.Reason)
		}
	}
	return out
}

func (r *readiness) has(name string) bool {
	return slices.ContainsFunc(r.Checks, func(c check) bool { return c.Name == name })
}

// TestReadyz_bus holds that a role says so within ten seconds when NATS is frozen and when the stream is deleted.
func TestReadyz_bus(t *testing.T) {
	t.Parallel()
	outside := newOutside(t)
	server, err := url.Parse(outside.variable("AGRICHAT_NATS_URLS"))
	if err != nil {
		t.Fatal(err)
	}
	wire := testenv.NewWire(t, server.Host)
	through := *server
	through.Host = wire.Address()
	w := outside.with("AGRICHAT_NATS_URLS=" + through.String())
	for _, consumer := range []string{"normalise", "aggregate"} {
		role := w.start("ready;", "consume", consumer)
		t.Cleanup(func() {
			if t.Failed() {
				t.Log(role.err.String())
			}
		})
		at := regexp.MustCompile(`at (http://\S+);`).FindStringSubmatch(role.err.String())[1]
		answer := func() (r readiness) {
			status, text := get(t, at+"/readyz")
			if err := json.Unmarshal([]byte(text), &r); err != nil || r.Ready != (status == http.StatusOK) {
				t.Fatalf("/readyz answers %d %s", status, text)
			}
			return r
		}
		ready := func() bool { r := answer(); return r.Ready && r.has("bus for "+consumer) }
		within := func(what string) {
			t.Helper()
			began := time.Now()
			eventually(t, "/readyz is 503 and names "+consumer+" when "+what, func() bool {
				r := answer()
				return !r.Ready && strings.Contains(strings.Join(r.failing(), "\n"), consumer)
			})
			if took := time.Since(began); took > 10*time.Second {
				t.Errorf("/readyz of %s took %s to say that %s", consumer, took, what)
			}
		}
		eventually(t, consumer+" is ready", ready)
		wire.Silence()
		within("NATS is frozen")
		wire.Speak()
		eventually(t, consumer+" is ready again", ready)
		deleteStream(t, server.String(), map[string]string{"normalise": "CHAT", "aggregate": "FACTS"}[consumer])
		within("the stream is deleted")
		role.stop()
	}
}

func deleteStream(t *testing.T, server, name string) {
	t.Helper()
	nc, err := nats.Connect(server)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js, err := nc.JetStream()
	if err == nil {
		err = js.DeleteStream(name)
	}
	if err != nil {
		t.Fatal(err)
	}
}
