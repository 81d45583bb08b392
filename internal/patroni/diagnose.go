package patroni

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/url"
	"strings"
	"time"
)

// any reports whether a server answers in a way. It distinguishes a server of another protocol from one that is overloaded: both
// only close the connection.
func (f *Follower) any(ctx context.Context, answers func(context.Context, string) bool) bool {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	for _, e := range f.cfg.Endpoints {
		if u, err := url.Parse(e); err == nil && u.Host != "" {
			e = u.Host
		}
		if answers(ctx, e) {
			return true
		}
	}
	return false
}

func speaksTLS(ctx context.Context, host string) bool {
	// Nothing is sent or believed, so there is nothing to verify.
	d := tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12}}
	conn, err := d.DialContext(ctx, "tcp", host)
	if err != nil {
		return strings.Contains(err.Error(), "remote error: tls:") // it speaks it, and wants a certificate
	}
	_ = conn.Close()
	return true
}

// speaksPlainly begins as HTTP/2 does: with a preface, and settings that are answered with settings.
func speaksPlainly(ctx context.Context, host string) bool {
	const header, kind, settings = 9, 3, 4 // of a frame: its length, where its kind is, and the kind
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", host)
	if err != nil {
		return false
	}
	defer conn.Close()
	if deadline, ok := ctx.Deadline(); ok && conn.SetDeadline(deadline) != nil {
		return false
	}
	frame := [header]byte{kind: settings}
	if _, err := conn.Write(append([]byte("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), frame[:]...)); err != nil {
		return false
	}
	answer := [header]byte{}
	_, err = io.ReadFull(conn, answer[:])
	return err == nil && answer[kind] == settings
}
