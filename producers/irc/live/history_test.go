package live

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/fault"
	"github.com/agrichat/agrichat/producers"
	"github.com/agrichat/agrichat/producers/irc/irctest"
)

// recorder keeps events by their ids, as the record does.
type recorder struct {
	texts map[event.ID]string
	order []string
}

func (r *recorder) add(events []event.Event) {
	for i := range events {
		e := &events[i]
		m, ok := e.Body.(*event.Message)
		if !ok || m.Type != event.TypeMessage {
			continue
		}
		if _, known := r.texts[e.ID]; !known {
			r.order = append(r.order, e.Author.Name+": "+m.Text)
		}
		r.texts[e.ID] = m.Text
	}
}

// gather follows one connection until a text arrives.
func (r *recorder) gather(t *testing.T, l *Source, from producers.Cursor, until string) producers.Cursor {
	t.Helper()
	s := connect(t, l, from)
	events, cursor := follow(t, s, says(until))
	r.add(events)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return cursor
}

// TestSession_EqualLines: equal lines of one minute are distinguished by the server's times, whether they come live or from a history, which
// may keep only seconds.
func TestSession_EqualLines(t *testing.T) {
	t.Parallel()
	const me = ":keeper!k@h JOIN #b"
	for name, form := range map[string]string{"milliseconds": "", "seconds": "cut"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			past := func(at, who, text string) string {
				if form == "cut" {
					at = at[:len("03:00:10")] + ".000"
				}
				return fmt.Sprintf("@batch=x;time=2026-11-29T%sZ :%s!u@h PRIVMSG #b :%s", at, who, text)
			}
			now := func(at, who, text string) string {
				return fmt.Sprintf("@time=2026-11-29T%sZ :%s!u@h PRIVMSG #b :%s", at, who, text)
			}
			open, end := ":srv BATCH +x chathistory #b", ":srv BATCH -x"
			var asked []string
			addr := serve(t, nil, func(s *script) {
				s.welcome(historyCaps)
				s.expect("JOIN")
				s.say(me)
				s.expect("CHATHISTORY")
				s.say(open, end, now("03:00:10.100", "ann", "lol"), now("03:00:20.200", "ann", "lol"),
					now("03:00:25.100", "bob", "well"), now("03:00:25.500", "bob", "end one"))
				s.expect("QUIT")
			}, func(s *script) {
				s.welcome(historyCaps)
				s.expect("JOIN")
				s.say(me, now("03:02:00.100", "ann", "said meanwhile"))
				asked = append(asked, s.expect("CHATHISTORY"))
				s.say(open, past("03:00:25.100", "bob", "well"), past("03:00:25.500", "bob", "end one"), past("03:00:25.900", "bob", "well"),
					past("03:00:30.300", "ann", "lol"), past("03:00:30.700", "ann", "lol"), end)
				asked = append(asked, s.expect("CHATHISTORY"))
				s.say(open, past("03:00:30.300", "ann", "lol"), past("03:00:30.700", "ann", "lol"), end)
				s.say(now("03:03:00.100", "ann", "end two"))
				s.expect("QUIT")
			})
			l := configured(t, fakeConfig(addr, "tls: false\n"))
			r := recorder{texts: map[event.ID]string{}}
			cursor := r.gather(t, l, nil, "end one")
			r.gather(t, l, cursor, "end two")
			want := []string{
				"ann: lol", "ann: lol", "bob: well", "bob: end one", "ann: said meanwhile", "bob: well", "ann: lol", "ann: lol", "ann: end two",
			}
			if diff := cmp.Diff(want, r.order); diff != "" {
				t.Errorf("messages differ: %s", diff)
			}
			if len(asked) == 0 || asked[0] != "CHATHISTORY AFTER #b timestamp=2026-11-29T03:00:24.999Z 2" {
				t.Errorf("asked were %q", asked)
			}
		})
	}
}

