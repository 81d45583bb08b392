package labtest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"go.uber.org/goleak"
)

// victim makes a test program one that brings up a lab and waits to be killed.
const victim = "AGRICHAT_LABTEST_VICTIM"

func TestMain(m *testing.M) {
	if os.Getenv(victim) != "" {
		_, err := Up(context.Background(), Options{})
		fmt.Println("up:", err)
		select {}
	}
	goleak.VerifyTestMain(m)
}

// left tells what of a lab is there.
func left(t *testing.T, dir string) []string {
	t.Helper()
	var found []string
	for _, h := range allHosts(dir) {
		for _, name := range []string{"/run/netns/" + h.Name, "/sys/class/net/" + h.Name} {
			if exists(name) {
				found = append(found, name)
			}
		}
	}
	for _, name := range []string{"/sys/class/net/" + bridge, dir} {
		if exists(name) {
			found = append(found, name)
		}
	}
	mounts, err := os.ReadFile("/proc/mounts")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(mounts)) {
		if strings.Contains(line, dir) || strings.Contains(line, "/"+prefix) {
			found = append(found, "mount "+line)
		}
	}
	tables, err := run(t.Context(), "", "nft", "list", "tables")
	if err != nil || strings.Contains(tables, filterTable) {
		found = append(found, "nft "+tables)
	}
	return found
}

