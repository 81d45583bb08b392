package bus

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"

	"github.com/agrichat/agrichat/internal/fault"
)

// conn is the connection that the types of this package share.
type conn struct {
	cfg       Config
	nc        *nats.Conn
	js        jetstream.JetStream
	dog       watchdog
	mu        sync.Mutex // covers all below
	listeners []func()   // called at every reconnect
	up        context.Context
	down      context.CancelFunc // of up
}

func connect(ctx context.Context, cfg Config) (*conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	c := &conn{cfg: cfg}
	c.dog.c = c
	c.up, c.down = context.WithCancel(context.Background())
	nc, err := nats.Connect(strings.Join(cfg.URLs, ","), c.options()...)
	if err != nil {
		return nil, c.connectError(err)
	}
	c.nc = nc
	if err := c.inspect(ctx); err != nil {
		nc.Close()
		return nil, err
	}
	c.watchServer()
	return c, nil
}

func (c *conn) close() {
	c.nc.Close()
	c.dog.end()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.down()
}

func (c *conn) options() []nats.Option {
	o := []nats.Option{
		nats.Name(c.cfg.Name),
		nats.Timeout(c.cfg.Timeout),
		nats.MaxReconnects(-1),
		nats.ReconnectWait(250 * time.Millisecond),
		nats.ReconnectJitter(250*time.Millisecond, 500*time.Millisecond),
		// Nothing is buffered for the next connection: a batch of which the server lost the beginning is worth nothing, and
		// its publisher must learn at once that it failed.
		nats.ReconnectBufSize(-1),
		nats.SetCustomDialer(&c.dog),
		nats.DisconnectErrHandler(c.disconnected),
		nats.ReconnectHandler(c.reconnected),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { c.cfg.Log.Warn("NATS reports", "error", err) }),
	}
	if c.cfg.User != "" {
		o = append(o, nats.UserInfo(c.cfg.User, c.cfg.Password))
	}
	if c.cfg.Creds != "" {
		o = append(o, nats.UserCredentials(c.cfg.Creds))
	}
	if c.cfg.InboxPrefix != "" {
		o = append(o, nats.CustomInboxPrefix(c.cfg.InboxPrefix))
	}
	return append(o, c.cfg.Options...)
}

func (c *conn) disconnected(_ *nats.Conn, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.down()
	c.up, c.down = context.WithCancel(context.Background())
	if err != nil {
		c.cfg.Log.Warn("lost the connection to NATS", "error", err)
	}
}

func (c *conn) onReconnect(do func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.listeners = append(c.listeners, do)
}

func (c *conn) reconnected(nc *nats.Conn) {
	c.cfg.Log.Info("connected to NATS again", "server", nc.ConnectedUrlRedacted())
	c.mu.Lock()
	listeners := slices.Clone(c.listeners)
	c.mu.Unlock()
	for _, do := range listeners {
		do()
	}
}

// connected returns a context that ends when the connection breaks next: answers awaited from it will not come.
func (c *conn) connected() context.Context {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.up
}

func (c *conn) connectError(err error) error {
	where := strings.Join(c.cfg.URLs, ", ")
	if where == "" {
		where = "the server in this process"
	}
	wrapped := fmt.Errorf("connecting to NATS at %s: %w", where, err)
	switch {
	case isRefusal(err):
		return fault.AsFatal(fmt.Errorf("%w: the server does not take these credentials; correct user and password, or the credentials file", wrapped))
	case errors.Is(err, nats.ErrNoServers), errors.Is(err, nats.ErrTimeout):
		return fmt.Errorf("%w: nothing answers there; start the server or correct the address", wrapped)
	}
	return wrapped
}

// inspect refuses servers that cannot do what is needed, before anything is begun.
func (c *conn) inspect(ctx context.Context) error {
	js, err := jetstream.New(c.nc, jetstream.WithDefaultTimeout(c.cfg.Timeout))
	if err != nil {
		return fmt.Errorf("preparing JetStream: %w", err)
	}
	c.js = js
	if v := c.nc.ConnectedServerVersion(); !atLeast(v, 2, 12) {
		return fault.AsFatal(fmt.Errorf("NATS at %s is of version %s, which has no atomic batches: update the server to 2.12 or later",
			c.nc.ConnectedUrlRedacted(), v))
	}
	if _, err := js.AccountInfo(ctx); err != nil {
		return fmt.Errorf("asking NATS at %s for its JetStream account: %w", c.nc.ConnectedUrlRedacted(), classify(err))
	}
	return nil
}

func atLeast(version string, major, minor int) bool {
	var a, i int
	if n, _ := fmt.Sscanf(version, "%d.%d", &a, &i); n < 2 {
		return false
	}
	return a > major || a == major && i >= minor
}

// On a cluster of servers a request may never be answered: of several that create the same thing at once, or while a stream
// elects another leader. Retried it is. One that is answered takes milliseconds.
const (
	retryTries   = 5
	retryTimeout = 2 * time.Second
)

