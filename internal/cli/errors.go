package cli

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"
	"syscall"

	"github.com/agrichat/agrichat/internal/config"
)

// shown is an error as a person and a log may see it: on one line, and without the secrets of an address. What it is about
// stays underneath.
type shown struct{ err error }

// Error implements error.
func (s shown) Error() string { return oneLine(s.err.Error()) }

// Unwrap keeps the class of the error.
func (s shown) Unwrap() error { return s.err }

// connecting says of an error of connecting what to do about it; nil stays nil. key is where the address is configured,
// empty for an embedded server.
func connecting(err error, what, address, key string) error {
	if err == nil {
		return nil
	}
	cause := unreachable(err)
	switch {
	case cause == "":
		return shown{err}
	case key == "":
		return unanswered{fmt.Sprintf("connecting to the embedded %s: nothing answers at %s (%s)", what, hosts(address), cause), err}
	}
	return unanswered{fmt.Sprintf("connecting to %s: nothing answers at %s (%s); start the server, or correct %s", what, hosts(address),
		cause, key), err}
}

// unanswered is a server that is not there, in fewer words than its client has for it.
type unanswered struct {
	text string
	err  error
}

// Error implements error.
func (u unanswered) Error() string { return u.text }

// Unwrap keeps the class of the error.
func (u unanswered) Unwrap() error { return u.err }

// unreachable is why nothing answers, or nothing if something did. Some clients keep no more of an error than its words.
func unreachable(err error) string {
	var dns *net.DNSError
	var op *net.OpError
	switch {
	case errors.As(err, &dns):
		return fmt.Sprintf("no host %s", dns.Name)
	case errors.As(err, &op) && op.Op == "dial" && op.Timeout():
		return "it takes too long"
	case errors.As(err, &op) && op.Op == "dial":
		return op.Err.Error()
	}
	for _, words := range []string{syscall.ECONNREFUSED.Error(), "no such host", "no servers available for connection"} {
		if strings.Contains(err.Error(), words) {
			return words
		}
	}
	return ""
}

// hosts is the part of an address that says where.
func hosts(address string) string {
	if u, err := url.Parse(address); err == nil && u.Host != "" {
		return u.Host
	}
	_, rest, isURL := strings.Cut(address, "://")
	if !isURL {
		return oneLine(address) // keywords, or several addresses
	}
	rest = rest[strings.LastIndex(rest, "@")+1:]
	if end := strings.IndexAny(rest, "/?"); end >= 0 {
		rest = rest[:end]
	}
	return rest
}

// oneLine joins lines that continue others, leaves out those that repeat, and hides the secrets of addresses. Lines that
// begin at the margin are errors of their own.
func oneLine(text string) string {
	var lines []string
	seen := map[string]bool{}
	for line := range strings.Lines(text) {
		continues := strings.TrimLeft(line, " \t") != line && len(lines) > 0
		line = redactWords(strings.TrimSpace(line))
		if line == "" || seen[line] {
			continue
		}
		seen[line] = true
		if continues {
			lines[len(lines)-1] += " " + line
			continue
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

// redactWords hides secrets word by word: what follows an address in a sentence is no part of it.
func redactWords(line string) string {
	words := strings.Split(line, " ")
	for i, w := range words {
		words[i] = config.Redact(w)
	}
	return strings.Join(words, " ")
}

// looking says in a line that a path is not there, or cannot be looked at.
func looking(path string, err error) error {
	if errors.Is(err, os.ErrNotExist) {
		return misuse{fmt.Errorf("there is nothing at %s", path)}
	}
	return misuse{fmt.Errorf("looking at what to import: %w", err)}
}