// Nothing is left of a lab that was taken down, and no process of one whose maker was killed.
func TestEnds(t *testing.T) {
	if os.Getenv("AGRICHAT_LAB") != "1" {
		t.Skip("it needs root and minutes: make test-ha runs it")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), victim+"=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _, _ = cmd.Process.Kill(), cmd.Wait() }() // it has ended already if all went well
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || line != "up: <nil>\n" {
		t.Fatalf("the victim says %q, %v", line, err)
	}
	l, err := Attach(Options{})
	if err != nil {
		t.Fatal(err)
	}
	if before, err := processes(l.hosts...); err != nil || len(before) < 40 {
		t.Fatalf("%d processes in a lab, %v", len(before), err)
	}
	if _, err := Up(t.Context(), Options{}); err == nil {
		t.Fatal("a second lab came up beside the first")
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	w := watch{t, l}
	w.step("all processes end with their maker", func(ctx context.Context) error {
		return until(ctx, 10*time.Millisecond, "all have ended", func(context.Context) error {
			list, err := processes(l.hosts...)
			if err == nil && len(list) > 0 {
				err = fmt.Errorf("%d run", len(list))
			}
			return err
		})
	})
	if found := left(t, l.Dir); len(found) == 0 {
		t.Error("nothing is left for Down to remove: this test looks in the wrong place")
	}
	w.step("remove", func(context.Context) error { return Remove(Options{}) })
	if found := left(t, l.Dir); len(found) > 0 {
		t.Errorf("after Down there is %q", found)
	}
}

// watch measures steps, and fails the test if one fails.
type watch struct {
	*testing.T
	lab *Lab
}

func (w watch) step(what string, do func(ctx context.Context) error) {
	w.Helper()
	ctx, cancel := context.WithTimeout(w.Context(), 90*time.Second)
	defer cancel()
	begun := time.Now()
	if err := do(ctx); err != nil {
		w.Fatalf("%s: %v", what, err)
	}
	w.Logf("%6.2f s  %s", time.Since(begun).Seconds(), what)
}

// Each operation once, each proved to bite by what can be seen from outside, and everything well again after it.
func TestOperations(t *testing.T) {
	begun := time.Now()
	l := Start(t, Options{})
	t.Logf("%6.2f s  up", time.Since(begun).Seconds())
	w := watch{t, l}
	w.step("switchover", func(ctx context.Context) error { return l.Switchover(ctx, l.standby(t)) })
	w.step("healthy after it", l.WaitHealthy)
	w.step("strict", func(ctx context.Context) error { return l.SetProfile(ctx, true) })
	w.step("not strict", func(ctx context.Context) error { return l.SetProfile(ctx, false) })
	w.frozenPatroni()
	w.cutOff()
	w.crash()
	w.fullDisk()
	w.parted()
	w.lostServers()
}

func (l *Lab) leader(t *testing.T) *Host {
	t.Helper()
	h, err := l.Leader(t.Context())
	if err != nil || h == nil {
		t.Fatalf("the leader is %v, %v", h, err)
	}
	return h
}

func (l *Lab) standby(t *testing.T) *Host {
	t.Helper()
	return l.except(l.leader(t))[0]
}

// frozenPatroni: the server itself goes on and takes writes, while another is the leader.
func (w watch) frozenPatroni() {
	old := w.lab.leader(w.T)
	w.step("freeze Patroni", func(ctx context.Context) error { return w.lab.Freeze(ctx, old, "patroni") })
	w.step("another leader", func(ctx context.Context) error {
		_, err := w.lab.AwaitLeader(ctx, old)
		return err
	})
	w.step("the frozen one takes writes", func(ctx context.Context) error { return w.lab.writable(ctx, old) })
	w.step("thaw", func(ctx context.Context) error { return w.lab.Thaw(ctx, old, "patroni") })
	w.step("healthy after it", w.lab.WaitHealthy)
}

// cutOff: nothing is refused, and nothing comes.
func (w watch) cutOff() {
	old := w.lab.leader(w.T)
	w.step("cut off the leader", func(ctx context.Context) error { return w.lab.CutOff(ctx, old) })
	w.step("silence", func(ctx context.Context) error { return silent(ctx, old) })
	w.step("another leader", func(ctx context.Context) error {
		_, err := w.lab.AwaitLeader(ctx, old)
		return err
	})
	w.step("heal", func(ctx context.Context) error { return w.lab.Heal(ctx, old) })
	w.step("healthy after it", w.lab.WaitHealthy)
}

// silent wants a connection to hang, not to be refused.
func silent(ctx context.Context, h *Host) error {
	d := net.Dialer{Timeout: 4 * time.Second} // longer than a kernel looks for a neighbour
	conn, err := d.DialContext(ctx, "tcp", h.Address+":"+postgresPort)
	if err == nil {
		return errors.Join(errors.New("it was accepted"), conn.Close())
	}
	var timeout net.Error
	if !errors.As(err, &timeout) || !timeout.Timeout() {
		return err
	}
	return nil
}

func (w watch) crash() {
	old := w.lab.leader(w.T)
	w.step("kill Patroni and PostgreSQL", func(ctx context.Context) error {
		return w.lab.Kill(ctx, old, syscall.SIGKILL, "patroni", "postgres")
	})
	if list, err := w.lab.find(old); err != nil || len(list) > 0 {
		w.Errorf("after the kill %v runs, %v", list, err)
	}
	w.step("another leader", func(ctx context.Context) error {
		_, err := w.lab.AwaitLeader(ctx, old)
		return err
	})
	w.step("restart", func(ctx context.Context) error { return w.lab.Restart(ctx, old) })
	w.step("healthy after it", w.lab.WaitHealthy)
}

// fullDisk fills a standby, whose leader goes on.
func (w watch) fullDisk() {
	h := w.lab.standby(w.T)
	w.step("fill a disk", func(context.Context) error {
		size, err := w.lab.FillDisk(h)
		w.Logf("%d MB were free", size>>20)
		return err
	})
	name, err := w.lab.filler(h)
	if err != nil {
		w.Fatal(err)
	}
	if err := os.WriteFile(name+".more", make([]byte, 1<<20), 0o600); !errors.Is(err, syscall.ENOSPC) {
		w.Errorf("a full disk takes more: %v", err)
	}
	w.step("free it", func(context.Context) error { return errors.Join(os.Remove(name+".more"), w.lab.FreeDisk(h)) })
	w.step("healthy after it", w.lab.WaitHealthy)
}

// parted: two hosts that do not hear each other, and whom everybody else hears.
func (w watch) parted() {
	a, b := w.lab.Host("etcd1"), w.lab.Host("etcd2")
	reaches := func(ctx context.Context, from, to *Host) error {
		_, err := run(ctx, "", "ip", "netns", "exec", from.Name, "timeout", "2", "bash", "-c", "exec 3<>/dev/tcp/"+to.Address+"/"+etcdPort)
		return err
	}
	w.step("part two hosts", func(ctx context.Context) error { return w.lab.CutOffFrom(ctx, a, b) })
	w.step("each reaches others, but not each other", func(ctx context.Context) error {
		if reaches(ctx, a, b) == nil || reaches(ctx, b, a) == nil {
			return errors.New("they reach each other")
		}
		return errors.Join(reaches(ctx, a, w.lab.Host("etcd3")), reaches(ctx, b, w.lab.Host("etcd3")))
	})
	w.step("heal all", func(ctx context.Context) error { return w.lab.Heal(ctx) })
	w.step("they reach each other", func(ctx context.Context) error { return reaches(ctx, a, b) })
	w.step("healthy after it", w.lab.WaitHealthy)
}

// lostServers kills one of each kind, without which the others go on.
func (w watch) lostServers() {
	for _, name := range []string{"nats1", "etcd1"} {
		h := w.lab.Host(name)
		w.step("crash "+name, func(ctx context.Context) error { return w.lab.Crash(ctx, h) })
		if w.lab.Healthy(w.Context()) == nil {
			w.Errorf("all is well without %s", name)
		}
		w.step("the bus goes on", w.bus)
		w.step("restart", func(ctx context.Context) error { return w.lab.Restart(ctx, h) })
		w.step("healthy after it", w.lab.WaitHealthy)
	}
}

// bus connects with the user that roles have.
func (w watch) bus(context.Context) error {
	conn, err := nats.Connect(w.lab.NATSURLs(), nats.UserInfo(role, w.lab.Secrets.Bus))
	if err != nil {
		return err
	}
	conn.Close()
	return nil
}

// The roles come up, are told apart by name, and come back. ClickHouse answers across the network.
func TestRoles(t *testing.T) {
	l := Start(t, Options{Strict: true, FaultPoints: true})
	w := watch{t, l}
	worker, figures := l.Host("w1"), l.Host("agg")
	w.step("strict from the beginning", func(ctx context.Context) error { return l.inForce(ctx, true) })
	w.step("workers and aggregate", func(ctx context.Context) error {
		return l.StartRoles(ctx, worker, l.Host("w2"), figures)
	})
	w.step("kill aggregate, and not ClickHouse", func(ctx context.Context) error {
		return l.Kill(ctx, figures, syscall.SIGKILL, "aggregate")
	})
	if l.Running(figures, "aggregate") || !l.Running(figures, clickHouse) {
		t.Errorf("aggregate runs: %t, ClickHouse runs: %t", l.Running(figures, "aggregate"), l.Running(figures, clickHouse))
	}
	w.step("kill ClickHouse", func(ctx context.Context) error { return l.Kill(ctx, figures, syscall.SIGKILL, clickHouse) })
	w.step("restart both", func(ctx context.Context) error {
		return errors.Join(l.Restart(ctx, figures), l.AwaitRole(ctx, figures))
	})
	w.step("stop a worker", func(ctx context.Context) error { return l.Kill(ctx, worker, syscall.SIGTERM, "normalise") })
	w.step("it ends", func(ctx context.Context) error {
		return until(ctx, 10*time.Millisecond, "it has ended", func(context.Context) error {
			if l.Running(worker, "normalise") {
				return errors.New("it runs")
			}
			return nil
		})
	})
	w.step("restart it with a variable of its own", func(ctx context.Context) error {
		if err := l.StartRole(ctx, worker, "AGRICHAT_DIE_AT=normalise.nowhere"); err != nil {
			return err
		}
		return l.AwaitRole(ctx, worker)
	})
	w.step("the program's own view", func(ctx context.Context) error {
		cmd := exec.CommandContext(ctx, l.program(), "status")
		cmd.Env = append(l.Env(), "AGRICHAT_DATA="+t.TempDir())
		out, err := cmd.CombinedOutput()
		t.Logf("%s", out)
		return err
	})
	w.step("control", func(ctx context.Context) error { return l.StartRoles(ctx, l.Hosts(Controller)...) })
}
