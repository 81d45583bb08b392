package measure

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Processor returns the processor time of a process and of all below it, those that have ended included. A process that has
// ended counts where its parent has waited for it, which PostgreSQL's main process does.
func Processor(pid int) (time.Duration, error) {
	all, err := processes()
	if err != nil {
		return 0, err
	}
	if _, there := all[pid]; !there {
		return 0, fmt.Errorf("reading the processor time of process %d: it is not there", pid)
	}
	var ticks int64
	for p := range all {
		if below(all, p, pid) {
			ticks += all[p].ticks
		}
	}
	return time.Duration(ticks) * tick, nil
}

// tick is the unit of times in /proc. The kernel shows hundredths whatever it counts in.
const tick = time.Second / 100

// Busy returns the processor time that everything on the machine has used since it was started. Whatever a benchmark's own
// processes did not use of it, others took from them.
func Busy() (time.Duration, error) {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, fmt.Errorf("reading the machine's processor time: %w", err)
	}
	line, _, _ := strings.Cut(string(text), "\n")
	return parseBusy(line)
}

// parseBusy adds the first line up, waiting and virtual guests (which user time holds already) left out.
func parseBusy(line string) (time.Duration, error) {
	f := strings.Fields(line)
	if len(f) < 9 || f[0] != "cpu" {
		return 0, fmt.Errorf("reading the machine's processor time: %q is not it", line)
	}
	var ticks int64
	for _, i := range []int{1, 2, 3, 6, 7, 8} { // user, nice, system, irq, softirq, steal
		n, err := strconv.ParseInt(f[i], 10, 64)
		if err != nil {
			return 0, fmt.Errorf("reading the machine's processor time: %w", err)
		}
		ticks += n
	}
	return time.Duration(ticks) * tick, nil
}

// process is one line of /proc.
type process struct {
	parent int
	ticks  int64 // user and system, its own and of children that it waited for
}

// below reports whether p is top or descends from it.
func below(all map[int]process, p, top int) bool {
	for p > 1 && p != top {
		p = all[p].parent
	}
	return p == top
}

func processes() (map[int]process, error) {
	names, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return nil, fmt.Errorf("listing processes: %w", err)
	}
	out := make(map[int]process, len(names))
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			continue // it has just ended
		}
		pid, p, err := parseStat(string(text))
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", name, err)
		}
		out[pid] = p
	}
	if len(out) == 0 {
		return nil, errors.New("listing processes: /proc shows none; processor time by process can be measured on Linux only")
	}
	return out, nil
}

// parseStat reads a process's line. The name in it may hold anything, brackets included, so the last bracket ends it.
func parseStat(text string) (pid int, p process, err error) {
	end := strings.LastIndexByte(text, ')')
	head, _, _ := strings.Cut(text, " ")
	if pid, err = strconv.Atoi(head); err != nil || end < 0 {
		return 0, p, fmt.Errorf("%q does not begin with a process", text)
	}
	f := strings.Fields(text[end+1:]) // the first is field 3 of proc(5)
	if len(f) < 15 {
		return 0, p, fmt.Errorf("%q has too few fields", text)
	}
	if p.parent, err = strconv.Atoi(f[1]); err != nil {
		return 0, p, err
	}
	for _, s := range f[11:15] { // utime, stime, cutime, cstime
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil {
			return 0, p, err
		}
		p.ticks += n
	}
	return pid, p, nil
}

// Peak returns the most memory that a process has had at once. What rusage says of a child counts in its parent's, from the
// moment between fork and exec; this does not.
func Peak(pid int) (int64, error) {
	f, err := os.Open(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, fmt.Errorf("reading the memory of process %d: %w", pid, err)
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		if text, ok := strings.CutPrefix(s.Text(), "VmHWM:"); ok {
			n, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(text, "kB")), 10, 64)
			if err != nil {
				return 0, fmt.Errorf("reading the memory of process %d: %w", pid, err)
			}
			return n << 10, nil
		}
	}
	return 0, fmt.Errorf("reading the memory of process %d: the system does not tell it", pid)
}

// Size returns how much of the disk everything in a folder takes.
func Size(dir string) (int64, error) {
	var sum int64
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) { // servers remove files as they like
			return nil
		}
		if err != nil {
			return err
		}
		var st unix.Stat_t
		switch err := unix.Lstat(path, &st); {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return err
		default:
			sum += st.Blocks * 512 // the unit of st_blocks, whatever the file system's is
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("measuring %s: %w", dir, err)
	}
	return sum, nil
}
