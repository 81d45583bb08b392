package live

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/fault"
	"github.com/agrichat/agrichat/producers/irc/irctest"
)

// TestSource_Connect_PasswordFile: of the server and of the account, each read at every connection.
func TestSource_Connect_PasswordFile(t *testing.T) {
	t.Parallel()
	pass := filepath.Join(t.TempDir(), "pass")
	if err := os.WriteFile(pass, []byte("open sesame\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var sent []string
	addr := serve(t, nil, func(s *script) {
		sent = append(sent, s.expect("PASS"))
		s.say(":srv CAP * LS :sasl")
		s.expect("CAP REQ")
		s.say(":srv CAP * ACK :sasl")
		s.expect("AUTHENTICATE PLAIN")
		s.say("AUTHENTICATE +")
		sent = append(sent, s.expect("AUTHENTICATE"))
		s.say(":srv 903 k :ok", ":srv 001 k :Welcome", ":srv 422 k :")
		s.expect("QUIT")
	})
	l := configured(t, fakeConfig(addr, "tls: false\npassword_file: "+pass+"\nsasl: {user: k, password_file: "+pass+"}\n"))
	s := connect(t, l, nil)
	_ = s.Close()
	want := []string{"PASS :open sesame", "AUTHENTICATE awBrAG9wZW4gc2VzYW1l"}
	if strings.Join(sent, "|") != strings.Join(want, "|") {
		t.Errorf("sent %q, want %q", sent, want)
	}
	if err := os.Remove(pass); err != nil {
		t.Fatal(err)
	}
	gone := serve(t, nil, func(s *script) { s.expect("no such line") })
	l.cfg.Server = gone
	if _, err := l.Connect(t.Context(), nil); fault.Of(err) != fault.Fatal {
		t.Errorf("a password file that is not there gives %v, which is %s", err, fault.Of(err))
	}
}

// TestSession_Quit: what a server sends once is emitted in each channel, with keys of each channel's own.
func TestSession_Quit(t *testing.T) {
	t.Parallel()
	l := configured(t, "network: n\nserver: h:1\nnick: k\nchannels: ['#a', '#b', '#c']\n")
	s := newSession(l, nil, &registration{nick: "k"}, liveCursor{}, nil)
	for _, line := range []string{":x!x@h JOIN #a", ":x!x@h JOIN #b", ":x!x@h QUIT :bye"} {
		r := parseReceived(irctest.UTF8Only(t), []byte(line))
		s.take(r, true)
	}
	quits := map[event.Channel]event.NativeID{}
	for _, e := range s.out.Events {
		if does("leave", "quit", e.Channel)(&e) {
			quits[e.Channel] = e.NativeID
		}
	}
	if len(quits) != 2 || quits["#a"] != quits["#b"] || s.out.Counts.Ambiguous != 0 {
		t.Errorf("quits are %v, counts %+v", quits, s.out.Counts)
	}
}

// FuzzServer: no line of a server breaks a session.
func FuzzServer(f *testing.F) {
	for _, seed := range []string{
		"@time=2026-01-01T00:00:00.000Z;msgid=1 :a!b@c PRIVMSG #b :x", ":keeper JOIN #b", ":a KICK #b keeper", "BATCH +1 chathistory #b",
		"FAIL CHATHISTORY X #b :y", ":s 353 k = #b :@a +b", ":s 333 k #b a 1", ":a NICK", "ERROR", ":a MODE #b",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		src, err := New(decoder(fakeConfig("h:1", "tls: false")))
		if err != nil {
			t.Fatal(err)
		}
		l := src.(*Source)
		s := newSession(l, nil, &registration{nick: "keeper"}, liveCursor{}, nil)
		r := parseReceived(irctest.UTF8Only(t), line)
		r.at = time.Unix(1767225600, 0)
		for range 2 {
			s.take(r, true)
		}
		for i := range s.out.Events {
			if err := s.out.Events[i].Seal(); err != nil {
				t.Fatal(err)
			}
		}
	})
}