// TestSession_Playback: what a bouncer kept comes again at every connection, in a batch or not, and is stored once.
func TestSession_Playback(t *testing.T) {
	t.Parallel()
	const kept = 500
	buffer := func(tags string) (lines []string) {
		at := time.Date(2026, 11, 29, 1, 0, 0, 123e6, time.UTC)
		for n := range kept {
			if n%5 != 4 { // two of five are equal, at one instant
				at = at.Add(7700 * time.Millisecond)
			}
			lines = append(lines, fmt.Sprintf("@%stime=%s :ann!u@h PRIVMSG #b :%d", tags, at.Format("2006-01-02T15:04:05.000Z"), n/5))
		}
		return lines
	}
	for name, caps := range map[string]string{"batch": "server-time batch message-tags znc.in/playback", "no batch": "server-time message-tags"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			again := func(n int) func(*script) {
				return func(s *script) {
					s.welcome(caps)
					s.expect("JOIN")
					s.say(fmt.Sprintf("@time=2026-11-29T0%d:00:00.000Z :keeper!k@h JOIN #b", 3+n))
					old := "@time=2026-11-29T01:30:00.000Z :op!o@h KICK #b keeper :flood"
					if name == "batch" {
						s.say("@time=2026-11-29T03:00:00.000Z :znc.in BATCH +aa znc.in/playback #b", strings.Replace(old, "@", "@batch=aa;", 1))
						s.say(buffer("batch=aa;")...)
						s.say("@time=2026-11-29T03:00:00.000Z :znc.in BATCH -aa")
					} else {
						s.say(old)
						s.say(buffer("")...)
					}
					s.say(fmt.Sprintf("@time=2026-11-29T0%d:11:00.123Z :ann!u@h PRIVMSG #b :new %d", 3+n, n))
					s.expect("QUIT")
				}
			}
			addr := serve(t, nil, func(s *script) {
				s.welcome(caps)
				s.expect("JOIN")
				s.say("@time=2026-11-29T00:50:00.000Z :keeper!k@h JOIN #b")
				s.say(buffer("")...)
				s.say("@time=2026-11-29T02:11:00.123Z :ann!u@h PRIVMSG #b :new 0")
				s.expect("QUIT")
			}, again(1), again(2), again(3))
			l := configured(t, fakeConfig(addr, "tls: false\n"))
			r := recorder{texts: map[event.ID]string{}}
			cursor := r.gather(t, l, nil, "new 0")
			for n := 1; n <= 3; n++ {
				if n == 3 {
					cursor = nil // a cursor that was lost
				}
				cursor = r.gather(t, l, cursor, fmt.Sprintf("new %d", n))
			}
			if len(r.order) != kept+4 {
				t.Errorf("%d messages stand of %d", len(r.order), kept+4)
			}
		})
	}
}

// TestSession_Untimed: an older bouncer sends times only for its buffer.
func TestSession_Untimed(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 29, 1, 0, 0, 0, time.UTC)
	again := func(more int) func(*script) {
		return func(s *script) {
			s.welcome("server-time batch")
			s.expect("JOIN")
			s.say(":keeper!k@h JOIN #b", ":znc.in BATCH +aa znc.in/playback #b")
			for n := range 3 + more { // a fourth lol was missed
				s.say(fmt.Sprintf("@batch=aa;time=%s :ann!u@h PRIVMSG #b :lol", at.Add(time.Duration(n)*time.Second).Format("2006-01-02T15:04:05.120Z")))
			}
			s.say(":znc.in BATCH -aa", fmt.Sprintf(":ann!u@h PRIVMSG #b :new %d", more))
			s.expect("QUIT")
		}
	}
	addr := serve(t, nil, func(s *script) {
		s.welcome("server-time batch")
		s.expect("JOIN")
		s.say(":keeper!k@h JOIN #b")
		for range 3 {
			s.say(":ann!u@h PRIVMSG #b :lol")
		}
		s.say(":ann!u@h PRIVMSG #b :new 0")
		s.expect("QUIT")
	}, again(1), again(2))
	l := configured(t, fakeConfig(addr, "tls: false\n"))
	l.clock = func() time.Time { return at.Add(4 * time.Second) }
	r := recorder{texts: map[event.ID]string{}}
	cursor := r.gather(t, l, nil, "new 0")
	cursor = r.gather(t, l, cursor, "new 1")
	r.gather(t, l, cursor, "new 2")
	want := []string{"ann: lol", "ann: lol", "ann: lol", "ann: new 0", "ann: lol", "ann: new 1", "ann: lol", "ann: new 2"}
	if diff := cmp.Diff(want, r.order); diff != "" {
		t.Errorf("messages differ: %s", diff)
	}
	w := window{large: true}
	for n := range 2 * largeWindow {
		w.add(windowLine{at: at, line: lineHash(n), id: "k", untimed: true})
	}
	if len(w.lines) != largeWindow {
		t.Errorf("%d lines are remembered, want %d", len(w.lines), largeWindow)
	}
}

