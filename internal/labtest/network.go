package labtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// connect makes the bridge, the filter, and a namespace with its cable for each host.
func (l *Lab) connect(ctx context.Context) error {
	var b strings.Builder
	fmt.Fprintf(&b, "link add %s type bridge forward_delay 0\naddr add %s/24 dev %s\nlink set %s up\n", bridge, ownAddress, bridge, bridge)
	for _, h := range l.hosts {
		fmt.Fprintf(&b, "netns add %s\nlink add %s type veth peer name eth0 netns %s\nlink set %s master %s up\n",
			h.Name, h.Name, h.Name, h.Name, bridge)
	}
	if _, err := run(ctx, b.String(), "ip", "-batch", "-"); err != nil {
		return err
	}
	for _, h := range l.hosts {
		inner := fmt.Sprintf("link set lo up\naddr add %s/24 dev eth0\nlink set eth0 up\n", h.Address)
		if _, err := run(ctx, inner, "ip", "-n", h.Name, "-batch", "-"); err != nil {
			return err
		}
	}
	_, err := run(ctx, filter(), "nft", "-f", "-")
	return err
}

// filterTable holds who is cut off from whom. It drops what passes the bridge, not what hosts send: they must not be told.
const filterTable = "bridge agrichat_lab"

// filter lets ARP pass: without it a peer would hear of an unreachable host after three seconds instead of nothing.
func filter() string {
	return "table " + filterTable + ` {
	set cut { type ifname; }
	set pairs { type ifname . ifname; }
	chain forward { type filter hook forward priority 0;
		ether type { ip, ip6 } iifname @cut drop
		ether type { ip, ip6 } oifname @cut drop
		ether type { ip, ip6 } iifname . oifname @pairs drop
	}
	chain input { type filter hook input priority 0; ether type { ip, ip6 } iifname @cut drop; }
	chain output { type filter hook output priority 0; ether type { ip, ip6 } oifname @cut drop; }
}
`
}

// CutOff lets everything vanish that a host sends or is sent, connections that stand included, and what this process sends too.
// Nobody is told.
func (l *Lab) CutOff(ctx context.Context, h *Host) error {
	return l.nft(ctx, "add element %s cut { %q }", filterTable, h.Name)
}

// CutOffFrom lets everything vanish between a host and others, both ways. From all hosts, it still leaves the host to the one
// who watches from the bridge.
func (l *Lab) CutOffFrom(ctx context.Context, h *Host, others ...*Host) error {
	for _, o := range others {
		if err := l.nft(ctx, "add element %s pairs { %q . %q, %q . %q }", filterTable, h.Name, o.Name, o.Name, h.Name); err != nil {
			return err
		}
	}
	return nil
}

// Heal takes back all that CutOff and CutOffFrom did to the hosts; to all hosts if none is named.
func (l *Lab) Heal(ctx context.Context, hosts ...*Host) error {
	if len(hosts) == 0 {
		return l.nft(ctx, "flush set %s cut\nflush set %s pairs", filterTable, filterTable)
	}
	var b strings.Builder
	for _, h := range hosts {
		// Added first, since one that is not there cannot be deleted.
		fmt.Fprintf(&b, "add element %[1]s cut { %[2]q }\ndelete element %[1]s cut { %[2]q }\n", filterTable, h.Name)
		for _, o := range l.hosts {
			for _, pair := range []string{fmt.Sprintf("%q . %q", h.Name, o.Name), fmt.Sprintf("%q . %q", o.Name, h.Name)} {
				fmt.Fprintf(&b, "add element %[1]s pairs { %[2]s }\ndelete element %[1]s pairs { %[2]s }\n", filterTable, pair)
			}
		}
	}
	return l.nft(ctx, "%s", b.String())
}

// ErrNoNetem says that this machine's kernel cannot delay or lose packets.
var ErrNoNetem = errors.New("the kernel has no netem (module sch_netem)")

// Impair delays what a host sends and loses a share of it, in percent.
func (l *Lab) Impair(ctx context.Context, h *Host, delay time.Duration, loss int) error {
	out, err := run(ctx, "", "tc", "-n", h.Name, "qdisc", "replace", "dev", "eth0", "root", "netem", "limit", "100000",
		"delay", strconv.FormatInt(delay.Milliseconds(), 10)+"ms", "loss", strconv.Itoa(loss)+"%")
	if strings.Contains(out, "qdisc kind is unknown") {
		return fmt.Errorf("impairing the network of %s: %w", h.Name, ErrNoNetem)
	}
	return err
}

// Repair takes back what Impair did.
func (l *Lab) Repair(ctx context.Context, h *Host) error {
	_, err := run(ctx, "", "tc", "-n", h.Name, "qdisc", "del", "dev", "eth0", "root")
	return err
}

func (l *Lab) nft(ctx context.Context, format string, args ...any) error {
	_, err := run(ctx, fmt.Sprintf(format, args...), "nft", "-f", "-")
	return err
}

// disconnect removes what connect made, as far as it is there.
func (l *Lab) disconnect(ctx context.Context) error {
	var errs []error
	remove := func(there bool, name string, args ...string) {
		if there {
			_, err := run(ctx, "", name, args...)
			errs = append(errs, err)
		}
	}
	for _, h := range l.hosts {
		// The cable first: a namespace ends some time after its name, and takes its end of the cable along only then.
		remove(exists("/sys/class/net", h.Name), "ip", "link", "del", h.Name)
		remove(exists("/run/netns", h.Name), "ip", "netns", "del", h.Name)
	}
	remove(exists("/sys/class/net", bridge), "ip", "link", "del", bridge)
	if tables, err := run(ctx, "", "nft", "list", "tables"); err != nil || strings.Contains(tables, filterTable) {
		remove(true, "nft", append([]string{"delete", "table"}, strings.Fields(filterTable)...)...)
	}
	return errors.Join(errs...)
}

func exists(elements ...string) bool {
	_, err := os.Lstat(filepath.Join(elements...))
	return err == nil
}
