package cli

import (
	"github.com/spf13/cobra"

	"github.com/agrichat/agrichat/internal/cli/manual"
)

func manCommand(p *program) *cobra.Command {
	return &cobra.Command{
		Use: "man [DIR]", Short: "Write the manual pages into a folder", Args: someArgs(0, 1, "at most one folder"), Hidden: true,
		Long: "Writes a page of section 1 for each command into a folder, which is made if it is not there (default: man1).",
		Example: "  # for yourself: afterwards man agrichat-import shows a page\n" +
			"  agrichat man ~/.local/share/man/man1\n\n" +
			"  # for everybody on this machine, as root\n" +
			"  agrichat man /usr/local/share/man/man1",
		RunE: func(c *cobra.Command, args []string) error {
			dir := "man1"
			if len(args) > 0 {
				dir = args[0]
			}
			n, err := manual.Write(c.Root(), dir)
			if err != nil {
				return err
			}
			return p.printf(map[string]any{"folder": dir, "pages": n}, "%d pages in %s\n", n, dir)
		},
	}
}
