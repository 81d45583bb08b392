package testenv

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.etcd.io/etcd/client/pkg/v3/transport"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/server/v3/embed"
	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"
)

// EtcdConfig says what kind of etcd a test needs. The zero value is one member, open to everybody.
type EtcdConfig struct {
	Members     int
	Password    string // of the user root; authentication is on when it is not empty
	TLS         bool
	ClientCerts bool // with TLS: only who shows a certificate is let in
}

// EtcdCluster is an etcd of a test's own. Between its endpoints and the members lie wires that can be cut.
type EtcdCluster struct {
	Admin *clientv3.Client // to the first member past its wire: it works while that is cut

	dir     string
	cfg     EtcdConfig
	tls     *tls.Config
	wires   []*Wire
	peers   []*Wire       // on which members find each other
	members []*embed.Etcd // nil: stopped
}

// Etcd returns a cluster of the test's own, running and empty, until the test ends. A member starts in 0.2 s.
func Etcd(t testing.TB, cfg EtcdConfig) *EtcdCluster {
	t.Helper()
	cfg.Members = max(cfg.Members, 1)
	dir, err := os.MkdirTemp("", "agrichat-etcd-")
	if err != nil {
		t.Fatalf("making the folder of etcd: %v", err)
	}
	c := &EtcdCluster{dir: dir, cfg: cfg, members: make([]*embed.Etcd, cfg.Members)}
	t.Cleanup(func() {
		if err := c.close(); err != nil {
			t.Error(err)
		}
	})
	if err := c.prepare(); err != nil {
		t.Fatal(err)
	}
	c.Start(t)
	if err := c.authenticate(); err != nil {
		t.Fatal(err)
	}
	return c
}

// Endpoints are the addresses of the members.
func (c *EtcdCluster) Endpoints() []string {
	scheme := "http://"
	if c.cfg.TLS {
		scheme = "https://"
	}
	all := make([]string, len(c.wires))
	for i, w := range c.wires {
		all[i] = scheme + w.address
	}
	return all
}

// TLS trusts the cluster and is trusted by it; nil if it speaks none.
func (c *EtcdCluster) TLS() *tls.Config { return c.tls.Clone() }

// Wire leads to a member.
func (c *EtcdCluster) Wire(i int) *Wire { return c.wires[i] }

// Stop stops all members. Their data stay.
func (c *EtcdCluster) Stop(t testing.TB) {
	t.Helper()
	if err := c.stop(); err != nil {
		t.Fatal(err)
	}
}

// Start starts all members on the data that they left.
func (c *EtcdCluster) Start(t testing.TB) {
	t.Helper()
	for _, p := range c.peers {
		if err := p.Mend(); err != nil {
			t.Fatal(err)
		}
	}
	var g errgroup.Group
	for i := range c.members {
		g.Go(func() error { return c.start(i) })
	}
	if err := g.Wait(); err != nil {
		t.Fatalf("starting etcd: %v", err)
	}
	for _, w := range c.wires {
		if err := w.Mend(); err != nil {
			t.Fatal(err)
		}
	}
}

func (c *EtcdCluster) stop() error {
	var g errgroup.Group
	for i, m := range c.members {
		c.members[i] = nil
		c.wires[i].Cut() // a server would wait for the streams of its clients
		c.peers[i].Cut()
		if m != nil {
			g.Go(func() error { m.Server.HardStop(); m.Close(); return nil })
		}
	}
	return g.Wait()
}

func (c *EtcdCluster) close() error {
	err := error(nil)
	if c.Admin != nil {
		err = c.Admin.Close()
	}
	return errors.Join(err, c.stop(), os.RemoveAll(c.dir))
}

func (c *EtcdCluster) socket(member int, name string) string {
	return filepath.Join(c.dir, fmt.Sprintf("%d-%s", member, name))
}

