// Command agrichat brings chats onto a bus, into a record, and into figures, and proves that nothing is missing.
package main

import (
	"context"
	"os"

	"github.com/agrichat/agrichat/internal/cli"
)

func main() {
	os.Exit(cli.Main(context.Background(), os.Args[1:], os.Environ(), os.Stdin, os.Stdout, os.Stderr))
}
