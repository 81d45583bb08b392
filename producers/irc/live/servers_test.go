package live

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/fault"
	"github.com/agrichat/agrichat/producers/irc/irctest"
)

// both are in both channels once this returns.
func meet(t *testing.T, addr string) (collector, talker *session) {
	t.Helper()
	talker = connect(t, configured(t, plain(addr, "Ivan")), nil)
	follow(t, talker, does("join", "join", "#b"))
	collector = connect(t, configured(t, plain(addr, "keeper")), nil)
	follow(t, collector, does("join", "join", "#b"))
	follow(t, talker, func(e *event.Event) bool { return e.Author.ID == "keeper" && e.Channel == "#b" })
	return collector, talker
}

func TestSession_InspIRCd(t *testing.T) {
	t.Parallel()
	srv := startInspIRCd(t)
	collector, talker := meet(t, srv.addr)
	send(t, talker, "PRIVMSG", "#Поле", "привет, \x02мир\x0f: у нас 15 °C")
	send(t, talker, "PRIVMSG", "#Поле", "\x01ACTION пашет\x01")
	send(t, talker, "NOTICE", "#Поле", "полив в 18:00")
	send(t, talker, "PRIVMSG", "keeper", "это никому больше")
	send(t, talker, "TOPIC", "#b", "посев")
	send(t, talker, "MODE", "#b", "+v", "keeper")
	send(t, talker, "NICK", "Ivan2")
	send(t, talker, "PART", "#b", "до завтра")
	send(t, talker, "JOIN", "#b")
	send(t, talker, "QUIT", "ушёл")
	quits := 0
	events, _ := follow(t, collector, func(e *event.Event) bool {
		if does("leave", "quit", e.Channel)(e) {
			quits++
		}
		return quits == 2
	})
	var got []string
	for i := range events {
		got = append(got, string(events[i].Channel)+" "+irctest.Show(&events[i]))
	}
	want := []string{
		"#Поле message <Ivan> привет, мир: у нас 15 °C",
		"#Поле action <Ivan> пашет",
		"#Поле notice/notice <Ivan>  : полив в 18:00",
		"#b topic/topic <Ivan> посев",
		"#b mode/mode <Ivan> +v keeper",
		"#Поле rename/nick <Ivan> Ivan2 -> Ivan2",
		"#b rename/nick <Ivan> Ivan2 -> Ivan2",
		"#b leave/part <Ivan2> до завтра",
		"#b join/join <Ivan2>",
		"#Поле leave/quit <Ivan2> ушёл",
		"#b leave/quit <Ivan2> ушёл",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("events differ: %s", diff)
	}
	first := events[0]
	if !strings.HasPrefix(string(first.NativeID), "1AB~") || first.Sent.Assumed || first.Sent.Precision < event.PrecisionSecond {
		t.Errorf("first message has id %q and time %+v, want the server's", first.NativeID, first.Sent)
	}
	if first.Namespace != "test" || first.Account != "keeper" || first.Author.ID != "ivan" {
		t.Errorf("first message is of %s, %s, %+v", first.Namespace, first.Account, first.Author)
	}
}

func TestSession_InspIRCdEcho(t *testing.T) {
	t.Parallel()
	srv := startInspIRCd(t)
	collector, talker := meet(t, srv.addr)
	send(t, collector, "PRIVMSG", "#b", "сам себе")
	mine, _ := follow(t, collector, says("сам себе"))
	theirs, _ := follow(t, talker, says("сам себе"))
	a, b := mine[len(mine)-1], theirs[len(theirs)-1]
	if a.ID != b.ID || a.Author.Name != "keeper" {
		t.Errorf("the echo is %s by %+v, what others see is %s", a.ID, a.Author, b.ID)
	}
}

func TestSession_InspIRCdCatchUp(t *testing.T) {
	t.Parallel()
	srv := startInspIRCd(t)
	collector, talker := meet(t, srv.addr)
	send(t, talker, "MODE", "#b", "+H", "50:1h")
	send(t, talker, "PRIVMSG", "#b", "один")
	before, cursor := follow(t, collector, says("один"))
	if err := collector.Close(); err != nil {
		t.Fatal(err)
	}
	follow(t, talker, does("leave", "quit", "#b"))
	send(t, talker, "PRIVMSG", "#b", "два")
	send(t, talker, "PRIVMSG", "#b", "\x01ACTION три\x01")
	again := connect(t, configured(t, plain(srv.addr, "keeper")), cursor)
	after, _ := follow(t, again, says("три"))
	send(t, talker, "PRIVMSG", "#b", "четыре")
	rest, _ := follow(t, again, says("четыре"))
	seen := map[event.ID]string{}
	var texts []string
	for _, e := range slices.Concat(before, after, rest) {
		m, ok := e.Body.(*event.Message)
		if !ok || m.Type == event.TypeService {
			continue
		}
		if _, twice := seen[e.ID]; !twice {
			texts = append(texts, m.Text)
		}
		seen[e.ID] = m.Text
	}
	if diff := cmp.Diff([]string{"один", "два", "три", "четыре"}, texts); diff != "" {
		t.Errorf("what there is after a pause differs: %s", diff)
	}
}

