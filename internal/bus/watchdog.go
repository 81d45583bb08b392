package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/url"
	"slices"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// A server that is cut off from its peers, or hangs, keeps its clients: the connection stays up while nothing is stored. The
// watchdog probes when nothing was acknowledged lately, and moves the connection to another server.
const (
	checkEvery   = time.Second
	probeAfter   = 2 * time.Second        // without an acknowledgement or a probe that succeeded
	suspectEvery = 500 * time.Millisecond // once a probe has failed
	probeTimeout = time.Second
	peerSilence  = 2500 * time.Millisecond // after which the stream's leader does not count a replica for its quorum; they talk every second
	// How long probes must fail. Where the leader of all streams answers, CHAT may just be electing: a move would gain nothing.
	moveAfter   = 2500 * time.Millisecond
	staleAfter  = time.Second
	electsAfter = 4 * time.Second
	writeStall  = 5 * time.Second // a write that takes as long will not end
	dialTimeout = 3 * time.Second // a host that is gone must not keep the others from being tried
	// The pause after a move doubles while no server is healthy.
	movePause    = 4 * time.Second
	movePauseMax = time.Minute
)

var (
	errNoQuorum = errors.New("the stream's leader has lost its replicas")
	errElecting = errors.New("the stream has no leader")
)

// watchdog moves a connection away from a server on which nothing can be stored. One goroutine owns it.
type watchdog struct {
	c         *conn
	acked     atomic.Int64 // when a publication was last acknowledged, in Unix nanoseconds
	moves     atomic.Int64
	failed    atomic.Pointer[string] // what the last probe failed with; nil: it did not
	proved    bool                   // a probe has succeeded: before that a permission may be missing
	since     time.Time              // the first of the probes that have failed since one succeeded
	succeeded time.Time              // when a probe last did
	next      time.Time              // no move before
	pause     time.Duration
	servers   []string // every one that was configured or advertised: a server that is cut off withdraws its peers
	conn      atomic.Pointer[watchedConn]
	stop      context.CancelFunc
	done      chan struct{}
}

// watchedConn knows since when a write has been held up: the library waits for it with everything locked.
type watchedConn struct {
	net.Conn
	writing atomic.Int64 // when the write that is under way began, in Unix nanoseconds; zero: none is
}

func (c *watchedConn) Write(p []byte) (int, error) {
	c.writing.Store(time.Now().UnixNano())
	defer c.writing.Store(0)
	return c.Conn.Write(p)
}

// Dial implements nats.CustomDialer.
func (w *watchdog) Dial(network, address string) (net.Conn, error) {
	d := net.Dialer{Timeout: min(w.c.cfg.Timeout, dialTimeout)}
	conn, err := d.Dial(network, address)
	if err != nil {
		return nil, fmt.Errorf("connecting to %s: %w", address, err)
	}
	c := &watchedConn{Conn: conn}
	w.conn.Store(c)
	return c, nil
}

// unblock closes a connection of which a write has not ended for long, and reports whether it did.
func (w *watchdog) unblock(now time.Time) bool {
	c := w.conn.Load()
	if c == nil {
		return false
	}
	began := c.writing.Load()
	if began == 0 || now.Sub(time.Unix(0, max(began, w.acked.Load()))) < writeStall {
		return false
	}
	w.c.cfg.Log.Warn("this NATS server takes nothing: moving to another one", "server", c.RemoteAddr())
	w.moves.Add(1)
	_ = c.Close() // it is given up
	return true
}

// watchServer starts the watchdog where there is more than one server to move to.
func (c *conn) watchServer() {
	if len(c.cfg.URLs) < 2 && c.nc.ConnectedClusterName() == "" {
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	c.dog.stop, c.dog.done = stop, make(chan struct{})
	go func() {
		defer close(c.dog.done)
		c.dog.run(ctx)
	}()
}

// end stops the watchdog and waits for it.
func (w *watchdog) end() {
	if w.stop != nil {
		w.stop()
		<-w.done
	}
}

func (w *watchdog) run(ctx context.Context) {
	timer := time.NewTimer(jittered(checkEvery))
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		every := checkEvery
		if w.check(ctx) {
			every = suspectEvery
		}
		timer.Reset(jittered(every))
	}
}

// check probes, if there is a reason to, and moves when the server has been useless for long enough.
func (w *watchdog) check(ctx context.Context) (measureFrom bool) {
	if w.unblock(time.Now()) {
		return false
	}
	if !w.c.nc.IsConnected() { // the library is looking for another one
		w.since = time.Time{}
		return false
	}
	now := time.Now()
	acked := time.Unix(0, w.acked.Load())
	if w.proved && now.Sub(acked) < probeAfter {
		w.failed.Store(nil)
		w.since = time.Time{}
		return false
	}
	if w.since.IsZero() && now.Sub(w.succeeded) < probeAfter {
		return false
	}
	w.addServers()
	if len(w.servers) < 2 {
		return false
	}
	err := w.probe(ctx)
	switch {
	case ctx.Err() != nil:
		return false
	case err == nil:
		w.proved, w.succeeded, w.since, w.pause = true, time.Now(), time.Time{}, 0
		w.failed.Store(nil)
		return false
	case !w.proved:
		return false
	}
	text := err.Error()
	w.failed.Store(&text)
	if w.since.IsZero() {
		w.since = now
	}
	if now = time.Now(); now.Sub(w.since) >= patienceWith(err) && !now.Before(w.next) {
		w.move(now, err)
		return false
	}
	return true
}

