package live

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"github.com/agrichat/agrichat/internal/charset"
	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/fault"
	"github.com/agrichat/agrichat/producers"
	"github.com/agrichat/agrichat/producers/irc/chatline"
)

// Sample is the configuration of a live source.
const Sample = `network: libera            # the network's name: the scope of its nicks and channels
server: irc.libera.chat:6697
tls: true                  # the default
# tls_ca: /etc/agrichat/ca.pem          # where the system's authorities do not do
# tls_cert: /etc/agrichat/client.pem    # with tls_key: a client certificate, for SASL EXTERNAL
nick: agrichat             # if it is taken, names like it are tried
# username: agrichat
# realname: archive of this channel
# password_file: /run/secrets/irc       # of the server, not of the nick; or password
# sasl:
#   mechanism: plain                    # or external
#   user: agrichat
#   password_file: /run/secrets/irc-sasl
channels: ["#golang"]      # a key follows the name: "#private key"
# charset: windows-1251                 # of lines that are not UTF-8
# history: 100                          # messages from before the first join, where the server keeps them; 0: none
# connect_timeout: 30s
# ping_after: 60s                       # of silence the server is asked whether it is there
# ping_timeout: 30s                     # for its answer
`

// config is a live source's configuration.
type config struct {
	Network        string        `yaml:"network"`
	Server         string        `yaml:"server"`
	TLS            *bool         `yaml:"tls"`
	TLSCA          string        `yaml:"tls_ca"`
	TLSCert        string        `yaml:"tls_cert"`
	TLSKey         string        `yaml:"tls_key"`
	Nick           string        `yaml:"nick"`
	Username       string        `yaml:"username"`
	Realname       string        `yaml:"realname"`
	Password       string        `yaml:"password"`
	PasswordFile   string        `yaml:"password_file"`
	SASL           *saslConfig   `yaml:"sasl"`
	Channels       []string      `yaml:"channels"`
	Charset        string        `yaml:"charset"`
	History        *int          `yaml:"history"`
	ConnectTimeout time.Duration `yaml:"connect_timeout"`
	PingAfter      time.Duration `yaml:"ping_after"`
	PingTimeout    time.Duration `yaml:"ping_timeout"`
}

type saslConfig struct {
	Mechanism    string `yaml:"mechanism"`
	User         string `yaml:"user"`
	Password     string `yaml:"password"`
	PasswordFile string `yaml:"password_file"`
}

// Source is a source that has been configured; it holds no connection.
type Source struct {
	cfg        config
	account    event.Account
	channels   []channelConfig
	bufferSize int              // bytes of lines that are read while the runner publishes
	tls        *tls.Config      // nil: plain
	clock      func() time.Time // for lines of servers that send no time
}

// channelConfig is a channel to be in.
type channelConfig struct {
	id   event.Channel
	name string
	key  string
}

// New makes a live source of its configuration.
func New(decode func(into any) error) (producers.Source, error) {
	c := config{ConnectTimeout: 30 * time.Second, PingAfter: time.Minute, PingTimeout: 30 * time.Second}
	if err := decode(&c); err != nil {
		return nil, fmt.Errorf("reading the configuration of an irc source: %w", err)
	}
	l := &Source{cfg: c, bufferSize: defaultBufferSize, clock: time.Now}
	errs := []error{c.check(), l.setTLS(), l.setChannels()}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	l.setDefaults()
	return l, nil
}

func (l *Source) setDefaults() {
	c := &l.cfg
	if c.Username == "" {
		c.Username = c.Nick
	}
	if c.Realname == "" {
		c.Realname = c.Nick
	}
	if c.History == nil {
		c.History = new(100)
	}
	l.account = event.Account(c.Nick)
	if c.SASL != nil && c.SASL.User != "" {
		l.account = event.Account(c.SASL.User)
	}
}

