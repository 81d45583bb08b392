package obs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"golang.org/x/sync/errgroup"

	"github.com/agrichat/agrichat/internal/fault"
)

// Mount adds /healthz, /readyz and /metrics to mux.
func Mount(mux *http.ServeMux, h *Health, r *prometheus.Registry) {
	mux.HandleFunc("GET /healthz", healthz)
	mux.Handle("GET /readyz", readyz(h))
	mux.Handle("GET /metrics", promhttp.HandlerFor(r, promhttp.HandlerOpts{Registry: r}))
}

// healthz says that the process is alive; whoever restarts processes asks it. Components that fail are no reason to.
func healthz(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write([]byte("ok\n")) // whoever has gone needs no answer
}

// Readiness is the answer of /readyz.
type Readiness struct {
	Ready  bool     `json:"ready"`
	Checks []Status `json:"checks"`
}

func readyz(h *Health) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		answer := Readiness{Ready: h.Ready(), Checks: h.Statuses()}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-store")
		if !answer.Ready {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		_ = json.NewEncoder(w).Encode(answer) // whoever has gone needs no answer
	}
}

// Listen opens the port of an HTTP server. That somebody else has it is fatal: a person must choose.
func Listen(ctx context.Context, address string) (net.Listener, error) {
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", address)
	const choose = "choose another with listen.http in the configuration or AGRICHAT_LISTEN_HTTP (port 0 takes a free one)"
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fault.AsFatal(fmt.Errorf("listening on %s: the port is in use; stop what uses it, or %s: %w", address, choose, err))
	case errors.Is(err, os.ErrPermission):
		return nil, fault.AsFatal(fmt.Errorf("listening on %s: this user may not use the port; %s: %w", address, choose, err))
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return nil, fault.AsFatal(fmt.Errorf("listening on %s: this machine has no such address; %s: %w", address, choose, err))
	case err != nil:
		return nil, fmt.Errorf("listening on %s: %w", address, err)
	}
	return l, nil
}

// stopTime is how long a stop waits for answers under way; none of ours takes longer.
const stopTime = 5 * time.Second

// Serve answers on an address until ctx ends, then finishes the answers under way and returns nil.
func Serve(ctx context.Context, address string, handler http.Handler) error {
	l, err := Listen(ctx, address)
	if err != nil {
		return err
	}
	return ServeOn(ctx, l, handler)
}

// ServeOn is Serve with a port that is open already, for those who need to know which. It closes l.
func ServeOn(ctx context.Context, l net.Listener, handler http.Handler) error {
	server := &http.Server{
		Handler: handler,
		// A slow or silent client must not hold a connection for ever. There is no limit on writing: exports may be long.
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
	}
	group, stop := errgroup.WithContext(ctx)
	group.Go(func() error {
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("serving on %s: %w", l.Addr(), err)
		}
		return nil
	})
	group.Go(func() error {
		<-stop.Done()
		return shutdown(context.WithoutCancel(ctx), server)
	})
	return group.Wait()
}

// shutdown waits for answers under way, and cuts them off when it takes too long.
func shutdown(ctx context.Context, server *http.Server) error {
	ctx, cancel := context.WithTimeout(ctx, stopTime)
	defer cancel()
	if err := server.Shutdown(ctx); err != nil {
		return errors.Join(fmt.Errorf("stopping the HTTP server: %w", err), server.Close())
	}
	return nil
}