// TestSession_Mark: old lines do not take the mark back.
func TestSession_Mark(t *testing.T) {
	t.Parallel()
	l := configured(t, fakeConfig("h:1", "tls: false\n"))
	s := newSession(l, nil, &registration{nick: "keeper"}, liveCursor{}, nil)
	for _, at := range []string{"01:00:05.100", "01:00:09.100", "01:00:01.100"} {
		s.take(parseReceived(irctest.UTF8Only(t), fmt.Appendf(nil, "@time=2026-11-29T%sZ :a!a@h PRIVMSG #b :x", at)), true)
	}
	if got := s.channels["#b"].progress.Mark.Time.Format("15:04:05.000"); got != "01:00:09.100" {
		t.Errorf("the mark is %s", got)
	}
}

// TestSession_Charset: a line that is not UTF-8 has one id in whatever charset it is read.
func TestSession_Charset(t *testing.T) {
	t.Parallel()
	ids := map[event.ID]bool{}
	for cs, want := range map[string]string{"": "windows-1252 Áîðÿ: ïðèâåò", "windows-1251": "windows-1251 Боря: привет", "koi8-r": "koi8-r аНПЪ: ОПХБЕР"} {
		addr := serve(t, nil, func(s *script) {
			s.welcome("server-time")
			s.expect("JOIN")
			s.say(":keeper!k@h JOIN #b", "@time=2026-11-29T01:00:05.123Z :\xc1\xee\xf0\xff!u@h PRIVMSG #b :\xef\xf0\xe8\xe2\xe5\xf2")
			s.expect("QUIT")
		})
		s := connect(t, configured(t, fakeConfig(addr, "tls: false\ncharset: '"+cs+"'\n")), nil)
		events, _ := follow(t, s, func(e *event.Event) bool { return e.Reading.Charset != "" })
		e := events[len(events)-1]
		if got := fmt.Sprintf("%s %s: %s", e.Reading.Charset, e.Author.Name, e.Body.(*event.Message).Text); got != want {
			t.Errorf("charset %q: read was %q, want %q", cs, got, want)
		}
		if !strings.HasSuffix(string(e.Raw), ":\xef\xf0\xe8\xe2\xe5\xf2") {
			t.Errorf("kept is %q", e.Raw)
		}
		ids[e.ID] = true
	}
	if len(ids) != 1 {
		t.Errorf("there are %d ids", len(ids))
	}
}

// flood says lines and then PING, and waits until that is answered; the test takes no line before.
func flood(s *script, lines int, answered chan<- string) {
	var b strings.Builder
	for n := range lines {
		fmt.Fprintf(&b, "@time=2026-11-29T01:%02d:%02d.123Z :ann!u@h PRIVMSG #b :%d\r\n", n/60%60, n%60, n)
	}
	s.say(b.String() + "PING still-there")
	answered <- s.expect("PONG")
}

