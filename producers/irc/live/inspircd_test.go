package live

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/producers"
	"github.com/agrichat/agrichat/producers/irc/irctest"
)

// patience is how long anything real may take before the test calls it stuck.
const patience = 20 * time.Second

// server is a real IRC server on a port of its own.
type server struct {
	addr string
	cmd  *exec.Cmd
}

const inspircdConfig = `
<server name="irc.test.local" description="test" network="TestNet" id="1AB">
<admin name="test" nick="test" email="test@test.local">
<bind address="127.0.0.1" port="%[1]d" type="clients">
<connect allow="*" password="sesame" timeout="60" threshold="1000" commandrate="100000" fakelag="no" pingfreq="120"
 hardsendq="1048576" softsendq="262144" recvq="262144" localmax="100" globalmax="100" maxconnwarn="no"
 resolvehostnames="no" useident="no">
<pid file="%[2]s/inspircd.pid">
<log method="file" type="* -USERINPUT -USEROUTPUT" level="default" target="%[2]s/inspircd.log">
<module name="cap"><module name="ircv3_servertime"><module name="ircv3_msgid"><module name="ircv3_ctctags">
<module name="ircv3_echomessage"><module name="ircv3_batch"><module name="ircv3_accounttag"><module name="chanhistory">
<chanhistory maxlines="100" prefixmsg="yes" sendtobots="yes">
`

const ngircdConfig = `
[Global]
	Name = irc.test.local
	Listen = 127.0.0.1
	Ports = %[1]d
	PidFile =
	ServerUID = %[2]d
	ServerGID = %[3]d
	Password = sesame
	AdminInfo1 = test
[Options]
	DNS = no
	Ident = no
	PAM = no
[Limits]
	MaxConnectionsIP = 0
	MaxPenaltyTime = 0
`

func startInspIRCd(t *testing.T) *server {
	t.Helper()
	dir := t.TempDir()
	args := []string{"--nofork", "--config=" + filepath.Join(dir, "conf")}
	if os.Getuid() == 0 {
		args = append(args, "--runasroot")
	}
	return start(t, "inspircd", filepath.Join(dir, "conf"), "is now running",
		func(port int) string { return fmt.Sprintf(inspircdConfig, port, dir) }, args...)
}

func startNgIRCd(t *testing.T) *server {
	t.Helper()
	conf := filepath.Join(t.TempDir(), "conf")
	return start(t, "ngircd", conf, "ready.", func(port int) string {
		return fmt.Sprintf(ngircdConfig, port, os.Getuid(), os.Getgid())
	}, "-n", "-f", conf)
}

func start(t *testing.T, name, conf, ready string, text func(port int) string, args ...string) *server {
	t.Helper()
	bin, err := exec.LookPath(name)
	if err != nil {
		bin, err = exec.LookPath("/usr/sbin/" + name)
	}
	if err != nil {
		if os.Getenv("REQUIRE_REAL") == "1" {
			t.Fatalf("%s is not installed: %v", name, err)
		}
		t.Skipf("%s is not installed: %v", name, err)
	}
	port := freePort(t)
	if err := os.WriteFile(conf, []byte(text(port)), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(bin, args...)
	out, in, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = in, in
	if err := cmd.Start(); err != nil {
		t.Fatalf("starting %s: %v", name, err)
	}
	_ = in.Close()
	s := &server{addr: fmt.Sprintf("127.0.0.1:%d", port), cmd: cmd}
	up, ended := make(chan struct{}), make(chan string, 1)
	go func() {
		var all strings.Builder
		isReady := false
		for sc := bufio.NewScanner(out); sc.Scan(); {
			all.WriteString(sc.Text() + "\n")
			if !isReady && strings.Contains(sc.Text(), ready) {
				isReady = true
				close(up)
			}
		}
		ended <- all.String()
	}()
	t.Cleanup(func() { s.kill(); <-ended; _ = out.Close() })
	select {
	case <-up:
	case text := <-ended:
		ended <- text
		t.Fatalf("%s ended: %s", name, text)
	case <-time.After(patience):
		t.Fatalf("%s does not start", name)
	}
	return s
}

func (s *server) kill() {
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// configured makes a live source from YAML.
func configured(t *testing.T, text string) *Source {
	t.Helper()
	src, err := New(decoder(text))
	if err != nil {
		t.Fatalf("configuring: %v\n%s", err, text)
	}
	return src.(*Source)
}

func decoder(text string) func(any) error {
	return func(into any) error {
		d := yaml.NewDecoder(bytes.NewBufferString(text))
		d.KnownFields(true)
		if err := d.Decode(into); err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		return nil
	}
}

func plain(addr, nick string) string {
	return fmt.Sprintf("network: test\nserver: %s\ntls: false\nnick: %s\npassword: sesame\nchannels: ['#Поле', '#b']\n", addr, nick)
}

// connect opens a session, and closes it at the end of the test.
func connect(t *testing.T, l *Source, from producers.Cursor) *session {
	t.Helper()
	s, err := l.Connect(t.Context(), from)
	if err != nil {
		t.Fatalf("connecting: %v", err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("closing: %v", err)
		}
	})
	return s.(*session)
}

// follow collects events until one is as wanted, and returns them with the last cursor.
func follow(t *testing.T, s *session, until func(*event.Event) bool) ([]event.Event, producers.Cursor) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var all []event.Event
	for {
		b, err := s.Next(ctx)
		if err != nil {
			t.Fatalf("following: %v; got so far:\n%s", err, irctest.List(all))
		}
		all = append(all, b.Events...)
		for i := range b.Events {
			if until(&b.Events[i]) {
				return all, b.Cursor
			}
		}
	}
}

// broken reads until the session ends, and returns why.
func broken(t *testing.T, s producers.Session) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		if _, err := s.Next(ctx); err != nil {
			return err
		}
	}
}

func says(text string) func(*event.Event) bool {
	return func(e *event.Event) bool {
		m, ok := e.Body.(*event.Message)
		return ok && m.Text == text
	}
}

func does(action, native string, channel event.Channel) func(*event.Event) bool {
	return func(e *event.Event) bool {
		m, ok := e.Body.(*event.Message)
		return ok && m.Service != nil && m.Service.Action == action && m.Service.Native == native && e.Channel == channel
	}
}

func send(t *testing.T, s *session, command string, params ...string) {
	t.Helper()
	if err := s.conn.send(command, params...); err != nil {
		t.Fatal(err)
	}
}
