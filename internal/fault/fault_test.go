package fault_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/agrichat/agrichat/internal/fault"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestOf(t *testing.T) {
	t.Parallel()
	plain := errors.New("x")
	for name, c := range map[string]struct {
		err  error
		want fault.Class
	}{
		"unmarked":                 {plain, fault.Transient},
		"none":                     {nil, fault.Transient},
		"poison":                   {fault.AsPoison(plain), fault.Poison},
		"wrapped":                  {fmt.Errorf("doing: %w", fault.AsFatal(plain)), fault.Fatal},
		"joined":                   {errors.Join(plain, fault.AsFatal(plain)), fault.Fatal},
		"the outermost mark":       {fault.AsTransient(fault.AsFatal(plain), time.Second), fault.Transient},
		"cancelled":                {fmt.Errorf("doing: %w", context.Canceled), fault.Stopped},
		"cancelled, but marked":    {fault.AsTransient(context.Canceled, 0), fault.Transient},
		"an operation's own limit": {context.DeadlineExceeded, fault.Transient},
	} {
		t.Run(name, func(t *testing.T) {
			if got := fault.Of(c.err); got != c.want {
				t.Errorf("class %s, want %s", got, c.want)
			}
		})
	}
	if fault.AsPoison(nil) != nil || fault.AsFatal(nil) != nil || fault.AsTransient(nil, 1) != nil {
		t.Error("no error became one")
	}
	if err := fault.AsFatal(plain); !errors.Is(err, plain) || err.Error() != "x" {
		t.Errorf("a mark hides what it marks: %v", err)
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	err := fmt.Errorf("doing: %w", fault.AsTransient(errors.New("x"), 3*time.Second))
	if got := fault.RetryAfter(err); got != 3*time.Second {
		t.Errorf("got %s", got)
	}
	if got := fault.RetryAfter(errors.New("x")); got != 0 {
		t.Errorf("got %s", got)
	}
}

func TestUnmarked(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		err  error
		want bool
	}{
		"none":      {nil, false},
		"plain":     {errors.New("x"), true},
		"marked":    {fmt.Errorf("doing: %w", fault.AsPoison(errors.New("x"))), false},
		"transient": {fault.AsTransient(errors.New("x"), 0), false},
		"cancelled": {context.Canceled, false},
		"deadline":  {context.DeadlineExceeded, true},
	} {
		t.Run(name, func(t *testing.T) {
			if got := fault.Unmarked(c.err); got != c.want {
				t.Errorf("unmarked %t, want %t", got, c.want)
			}
		})
	}
}

func TestClass_String(t *testing.T) {
	t.Parallel()
	for class, want := range map[fault.Class]string{fault.Transient: "transient", fault.Poison: "poison", fault.Fatal: "fatal", fault.Stopped: "stopped"} {
		if got := class.String(); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}
