package live

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ergochat/irc-go/ircmsg"
	"github.com/ergochat/irc-go/ircutils"

	"github.com/agrichat/agrichat/internal/fault"
)

// registration is the talk with a server until it takes us in.
type registration struct {
	live     *Source
	conn     *conn
	nick     string
	tries    int // of other nicks
	offered  map[string]string
	caps     map[string]bool // that the server has acknowledged
	page     int             // messages that it gives at once of its history; 0: it does not say
	welcomed bool
	ended    bool // CAP END is sent
}

// wantedCaps are the capabilities that we make something of. Without any of them a server works too.
func wantedCaps() []string {
	return []string{
		"message-tags", "server-time", "account-tag", "echo-message", "batch", "draft/chathistory", "draft/event-playback",
	}
}

// register returns once the server has accepted the connection and listed what it supports.
func (l *Source) register(ctx context.Context, c *conn) (*registration, error) {
	r := &registration{live: l, conn: c, nick: l.cfg.Nick, offered: map[string]string{}, caps: map[string]bool{}}
	if err := c.net.SetReadDeadline(time.Now().Add(l.cfg.ConnectTimeout)); err != nil {
		return nil, fmt.Errorf("registering with %s: %w", l.cfg.Server, err)
	}
	stop := context.AfterFunc(ctx, func() { _ = c.net.SetReadDeadline(time.Unix(1, 0)) }) // wakes the reading below
	err := r.run()
	if !stop() && ctx.Err() != nil {
		return nil, fmt.Errorf("registering with %s: %w", l.cfg.Server, ctx.Err())
	}
	if err != nil {
		return nil, fmt.Errorf("registering with %s: %w", l.cfg.Server, err)
	}
	return r, nil
}

func (r *registration) run() error {
	if err := r.sendGreeting(); err != nil {
		return err
	}
	for {
		in, err := r.conn.read(r.live.clock)
		if err != nil {
			return err
		}
		if in.err != nil || len(in.raw) == 0 {
			continue
		}
		ready, err := r.handle(&in.msg)
		if err != nil || ready {
			return err
		}
	}
}

func (r *registration) sendGreeting() error {
	c := &r.live.cfg
	password, err := readSecret(c.Password, c.PasswordFile)
	if err != nil {
		return err
	}
	if password != "" {
		if err := r.conn.send("PASS", password); err != nil {
			return err
		}
	}
	if err := r.conn.send("CAP", "LS", "302"); err != nil {
		return err
	}
	if err := r.conn.send("NICK", r.nick); err != nil {
		return err
	}
	return r.conn.send("USER", c.Username, "0", "*", c.Realname)
}

func (r *registration) handle(m *ircmsg.Message) (ready bool, err error) {
	switch m.Command {
	case "PING":
		return false, r.conn.send("PONG", m.Params...)
	case "CAP":
		return false, r.cap(m)
	case "AUTHENTICATE":
		return false, r.authenticate()
	case "903":
		return false, r.end()
	case "001":
		r.welcomed = true
		if len(m.Params) > 0 {
			r.nick = m.Params[0]
		}
	case "005":
		r.supports(m.Params)
	case "376", "422":
		return r.welcomed, r.checkSASL()
	case "432", "433", "436", "437":
		return false, r.anotherNick(m)
	}
	return false, refusal(m)
}

// cap answers what the server says of its capabilities.
func (r *registration) cap(m *ircmsg.Message) error {
	if len(m.Params) < 3 {
		return nil
	}
	list := strings.Fields(m.Params[len(m.Params)-1])
	switch strings.ToUpper(m.Params[1]) {
	case "LS":
		for _, c := range list {
			name, value, _ := strings.Cut(c, "=")
			r.offered[name] = value
		}
		if m.Params[2] == "*" && len(m.Params) > 3 { // more lines follow
			return nil
		}
		return r.request()
	case "ACK":
		for _, c := range list {
			r.caps[c] = true
		}
		if r.live.cfg.SASL != nil && r.caps["sasl"] {
			return r.conn.send("AUTHENTICATE", r.mechanism())
		}
		return r.end()
	case "NAK":
		return r.end()
	}
	return nil
}

func (r *registration) request() error {
	want := slices.DeleteFunc(wantedCaps(), func(c string) bool { _, ok := r.offered[c]; return !ok })
	if r.live.cfg.SASL != nil {
		if err := r.canSASL(); err != nil {
			return err
		}
		want = append(want, "sasl")
	}
	if len(want) == 0 {
		return r.end()
	}
	return r.conn.send("CAP", "REQ", strings.Join(want, " "))
}

// canSASL refuses to go on without the account that the user wants: the network may show other channels to strangers.
func (r *registration) canSASL() error {
	mechanisms, ok := r.offered["sasl"]
	if !ok { // most networks withdraw it while their services are away
		return fault.AsTransient(fmt.Errorf("server offers no SASL now, and sasl is configured"), time.Minute)
	}
	if mechanisms != "" && !slices.Contains(strings.Split(mechanisms, ","), r.mechanism()) {
		return fault.AsFatal(fmt.Errorf("server takes SASL %s, not %s: change sasl.mechanism", mechanisms, r.mechanism()))
	}
	return nil
}

func (r *registration) mechanism() string {
	if r.live.cfg.SASL.external() {
		return "EXTERNAL"
	}
	return "PLAIN"
}

func (r *registration) authenticate() error {
	s := r.live.cfg.SASL
	if s == nil {
		return nil
	}
	var raw []byte
	if !s.external() {
		password, err := readSecret(s.Password, s.PasswordFile)
		if err != nil {
			return err
		}
		raw = []byte(s.User + "\x00" + s.User + "\x00" + password)
	}
	for _, part := range ircutils.EncodeSASLResponse(raw) {
		if err := r.conn.send("AUTHENTICATE", part); err != nil {
			return err
		}
	}
	return nil
}

func (r *registration) end() error {
	if r.ended {
		return nil
	}
	r.ended = true
	return r.conn.send("CAP", "END")
}

// checkSASL catches servers that know no capabilities at all.
func (r *registration) checkSASL() error {
	if r.live.cfg.SASL != nil && !r.caps["sasl"] {
		return fault.AsFatal(fmt.Errorf("server knows no SASL: remove sasl, or give the password of the server as password"))
	}
	return nil
}

// anotherNick tries a name like ours. Old servers cut names at nine characters, so the later tries are short.
func (r *registration) anotherNick(m *ircmsg.Message) error {
	const most = 6
	base := r.live.cfg.Nick
	if r.welcomed {
		return nil
	}
	if m.Command == "432" && r.tries == 0 {
		return fault.AsFatal(fmt.Errorf("server does not allow the nick %q: change nick (%s)", base, lastParam(m)))
	}
	r.tries++
	if r.tries > most {
		return fault.AsTransient(fmt.Errorf("nick %q and names like it are in use", base), time.Minute)
	}
	r.nick = base + "_"
	if r.tries > 1 {
		r.nick = base[:min(len(base), 7)] + "_" + strconv.Itoa(r.tries)
	}
	return r.conn.send("NICK", r.nick)
}

func (r *registration) supports(params []string) {
	for _, p := range params {
		name, value, _ := strings.Cut(p, "=")
		if n, err := strconv.ParseUint(value, 10, 30); err == nil && (name == "CHATHISTORY" || name == "draft/CHATHISTORY") {
			r.page = int(n)
		}
	}
}

func lastParam(m *ircmsg.Message) string {
	if len(m.Params) == 0 {
		return ""
	}
	return m.Params[len(m.Params)-1]
}
