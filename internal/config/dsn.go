package config

import (
	"net/url"
	"strconv"
	"strings"
)

// checkPostgres says what is wrong with a DSN, or nothing. It reads by hand what clients read: the standard library refuses
// a URL with several hosts.
func checkPostgres(dsn string) string {
	scheme, rest, isURL := strings.Cut(dsn, "://")
	switch {
	case isURL && scheme != "postgres" && scheme != "postgresql":
		return "must begin with postgres://"
	case isURL:
		return checkPostgresURL(rest)
	case !strings.Contains(dsn, "="):
		return "is neither a URL (postgres://user@host:5432/name) nor keywords (host=... port=...)"
	}
	words, ok := keywords(dsn)
	if !ok {
		return "a keyword has no value, or a quote does not end"
	}
	return checkHostPort(words["host"], words["port"])
}

func checkPostgresURL(rest string) string {
	if hosts := authority(rest); hosts != "" {
		if why := checkEscapes(rest); why != "" {
			return why
		}
		return checkHosts(strings.Split(hosts, ","))
	}
	_, query, _ := strings.Cut(rest, "?")
	values, err := url.ParseQuery(query)
	if err != nil {
		return "what follows the ? cannot be read"
	}
	return checkHostPort(values.Get("host"), values.Get("port"))
}

// checkHostPort looks at lists of hosts and ports that are given apart. A host that is a folder is a socket in it.
func checkHostPort(hosts, ports string) string {
	if hosts == "" {
		return "names no host"
	}
	list, numbers := strings.Split(hosts, ","), strings.Split(ports, ",")
	for i, h := range list {
		if strings.HasPrefix(h, "/") {
			continue
		}
		if i >= len(numbers) || numbers[i] == "" {
			return "host " + strconv.Quote(h) + " has no port; give as many ports as hosts, like host=db1,db2 port=5432,5432"
		}
		if n, err := strconv.Atoi(numbers[i]); err != nil || n < 1 || n > 65535 {
			return strconv.Quote(numbers[i]) + " is not a port"
		}
	}
	return ""
}

// keywords reads key=value key='it\'s' as libpq does.
func keywords(dsn string) (words map[string]string, ok bool) {
	words = map[string]string{}
	for rest := strings.TrimSpace(dsn); rest != ""; rest = strings.TrimSpace(rest) {
		name, after, found := strings.Cut(rest, "=")
		if !found {
			return nil, false
		}
		var value string
		if value, rest, ok = word(strings.TrimLeft(after, " ")); !ok {
			return nil, false
		}
		words[strings.TrimSpace(name)] = value
	}
	return words, true
}

// word reads one value, and returns what follows.
func word(text string) (value, rest string, ok bool) {
	var b strings.Builder
	quoted := strings.HasPrefix(text, "'")
	i := 0
	if quoted {
		i++
	}
	for ; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\' && i+1 < len(text):
			i++
			b.WriteByte(text[i])
		case quoted && c == '\'':
			return b.String(), text[i+1:], true
		case !quoted && (c == ' ' || c == '\t' || c == '\n'):
			return b.String(), text[i:], true
		default:
			b.WriteByte(c)
		}
	}
	return b.String(), "", !quoted
}
