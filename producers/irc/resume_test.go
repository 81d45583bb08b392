package irc

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/fault"
	"github.com/agrichat/agrichat/producers"
	"github.com/agrichat/agrichat/producers/producertest"
)

// TestSeek: a real file is not read from its start again.
func TestSeek(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "#a_20191001.log")
	data := longLog()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	f := producertest.File(path, data)
	f.Open = func() (io.ReadCloser, error) { return os.Open(path) }
	src, err := (&seenLogs{}).archive(f, producers.Options{})
	if err != nil {
		t.Fatal(err)
	}
	whole := drain(t, src, nil)
	for i, b := range whole {
		rest := producertest.Events(drain(t, src, b.Cursor))
		want := producertest.Events(whole[i+1:])
		if len(rest) != len(want) || len(rest) > 0 && rest[0].ID != want[0].ID {
			t.Errorf("after batch %d come %d events, want %d", i, len(rest), len(want))
		}
	}
}

func drain(t *testing.T, src producers.Source, from producers.Cursor) (out []producers.Batch) {
	t.Helper()
	s, err := src.Connect(t.Context(), from)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for {
		b, err := s.Next(t.Context())
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, b)
	}
}

// TestAnotherFile: a cursor of a file that was replaced since is a person's business.
func TestAnotherFile(t *testing.T) {
	t.Parallel()
	data := longLog()
	cursor := producertest.Read(t, Definition(), producertest.Case{Path: "a.log", Data: data}, nil)[1].Cursor
	for name, other := range map[string]string{
		"shorter": string(data[:300]),
		"empty":   "",
		"other":   strings.Repeat("10:00 <a> these lines end elsewhere\n", 5000),
	} {
		src, err := (&seenLogs{}).archive(file("a.log", []byte(other)), producers.Options{})
		if err != nil {
			t.Fatal(err)
		}
		s, err := src.Connect(t.Context(), cursor)
		if fault.Of(err) != fault.Fatal {
			t.Errorf("%s: going on gives %v, which is %s", name, err, fault.Of(err))
		}
		if s != nil {
			_ = s.Close()
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	src, err := (&seenLogs{}).archive(file("a.log", data), producers.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := src.Connect(ctx, cursor); fault.Of(err) != fault.Stopped {
		t.Errorf("a cancelled Connect gives %v", err)
	}
}

func TestUnreadable(t *testing.T) {
	t.Parallel()
	f := file("a.log", nil)
	f.Open = func() (io.ReadCloser, error) { return nil, os.ErrNotExist }
	src, err := (&seenLogs{}).archive(f, producers.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := src.Connect(t.Context(), nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file that is not there gives %v", err)
	}
	if _, err := (&seenLogs{}).archive(f, producers.Options{Charset: "klingon-1"}); err == nil || !strings.Contains(err.Error(), "klingon-1") {
		t.Errorf("an unknown charset gives %v", err)
	}
}

// TestPasswordFile: of the server and of the account, each read at every connection.
func TestPasswordFile(t *testing.T) {
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

// TestQuitCounts: what a server tells once is told in each channel, with keys of each channel's own.
func TestQuitCounts(t *testing.T) {
	t.Parallel()
	l := configured(t, "network: n\nserver: h:1\nnick: k\nchannels: ['#a', '#b', '#c']\n")
	s := newSession(l, nil, &registration{nick: "k"}, liveCursor{}, nil)
	for _, line := range []string{":x!x@h JOIN #a", ":x!x@h JOIN #b", ":x!x@h QUIT :bye"} {
		r := parsed(utf8Only(t), []byte(line))
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