func patienceWith(err error) time.Duration {
	switch {
	case errors.Is(err, errNoQuorum):
		return staleAfter
	case errors.Is(err, errElecting):
		return electsAfter
	}
	return moveAfter
}

// probe checks whether CHAT could store something if it was published to this server.
func (w *watchdog) probe(ctx context.Context) error {
	err := w.probeStream(ctx)
	if err == nil || errors.Is(err, errNoQuorum) || errors.Is(err, errElecting) || ctx.Err() != nil {
		return err
	}
	var answer struct {
		Error *jetstream.APIError `json:"error"`
	}
	if other := w.request(ctx, "INFO", &answer); other == nil && answer.Error == nil {
		return fmt.Errorf("%w: %w", errElecting, err)
	}
	return err
}

func (w *watchdog) probeStream(ctx context.Context) error {
	var answer struct {
		Error   *jetstream.APIError    `json:"error"`
		Cluster *jetstream.ClusterInfo `json:"cluster"`
	}
	if err := w.request(ctx, "STREAM.INFO."+Chat, &answer); err != nil {
		return err
	}
	if answer.Error != nil {
		if answer.Error.ErrorCode == jetstream.JSErrCodeStreamNotFound { // the leader of all streams has answered
			return nil
		}
		return answer.Error
	}
	return quorum(answer.Cluster)
}

// quorum returns an error unless the stream has a leader that is in contact with enough of its replicas. A leader that was cut off takes itself for the
// leader for ten seconds and more; another replica that was cut off answers in place of its missing leader.
func quorum(c *jetstream.ClusterInfo) error {
	if c == nil || len(c.Replicas) == 0 {
		return nil
	}
	if c.Leader == "" {
		return errElecting
	}
	heard := 1
	for _, r := range c.Replicas {
		if !r.Offline && r.Active < peerSilence {
			heard++
		}
	}
	if heard <= (len(c.Replicas)+1)/2 {
		return fmt.Errorf("%w: %s hears %d of %d", errNoQuorum, c.Leader, heard-1, len(c.Replicas))
	}
	return nil
}

func (w *watchdog) request(ctx context.Context, what string, into any) error {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	m, err := w.c.nc.RequestWithContext(ctx, apiPrefix+what, nil)
	if err != nil {
		return fmt.Errorf("probing JetStream: %w", err)
	}
	if err := json.Unmarshal(m.Data, into); err != nil {
		return fmt.Errorf("reading JetStream's answer to a probe: %w", err)
	}
	return nil
}

// addServers keeps the servers that the present one advertises.
func (w *watchdog) addServers() {
	for _, s := range w.c.nc.Servers() {
		if !slices.Contains(w.servers, s) {
			w.servers = append(w.servers, s)
		}
	}
}

// move leaves the server for another one. The library tries the one it leaves last.
func (w *watchdog) move(now time.Time, why error) {
	w.pause = min(max(2*w.pause, movePause), movePauseMax)
	w.next, w.since = now.Add(jittered(w.pause)), time.Time{}
	left := w.c.nc.ConnectedUrlRedacted()
	w.c.cfg.Log.Warn("JetStream stores nothing through this NATS server: moving to another one", "server", left, "error", why)
	if len(w.c.nc.Servers()) < len(w.servers) {
		if err := w.c.nc.SetServerPool(withUser(w.servers, w.c.cfg.URLs)); err != nil {
			w.c.cfg.Log.Warn("cannot use the servers that were advertised", "error", err)
		}
	}
	w.moves.Add(1)
	if err := w.c.nc.ForceReconnect(); err != nil && !errors.Is(err, nats.ErrConnectionClosed) {
		w.c.cfg.Log.Warn("cannot leave the NATS server", "server", left, "error", err)
	}
}

// withUser gives servers that were advertised the user that configured addresses carry.
func withUser(servers, configured []string) []string {
	hosts := map[string]string{}
	var user *url.Userinfo
	for _, s := range configured {
		if u, err := url.Parse(s); err == nil && u.Host != "" {
			hosts[u.Host] = s
			if user == nil {
				user = u.User
			}
		}
	}
	out := make([]string, len(servers))
	for i, s := range servers {
		out[i] = s
		u, err := url.Parse(s)
		if err != nil {
			continue
		}
		if known, ok := hosts[u.Host]; ok {
			out[i] = known
		} else if user != nil && u.User == nil {
			u.User = user
			out[i] = u.String()
		}
	}
	return out
}

// jittered keeps clients from doing the same at the same moment.
func jittered(d time.Duration) time.Duration {
	return d*3/4 + rand.N(d/2)
}

// linkError says why nothing can be stored over the connection as it is, as far as that was probed.
func (c *conn) linkError() error {
	if !c.nc.IsConnected() {
		return errors.New("not connected to any NATS server: trying all of them")
	}
	if text := c.dog.failed.Load(); text != nil {
		return fmt.Errorf("NATS at %s stores nothing: %s", c.nc.ConnectedUrlRedacted(), *text)
	}
	return nil
}
