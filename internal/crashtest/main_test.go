package crashtest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/agrichat/agrichat/internal/testenv"
)

// shared is made once for all tests: the program and the input, neither of which a test changes, and what the stores hold
// after an undisturbed run. It is a variable because the testing package leaves no other way from TestMain to a test.
var shared struct {
	dir string // removed by TestMain

	program sync.Once
	input   sync.Once
	calm    sync.Once

	programErr, inputErr error
	corpus               *corpus
	undisturbed          map[string][]string
}

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "agrichat-crash-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	shared.dir = dir
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		if err := os.RemoveAll(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = max(code, 1)
		}
		os.Exit(code)
	}))
}

// binary is the program, built with the points at which it can be made to die, and else as make build does it, which has then
// compiled most of it already.
func binary(t *testing.T) string {
	t.Helper()
	to := filepath.Join(shared.dir, "agrichat")
	shared.program.Do(func() {
		root, err := testenv.Root()
		if err != nil {
			shared.programErr = err
			return
		}
		cmd := exec.Command("go", "build", "-trimpath", "-tags", "faultpoints", "-o", to, ".")
		cmd.Dir = root
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			shared.programErr = fmt.Errorf("building the program: %w\n%s", err, out)
		}
	})
	if shared.programErr != nil {
		t.Fatal(shared.programErr)
	}
	return to
}

// input is what all tests import.
func input(t *testing.T) *corpus {
	t.Helper()
	shared.input.Do(func() { shared.corpus, shared.inputErr = writeCorpus(filepath.Join(shared.dir, "input")) })
	if shared.inputErr != nil {
		t.Fatal(shared.inputErr)
	}
	return shared.corpus
}

// undisturbed is what the stores show after an import that nothing happened to.
func undisturbed(t *testing.T) map[string][]string {
	t.Helper()
	testenv.Engines(t) // skips here, where it does not count as the one run
	shared.calm.Do(func() {
		h := newEmptyHouse(t)
		h.imports(input(t).files)
		u := h.up()
		shared.undisturbed = h.everything()
		u.stop()
	})
	if shared.undisturbed == nil {
		t.Fatal("the undisturbed run has failed")
	}
	return shared.undisturbed
}