// check returns all that is wrong.
func (c *config) check() error {
	var errs []error
	wrong := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if c.Network == "" {
		wrong("network is empty: give the network a name, for example libera; it becomes part of all ids")
	}
	if _, port, err := net.SplitHostPort(c.Server); err != nil || port == "" {
		wrong("server %q is not host:port, for example irc.libera.chat:6697", c.Server)
	}
	if c.Nick == "" {
		wrong("nick is empty")
	}
	const forbidden = " :,*?!@"
	if strings.ContainsAny(c.Nick, forbidden) || hasControl(c.Nick) || c.Nick != "" && c.Nick[0] >= '0' && c.Nick[0] <= '9' {
		wrong("nick %q has characters that IRC does not allow there", c.Nick)
	}
	if strings.ContainsAny(c.Username, forbidden) || hasControl(c.Username) {
		wrong("username %q has characters that IRC does not allow there", c.Username)
	}
	if hasControl(c.Realname) || hasControl(c.Password) {
		wrong("realname or password has control characters")
	}
	if c.Password != "" && c.PasswordFile != "" {
		wrong("password and password_file are both set: keep one")
	}
	if c.History != nil && *c.History < 0 {
		wrong("history is %d: it is a number of messages, 0 for none", *c.History)
	}
	if c.ConnectTimeout <= 0 || c.PingAfter <= 0 || c.PingTimeout <= 0 {
		wrong("connect_timeout, ping_after and ping_timeout must be more than 0, for example 30s")
	}
	if c.Charset != "" {
		if _, _, err := charset.Lookup(c.Charset); err != nil {
			wrong("charset: %w", err)
		}
	}
	errs = append(errs, c.SASL.check(c))
	return errors.Join(errs...)
}

func (s *saslConfig) check(c *config) error {
	if s == nil {
		return nil
	}
	switch strings.ToLower(s.Mechanism) {
	case "", "plain":
		if s.User == "" || s.Password == "" && s.PasswordFile == "" {
			return errors.New("sasl needs user, and password or password_file")
		}
		if s.Password != "" && s.PasswordFile != "" {
			return errors.New("sasl.password and sasl.password_file are both set: keep one")
		}
		return nil
	case "external":
		if c.TLSCert == "" {
			return errors.New("sasl.mechanism external needs tls_cert and tls_key")
		}
		return nil
	}
	return fmt.Errorf("sasl.mechanism %q is not known: plain or external", s.Mechanism)
}

func (s *saslConfig) external() bool { return strings.EqualFold(s.Mechanism, "external") }

func (l *Source) setChannels() error {
	var errs []error
	seen := map[event.Channel]bool{}
	for _, c := range l.cfg.Channels {
		name, key, _ := strings.Cut(strings.TrimSpace(c), " ")
		id := event.Channel(chatline.Fold(name))
		switch {
		case !chatline.IsChannel(name) || strings.Contains(name, ",") || hasControl(c) || strings.Contains(key, " "):
			errs = append(errs, fmt.Errorf("channels: %q is no channel: write \"#name\" or \"#name key\"", c))
		case seen[id]:
			errs = append(errs, fmt.Errorf("channels: %s is there twice", name))
		default:
			l.channels = append(l.channels, channelConfig{id, name, key})
		}
		seen[id] = true
	}
	if len(l.cfg.Channels) == 0 {
		errs = append(errs, errors.New("channels is empty: name at least one"))
	}
	return errors.Join(errs...)
}

func (l *Source) setTLS() error {
	c := l.cfg
	if c.TLS != nil && !*c.TLS {
		if c.TLSCA+c.TLSCert+c.TLSKey != "" {
			return errors.New("tls is false, but tls_ca, tls_cert or tls_key is set: keep one or the other")
		}
		return nil
	}
	host, _, _ := net.SplitHostPort(c.Server) // check reports it
	l.tls = &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12}
	if c.TLSCA != "" {
		pem, err := os.ReadFile(c.TLSCA)
		if err != nil {
			return fmt.Errorf("reading tls_ca: %w", err)
		}
		l.tls.RootCAs = x509.NewCertPool()
		if !l.tls.RootCAs.AppendCertsFromPEM(pem) {
			return fmt.Errorf("tls_ca %s holds no certificate", c.TLSCA)
		}
	}
	if c.TLSCert+c.TLSKey == "" {
		return nil
	}
	cert, err := tls.LoadX509KeyPair(c.TLSCert, c.TLSKey)
	if err != nil {
		return fmt.Errorf("reading tls_cert and tls_key: %w", err)
	}
	l.tls.Certificates = []tls.Certificate{cert}
	return nil
}

// readSecret returns a password as it is now: a file may have been renewed since the start.
func readSecret(value, file string) (string, error) {
	if file == "" {
		return value, nil
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return "", fault.AsFatal(fmt.Errorf("reading a password: %w", err))
	}
	return strings.TrimRight(string(b), "\r\n"), nil
}

func hasControl(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f }) >= 0
}
