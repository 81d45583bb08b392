package obs

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"go.uber.org/goleak"

	"github.com/agrichat/agrichat/internal/fault"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestLogger(t *testing.T) {
	for name, tt := range map[string]struct{ level, format, begin string }{
		"auto is JSON where nobody reads": {"info", "auto", "{"},
		"JSON":                            {"debug", "json", "{"},
		"text":                            {"WARN", "text", "time="},
	} {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			l, err := Logger(&b, tt.level, tt.format)
			if err != nil {
				t.Fatal(err)
			}
			l.Error("hello")
			if !strings.HasPrefix(b.String(), tt.begin) {
				t.Errorf("logged %q", b.String())
			}
		})
	}
	for _, format := range []string{"json", "text"} {
		var b bytes.Buffer
		l, err := Logger(&b, "info", format)
		if err != nil {
			t.Fatal(err)
		}
		l.Info("waiting", "in", 1500*time.Millisecond)
		if !strings.Contains(b.String(), "1.5s") {
			t.Errorf("a duration as %s: %q", format, b.String())
		}
	}
	for _, bad := range [][2]string{{"loud", "json"}, {"info", "xml"}} {
		if _, err := Logger(io.Discard, bad[0], bad[1]); err == nil {
			t.Errorf("%v was taken", bad)
		}
	}
}

func TestTerminal(t *testing.T) {
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = null.Close() }()
	file, err := os.Create(t.TempDir() + "/log")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	if !terminal(null) || terminal(file) || terminal(io.Discard) {
		t.Error("devices, files and others are mixed up")
	}
}

func TestLevelHides(t *testing.T) {
	var b bytes.Buffer
	l, err := Logger(&b, "warn", "json")
	if err != nil {
		t.Fatal(err)
	}
	if l.Info("hidden"); b.Len() > 0 {
		t.Errorf("logged %q", b.String())
	}
}

func TestHealth(t *testing.T) {
	h := NewHealth()
	if h.Ready() {
		t.Error("ready before anything has said so")
	}
	bus, record := h.Check("bus"), h.Check("record")
	bus.OK()
	if h.Ready() {
		t.Error("ready while the record has not started")
	}
	record.OK()
	if !h.Ready() {
		t.Error("not ready though all are")
	}
	h.Check("record").Failing("the disk is full")
	want := []Status{{Name: "bus", State: OK}, {Name: "record", State: Failing, Reason: "the disk is full"}}
	if diff := cmp.Diff(want, h.Statuses(), cmpopts.IgnoreFields(Status{}, "Since")); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if record.Remove(); !h.Ready() {
		t.Error("not ready though what failed was removed")
	}
}

func TestSinceIsOfTheState(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := NewHealth()
		c := h.Check("x")
		c.Waiting("one")
		start := h.Statuses()[0].Since
		time.Sleep(time.Minute)
		c.Waiting("two")
		if s := h.Statuses()[0]; !s.Since.Equal(start) || s.Reason != "two" {
			t.Errorf("%+v: another reason is no other state", s)
		}
		c.OK()
		if s := h.Statuses()[0]; s.Since.Sub(start) != time.Minute {
			t.Errorf("%+v, began %v", s, start)
		}
	})
}

func get(t *testing.T, handler http.Handler, path string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
	return w
}

func TestEndpoints(t *testing.T) {
	h, r, mux := NewHealth(), NewRegistry(Build{Version: "v1", Revision: "abc", Go: "go1"}), http.NewServeMux()
	r.MustRegister(h)
	Mount(mux, h, r)
	gate := h.Check("gate")
	gate.Waiting("no leader")

	if w := get(t, mux, "/healthz"); w.Code != http.StatusOK || w.Body.String() != "ok\n" {
		t.Errorf("healthz: %d %s", w.Code, w.Body)
	}
	w := get(t, mux, "/readyz")
	var answer Readiness
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
		t.Fatal(err)
	}
	if w.Code != http.StatusServiceUnavailable || answer.Ready || answer.Checks[0].Reason != "no leader" {
		t.Errorf("readyz: %d %+v", w.Code, answer)
	}
	gate.OK()
	if w := get(t, mux, "/readyz"); w.Code != http.StatusOK {
		t.Errorf("readyz: %d %s", w.Code, w.Body)
	}
	text := get(t, mux, "/metrics").Body.String()
	for _, want := range []string{
		`agrichat_build_info{go="go1",revision="abc",version="v1"} 1`, `agrichat_check_state{check="gate",state="ok"} 1`,
		`agrichat_check_state{check="gate",state="waiting"} 0`, "go_goroutines", "process_resident_memory_bytes",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("metrics lack %s", want)
		}
	}
}

func TestReadBuild(t *testing.T) {
	if b := ReadBuild(); b.Go == "" {
		t.Errorf("%+v", b)
	}
}

func TestServeFinishesAnswersUnderWay(t *testing.T) {
	l, err := Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	entered, leave := make(chan struct{}), make(chan struct{})
	handler := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(entered)
		<-leave
		_, _ = io.WriteString(w, "whole")
	})
	served := make(chan error, 1)
	go func() { served <- ServeOn(ctx, l, handler) }()
	body := make(chan string, 1)
	go func() { body <- fetch(t.Context(), "http://"+l.Addr().String()) }()

	<-entered
	cancel()
	close(leave)
	if got := <-body; got != "whole" {
		t.Errorf("got %q", got)
	}
	if err := <-served; err != nil {
		t.Errorf("serving: %v", err)
	}
}

// fetch returns the body, or the error's text, so that a goroutine can call it.
func fetch(ctx context.Context, url string) string {
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err.Error()
	}
	response, err := client.Do(request)
	if err != nil {
		return err.Error()
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

func TestPortInUse(t *testing.T) {
	l, err := Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	err = Serve(t.Context(), l.Addr().String(), http.NotFoundHandler())
	if fault.Of(err) != fault.Fatal || !errors.Is(err, syscall.EADDRINUSE) {
		t.Fatalf("got %v", err)
	}
	for _, part := range []string{l.Addr().String(), "in use", "listen.http"} {
		if !strings.Contains(err.Error(), part) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q does not say %s, or not in one line", err, part)
		}
	}
}

func TestServeReportsABrokenListener(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := ServeOn(t.Context(), l, http.NotFoundHandler()); err == nil {
		t.Error("no error")
	}
}

func TestListenElsewhere(t *testing.T) {
	if _, err := Listen(t.Context(), "192.0.2.1:80"); fault.Of(err) != fault.Fatal {
		t.Errorf("an address that is not ours: %v", err)
	}
	if _, err := Listen(t.Context(), "nonsense"); err == nil {
		t.Error("no error")
	}
}
