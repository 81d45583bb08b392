package live

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"

	"github.com/ergochat/irc-go/ircmsg"
	"github.com/ergochat/irc-go/ircreader"

	"github.com/agrichat/agrichat/internal/charset"
)

// conn is a connection to a server. One goroutine reads; any may send.
type conn struct {
	net     net.Conn
	in      ircreader.Reader
	charset *charset.Decoder
	writing sync.Mutex // covers the order of lines on the wire
}

// received is a line of the server.
type received struct {
	raw     []byte
	msg     ircmsg.Message
	err     error  // why raw is no message
	charset string // in which raw was read; empty: UTF-8
	at      time.Time
	dropped int // lines that were dropped here; there is nothing else then
}

// writeTimeout is how long a server may refuse to take a line of at most 512 bytes.
const writeTimeout = 10 * time.Second

func (l *Source) dial(ctx context.Context) (*conn, error) {
	d := net.Dialer{}
	var nc net.Conn
	var err error
	if l.tls != nil {
		nc, err = (&tls.Dialer{NetDialer: &d, Config: l.tls}).DialContext(ctx, "tcp", l.cfg.Server)
	} else {
		nc, err = d.DialContext(ctx, "tcp", l.cfg.Server)
	}
	if err != nil {
		return nil, fmt.Errorf("connecting to %s: %w", l.cfg.Server, err)
	}
	cs, err := charset.NewDecoder(l.cfg.Charset, nil)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("charset: %w", err), nc.Close())
	}
	c := &conn{net: nc, charset: cs}
	// 8191 bytes of tags and 512 of message are allowed; some servers send longer messages.
	c.in.Initialize(nc, 1024, 32<<10)
	return c, nil
}

// read returns the next line. The error may be a timeout, after which reading can go on.
func (c *conn) read(clock func() time.Time) (received, error) {
	b, err := c.in.ReadLine()
	if err != nil {
		return received{}, err
	}
	r := parseReceived(c.charset, bytes.Clone(b))
	r.at = clock()
	return r, nil
}

func parseReceived(cs *charset.Decoder, raw []byte) received {
	r := received{raw: raw}
	if len(raw) > 0 { // an empty line says nothing, and servers may send them
		var text string
		text, r.charset = cs.Decode(raw)
		r.msg, r.err = ircmsg.ParseLine(text)
	}
	return r
}

func (c *conn) send(command string, params ...string) error {
	return c.sendWithin(writeTimeout, command, params...)
}

func (c *conn) sendWithin(most time.Duration, command string, params ...string) error {
	m := ircmsg.MakeMessage(nil, "", command, params...)
	b, err := m.LineBytes()
	if err != nil {
		return fmt.Errorf("writing %s: %w", command, err)
	}
	c.writing.Lock()
	defer c.writing.Unlock()
	if err := c.net.SetWriteDeadline(time.Now().Add(most)); err != nil {
		return fmt.Errorf("sending %s: %w", command, err)
	}
	if _, err := c.net.Write(b); err != nil {
		return fmt.Errorf("sending %s: %w", command, err)
	}
	return nil
}

// pump reads until the connection ends, answers PINGs, and pings a silent server. It never waits for the reader of
// its lines: a server ends a link whose PINGs are not answered. It returns why it ended.
func (c *conn) pump(l *Source, out *queue) error {
	asked := false
	for {
		wait := l.cfg.PingAfter
		if asked {
			wait = l.cfg.PingTimeout
		}
		if err := c.net.SetReadDeadline(time.Now().Add(wait)); err != nil {
			return fmt.Errorf("reading from %s: %w", l.cfg.Server, err)
		}
		r, err := c.read(l.clock)
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded) && asked:
			return fmt.Errorf("%s has been silent for %v and does not answer", l.cfg.Server, l.cfg.PingAfter+l.cfg.PingTimeout)
		case errors.Is(err, os.ErrDeadlineExceeded):
			asked, err = true, c.send("PING", "agrichat")
		case err != nil:
			return fmt.Errorf("reading from %s: %w", l.cfg.Server, err)
		case r.msg.Command == "PING":
			asked, err = false, c.send("PONG", r.msg.Params...)
		case r.msg.Command == "PONG" || len(r.raw) == 0:
			asked = false
		default:
			asked = false
			out.put(r)
		}
		if err != nil {
			return err
		}
	}
}
