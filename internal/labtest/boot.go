package labtest

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

//go:embed init.sh
var initScript string

// boot starts the first process of every host.
func (l *Lab) boot(ctx context.Context) error {
	for _, h := range l.hosts {
		if err := l.bootHost(h); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	return each(ctx, l.hosts, func(ctx context.Context, h *Host) error {
		return until(ctx, 20*time.Millisecond, h.Name+" is up", func(context.Context) error {
			_, err := os.Stat(filepath.Join(h.dir, "run", "up"))
			if err != nil {
				return fmt.Errorf("%w\n%s", err, tail(h.Log("init")))
			}
			return nil
		})
	})
}

func (l *Lab) bootHost(h *Host) error {
	for _, name := range []string{"data", "conf", "log", "run", "root"} {
		if err := os.MkdirAll(filepath.Join(h.dir, name), 0o755); err != nil {
			return fmt.Errorf("making the folder of %s: %w", h.Name, err)
		}
	}
	root, stay := "", ""
	if h.chrooted() {
		root = l.Root
	}
	if l.Stay {
		stay = "stay"
		if err := unix.Mkfifo(filepath.Join(h.dir, "run", "hold"), 0o600); err != nil {
			return fmt.Errorf("booting %s: %w", h.Name, err)
		}
	}
	cmd := exec.Command("ip", "netns", "exec", h.Name, "unshare", "--mount", "--pid", "--ipc", "--uts", "--fork", "--kill-child",
		"bash", "-c", initScript, "init", h.Name, h.dir, h.space(), h.user(), root, stay)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	log, err := os.OpenFile(h.Log("init"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return fmt.Errorf("booting %s: %w", h.Name, err)
	}
	defer log.Close()
	cmd.Stdout, cmd.Stderr = log, log
	return l.hold(cmd)
}

// hold starts a first process that ends with the end of its input: with this process, however it ends.
func (l *Lab) hold(cmd *exec.Cmd) error {
	if l.Stay {
		return l.launch(cmd)
	}
	r, w, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("holding a host: %w", err)
	}
	defer r.Close()
	cmd.Stdin = r
	if err := l.launch(cmd); err != nil {
		return errors.Join(err, w.Close())
	}
	l.holds = append(l.holds, w)
	return nil
}

// launch starts a first process. Down waits for its end; who lets the lab stay ends before it.
func (l *Lab) launch(cmd *exec.Cmd) error {
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("starting the first process of a host: %w", err)
	}
	l.ended.Go(func() { _ = cmd.Wait() }) // it is killed in the end
	return nil
}

// Down ends the lab and removes all of it. It may be called for one that is half up, or not there.
func (l *Lab) Down() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for _, w := range l.holds {
		_ = w.Close() // which ends a host; the rest is done by force
	}
	l.holds = nil
	err := until(ctx, 20*time.Millisecond, "no process is left", func(context.Context) error {
		left, err := processes(l.hosts...)
		for _, p := range left {
			_ = syscall.Kill(p.pid, syscall.SIGKILL) // it may have ended meanwhile
		}
		if err == nil && len(left) > 0 {
			err = fmt.Errorf("%d processes run", len(left))
		}
		return err
	})
	if err == nil {
		l.ended.Wait()
	}
	return errors.Join(err, l.disconnect(ctx), os.RemoveAll(l.Dir))
}
