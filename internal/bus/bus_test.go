package bus

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/agrichat/agrichat/internal/fault"
)

func TestConnect_errors(t *testing.T) {
	t.Run("nobody there", func(t *testing.T) {
		_, err := Connect(t.Context(), Config{URLs: []string{"nats://127.0.0.1:1"}, Timeout: time.Second})
		if err == nil || fault.Of(err) != fault.Transient || !strings.Contains(err.Error(), "127.0.0.1:1") {
			t.Fatal(err)
		}
	})
	t.Run("wrong password", func(t *testing.T) {
		ts := newServer(t, func(o *server.Options) {
			o.Username, o.Password, o.DontListen, o.Host, o.Port = "a", "b", false, "127.0.0.1", server.RANDOM_PORT
		})
		_, err := Connect(t.Context(), Config{User: "a", Password: "x", URLs: []string{ts.s.ClientURL()}})
		if fault.Of(err) != fault.Fatal || !strings.Contains(err.Error(), "correct user and password") {
			t.Fatal(err)
		}
	})
	t.Run("no JetStream", func(t *testing.T) {
		ts := newServer(t, func(o *server.Options) { o.JetStream = false })
		_, err := Connect(t.Context(), Config{Options: []nats.Option{nats.InProcessServer(ts)}})
		if fault.Of(err) != fault.Fatal || !strings.Contains(err.Error(), "switch JetStream on") {
			t.Fatal(err)
		}
	})
}

func TestAtLeast(t *testing.T) {
	for v, want := range map[string]bool{"2.12.0": true, "2.11.9": false, "2.15.2": true, "3.0.0": true, "2.12.0-beta.1": true, "": false, "x": false} {
		if atLeast(v, 2, 12) != want {
			t.Errorf("version %q: want %v", v, want)
		}
	}
}

func TestBus_Ensure_concurrent(t *testing.T) {
	ts := newServer(t)
	var wg sync.WaitGroup
	for range 6 {
		b := ts.connect()
		wg.Go(func() {
			if err := b.Ensure(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

func TestBus_Ensure_keepsMessagesAndPause(t *testing.T) {
	ts := newServer(t)
	b := ts.connect()
	must(t, b.Ensure(t.Context()))
	if _, err := b.Publisher().PublishBatch(t.Context(), sealed(200)); err != nil {
		t.Fatal(err)
	}
	until := time.Now().Add(time.Hour)
	must(t, b.Durable(Chat, Normalise).Pause(t.Context(), until))
	chat, err := b.c.js.Stream(t.Context(), Chat)
	must(t, err)
	operators := chat.CachedInfo().Config
	operators.MaxAge = 1000 * time.Hour
	_, err = b.c.js.UpdateStream(t.Context(), operators)
	must(t, err)
	small := ts.connect(func(c *Config) { c.ChatBytes, c.MaxAckPending = 1000, 77 })
	must(t, small.Ensure(t.Context()))
	s, err := b.Stream(t.Context(), Chat)
	must(t, err)
	if s.Messages != 200 || s.MaxBytes != 1000 {
		t.Fatalf("after lowering the limit: %+v", s)
	}
	if chat, err = b.c.js.Stream(t.Context(), Chat); err != nil || chat.CachedInfo().Config.MaxAge != 1000*time.Hour {
		t.Fatal("Ensure took an operator's age limit back", err)
	}
	c, err := b.Durable(Chat, Normalise).Status(t.Context())
	must(t, err)
	if !c.Paused {
		t.Fatal("Ensure ended a pause")
	}
	must(t, b.Durable(Chat, Normalise).Resume(t.Context()))
	if c, err = b.Durable(Chat, Normalise).Status(t.Context()); err != nil || c.Paused {
		t.Fatal(c, err)
	}
}

func TestState_NextGeneration(t *testing.T) {
	ts := newServer(t)
	b := ts.connect()
	must(t, b.Ensure(t.Context()))
	var mu sync.Mutex
	got := map[uint16]bool{}
	var wg sync.WaitGroup
	for range 4 {
		b := ts.connect()
		wg.Go(func() {
			for range 5 {
				n, err := b.State().NextGeneration(t.Context(), 0)
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				if got[n] {
					t.Errorf("%d was given out twice", n)
				}
				got[n] = true
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if len(got) != 20 || !got[1] || !got[20] {
		t.Fatal(got)
	}
	kv, err := b.c.js.KeyValue(t.Context(), stateBucket)
	must(t, err)
	_, err = kv.Put(t.Context(), generationKey, []byte("65535"))
	must(t, err)
	if _, err := b.State().NextGeneration(t.Context(), 0); fault.Of(err) != fault.Fatal {
		t.Fatal(err)
	}
}

func TestBus_Cursors(t *testing.T) {
	b := newBus(t)
	c, err := b.Cursors(t.Context())
	must(t, err)
	big := strings.Repeat("0123456789abcdef", 1<<16)
	for _, name := range []string{"irc/libera #русский *", "", ".", strings.Repeat("x", 500)} {
		if got, err := c.Load(t.Context(), name); err != nil || len(got) != 0 {
			t.Fatal(got, err)
		}
		for _, want := range []string{"{}", big, ""} {
			must(t, c.Save(t.Context(), name, []byte(want)))
			if got, err := c.Load(t.Context(), name); err != nil || string(got) != want {
				t.Fatal(len(got), err)
			}
		}
		must(t, c.Forget(t.Context(), name))
		must(t, c.Forget(t.Context(), name))
		if got, err := c.Load(t.Context(), name); err != nil || len(got) != 0 {
			t.Fatal(got, err)
		}
	}
}

func TestClassify_canceled(t *testing.T) {
	b := newBus(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for name, err := range map[string]error{
		"ensure":  b.Ensure(ctx),
		"publish": second(b.Publisher().PublishBatch(ctx, sealed(2))),
		"last":    second(b.Reader().LastSequence(ctx)),
		"range":   b.Reader().Range(ctx, 1, 10, true, nil),
	} {
		if fault.Of(err) != fault.Stopped {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestClassify(t *testing.T) {
	api := func(code jetstream.ErrorCode) error { return &jetstream.APIError{ErrorCode: code, Description: "x"} }
	for _, c := range []struct {
		err  error
		want fault.Class
	}{
		{api(10077), fault.Transient}, {api(10076), fault.Fatal}, {api(10054), fault.Poison}, {api(10174), fault.Fatal},
		{api(10047), fault.Transient}, {jetstream.ErrJetStreamNotEnabledForAccount, fault.Fatal}, {nats.ErrMaxPayload, fault.Poison},
		{nats.ErrPermissionViolation, fault.Fatal}, {nats.ErrTimeout, fault.Transient}, {context.Canceled, fault.Stopped},
		{context.DeadlineExceeded, fault.Transient},
	} {
		if got := fault.Of(classify(c.err)); got != c.want {
			t.Errorf("%v is %s, want %s", c.err, got, c.want)
		}
	}
	if classify(nil) != nil {
		t.Error("no error became one")
	}
}

func second[T any](_ T, err error) error { return err }

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
