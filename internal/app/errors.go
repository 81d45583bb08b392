package app

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"syscall"

	"github.com/agrichat/agrichat/internal/config"
)

// UsageError is an error in the arguments, flags or configuration that a command was given.
type UsageError struct{ Err error }

// Error implements error.
func (u UsageError) Error() string { return u.Err.Error() }

// Unwrap keeps the class of the error.
func (u UsageError) Unwrap() error { return u.Err }

// UsageErrorf makes a UsageError, as fmt.Errorf does.
func UsageErrorf(format string, args ...any) error { return UsageError{fmt.Errorf(format, args...)} }

// redacted is an error as people and logs may see it.
type redacted struct{ err error }

// Redacted returns an error whose text is on one line and without the secrets of addresses; its class stays.
func Redacted(err error) error { return redacted{err} }

// Error implements error.
func (r redacted) Error() string { return OneLine(r.err.Error()) }

// Unwrap keeps the class of the error.
func (r redacted) Unwrap() error { return r.err }

// connectError says of an error of connecting what to do about it; nil stays nil. key is where the address is configured,
// empty for an embedded server.
func connectError(err error, what, address, key string) error {
	if err == nil {
		return nil
	}
	cause := unreachable(err)
	switch {
	case cause == "":
		return redacted{err}
	case key == "":
		return unreachableError{fmt.Sprintf("connecting to the embedded %s: nothing answers at %s (%s)", what, Hosts(address), cause), err}
	}
	return unreachableError{fmt.Sprintf("connecting to %s: nothing answers at %s (%s); start the server, or correct %s", what, Hosts(address),
		cause, key), err}
}

// unreachableError is a server that does not answer, in fewer words than its client has for it.
type unreachableError struct {
	text string
	err  error
}

// Error implements error.
func (u unreachableError) Error() string { return u.text }

// Unwrap keeps the class of the error.
func (u unreachableError) Unwrap() error { return u.err }

// unreachable is why a server does not answer; empty if it did. Some clients keep only the text of an error.
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

// Hosts is the host part of an address, without its secrets.
func Hosts(address string) string {
	if list := strings.Split(address, ","); len(list) > 1 && strings.Count(address, "://") == len(list) {
		for i, a := range list {
			list[i] = Hosts(a)
		}
		return strings.Join(list, ",")
	}
	if u, err := url.Parse(address); err == nil && u.Host != "" {
		return u.Host
	}
	_, rest, isURL := strings.Cut(address, "://")
	if !isURL {
		return OneLine(address) // keywords, or several addresses
	}
	rest = rest[strings.LastIndex(rest, "@")+1:]
	if end := strings.IndexAny(rest, "/?"); end >= 0 {
		rest = rest[:end]
	}
	return rest
}

// OneLine joins lines that continue others, leaves out those that repeat, and redacts the secrets of addresses. Lines that begin
// at the margin are errors of their own.
func OneLine(text string) string {
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

// redactWords redacts word by word: what follows an address in a sentence is no part of it.
func redactWords(line string) string {
	words := strings.Split(line, " ")
	for i, w := range words {
		words[i] = config.Redact(w)
	}
	return strings.Join(words, " ")
}
