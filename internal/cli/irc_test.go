package cli_test

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const inspircdConfig = `
<server name="irc.test.local" description="test" network="TestNet" id="1AB">
<admin name="test" nick="test" email="test@test.local">
<bind address="127.0.0.1" port="%[1]s" type="clients">
<connect allow="*" timeout="60" threshold="1000" commandrate="100000" fakelag="no" pingfreq="120" localmax="100" globalmax="100"
 hardsendq="1048576" softsendq="262144" recvq="262144" resolvehostnames="no" useident="no" maxconnwarn="no">
<pid file="%[2]s/inspircd.pid">
<log method="file" type="*" level="default" target="%[2]s/inspircd.log">
<module name="cap"><module name="ircv3_servertime"><module name="ircv3_msgid"><module name="ircv3_ctctags">
<module name="ircv3_echomessage"><module name="ircv3_batch"><module name="ircv3_accounttag"><module name="chanhistory">
<chanhistory maxlines="100" prefixmsg="yes" sendtobots="yes">
`

// startInspIRCd starts a real server until the test ends, and returns its address.
func startInspIRCd(t testing.TB) string {
	t.Helper()
	bin, err := exec.LookPath("inspircd")
	if err != nil {
		bin, err = exec.LookPath("/usr/sbin/inspircd")
	}
	if err != nil {
		if os.Getenv("REQUIRE_REAL") == "1" {
			t.Fatalf("inspircd is not installed: %v", err)
		}
		t.Skipf("inspircd is not installed: %v", err)
	}
	dir, address := t.TempDir(), noPort(t)
	_, port, _ := net.SplitHostPort(address)
	conf := filepath.Join(dir, "conf")
	write(t, conf, fmt.Sprintf(inspircdConfig, port, dir))
	args := []string{"--nofork", "--config=" + conf}
	if os.Getuid() == 0 {
		args = append(args, "--runasroot")
	}
	cmd := exec.Command(bin, args...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	eventually(t, "inspircd listens", func() bool {
		c, err := net.Dial("tcp", address)
		if err != nil {
			return false
		}
		return c.Close() == nil
	})
	return address
}

// talker is a person on IRC.
type talker struct {
	t     testing.TB
	conn  net.Conn
	lines *bufio.Scanner
}

func newTalker(t testing.TB, address, channel string) *talker {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	k := &talker{t: t, conn: c, lines: bufio.NewScanner(c)}
	k.say("NICK anna", "USER anna 0 * :Anna")
	k.await(" 001 ")
	k.say("JOIN " + channel)
	k.await(" 366 ")
	k.say("MODE " + channel + " +H 50:1h") // who made the channel may have its history kept
	k.await(" +H ")
	return k
}

func (k *talker) say(lines ...string) {
	k.t.Helper()
	for _, l := range lines {
		if _, err := fmt.Fprintf(k.conn, "%s\r\n", l); err != nil {
			k.t.Fatal(err)
		}
	}
}

// await reads until the server says something.
func (k *talker) await(words string) {
	k.t.Helper()
	if err := k.conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		k.t.Fatal(err)
	}
	for k.lines.Scan() {
		if token, ping := strings.CutPrefix(k.lines.Text(), "PING "); ping {
			k.say("PONG " + token)
		}
		if strings.Contains(k.lines.Text(), words) {
			return
		}
	}
	k.t.Fatalf("the server does not say %q: %v", words, k.lines.Err())
}

// process starts the program as a process of its own, which the test may kill.
func (w *world) process(args ...string) *exec.Cmd {
	w.t.Helper()
	self, err := os.Executable()
	if err != nil {
		w.t.Fatal(err)
	}
	cmd := exec.Command(self, args...)
	cmd.Env = append(append([]string(nil), w.env...), programMark+"=1")
	if err := cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return cmd
}

// TestLive holds that what is sent is in PostgreSQL within seconds, and that what was sent while the program was dead is
// caught up from its cursor.
func TestLive(t *testing.T) {
	t.Parallel()
	address := startInspIRCd(t)
	w := newOutside(t)
	config := filepath.Join(t.TempDir(), "agrichat.yaml")
	write(t, config, "sources: [{name: farm, kind: irc, network: testnet, server: '"+address+"', tls: false, nick: keeper, channels: ['#farm']}]\n")
	w = w.with("AGRICHAT_CONFIG=" + config)
	anna := newTalker(t, address, "#farm")

	first := w.process("up")
	anna.await("keeper!")
	anna.say("PRIVMSG #farm :первое слово", "PRIVMSG #farm :\x01ACTION waves\x01")
	w.arrives("первое слово", "waves")
	w.equal() // and nothing in hand: that would be given to another process only after the ack wait
	if err := first.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = first.Wait()
	anna.await("QUIT")
	anna.say("PRIVMSG #farm :said while nobody listened")

	w.process("up")
	anna.await("keeper")
	anna.say("PRIVMSG #farm :said afterwards")
	w.arrives("said while nobody listened", "said afterwards", "первое слово", "waves")
	w.equal()
}

// arrives waits until each of these texts is in the record, and fails the test if one is there twice.
func (w *world) arrives(texts ...string) {
	w.t.Helper()
	eventually(w.t, "the schema is there", func() bool {
		return w.ask("SELECT (to_regclass('agrichat.v_messages') IS NOT NULL)::text")[0] == "true"
	})
	for _, text := range texts {
		n := "0"
		eventually(w.t, text+" is in the record", func() bool {
			n = w.ask("SELECT count(*)::text FROM agrichat.v_messages WHERE source = 'irc' AND text = '" + text + "'")[0]
			return n != "0"
		})
		if n != "1" {
			w.t.Errorf("%q is there %s times", text, n)
		}
	}
}
