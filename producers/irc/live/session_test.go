package live

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/fault"
	"github.com/agrichat/agrichat/producers"
	"github.com/agrichat/agrichat/producers/irc/irctest"
)

// script plays a server towards one client.
type script struct {
	t   *testing.T
	net net.Conn
	in  *bufio.Scanner
}

// expect reads until a line begins like that, and returns it.
func (s *script) expect(begin string) string {
	for s.in.Scan() {
		if strings.HasPrefix(s.in.Text(), begin) {
			return s.in.Text()
		}
	}
	return "" // the client has gone: its test says why
}

func (s *script) say(lines ...string) {
	_, _ = s.net.Write([]byte(strings.Join(lines, "\r\n") + "\r\n")) // as above
}

// welcome lets a client in that asks for the given capabilities.
func (s *script) welcome(caps string) {
	s.expect("CAP LS")
	s.say(":srv CAP * LS :" + caps)
	if caps != "" {
		req := s.expect("CAP REQ")
		s.say(":srv CAP * ACK" + strings.TrimPrefix(req, "CAP REQ"))
	}
	s.expect("CAP END")
	s.say(":srv 001 keeper :Welcome", ":srv 005 keeper CHATHISTORY=2 CASEMAPPING=ascii :are supported", ":srv 422 keeper :No MOTD")
}

// serve plays the scripts to clients that come one after another.
func serve(t *testing.T, wrap func(net.Conn) net.Conn, scripts ...func(*script)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for _, play := range scripts {
			c, err := l.Accept()
			if err != nil {
				return
			}
			if wrap != nil {
				c = wrap(c)
			}
			play(&script{t, c, bufio.NewScanner(c)})
			_ = c.Close()
		}
	}()
	t.Cleanup(func() { _ = l.Close(); <-done })
	return l.Addr().String()
}

func fakeConfig(addr, more string) string {
	return fmt.Sprintf("network: test\nserver: %s\nnick: keeper\nchannels: ['#b']\n%s", addr, more)
}

const withSASL = "tls: false\nsasl: {user: keeper, password: пароль}\n"

func TestSource_Connect_SASL(t *testing.T) {
	t.Parallel()
	var sent string
	addr := serve(t, nil, func(s *script) {
		s.expect("CAP LS")
		s.say(":srv CAP * LS * :server-time", ":srv CAP * LS :sasl=EXTERNAL,PLAIN")
		s.expect("CAP REQ :server-time sasl")
		s.say(":srv CAP * ACK :server-time sasl")
		s.expect("AUTHENTICATE PLAIN")
		s.say("AUTHENTICATE +")
		sent = s.expect("AUTHENTICATE")
		s.say(":srv 903 keeper :SASL authentication successful")
		s.expect("CAP END")
		s.say(":srv 001 keeper :Welcome", ":srv 376 keeper :End")
		s.expect("JOIN #b")
	})
	s := connect(t, configured(t, fakeConfig(addr, withSASL)), nil)
	_ = s.Close()
	if want := "AUTHENTICATE a2VlcGVyAGtlZXBlcgDQv9Cw0YDQvtC70Yw="; sent != want {
		t.Errorf("sent %q, want %q", sent, want)
	}
	if s.live.account != "keeper" {
		t.Errorf("account is %q", s.live.account)
	}
}

