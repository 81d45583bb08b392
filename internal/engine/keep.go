package engine

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

// kept is what an engine must find again at its next start: other programs were told these two.
type kept struct {
	Port     int    `json:"port"`
	Password string `json:"password"`
}

const (
	keptFile = "engine.json"
	lockFile = "lock"
	loopback = "127.0.0.1"
)

// ErrInUse says that another process runs the engine of this folder.
var ErrInUse = errors.New("the folder is in use by another process")

// keep fills in what is not given: from the folder if it was kept there, else new. What is given wins and is kept.
func keep(dir string, given kept) (kept, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return kept{}, fmt.Errorf("making the folder of an engine: %w", err)
	}
	known, err := readKept(dir)
	if err != nil {
		return kept{}, err
	}
	k := known
	if given.Port != 0 {
		k.Port = given.Port
	} else if k.Port != 0 && idle(dir) && !bindable(k.Port) {
		// Kept ports lie where the system also picks ports for outgoing connections, so a stranger may sit there.
		k.Port = 0
	}
	if given.Password != "" {
		k.Password = given.Password
	}
	if k.Port == 0 {
		if k.Port, err = freePort(); err != nil {
			return kept{}, err
		}
	}
	if k.Password == "" {
		k.Password = secret()
	}
	if k == known {
		return k, nil
	}
	return k, writeKept(dir, k)
}

func readKept(dir string) (kept, error) {
	var k kept
	name := filepath.Join(dir, keptFile)
	data, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return k, nil
	}
	if err != nil {
		return k, fmt.Errorf("reading an engine's port and password: %w", err)
	}
	if err := json.Unmarshal(data, &k); err != nil {
		return k, fmt.Errorf("reading %s: %w", name, err)
	}
	return k, nil
}

func writeKept(dir string, k kept) error {
	data, err := json.Marshal(k)
	if err != nil {
		return fmt.Errorf("encoding an engine's port and password: %w", err)
	}
	return writeFile(filepath.Join(dir, keptFile), data)
}

// writeFile replaces a file whole, readable by its owner alone: a crash leaves the old one or the new one.
func writeFile(name string, data []byte) error {
	tmp, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*")
	if err != nil {
		return fmt.Errorf("writing %s: %w", name, err)
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(data)
	if err == nil {
		err = tmp.Sync()
	}
	if err = errors.Join(err, tmp.Close()); err != nil {
		return fmt.Errorf("writing %s: %w", name, err)
	}
	if err := os.Rename(tmp.Name(), name); err != nil {
		return fmt.Errorf("writing %s: %w", name, err)
	}
	return nil
}

// secret is 160 bits from the system's generator, in letters that need no quoting in any address.
func secret() string {
	b := make([]byte, 20)
	rand.Read(b) // never fails: the runtime ends the process instead
	return hex.EncodeToString(b)
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", net.JoinHostPort(loopback, "0"))
	if err != nil {
		return 0, fmt.Errorf("looking for a free port: %w", err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	if err := l.Close(); err != nil {
		return 0, fmt.Errorf("looking for a free port: %w", err)
	}
	return port, nil
}

func bindable(port int) bool {
	l, err := net.Listen("tcp", address(port))
	if err != nil {
		return false
	}
	return l.Close() == nil
}

func address(port int) string { return net.JoinHostPort(loopback, strconv.Itoa(port)) }

// lock is held by the process that runs an engine; the system releases it however the process ends.
func lock(dir string) (*os.File, error) {
	name := filepath.Join(dir, lockFile)
	f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("locking %s: %w", dir, err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		f.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, fmt.Errorf("locking %s: %w", dir, ErrInUse)
		}
		return nil, fmt.Errorf("locking %s: %w", dir, err)
	}
	return f, nil
}

// idle tells that no process runs the engine of this folder, nor was killed while it did: what it left behind may still
// hold the port.
func idle(dir string) bool {
	if _, err := os.Stat(filepath.Join(dir, pgData, pidFile)); err == nil {
		return false
	}
	for _, name := range []string{lockFile, childLockFile} {
		f, err := os.Open(filepath.Join(dir, name))
		if err != nil {
			continue
		}
		err = unix.Flock(int(f.Fd()), unix.LOCK_SH|unix.LOCK_NB)
		f.Close()
		if err != nil {
			return false
		}
	}
	return true
}
