package patroni

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"

	"github.com/agrichat/agrichat/internal/fault"
)

// Config says which cluster to follow. What is zero below Log has a default.
type Config struct {
	Endpoints []string
	User      string
	Password  string
	TLS       *tls.Config // for endpoints with https://
	Namespace string      // as in Patroni's configuration; empty: service
	Scope     string
	Log       *slog.Logger

	Every   time.Duration // between two polls of the leader's lease; 500 ms
	Limit   time.Duration // for one of them; 1 s
	Read    time.Duration // for reading everything; 2 s
	Silence time.Duration // after which a watch without a reply is reopened, though progress is requested twice a second; 3 s
	Margin  time.Duration // kept from what is left of the lease; 1 s
	Look    time.Duration // between two listings of other scopes; 10 s
	AtOnce  int           // polls of the lease in flight; 4
}

func (c Config) withDefaults() Config {
	c.Namespace = cmp.Or(c.Namespace, "service")
	c.Every = cmp.Or(c.Every, 500*time.Millisecond)
	c.Limit = cmp.Or(c.Limit, time.Second)
	c.Read = cmp.Or(c.Read, 2*time.Second)
	c.Silence = cmp.Or(c.Silence, 3*time.Second)
	c.Margin = cmp.Or(c.Margin, time.Second)
	c.Look = cmp.Or(c.Look, 10*time.Second)
	c.AtOnce = cmp.Or(c.AtOnce, 4)
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	c.Endpoints = slices.Clone(c.Endpoints)
	return c
}

func (c Config) check() error {
	switch {
	case len(c.Endpoints) == 0:
		return fault.AsFatal(errors.New("following a Patroni cluster: no etcd.endpoints"))
	case strings.Trim(c.Scope, "/") == "":
		return fault.AsFatal(errors.New("following a Patroni cluster: no patroni.scope"))
	}
	for _, e := range c.Endpoints {
		if secure(e) != secure(c.Endpoints[0]) {
			// The client uses the scheme of the first for all of them.
			return fault.AsFatal(errors.New("following a Patroni cluster: either all etcd.endpoints begin with https://, or none"))
		}
	}
	return nil
}

func secure(endpoint string) bool {
	return strings.HasPrefix(endpoint, "https://") || strings.HasPrefix(endpoint, "unixs:")
}

// client returns the configuration of etcd's client. Its retries are frequent and its timeouts short: time that is lost here is
// taken from the lease.
func (c Config) client() clientv3.Config {
	connect := grpc.ConnectParams{
		Backoff:           backoff.Config{BaseDelay: 50 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: 250 * time.Millisecond},
		MinConnectTimeout: time.Second,
	}
	return clientv3.Config{
		Endpoints: c.Endpoints, Username: c.User, Password: c.Password, TLS: c.TLS,
		DialTimeout:          c.Read,
		DialKeepAliveTime:    10 * time.Second, // servers forbid to ask more often than every 5 s
		DialKeepAliveTimeout: 2 * time.Second,  // also for data that is not acknowledged
		MaxUnaryRetries:      3,
		DialOptions:          []grpc.DialOption{grpc.WithConnectParams(connect), grpc.WithChainUnaryInterceptor(failFast)},
		Logger:               zap.NewNop(),
	}
}

// failFast undoes WaitForReady of etcd's client, which would wait until the deadline and hide why there is no connection.
func failFast(ctx context.Context, method string, req, reply any, conn *grpc.ClientConn, next grpc.UnaryInvoker, opts ...grpc.CallOption) error {
	return next(ctx, method, req, reply, conn, append(opts, grpc.WaitForReady(false))...)
}
