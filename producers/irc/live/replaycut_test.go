package live

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/producers"
)

// testLine is a line of a test, and how it is sent: with its id, its time, or that cut to the second.
type testLine struct {
	at   time.Duration // since the test's hour began
	id   string
	text string
}

func (l testLine) line(tags, form string) string {
	at := time.Date(2026, 11, 29, 1, 0, 0, 0, time.UTC).Add(l.at)
	if strings.Contains(form, "cut") {
		at = at.Truncate(time.Second)
	}
	if strings.Contains(form, "id") {
		tags += "msgid=" + l.id + ";"
	}
	return fmt.Sprintf("@%stime=%s :ann!u@h PRIVMSG #b :%s", tags, at.Format("2006-01-02T15:04:05.000Z"), l.text)
}

// talkOf has equal lines in one second, and between others.
func talkOf(n int) (out []testLine) {
	for i := range n {
		at := time.Duration(i/2)*3*time.Second + time.Duration(100+700*(i%2))*time.Millisecond
		out = append(out, testLine{at, fmt.Sprint("m", i), fmt.Sprint("line ", i/4)})
	}
	return out
}

// connection is what one connection sends: replayed lines, then live ones, then one that ends it.
type connection struct {
	replayed, live []testLine
}

// replaying plays connections, each an hour after the other, and returns the messages that are stored then and the notices of each connection.
func replaying(t *testing.T, caps, kind, live, replayed string, connections ...connection) (standing []string, notices []map[string]int) {
	t.Helper()
	var scripts []func(*script)
	for n, c := range connections {
		scripts = append(scripts, func(s *script) {
			s.welcome(caps)
			s.expect("JOIN")
			hour := fmt.Sprintf("@time=2026-11-29T%02d:00:00.000Z ", 2+2*n)
			if n == 0 {
				hour = "@time=2026-11-29T00:30:00.000Z "
			}
			s.say(hour + ":keeper!k@h JOIN #b")
			tags := ""
			if kind != "" {
				tags = "batch=aa;"
			}
			if strings.Contains(caps, "chathistory") {
				s.expect("CHATHISTORY")
			}
			var lines []string
			for _, l := range c.replayed {
				lines = append(lines, l.line(tags, replayed))
			}
			if kind != "" {
				lines = append(append([]string{":srv BATCH +aa " + kind + " #b"}, lines...), ":srv BATCH -aa")
			}
			for _, l := range c.live {
				lines = append(lines, l.line("", live))
			}
			s.say(append(lines, testLine{time.Duration(n)*2*time.Hour + 90*time.Minute + 123*time.Millisecond, fmt.Sprint("end", n), fmt.Sprint("end ", n)}.line("", live))...)
			s.expect("QUIT")
		})
	}
	addr := serve(t, nil, scripts...)
	r := recorder{texts: map[event.ID]string{}}
	var cursor producers.Cursor
	for n := range connections {
		s := connect(t, configured(t, fakeConfig(addr, "tls: false\n")), cursor) // as a process that was started anew
		noted := map[string]int{}
		for over := false; !over; {
			b, err := s.Next(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			r.add(b.Events)
			for _, x := range b.Notices {
				noted[x.Code] += x.Count
			}
			if b.Counts.Ambiguous > 0 {
				noted["ambiguous"] += b.Counts.Ambiguous
			}
			cursor = b.Cursor
			for i := range b.Events {
				over = over || says(fmt.Sprint("end ", n))(&b.Events[i])
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		notices = append(notices, noted)
	}
	for _, text := range r.order {
		if !strings.HasPrefix(text, "ann: end") {
			standing = append(standing, strings.TrimPrefix(text, "ann: "))
		}
	}
	return standing, notices
}

func texts(of ...testLine) (out []string) {
	for _, l := range of {
		out = append(out, l.text)
	}
	return out
}

// TestSession_OtherForm holds that duplicates in another form than live ones are stored once, and that those which were missed are stored
// too, also beside an equal one of the same second.
func TestSession_OtherForm(t *testing.T) {
	t.Parallel()
	const znc, plain = "server-time batch message-tags znc.in/playback", "server-time batch message-tags"
	all := talkOf(200)
	missed := []testLine{{4 * time.Hour, "x1", "missed"}, {4*time.Hour + 300*time.Millisecond, "x2", "missed"}}
	for _, c := range []struct{ name, caps, kind, live, replayed string }{
		{"playback cut", znc, playback, "", "cut"},
		{"playback without batches cut", znc, "", "", "cut"},
		{"history cut", historyCaps + " soju.im/bouncer-networks", "chathistory", "", "cut"},
		{"ids live, none in the playback", znc, playback, "id", ""},
		{"ids live, none in a playback that is cut", znc, "", "id", "cut"},
		{"ids live, none in a history that is cut", historyCaps + " soju.im/x", "chathistory", "id", "cut"},
		{"the same form", plain, "", "", ""},
		{"cut always", plain, "", "cut", "cut"},
		{"ids always", plain, playback, "id", "id cut"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			live := append(append([]testLine(nil), all[:150]...), all[151:]...) // of two equal lines of a second one was missed
			again := append(append([]testLine(nil), all...), missed...)
			got, noted := replaying(t, c.caps, c.kind, c.live, c.replayed, connection{nil, live}, connection{again, nil}, connection{again, nil}, connection{again[100:], nil})
			want := append(append(texts(live...), all[150].text), texts(missed...)...)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("messages differ: %s", diff)
			}
			for n, of := range noted {
				if of["overlap-replay"]+of["overlap-ids"] > 0 {
					t.Errorf("connection %d notes %v", n, of)
				}
			}
		})
	}
}

// TestSession_PossibleDuplicate holds that a possible duplicate in another form that is older than the window is reported, once.
func TestSession_PossibleDuplicate(t *testing.T) {
	t.Parallel()
	all := talkOf(80)
	for _, c := range []struct {
		name, caps, live, replayed string
		code                       string
		count, standing            int
	}{
		{"cut", "server-time message-tags", "", "cut", "overlap-replay", 32, 112},
		{"no ids", "server-time message-tags", "id", "", "overlap-replay", 32, 112},
		{"ids at last", "server-time message-tags znc.in/x", "", "id", "overlap-ids", 80, 160},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			again := connection{replayed: all}
			got, noted := replaying(t, c.caps, "", c.live, c.replayed, connection{live: all}, again, again, again)
			if len(got) != c.standing {
				t.Errorf("%d messages stand, want %d", len(got), c.standing)
			}
			for n, of := range noted {
				want := 0
				if n == 1 {
					want = c.count
				}
				if of[c.code] != want {
					t.Errorf("connection %d notes %v, want %d", n, of, want)
				}
			}
		})
	}
}

// TestSession_EdgeOfPlayback: whether a playback that begins within the last second repeats a line of it, or holds an equal one, cannot be decided.
func TestSession_EdgeOfPlayback(t *testing.T) {
	t.Parallel()
	const caps = "server-time batch message-tags znc.in/playback"
	before := []testLine{{time.Second, "", "before"}, {90*time.Minute + 123*time.Millisecond, "", "end 0"}}
	for name, c := range map[string]struct {
		replayed  []testLine
		ambiguous int
	}{
		"from before": {before, 0},
		"within":      {before[1:], 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, noted := replaying(t, caps, playback, "", "cut", connection{live: before[:1]}, connection{replayed: c.replayed})
			if len(got) != 1 || noted[1]["ambiguous"] != c.ambiguous {
				t.Errorf("%q stand, noted is %v", got, noted)
			}
		})
	}
}
