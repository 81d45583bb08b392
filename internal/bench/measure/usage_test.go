package measure

import (
	"os"
	"os/exec"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestParseStat(t *testing.T) {
	t.Parallel()
	pid, p, err := parseStat("42 (a) b (c) S 7 42 42 0 -1 4194560 1 2 3 4 11 22 33 44 20 0 1 0 5 6 7\n")
	if err != nil || pid != 42 || p != (process{parent: 7, ticks: 110}) {
		t.Errorf("got %d, %+v, %v", pid, p, err)
	}
	for _, broken := range []string{"", "x (a) S 1", "1 (a) S 2 3", "1 (a) S x 1 1 0 -1 0 1 2 3 4 1 1 1 1 1", "1 (a) S 1 1 1 0 -1 0 1 2 3 4 x 1 1 1 1"} {
		if _, _, err := parseStat(broken); err == nil {
			t.Errorf("%q is read", broken)
		}
	}
}

func TestParseBusy(t *testing.T) {
	t.Parallel()
	if d, err := parseBusy("cpu  1 2 3 1000 2000 4 5 6 0 0"); err != nil || d != 210*time.Millisecond {
		t.Errorf("got %v, %v", d, err)
	}
	for _, broken := range []string{"", "cpu0 1 2 3 4 5 6 7 8", "cpu 1 2 3", "cpu 1 2 x 4 5 6 7 8"} {
		if _, err := parseBusy(broken); err == nil {
			t.Errorf("%q is read", broken)
		}
	}
}

func TestProcessor(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		t.Skip("there is no /proc")
	}
	before, err := Processor(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := exec.Command(os.Args[0], "-test.list=.").Run(); err != nil {
			t.Fatal(err)
		}
	}
	after, err := Processor(os.Getpid())
	if err != nil || after <= before || after > before+time.Minute {
		t.Errorf("from %v to %v: %v", before, after, err)
	}
	if peak, err := Peak(os.Getpid()); err != nil || peak < 1<<20 {
		t.Errorf("the peak is %d: %v", peak, err)
	}
	if _, err := Processor(-1); err == nil {
		t.Error("a process that is not there has a time")
	}
}

func TestSize(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(dir+"/f", make([]byte, 100_000), 0o600); err != nil {
		t.Fatal(err)
	}
	if n, err := Size(dir); err != nil || n < 100_000 || n > 300_000 {
		t.Errorf("got %d, %v", n, err)
	}
	if n, err := Size(dir + "/none"); err != nil || n != 0 {
		t.Errorf("of a folder that is not there: %d, %v", n, err)
	}
}