func TestSource_Connect_Refused(t *testing.T) {
	t.Parallel()
	type want struct {
		class fault.Class
		after time.Duration
		word  string
	}
	reply := func(lines ...string) func(*script) {
		return func(s *script) { s.expect("USER"); s.say(lines...); s.expect("no such line") }
	}
	for name, c := range map[string]struct {
		config string
		play   func(*script)
		want   want
	}{
		"sasl credentials": {withSASL, func(s *script) {
			s.expect("CAP LS")
			s.say(":srv CAP * LS :sasl")
			s.expect("CAP REQ")
			s.say(":srv CAP * ACK :sasl")
			s.expect("AUTHENTICATE PLAIN")
			s.say("AUTHENTICATE +", ":srv 904 keeper :SASL authentication failed")
			s.expect("no such line")
		}, want{fault.Fatal, 0, "sasl.user"}},
		"sasl away":    {withSASL, reply(":srv CAP * LS :server-time"), want{fault.Transient, time.Minute, "SASL"}},
		"sasl other":   {withSASL, reply(":srv CAP * LS :sasl=EXTERNAL"), want{fault.Fatal, 0, "sasl.mechanism"}},
		"sasl unknown": {withSASL, reply(":srv 421 * CAP :Unknown", ":srv 001 keeper :W", ":srv 422 keeper :"), want{fault.Fatal, 0, "remove sasl"}},
		"password":     {"tls: false\n", reply(":srv 464 * :Password incorrect"), want{fault.Fatal, 0, "password"}},
		"banned":       {"tls: false\n", reply(":srv 465 * :You are banned from this server- spam"), want{fault.Fatal, 0, "operator"}},
		"banned for a time": {"tls: false\n", reply("ERROR :Closing Link: keeper (K-Lined: temporary, 20 minutes)"),
			want{fault.Transient, banDelay, "for a time"}},
		"throttled": {"tls: false\n", reply("ERROR :Trying to reconnect too fast."), want{fault.Transient, throttleDelay, "too fast"}},
		"nick":      {"tls: false\n", reply(":srv 432 * keeper :Erroneous Nickname"), want{fault.Fatal, 0, "change nick"}},
		"all nicks": {"tls: false\n", reply(strings.Repeat(":srv 433 * keeper :in use\r\n", 7)), want{fault.Transient, time.Minute, "in use"}},
		"silence":   {"tls: false\nconnect_timeout: 50ms\n", reply(), want{fault.Transient, 0, "timeout"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			addr := serve(t, nil, c.play)
			_, err := configured(t, fakeConfig(addr, c.config)).Connect(t.Context(), nil)
			if err == nil {
				t.Fatal("connected")
			}
			if got := (want{fault.Of(err), fault.RetryAfter(err), c.want.word}); got != c.want || !strings.Contains(err.Error(), c.want.word) {
				t.Errorf("got %q, which is %s after %v, want %+v", err, got.class, got.after, c.want)
			}
		})
	}
}

func TestJoinRefusal(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]fault.Class{
		":srv 475 keeper #b :Cannot join channel (+k)": fault.Fatal,
		":srv 474 keeper #b :Cannot join channel (+b)": fault.Fatal,
		":srv 471 keeper #b :Cannot join channel (+l)": fault.Transient,
		":op!o@h KICK #b keeper :out":                  fault.Transient,
	} {
		addr := serve(t, nil, func(s *script) { s.welcome(""); s.expect("JOIN"); s.say(line); s.expect("QUIT") })
		s := connect(t, configured(t, fakeConfig(addr, "tls: false\n")), nil)
		if err := broken(t, s); fault.Of(err) != want || !strings.Contains(err.Error(), "#b") {
			t.Errorf("%s gives %v, which is %s, want %s", line, err, fault.Of(err), want)
		}
		_ = s.Close()
	}
}

// TestSession_Silence: a server that is gone without having closed the connection.
func TestSession_Silence(t *testing.T) {
	t.Parallel()
	asked := make(chan string, 2)
	wrap, ca := testTLS(t)
	addr := serve(t, wrap, func(s *script) {
		s.welcome("")
		asked <- s.expect("PING")
		s.say(":srv PONG srv agrichat", "@time=2026-01-01T00:00:00.000Z :a!a@h PRIVMSG #b :жив")
		asked <- s.expect("PING")
		s.expect("QUIT")
	})
	s := connect(t, configured(t, fakeConfig(addr, "ping_after: 50ms\nping_timeout: 1500ms\ntls_ca: "+ca+"\n")), nil)
	follow(t, s, says("жив")) // a timeout in the middle of TLS breaks nothing
	if err := broken(t, s); fault.Of(err) != fault.Transient || !strings.Contains(err.Error(), "silent") {
		t.Errorf("a silent server gives %v, which is %s", err, fault.Of(err))
	}
	_ = s.Close()
	for range 2 {
		if got := <-asked; got == "" {
			t.Error("the server was not asked")
		}
	}
}

