package cli_test

import (
	"bufio"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// bouncer is an IRC bouncer without ids of messages: to each connection it sends the next list of lines, and closes all but the last one.
func bouncer(t *testing.T, connections ...[]string) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for n, lines := range connections {
			c, err := l.Accept()
			if err != nil {
				return
			}
			for in := bufio.NewScanner(c); in.Scan(); {
				reply := ""
				switch word, _, _ := strings.Cut(in.Text(), " "); {
				case strings.HasPrefix(in.Text(), "CAP LS"):
					reply = ":srv CAP * LS :server-time message-tags"
				case strings.HasPrefix(in.Text(), "CAP REQ"):
					reply = ":srv CAP * ACK" + strings.TrimPrefix(in.Text(), "CAP REQ")
				case in.Text() == "CAP END":
					reply = ":srv 001 keeper :Welcome\r\n:srv 422 keeper :No MOTD"
				case word == "PING":
					reply = ":srv PONG srv agrichat"
				case word == "JOIN":
					reply = strings.Join(append([]string{fmt.Sprintf("@time=2026-11-29T%02d:00:00.000Z :keeper!k@h JOIN #farm", n+1)}, lines...), "\r\n")
				}
				if reply != "" {
					_, _ = c.Write([]byte(reply + "\r\n")) // the test says what is missing
				}
				if word, _, _ := strings.Cut(in.Text(), " "); word == "JOIN" && n < len(connections)-1 {
					break
				}
			}
			_ = c.Close()
		}
	}()
	t.Cleanup(func() { _ = l.Close(); <-done })
	return l.Addr().String()
}

// TestLive_Overlaps holds that messages of a live source that may be stored twice are shown by status and counted, and that an import of a log of the
// same channel says that its messages stand twice.
func TestLive_Overlaps(t *testing.T) {
	t.Parallel()
	const lines = 80
	var live, again []string
	var log strings.Builder
	for n := range lines {
		at := time.Date(2026, 11, 29, 1, n/2, 10+n%2, 123e6, time.UTC)
		tell := func(form string) string {
			return fmt.Sprintf("@time=%s :ann!u@h PRIVMSG #farm :line %d", at.Format(form), n)
		}
		live, again = append(live, tell("2006-01-02T15:04:05.000Z")), append(again, tell("2006-01-02T15:04:05.000Z"[:19]+".000Z"))
		again[n] = strings.Replace(again[n], ".123Z", ".000Z", 1)
		fmt.Fprintf(&log, "[%s] <ann> line %d\n", at.Format("15:04:05"), n)
	}
	address := bouncer(t, live, append(again, "@time=2026-11-29T02:30:00.500Z :ann!u@h PRIVMSG #farm :the end"))
	w := newOutside(t)
	config := filepath.Join(t.TempDir(), "agrichat.yaml")
	write(t, config, "sources: [{name: farm, kind: irc, network: testnet, server: '"+address+"', tls: false, nick: keeper, channels: ['#farm']}]\n")
	w = w.with("AGRICHAT_CONFIG=" + config)
	up := w.start("", "up")
	w.arrives("the end")
	var r struct {
		Processes []struct {
			Notices []struct {
				Source, Code string
				Count        int
			}
		}
	}
	w.run("status", "--output", "json").want(0).into(&r)
	noted := map[string]int{}
	for _, p := range r.Processes {
		for _, n := range p.Notices {
			noted[n.Source+" "+n.Code] += n.Count
		}
	}
	if noted["farm overlap-replay"] == 0 || noted["farm overlap-replay"] >= lines {
		t.Errorf("status notes %v", noted)
	}
	w.run("status").want(0).prints("farm", "may be stored twice")
	twice := w.ask("SELECT count(*)::text FROM (SELECT text FROM agrichat.v_messages WHERE text LIKE 'line %' GROUP BY text HAVING count(*) > 1) t")[0]
	if twice != fmt.Sprint(noted["farm overlap-replay"]) {
		t.Errorf("%s messages are stored twice, status notes %v", twice, noted)
	}
	up.stop().want(0)

	path := filepath.Join(t.TempDir(), "#farm", "2026-11-29.log")
	write(t, path, log.String())
	n := w.noticed(path, "--account", "me", "--namespace", "testnet", "--zone", "UTC")
	if got := n.counts(); got["overlap-zones"] < lines/2 || got["overlap-none"] > 0 {
		t.Errorf("imported beside live messages: %+v", n)
	}
}