func (c *EtcdCluster) prepare() error {
	if c.cfg.TLS {
		var err error
		if c.tls, err = certify(c.dir); err != nil {
			return err
		}
	}
	for i := range c.members {
		w := &Wire{target: c.socket(i, "plain")}
		if c.cfg.TLS {
			w.target = c.socket(i, "secure")
		}
		c.wires = append(c.wires, w)
		p, err := peer()
		if err == nil {
			err = p.Mend()
		}
		if err != nil {
			return err
		}
		c.peers = append(c.peers, p)
	}
	var err error
	c.Admin, err = clientv3.New(clientv3.Config{
		Endpoints: []string{"unix://" + c.socket(0, "plain")}, Logger: zap.NewNop(),
	})
	return err
}

// peer returns a wire to where a member listens for others. It is no socket with a path: others do not get through to one.
func peer() (*Wire, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("looking for a free port: %w", err)
	}
	return &Wire{target: l.Addr().String()}, l.Close()
}

func network(target string) string {
	if filepath.IsAbs(target) {
		return "unix"
	}
	return "tcp"
}

func (c *EtcdCluster) start(i int) error {
	m, err := embed.StartEtcd(c.config(i))
	if err != nil {
		return err
	}
	c.members[i] = m
	select {
	case <-m.Server.ReadyNotify():
		return nil
	case err := <-m.Err():
		return err
	case <-time.After(startLimit):
		return errors.New("it takes too long")
	}
}

// config is of a member that elects ten times as fast as usual, and waits for no disk.
func (c *EtcdCluster) config(i int) *embed.Config {
	cfg := embed.NewConfig()
	cfg.Name, cfg.Dir = fmt.Sprint("m", i), c.socket(i, "data")
	cfg.TickMs, cfg.ElectionMs, cfg.UnsafeNoFsync = 20, 200, true
	cfg.BcryptCost = 4
	cfg.ZapLoggerBuilder = embed.NewZapLoggerBuilder(zap.NewNop())
	cfg.ListenClientUrls = []url.URL{{Scheme: "unix", Path: c.socket(i, "plain")}}
	if c.cfg.TLS {
		cfg.ListenClientUrls = append(cfg.ListenClientUrls, url.URL{Scheme: "unixs", Path: c.socket(i, "secure")})
		cfg.ClientTLSInfo = transport.TLSInfo{
			CertFile: filepath.Join(c.dir, "cert.pem"), KeyFile: filepath.Join(c.dir, "key.pem"),
			TrustedCAFile: filepath.Join(c.dir, "ca.pem"), ClientCertAuth: c.cfg.ClientCerts,
		}
	}
	cfg.AdvertiseClientUrls = cfg.ListenClientUrls
	cfg.ListenPeerUrls = []url.URL{{Scheme: "http", Host: c.peers[i].target}}
	cfg.AdvertisePeerUrls = []url.URL{{Scheme: "http", Host: c.peers[i].address}}
	peers := make([]string, len(c.peers))
	for j, p := range c.peers {
		peers[j] = fmt.Sprintf("m%d=http://%s", j, p.address)
	}
	cfg.InitialCluster = strings.Join(peers, ",")
	return cfg
}

func (c *EtcdCluster) authenticate() error {
	if c.cfg.Password == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), startLimit)
	defer cancel()
	for _, step := range []func() error{
		func() error { _, err := c.Admin.UserAdd(ctx, "root", c.cfg.Password); return err },
		func() error { _, err := c.Admin.RoleAdd(ctx, "root"); return err },
		func() error { _, err := c.Admin.UserGrantRole(ctx, "root", "root"); return err },
		func() error { _, err := c.Admin.AuthEnable(ctx); return err },
		func() error { return c.Admin.Close() },
	} {
		if err := step(); err != nil {
			return fmt.Errorf("giving etcd users: %w", err)
		}
	}
	var err error
	c.Admin, err = clientv3.New(clientv3.Config{
		Endpoints: []string{"unix://" + c.socket(0, "plain")}, Logger: zap.NewNop(),
		Username: "root", Password: c.cfg.Password, DialTimeout: startLimit,
	})
	return err
}

// Wire carries connections to a server, until it is cut or goes silent.
type Wire struct {
	target  string
	address string // stays the same when it was cut and mended

	mu       sync.Mutex // covers all below
	listener net.Listener
	conns    map[net.Conn]struct{}
	silence  chan struct{} // closed when it ends; nil: there is none
	running  sync.WaitGroup
}