// retry repeats a request that was not answered.
func retry(ctx context.Context, do func(context.Context) error) error {
	for try := 1; ; try++ {
		limited, cancel := context.WithTimeout(ctx, retryTimeout)
		err := do(limited)
		silent := errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil
		cancel()
		if !silent || try == retryTries {
			return err
		}
	}
}

// request asks JetStream's API something that changes nothing.
func (c *conn) request(ctx context.Context, what string, body []byte) (m *nats.Msg, err error) {
	err = retry(ctx, func(ctx context.Context) error {
		m, err = c.nc.RequestWithContext(ctx, apiPrefix+what, body)
		return err
	})
	return m, err
}

// bucket opens a bucket. While it is being created there may be no answer.
func (c *conn) bucket(ctx context.Context, name string) (kv jetstream.KeyValue, err error) {
	err = retry(ctx, func(ctx context.Context) error {
		kv, err = c.js.KeyValue(ctx, name)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("opening bucket %s: %w", name, classify(err))
	}
	return kv, nil
}

func (c *conn) maxPayload() int { return int(c.nc.MaxPayload()) - headerReserve }

// Codes of the server that nats.go has no names for.
const (
	codeInsufficientResources jetstream.ErrorCode = 10023
	codeStorageExceeded       jetstream.ErrorCode = 10047
	codeAccountExceeded       jetstream.ErrorCode = 10002
	codeStoreFailed           jetstream.ErrorCode = 10077 // "maximum bytes exceeded", "maximum messages exceeded", a failing disk
)

// fullPause is the backoff of a publisher whose stream is full: consumers do not free space in less.
const fullPause = time.Second

// classify marks an error of NATS with what to do about it; unmarked ones stay so, and count as transient.
func classify(err error) error {
	switch {
	case err == nil || errors.Is(err, context.Canceled):
		return err
	case isRefusal(err):
		return fault.AsFatal(fmt.Errorf("%w: give this user the right to do that, or correct user and password", err))
	case errors.Is(err, nats.ErrMaxPayload):
		return fault.AsPoison(err)
	}
	var api *jetstream.APIError
	if js := jetstream.JetStreamError(nil); errors.As(err, &js) && js.APIError() != nil {
		api = js.APIError()
	} else if !errors.As(err, &api) {
		return err
	}
	return classifyAPI(err, api)
}

func classifyAPI(err error, api *jetstream.APIError) error {
	switch api.ErrorCode {
	case jetstream.JSErrCodeJetStreamNotEnabled, jetstream.JSErrCodeJetStreamNotEnabledForAccount:
		return fault.AsFatal(fmt.Errorf("%w: switch JetStream on for this account", err))
	case jetstreamext.JSErrCodeBatchPublishNotEnabled:
		return fault.AsFatal(fmt.Errorf("%w: the stream does not allow atomic batches; set allow_atomic on it", err))
	case jetstream.JSErrCodeStreamMessageExceedsMaximum:
		return fault.AsPoison(err)
	case jetstreamext.JSErrCodeBatchPublishExceedsLimit:
		return fault.AsTransient(fmt.Errorf("%w: nothing of it is stored, and batches are smaller from now on", err), 0)
	case codeStoreFailed:
		return fault.AsTransient(fmt.Errorf(
			"%w: the stream takes no more; raise its size limit, free disk space, or wait until consumers have made room", err), fullPause)
	case codeStorageExceeded:
		// It compares limits, not what is stored: freeing disk space changes nothing before the server starts again.
		return fault.AsTransient(fmt.Errorf("%w: the limits of all streams are more than the server may store; lower nats.chat_max_bytes or "+
			"nats.facts_max_bytes, or raise its max_file_store, by default three quarters of the disk space free when it started", err), fullPause)
	case codeInsufficientResources, codeAccountExceeded:
		return fault.AsTransient(fmt.Errorf("%w: the server has no storage left; free disk space or raise max_file_store", err), fullPause)
	}
	return err
}

func isRefusal(err error) bool {
	for _, r := range []error{
		nats.ErrAuthorization, nats.ErrAuthExpired, nats.ErrAuthRevoked, nats.ErrAccountAuthExpired,
		nats.ErrPermissionViolation, nats.ErrNkeysNotSupported, nats.ErrUserButNoSigCB,
	} {
		if errors.Is(err, r) {
			return true
		}
	}
	return false
}

func hasCode(err error, codes ...jetstream.ErrorCode) bool {
	var api *jetstream.APIError
	if js := jetstream.JetStreamError(nil); errors.As(err, &js) && js.APIError() != nil {
		api = js.APIError()
	} else if !errors.As(err, &api) {
		return false
	}
	for _, c := range codes {
		if api.ErrorCode == c {
			return true
		}
	}
	return false
}
