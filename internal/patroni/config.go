package patroni

import (
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

	Every   time.Duration // between two questions about the leader; 500 ms
	Limit   time.Duration // for one of them; 1 s
	Read    time.Duration // for reading everything; 2 s
	Silence time.Duration // after which a watch that says nothing is given up, though it is asked twice a second; 3 s
	Margin  time.Duration // kept from what is left of the lease; 1 s
	Look    time.Duration // between two looks for other scopes; 10 s
	AtOnce  int           // questions about the leader under way; 4
}

func (c Config) withDefaults() Config {
	orElse(&c.Namespace, "service")
	orElse(&c.Every, 500*time.Millisecond)
	orElse(&c.Limit, time.Second)
	orElse(&c.Read, 2*time.Second)
	orElse(&c.Silence, 3*time.Second)
	orElse(&c.Margin, time.Second)
	orElse(&c.Look, 10*time.Second)
	orElse(&c.AtOnce, 4)
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	c.Endpoints = slices.Clone(c.Endpoints)
	return c
}

func orElse[T comparable](v *T, other T) {
	var zero T
	if *v == zero {
		*v = other
	}
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
			// The client takes how to speak to all of them from the first.
			return fault.AsFatal(errors.New("following a Patroni cluster: either all etcd.endpoints begin with https://, or none"))
		}
	}
	return nil
}

func secure(endpoint string) bool {
	return strings.HasPrefix(endpoint, "https://") || strings.HasPrefix(endpoint, "unixs:")
}

// client returns how to speak to etcd. Connections are tried often, and given up soon: the time that is lost here is taken
// from the lease.
func (c Config) client() clientv3.Config {
	connect := grpc.ConnectParams{
		Backoff:           backoff.Config{BaseDelay: 50 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: 250 * time.Millisecond},
		MinConnectTimeout: time.Second,
	}
	return clientv3.Config{
		Endpoints: c.Endpoints, Username: c.User, Password: c.Password, TLS: c.TLS,
		DialTimeout:          c.Read,
		DialKeepAliveTime:    10 * time.Second, // servers forbid to ask more often than every 5 s
		DialKeepAliveTimeout: 2 * time.Second,  // also for data that nobody acknowledges
		MaxUnaryRetries:      3,
		DialOptions:          []grpc.DialOption{grpc.WithConnectParams(connect), grpc.WithChainUnaryInterceptor(impatient)},
		Logger:               zap.NewNop(),
	}
}

// impatient takes back that etcd's client waits for a connection until the deadline: then it would not say why there is none.
func impatient(ctx context.Context, method string, req, reply any, conn *grpc.ClientConn, next grpc.UnaryInvoker, opts ...grpc.CallOption) error {
	return next(ctx, method, req, reply, conn, append(opts, grpc.WaitForReady(false))...)
}
