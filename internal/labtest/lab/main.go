// Command lab brings the lab of package labtest up, leaves it running, and ends it.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/agrichat/agrichat/internal/labtest"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := do(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func do(ctx context.Context, args []string) error {
	what := ""
	if len(args) == 1 {
		what = args[0]
	}
	switch what {
	case "up":
		return up(ctx)
	case "down":
		return labtest.Remove(labtest.Options{})
	case "status":
		return status(ctx)
	}
	return fmt.Errorf("usage: lab up|down|status")
}

func up(ctx context.Context) error {
	begun := time.Now()
	l, err := labtest.Up(ctx, labtest.Options{Stay: true, Strict: os.Getenv("STRICT") == "1"})
	if err != nil {
		return err
	}
	servers := time.Since(begun)
	if err := l.WriteEnv(); err != nil {
		return err
	}
	// The servers are of use without the roles.
	failed := l.StartRoles(ctx)
	fmt.Printf("%s\nthe servers took %.1f s, the roles %.1f s\n", l.Table(), servers.Seconds(), (time.Since(begun) - servers).Seconds())
	return failed
}

func status(ctx context.Context) error {
	l, err := labtest.Attach(labtest.Options{})
	if err != nil {
		return err
	}
	fmt.Print(l.Table())
	return l.Healthy(ctx)
}
