package live

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/producers/irc/irctest"
)

func TestWindow_Store(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 29, 1, 0, 0, 250e6, time.UTC)
	w := &window{large: true, reportedUntil: at, dropped: [2]dropTimes{{}, {fine: at, named: at.Add(-time.Hour)}}}
	for n, l := range []windowLine{
		{at: at, line: 1 << 47, count: 3}, {at: at, line: 5, id: "1AB~7", service: true}, {at: at.Add(-time.Minute), line: 6, id: "k1", untimed: true},
		{at: at.Truncate(time.Second), line: 7, count: 1, cut: true},
	} {
		if seq := w.add(l); seq != uint64(n+1) {
			t.Errorf("line %d is number %d", n, seq)
		}
	}
	text, err := json.Marshal(progress{Window: w.store()})
	if err != nil {
		t.Fatal(err)
	}
	var p progress
	if err := json.Unmarshal(text, &p); err != nil {
		t.Fatal(err)
	}
	back, err := p.load()
	if err != nil {
		t.Fatal(err)
	}
	for i := range w.lines {
		w.lines[i].seq = uint64(i + 1)
	}
	if diff := cmp.Diff(w, back, cmp.AllowUnexported(window{}, windowLine{}, dropTimes{})); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	packed := w.store().Lines
	for n := 1; n < len(packed); n++ { // cut off anywhere, it is read or refused
		_ = (&window{}).loadLines(packed[:n])
	}
	if err := (&window{}).loadLines(packed[:len(packed)-1]); err == nil {
		t.Error("a damaged window is read")
	}
	if (&window{}).store() != nil {
		t.Error("an empty window is stored")
	}
}

// TestWindow_Size holds that the windows of many channels fit into a cursor that is saved after each batch.
func TestWindow_Size(t *testing.T) {
	t.Parallel()
	var channels []string
	for n := range 100 {
		channels = append(channels, fmt.Sprintf("'#c%d'", n))
	}
	l := configured(t, "network: n\nserver: h:1\nnick: k\nchannels: ["+strings.Join(channels, ", ")+"]\n")
	s := newSession(l, nil, &registration{nick: "k", offered: map[string]string{"znc.in/playback": ""}}, liveCursor{}, nil)
	at := time.Date(2026, 11, 29, 1, 0, 0, 250e6, time.UTC)
	for n := range 2 * largeWindow {
		for _, w := range l.channels {
			text := fmt.Sprintf("@time=%s;msgid=%036d :a!a@h PRIVMSG %s :%d", at.Add(time.Duration(n)*time.Second).Format("2006-01-02T15:04:05.000Z"), n, w.name, n)
			s.take(parseReceived(irctest.UTF8Only(t), []byte(text)), true)
		}
	}
	c, err := s.cursor()
	if err != nil {
		t.Fatal(err)
	}
	if most := 300 << 10; len(c) > most {
		t.Errorf("the cursor has %d bytes, want at most %d", len(c), most)
	}
}

// TestSession_Unbounded holds that a connection of years takes no more memory than one of an hour.
func TestSession_Unbounded(t *testing.T) {
	t.Parallel()
	l := configured(t, fakeConfig("h:1", "tls: false\n"))
	s := newSession(l, nil, &registration{nick: "k"}, liveCursor{}, nil)
	at := time.Date(2026, 11, 29, 1, 0, 0, 250e6, time.UTC)
	for n := range 4 * largeWindow {
		at := at.Add(time.Duration(n) * time.Second)
		s.take(parseReceived(irctest.UTF8Only(t), fmt.Appendf(nil, "@time=%s :a!a@h PRIVMSG #b :%d", at.Format("2006-01-02T15:04:05.000Z"), n)), true)
	}
	if r := s.channels["#b"]; len(r.window.lines) != smallWindow || len(r.delivery.matched) > 0 || len(r.delivery.count) > 1 {
		t.Errorf("%d lines are remembered, %d used, %d counted", len(r.window.lines), len(r.delivery.matched), len(r.delivery.count))
	}
}

// TestLiveCursor_Older reads what older programs remembered.
func TestLiveCursor_Older(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 29, 1, 0, 0, 250e6, time.UTC)
	line := func(text string) string { return event.Digest("ann", text) }
	text, err := json.Marshal(map[string]any{"v": cursorVersion, "channels": map[string]any{"#b": map[string]any{
		"recent": []recentLine{{at, line("recent"), "k1"}}, "untimed": []recentLine{{at.Add(time.Second), line("untimed"), "k2"}}}}})
	if err != nil {
		t.Fatal(err)
	}
	addr := serve(t, nil, func(s *script) {
		s.welcome("server-time batch")
		s.expect("JOIN")
		s.say("@time=2026-11-29T03:00:00.000Z :keeper!k@h JOIN #b", ":znc.in BATCH +aa znc.in/playback #b")
		for _, text := range []string{"recent", "untimed", "new"} {
			s.say("@batch=aa;time=2026-11-29T01:00:00.000Z :ann!u@h PRIVMSG #b :" + text)
		}
		s.say(":znc.in BATCH -aa")
		s.expect("QUIT")
	})
	s := connect(t, configured(t, fakeConfig(addr, "tls: false\n")), text)
	events, _ := follow(t, s, says("new"))
	got := map[string]event.NativeID{}
	for i := range events {
		if m, ok := events[i].Body.(*event.Message); ok && m.Type == event.TypeMessage {
			got[m.Text] = events[i].NativeID
		}
	}
	if got["recent"] != "k1" || got["untimed"] != "k2" || len(got["new"]) != 33 {
		t.Errorf("ids are %v", got)
	}
}
