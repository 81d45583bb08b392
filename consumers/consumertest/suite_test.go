package consumertest_test

import (
	"context"
	"errors"
	"maps"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/agrichat/agrichat/consumers"
	"github.com/agrichat/agrichat/consumers/consumertest"
	"github.com/agrichat/agrichat/internal/fault"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// memory is a handler as it should be: "key=version" and the highest version of a key wins. The faults are what a
// handler can do wrong.
type memory struct {
	mu     sync.Mutex // covers states
	states map[string]int
	fault  string
}

var errBroken = errors.New("no equals sign")

func (m *memory) Handle(ctx context.Context, batch []consumers.Delivery) error {
	failed := make(map[int]error)
	for i, d := range batch {
		if err := ctx.Err(); err != nil {
			if m.fault == "poison when stopped" {
				err = fault.AsPoison(err)
			}
			return err
		}
		key, version, ok := strings.Cut(string(d.Data), "=")
		if !ok {
			failed[i] = fault.AsPoison(errBroken)
			if m.fault == "stops at the broken" {
				break
			}
			continue
		}
		n, err := strconv.Atoi(version)
		if err != nil {
			return err
		}
		m.apply(key, n)
	}
	if len(failed) > 0 && m.fault != "hides the broken" {
		return &consumers.PartialError{Failed: failed}
	}
	return nil
}

func (m *memory) apply(key string, n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch m.fault {
	case "adds up":
		m.states[key] += n
	case "lets the last one stand":
		m.states[key] = n
	default:
		m.states[key] = max(m.states[key], n)
	}
}

func suite(fault string) consumertest.Suite {
	return consumertest.Suite{
		New: func(*testing.T) consumertest.Subject {
			m := &memory{states: make(map[string]int), fault: fault}
			return consumertest.Subject{Handler: m, State: func(context.Context) (any, error) {
				m.mu.Lock()
				defer m.mu.Unlock()
				return maps.Clone(m.states), nil
			}}
		},
		Deliveries: func(*testing.T) []consumers.Delivery {
			var all []consumers.Delivery
			for i := range 24 {
				data := "k" + strconv.Itoa(i%7) + "=" + strconv.Itoa(i+1)
				all = append(all, consumers.Delivery{Sequence: uint64(i + 1), Data: []byte(data), Attempts: 1})
			}
			return all
		},
		Broken: func(seq uint64) consumers.Delivery { return consumers.Delivery{Sequence: seq, Data: []byte("?")} },
	}
}

func TestRun_goodHandler(t *testing.T) { consumertest.Run(t, suite("")) }

// faultEnv makes a child of this test run the suite on a handler with that fault.
const faultEnv = "CONSUMERTEST_FAULT"

func TestRun_badHandler(t *testing.T) {
	if f := os.Getenv(faultEnv); f != "" {
		consumertest.Run(t, suite(f))
		return
	}
	for _, f := range []string{"adds up", "lets the last one stand", "hides the broken", "stops at the broken", "poison when stopped"} {
		t.Run(f, func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestRun_badHandler$")
			cmd.Env = append(os.Environ(), faultEnv+"="+f)
			var exit *exec.ExitError
			if out, err := cmd.CombinedOutput(); !errors.As(err, &exit) {
				t.Errorf("the suite found nothing wrong with it (%v):\n%s", err, out)
			}
		})
	}
}