// TestSession_NgIRCd is against a server that sends neither ids nor times.
func TestSession_NgIRCd(t *testing.T) {
	t.Parallel()
	srv := startNgIRCd(t)
	at := time.Date(2026, 3, 29, 1, 59, 58, 700_000_000, time.UTC)
	keep := configured(t, plain(srv.addr, "keeper"))
	keep.clock = func() time.Time { return at }
	talker := connect(t, configured(t, plain(srv.addr, "Ivan")), nil)
	follow(t, talker, does("join", "join", "#b"))
	collector := connect(t, keep, nil)
	follow(t, collector, does("join", "join", "#b"))
	send(t, talker, "PRIVMSG", "#b", "да")
	send(t, talker, "PRIVMSG", "#b", "да")
	send(t, talker, "PRIVMSG", "#b", "\x01ACTION кивает\x01")
	first, cursor := follow(t, collector, says("кивает"))
	if err := collector.Close(); err != nil {
		t.Fatal(err)
	}
	follow(t, talker, does("leave", "quit", "#b"))
	collector = connect(t, keep, cursor)
	follow(t, collector, does("join", "join", "#b"))
	send(t, talker, "PRIVMSG", "#b", "да")
	second, _ := follow(t, collector, says("да"))

	var tally irctest.Keyed
	var want, got []event.NativeID
	for range 3 {
		want = append(want, tally.Next("2026-03-29", "01:59", "ivan", "да"))
	}
	for _, e := range slices.Concat(first, second) {
		if says("да")(&e) {
			got = append(got, e.NativeID)
			if s := e.Sent; !s.Assumed || s.Precision != event.PrecisionSecond || !s.At.Equal(at.Truncate(time.Second)) {
				t.Errorf("time is %+v, want that of receiving, marked", s)
			}
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("content keys of equal lines, the last after a new connection, differ: %s", diff)
	}
}

func TestSession_ServerKilled(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(*testing.T) *server{"inspircd": startInspIRCd, "ngircd": startNgIRCd} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := start(t)
			s := connect(t, configured(t, plain(srv.addr, "keeper")), nil)
			follow(t, s, does("join", "join", "#b"))
			srv.kill()
			if err := broken(t, s); fault.Of(err) != fault.Transient {
				t.Errorf("a dead server gives %v, which is %s", err, fault.Of(err))
			}
			if _, err := configured(t, plain(srv.addr, "keeper")).Connect(t.Context(), nil); fault.Of(err) != fault.Transient {
				t.Errorf("no server gives %v, which is %s", err, fault.Of(err))
			}
		})
	}
}

func TestSource_Connect_WrongPassword(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(*testing.T) *server{"inspircd": startInspIRCd, "ngircd": startNgIRCd} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := strings.ReplaceAll(plain(start(t).addr, "keeper"), "sesame", "wrong")
			_, err := configured(t, text).Connect(t.Context(), nil)
			if fault.Of(err) != fault.Fatal || !strings.Contains(err.Error(), "password") {
				t.Errorf("a wrong password gives %v, which is %s", err, fault.Of(err))
			}
		})
	}
}

func TestSource_Connect_NickTaken(t *testing.T) {
	t.Parallel()
	srv := startNgIRCd(t)
	first := connect(t, configured(t, plain(srv.addr, "keeper")), nil)
	second := connect(t, configured(t, plain(srv.addr, "keeper")), nil)
	third := connect(t, configured(t, plain(srv.addr, "keeper")), nil)
	got := []string{first.nick, second.nick, third.nick}
	if diff := cmp.Diff([]string{"keeper", "keeper_", "keeper_2"}, got); diff != "" {
		t.Errorf("nicks differ: %s", diff)
	}
}

func TestSession_Close(t *testing.T) {
	t.Parallel()
	srv := startNgIRCd(t)
	s := connect(t, configured(t, plain(srv.addr, "keeper")), nil)
	follow(t, s, does("join", "join", "#b"))
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		for {
			if _, err := s.Next(ctx); err != nil {
				ended <- err
				return
			}
		}
	}()
	cancel()
	if err := <-ended; fault.Of(err) != fault.Stopped {
		t.Errorf("a cancelled Next gives %v, which is %s", err, fault.Of(err))
	}
	for range 2 {
		if err := s.Close(); err != nil {
			t.Errorf("closing: %v", err)
		}
	}
	if _, err := configured(t, plain(srv.addr, "keeper")).Connect(ctx, nil); fault.Of(err) != fault.Stopped {
		t.Errorf("a cancelled Connect gives %v, which is %s", err, fault.Of(err))
	}
}