// TestSession_Ping: while nobody takes lines, because the bus takes none, the server's PINGs are answered.
func TestSession_Ping(t *testing.T) {
	t.Parallel()
	const lines = 5000
	answered := make(chan string, 1)
	addr := serve(t, nil, func(s *script) {
		s.welcome("server-time")
		s.expect("JOIN")
		s.say(":keeper!k@h JOIN #b")
		flood(s, lines, answered)
		s.expect("QUIT")
	})
	s := connect(t, configured(t, fakeConfig(addr, "tls: false\n")), nil)
	if got := <-answered; got != "PONG still-there" {
		t.Fatalf("the server got %q", got)
	}
	events, _ := follow(t, s, says(fmt.Sprint(lines-1)))
	r := recorder{texts: map[event.ID]string{}}
	r.add(events)
	if len(r.order) != lines {
		t.Errorf("%d lines came of %d", len(r.order), lines)
	}
}

// TestSession_FullBuffer: lines that do not fit the buffer are asked for again where the server keeps them, and are reported as lost elsewhere.
func TestSession_FullBuffer(t *testing.T) {
	t.Parallel()
	const lines = 2000
	t.Run("history", func(t *testing.T) {
		t.Parallel()
		answered, asked := make(chan string, 1), make(chan string, 1)
		addr := serve(t, nil, func(s *script) {
			s.welcome(historyCaps)
			s.expect("JOIN")
			s.say(":keeper!k@h JOIN #b")
			flood(s, lines, answered)
			s.expect("QUIT")
		}, func(s *script) {
			s.welcome(historyCaps)
			s.expect("JOIN")
			s.say(":keeper!k@h JOIN #b")
			asked <- s.expect("CHATHISTORY")
			s.expect("QUIT")
		})
		l := configured(t, fakeConfig(addr, "tls: false\nhistory: 0\n"))
		l.bufferSize = 50 << 10
		s := connect(t, l, nil)
		if <-answered == "" {
			t.Fatal("the PING was not answered")
		}
		var last event.Event
		var cursor producers.Cursor
		var err error
		for err == nil {
			var b producers.Batch
			if b, err = s.Next(t.Context()); err == nil {
				last, cursor = b.Events[len(b.Events)-1], b.Cursor
			}
		}
		if fault.Of(err) != fault.Transient || !strings.Contains(err.Error(), "no room") {
			t.Errorf("the session ends with %v, which is %s", err, fault.Of(err))
		}
		_ = s.Close()
		follow(t, connect(t, l, cursor), does("join", "join", "#b"))
		from := last.Sent.At.Truncate(time.Second).Add(-time.Millisecond).Format("2006-01-02T15:04:05.000Z")
		if got, want := <-asked, "CHATHISTORY AFTER #b timestamp="+from+" 2"; got != want {
			t.Errorf("asked is %q, want %q", got, want)
		}
	})
	t.Run("none", func(t *testing.T) {
		t.Parallel()
		answered, taken := make(chan string, 1), make(chan struct{})
		addr := serve(t, nil, func(s *script) {
			s.welcome("server-time")
			s.expect("JOIN")
			s.say(":keeper!k@h JOIN #b")
			flood(s, lines, answered)
			<-taken
			s.say("@time=2026-11-29T03:00:00.000Z :ann!u@h PRIVMSG #b :later")
			s.expect("QUIT")
		})
		l := configured(t, fakeConfig(addr, "tls: false\n"))
		l.bufferSize = 50 << 10
		s := connect(t, l, nil)
		<-answered
		events, _ := follow(t, s, func(e *event.Event) bool { return e.Kind == event.KindUnparsed })
		close(taken)
		messages := 0
		for i := range events {
			if m, ok := events[i].Body.(*event.Message); ok && m.Type == event.TypeMessage {
				messages++
			}
		}
		want := fmt.Sprintf("there was no room for %d lines of the server, which are lost", lines-messages)
		if got := events[len(events)-1].Body.(*event.Unparsed).Reason; got != want {
			t.Errorf("said is %q, want %q", got, want)
		}
		follow(t, s, says("later"))
	})
}
