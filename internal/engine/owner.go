package engine

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/agrichat/agrichat/internal/fault"
)

// owner is the user that PostgreSQL runs as. It refuses to be root, so root runs it as another; anyone else as himself.
type owner struct {
	uid, gid int
	other    bool // not ourselves
	reach    uintptr
}

// findOwner chooses the user, and the one capability it needs where it may not walk down to the paths: the data of root
// lies under /root, which nobody else may enter.
func findOwner(paths ...string) (owner, error) {
	if os.Geteuid() != 0 {
		return owner{uid: os.Geteuid(), gid: os.Getegid()}, nil
	}
	o := owner{other: true}
	u, err := user.Lookup("postgres")
	if err != nil {
		u, err = user.Lookup("nobody")
	}
	if err != nil {
		return o, fault.AsFatal(fmt.Errorf("looking for a user to run PostgreSQL as, since it refuses to run as root: %w", err))
	}
	if o.uid, err = strconv.Atoi(u.Uid); err != nil {
		return o, fmt.Errorf("reading the number of user %s: %w", u.Username, err)
	}
	if o.gid, err = strconv.Atoi(u.Gid); err != nil {
		return o, fmt.Errorf("reading the group of user %s: %w", u.Username, err)
	}
	if open, err := enterable(paths...); err != nil || open {
		return o, err
	}
	o.reach, err = reachCapability()
	return o, err
}

// enterable tells that everyone may walk down to all these folders.
func enterable(paths ...string) (bool, error) {
	for _, path := range paths {
		for dir := path; ; dir = filepath.Dir(dir) {
			info, err := os.Stat(dir)
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return false, fmt.Errorf("looking whether other users may enter %s: %w", dir, err)
			}
			if err == nil && info.Mode().Perm()&1 == 0 {
				return false, nil
			}
			if dir == filepath.Dir(dir) {
				break
			}
		}
	}
	return true, nil
}

// reachCapability is the least power that enters a closed folder. Containers often keep the second but not the first.
func reachCapability() (uintptr, error) {
	have, err := capabilities()
	if err != nil {
		return 0, err
	}
	for _, c := range []uintptr{unix.CAP_DAC_READ_SEARCH, unix.CAP_DAC_OVERRIDE} {
		if have&(1<<c) != 0 {
			return c, nil
		}
	}
	return 0, fault.AsFatal(errors.New("finding a way for PostgreSQL's user into the data folder: a folder above it is closed to " +
		"other users and this root has no capability to open it; use a data folder that all may enter, or run as another user"))
}

func capabilities() (uint64, error) {
	f, err := os.Open("/proc/self/status")
	if err != nil {
		return 0, fmt.Errorf("reading our own capabilities: %w", err)
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		if hex, ok := strings.CutPrefix(s.Text(), "CapEff:"); ok {
			n, err := strconv.ParseUint(strings.TrimSpace(hex), 16, 64)
			if err != nil {
				return 0, fmt.Errorf("reading our own capabilities: %w", err)
			}
			return n, nil
		}
	}
	return 0, errors.New("reading our own capabilities: the system does not tell them")
}

// attributes make a child run as the owner.
func (o owner) attributes() *syscall.SysProcAttr {
	if !o.other {
		return &syscall.SysProcAttr{}
	}
	a := &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(o.uid), Gid: uint32(o.gid)}}
	if o.reach != 0 {
		a.AmbientCaps = []uintptr{o.reach}
	}
	return a
}

// give makes the owner's what root made. It does not follow links.
func (o owner) give(names ...string) error {
	if !o.other {
		return nil
	}
	for _, name := range names {
		if err := os.Lchown(name, o.uid, o.gid); err != nil {
			return fmt.Errorf("giving %s to PostgreSQL's user: %w", name, err)
		}
	}
	return nil
}
