package labtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// process is one on a host, or one that is about to enter it.
type process struct {
	pid   int    // as this process sees it
	inner int    // on the host; zero if it is not there yet
	name  string // of its program
	state string // R, S, T ...
}

// processes lists all in the network namespaces of the hosts. What ends meanwhile is left out.
func processes(hosts ...*Host) ([]process, error) {
	spaces := map[uint64]bool{}
	for _, h := range hosts {
		var st unix.Stat_t
		if err := unix.Stat(filepath.Join("/run/netns", h.Name), &st); err == nil {
			spaces[st.Ino] = true
		}
	}
	if len(spaces) == 0 {
		return nil, nil
	}
	names, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return nil, fmt.Errorf("listing processes: %w", err)
	}
	var list []process
	for _, dir := range names {
		var st unix.Stat_t
		if unix.Stat(filepath.Join(dir, "ns", "net"), &st) != nil || !spaces[st.Ino] {
			continue
		}
		if p, ok := readProcess(dir); ok {
			list = append(list, p)
		}
	}
	return list, nil
}

func readProcess(dir string) (process, bool) {
	data, err := os.ReadFile(filepath.Join(dir, "status"))
	if err != nil {
		return process{}, false
	}
	var p process
	for line := range strings.Lines(string(data)) {
		key, value, _ := strings.Cut(line, ":")
		fields := strings.Fields(value)
		switch {
		case len(fields) == 0:
		case key == "Name":
			p.name = fields[0]
		case key == "State":
			p.state = fields[0]
		case key == "NSpid":
			p.pid, _ = strconv.Atoi(fields[0])
			if len(fields) > 1 {
				p.inner, _ = strconv.Atoi(fields[len(fields)-1])
			}
		}
	}
	return p, p.pid != 0 && p.state != "Z" && p.state != "X"
}

// firstProcess is the number of a host's first process.
func (l *Lab) firstProcess(h *Host) (int, error) {
	list, err := processes(h)
	for _, p := range list {
		if p.inner == 1 {
			return p.pid, nil
		}
	}
	return 0, errors.Join(fmt.Errorf("looking for the first process of %s: it is not up", h.Name), err)
}

// alive tells whether any host of any lab runs.
func (l *Lab) alive() bool {
	list, err := processes(l.hosts...)
	return err != nil || len(list) > 0
}

// find returns the processes of a host that were started under one of the names, or run a program of that name; all but the
// first one if there are no names.
func (l *Lab) find(h *Host, names ...string) ([]process, error) {
	list, err := processes(h)
	if err != nil {
		return nil, err
	}
	started := map[int]bool{}
	for _, name := range names {
		if data, err := os.ReadFile(filepath.Join(h.dir, "run", name+".pid")); err == nil {
			n, _ := strconv.Atoi(strings.TrimSpace(string(data))) // zero is nobody's
			started[n] = true
		}
	}
	return slices.DeleteFunc(list, func(p process) bool {
		wanted := len(names) == 0 || started[p.inner] || slices.Contains(names, p.name)
		return p.inner <= 1 || !wanted
	}), nil
}

// Running tells whether a host has a process of that name.
func (l *Lab) Running(h *Host, name string) bool {
	list, err := l.find(h, name)
	return err == nil && len(list) > 0
}

// Start starts a program on a host, with nothing in its environment but what is given, a path and a language. It returns when
// the program is started, and the program goes on; Log tells where its output goes. Paths are those of the host.
func (l *Lab) Start(ctx context.Context, h *Host, name string, env []string, command ...string) error {
	if l.Running(h, name) {
		return fmt.Errorf("starting %s on %s: it runs", name, h.Name)
	}
	pid, err := l.firstProcess(h)
	if err != nil {
		return fmt.Errorf("starting %s: %w", name, err)
	}
	// The shell ends at once, so that the program is the first process's child and nothing outside can hold it up. A shell
	// lets what it starts in the background ignore two signals: env takes that back.
	script := `log=$1 pid=$2; shift 2
setsid env -i --default-signal=INT,QUIT "$@" >>"$log" 2>&1 </dev/null &
echo $! >"$pid.new"; mv "$pid.new" "$pid"`
	args := []string{"--target", strconv.Itoa(pid), "--mount", "--pid", "--net", "--ipc", "--uts", "--root", "--wd",
		"/bin/sh", "-c", script, "start", h.inside("log", name+".log"), h.inside("run", name+".pid"),
		"LANG=C.UTF-8", "PATH=/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin"}
	if _, err := run(ctx, "", "nsenter", append(append(args, env...), command...)...); err != nil {
		return fmt.Errorf("starting %s on %s: %w", name, h.Name, err)
	}
	return nil
}

// Kill sends a signal to processes of a host, by the names they were started under or of their programs; to all if none is
// named. If there is none, that is an error. After SIGKILL it returns when they are gone, whatever one of them started meanwhile
// included.
func (l *Lab) Kill(ctx context.Context, h *Host, sig syscall.Signal, names ...string) error {
	list, err := l.find(h, names...)
	if err != nil {
		return err
	}
	if len(list) == 0 {
		return fmt.Errorf("sending %v to %s of %s: there is no such process", sig, strings.Join(names, ", "), h.Name)
	}
	if sig != syscall.SIGKILL {
		return send(list, sig)
	}
	ctx, cancel := limited(ctx, 10*time.Second)
	defer cancel()
	what := fmt.Sprintf("%s of %s are gone", strings.Join(names, ", "), h.Name)
	return until(ctx, 10*time.Millisecond, what, func(context.Context) error {
		if err := send(list, sig); err != nil {
			return err
		}
		list, err = l.find(h, names...)
		if err == nil && len(list) > 0 {
			err = fmt.Errorf("%d run", len(list))
		}
		return err
	})
}

// send gives a signal to all that are still there.
func send(list []process, sig syscall.Signal) error {
	for _, p := range list {
		if err := syscall.Kill(p.pid, sig); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("sending %v to %s: %w", sig, p.name, err)
		}
	}
	return nil
}

// Freeze stops processes of a host as a hanging machine would: sockets stay open and nothing is answered.
func (l *Lab) Freeze(ctx context.Context, h *Host, names ...string) error {
	if err := l.Kill(ctx, h, syscall.SIGSTOP, names...); err != nil {
		return err
	}
	ctx, cancel := limited(ctx, 10*time.Second)
	defer cancel()
	return until(ctx, 5*time.Millisecond, "all are stopped", func(context.Context) error {
		list, err := l.find(h, names...)
		for _, p := range list {
			if p.state != "T" {
				_ = syscall.Kill(p.pid, syscall.SIGSTOP) // it may be new
				return fmt.Errorf("%s runs", p.name)
			}
		}
		return err
	})
}

// Thaw lets frozen processes go on.
func (l *Lab) Thaw(ctx context.Context, h *Host, names ...string) error {
	return l.Kill(ctx, h, syscall.SIGCONT, names...)
}

// Crash kills all of a host's processes at once, as a power cut would, but for what the kernel has in hand. What the host kept
// stays. Restart starts it again.
func (l *Lab) Crash(ctx context.Context, h *Host) error { return l.Kill(ctx, h, syscall.SIGKILL) }

// tail is the end of a log, for messages.
func tail(name string) string {
	data, err := os.ReadFile(name)
	if err != nil {
		return err.Error()
	}
	return string(data[max(0, len(data)-2000):])
}