// NewWire returns a wire to a server of this machine, mended, until the test ends.
func NewWire(t testing.TB, target string) *Wire {
	t.Helper()
	w := &Wire{target: target}
	if err := w.Mend(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Cut)
	return w
}

// Address is where the wire listens.
func (w *Wire) Address() string { return w.address }

// Mend lets connections through again.
func (w *Wire) Mend() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.listener != nil {
		return nil
	}
	address := w.address
	if address == "" {
		address = "127.0.0.1:0"
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return fmt.Errorf("mending a wire: %w", err)
	}
	w.listener, w.address, w.conns = l, l.Addr().String(), map[net.Conn]struct{}{}
	w.running.Go(func() { w.accept(l) })
	return nil
}

// Cut ends all connections and refuses new ones.
func (w *Wire) Cut() {
	w.Speak()
	w.mu.Lock()
	if w.listener != nil {
		_ = w.listener.Close()
		for c := range w.conns {
			_ = c.Close()
		}
	}
	w.listener, w.conns = nil, nil
	w.mu.Unlock()
	w.running.Wait()
}

// Silence lets nothing through any more; connections stay, as they do to a server that is stopped by a signal.
func (w *Wire) Silence() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.silence == nil {
		w.silence = make(chan struct{})
	}
}

// Speak lets through what was held back, and what follows.
func (w *Wire) Speak() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.silence != nil {
		close(w.silence)
		w.silence = nil
	}
}

func (w *Wire) accept(l net.Listener) {
	for {
		near, err := l.Accept()
		if err != nil {
			return
		}
		far, err := net.Dial(network(w.target), w.target)
		if err != nil || !w.keep(l, near, far) {
			_ = near.Close()
			if far != nil {
				_ = far.Close()
			}
			continue
		}
		w.running.Go(func() { w.carry(near, far) })
		w.running.Go(func() { w.carry(far, near) })
	}
}

func (w *Wire) keep(l net.Listener, conns ...net.Conn) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.listener != l {
		return false
	}
	for _, c := range conns {
		w.conns[c] = struct{}{}
	}
	return true
}

func (w *Wire) carry(to, from net.Conn) {
	defer func() { _, _ = to.Close(), from.Close() }()
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		w.mu.Lock()
		silence := w.silence
		w.mu.Unlock()
		if silence != nil {
			<-silence
		}
		if _, failed := to.Write(buf[:n]); err != nil || failed != nil {
			return
		}
	}
}

// certify writes ca.pem, cert.pem and key.pem for servers on this machine, and returns what clients need.
func certify(dir string) (*tls.Config, error) {
	ca, caKey, err := certificate("of the tests", nil, nil)
	if err != nil {
		return nil, err
	}
	cert, key, err := certificate("etcd", ca, caKey)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	for name, block := range map[string]*pem.Block{
		"ca.pem": {Type: "CERTIFICATE", Bytes: ca.Raw}, "cert.pem": {Type: "CERTIFICATE", Bytes: cert.Raw},
		"key.pem": {Type: "PRIVATE KEY", Bytes: der},
	} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
			return nil, fmt.Errorf("writing certificates: %w", err)
		}
	}
	roots := x509.NewCertPool()
	roots.AddCert(ca)
	return &tls.Config{
		MinVersion: tls.VersionTLS12, RootCAs: roots,
		Certificates: []tls.Certificate{{Certificate: [][]byte{cert.Raw}, PrivateKey: key}},
	}, nil
}

// certificate is signed by the parent, or by itself.
func certificate(name string, parent *x509.Certificate, by *ecdsa.PrivateKey) (*x509.Certificate, *ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, BasicConstraintsValid: true, IsCA: parent == nil,
		KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	if parent == nil {
		parent, by = c, key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, &key.PublicKey, by)
	if err != nil {
		return nil, nil, fmt.Errorf("making a certificate: %w", err)
	}
	made, err := x509.ParseCertificate(der)
	return made, key, err
}