const historyCaps = "message-tags server-time batch draft/chathistory"

// TestSession_ChatHistory: what was missed comes in pages, while the talk goes on; only then does the mark pass it.
func TestSession_ChatHistory(t *testing.T) {
	t.Parallel()
	line := func(batch, id, text string) string {
		return fmt.Sprintf("@batch=%s;time=2026-05-01T10:00:0%s.500Z;msgid=m%s :a!a@h PRIVMSG #b :%s", batch, id, id, text)
	}
	me := ":keeper!k@h JOIN #b"
	var asked []string
	ask := func(s *script) { asked = append(asked, s.expect("CHATHISTORY")) }

	now2 := func(id, text string) string { return strings.Replace(line("", id, text), "batch=;", "", 1) }
	addr := serve(t, nil, func(s *script) {
		s.welcome(historyCaps)
		s.expect("JOIN")
		s.say(me)
		ask(s)
		s.say(":srv BATCH +x chathistory #b", line("x", "1", "раз"), ":srv BATCH -x", now2("2", "два"))
		s.expect("QUIT")
	}, func(s *script) {
		s.welcome(historyCaps)
		s.expect("JOIN")
		s.say(me)
		ask(s)
		s.say(now2("7", "семь"), ":srv BATCH +y chathistory #b", line("y", "3", "три"), line("y", "4", "четыре"), ":srv BATCH -y")
		ask(s)
		s.expect("QUIT")
	}, func(s *script) {
		s.welcome(historyCaps)
		s.expect("JOIN")
		s.say(me)
		ask(s)
		s.say(":srv FAIL CHATHISTORY INVALID_MSGREFTYPE AFTER #b :no ids here")
		ask(s)
		s.say(":srv BATCH +z chathistory #b", line("z", "4", "четыре"), line("z", "5", "пять"), ":srv BATCH -z")
		ask(s)
		s.say(":srv BATCH +z chathistory #b", line("z", "5", "пять"), ":srv BATCH -z", now2("8", "восемь"))
		s.expect("QUIT")
	}, func(s *script) {
		s.welcome(historyCaps)
		s.expect("JOIN")
		s.say(me)
		ask(s)
		s.say(":srv FAIL CHATHISTORY MESSAGE_ERROR AFTER #b :gone")
		ask(s)
		s.say(":srv FAIL CHATHISTORY MESSAGE_ERROR AFTER #b :gone")
		s.expect("QUIT")
	})
	l := configured(t, fakeConfig(addr, "tls: false\n"))
	var got []string
	step := func(from producers.Cursor, until func(*event.Event) bool) producers.Cursor {
		s := connect(t, l, from)
		events, cursor := follow(t, s, until)
		for i := range events {
			if m, ok := events[i].Body.(*event.Message); ok && m.Type == event.TypeMessage {
				got = append(got, m.Text)
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		return cursor
	}
	cursor := step(nil, says("два"))
	cursor = step(cursor, says("четыре"))
	cursor = step(cursor, says("восемь"))
	step(cursor, func(e *event.Event) bool { return e.Kind == event.KindUnparsed })
	if diff := cmp.Diff([]string{"раз", "два", "семь", "три", "четыре", "четыре", "пять", "пять", "восемь"}, got); diff != "" {
		t.Errorf("messages differ: %s", diff)
	}
	want := []string{
		"CHATHISTORY LATEST #b * 2",
		"CHATHISTORY AFTER #b msgid=m2 2",
		"CHATHISTORY AFTER #b msgid=m4 2",
		"CHATHISTORY AFTER #b msgid=m4 2",                           // the seventh was seen, but the fifth was not
		"CHATHISTORY AFTER #b timestamp=2026-05-01T10:00:03.999Z 2", // a history may keep only seconds
		"CHATHISTORY AFTER #b timestamp=2026-05-01T10:00:05.499Z 2",
		"CHATHISTORY AFTER #b msgid=m8 2",
		"CHATHISTORY AFTER #b timestamp=2026-05-01T10:00:07.999Z 2",
	}
	if diff := cmp.Diff(want, asked); diff != "" {
		t.Errorf("questions differ: %s", diff)
	}
}

// TestSession_OddLines: what no real server of ours sends, but some do.
func TestSession_OddLines(t *testing.T) {
	t.Parallel()
	addr := serve(t, nil, func(s *script) {
		s.welcome("")
		s.expect("JOIN")
		s.say(
			"", "PING :a b", ":keeper!k@h JOIN :#b",
			":srv 332 keeper #b :\x02посев\x02 2026", ":srv 333 keeper #b op!o@h 1767225600", ":srv 353 keeper = #b :@+Ann keeper ~bob",
			"@msgid=1;account=ann1;+draft/reply=0;bot :Ann!a@h PRIVMSG @#b :\x0304,01красный\x03 и \x1fчерта",
			":Ann!a@h PRIVMSG #b :\xcf\xf0\xe8\xe2\xe5\xf2 \xe2\xf1\xe5\xec", // CP1251
			":Ann!a@h PRIVMSG #b :\x01VERSION\x01", ":Ann!a@h PRIVMSG #b :\x01ACTION\x01", ":Ann!a@h PRIVMSG #other :нет",
			":only.source", ":irc.srv MODE #b +n", ":bob!b@h KICK #b Ann", ":Ann!a@h QUIT :x", ":BOB!b@h NICK :Bobby",
			":x!x@h JOIN", ":x!x@h KICK #b", "BATCH", "BATCH +", "FAIL", ":srv 333 keeper #b op soon", ":srv 353 x", "@batch=q :a!a@h PRIVMSG #b :конец",
		)
		s.expect("QUIT")
	})
	s := connect(t, configured(t, fakeConfig(addr, "tls: false\ncharset: cp1251\nhistory: 0\n")), nil)
	events, _ := follow(t, s, says("конец"))
	var got []string
	for i := range events {
		got = append(got, irctest.Show(&events[i]))
	}
	want := []string{
		"join/join <keeper>", "channel #b", "channel #b посев 2026", "message <Ann> красный и черта", "message <Ann> Привет всем",
		"other/ctcp <Ann> VERSION", "action <Ann>", "unparsed Line is empty", "mode/mode <> +n", "kick/kick <bob>  -> Ann",
		"rename/nick <BOB> Bobby -> Bobby", "message <a> конец",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("events differ: %s", diff)
	}
	m := events[3].Body.(*event.Message)
	if m.ReplyTo == nil || m.ReplyTo.NativeID != "0" || m.Details["account"] != "ann1" || !events[3].Author.Bot {
		t.Errorf("tags are lost: %+v %+v", m, events[3].Author)
	}
	if raw := string(events[4].Raw); !strings.HasSuffix(raw, "\xe2\xf1\xe5\xec") {
		t.Errorf("raw bytes are %q", raw)
	}
}

func TestSource_Connect_BadCursor(t *testing.T) {
	t.Parallel()
	l := configured(t, fakeConfig("127.0.0.1:1", "tls: false\n"))
	for _, c := range []string{"not a cursor", `{"v":99}`} {
		if _, err := l.Connect(context.Background(), producers.Cursor(c)); fault.Of(err) != fault.Fatal {
			t.Errorf("cursor %q gives %v", c, err)
		}
	}
}

// testTLS returns how a server wraps a connection, and the file of its authority.
func testTLS(t *testing.T) (func(net.Conn) net.Conn, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg := &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, MinVersion: tls.VersionTLS12}
	return func(c net.Conn) net.Conn { return tls.Server(c, cfg) }, file
}
