// Command agrichat-bench measures agrichat, which it starts as a program of its own.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/agrichat/agrichat/internal/bench"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	status := bench.Main(ctx, os.Args[1:], os.Environ(), os.Stdout, os.Stderr)
	stop()
	os.Exit(status)
}
