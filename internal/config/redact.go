package config

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/url"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

// hidden stands where a secret was.
const hidden = "xxxxx"

// Redacted returns the configuration without passwords, tokens and the like, in URLs too. What a file gave is named by the
// file alone. When in doubt it hides too much.
func (c Config) Redacted() Config {
	c.NATS.Password = hide(c.NATS.Password, c.NATS.PasswordFile)
	c.Postgres.DSN = hide(c.Postgres.DSN, c.Postgres.DSNFile)
	c.ClickHouse.URL = hide(c.ClickHouse.URL, c.ClickHouse.URLFile)
	c.Etcd.Password = hide(c.Etcd.Password, c.Etcd.PasswordFile)
	if c.Etcd.Password != "" {
		c.Etcd.Password = hidden
	}
	if c.NATS.Password != "" {
		c.NATS.Password = hidden
	}
	c.Postgres.DSN = Redact(c.Postgres.DSN)
	c.ClickHouse.URL = Redact(c.ClickHouse.URL)
	urls := make([]string, len(c.NATS.URLs))
	for i, u := range c.NATS.URLs {
		urls[i] = Redact(u)
	}
	c.NATS.URLs = urls
	sources := make([]Source, len(c.Sources))
	for i, s := range c.Sources {
		sources[i] = s.redacted()
	}
	c.Sources = sources
	return c
}

func hide(value, file string) string {
	if file != "" {
		return ""
	}
	return value
}

// secretName says that what stands under a name is nobody's business.
func secretName(name string) bool {
	name = strings.ToLower(name)
	for _, part := range []string{"passw", "passphrase", "secret", "token", "credential", "cookie", "sasl"} {
		if strings.Contains(name, part) {
			return true
		}
	}
	return name == "pass" || name == "key" || strings.HasSuffix(name, "_pass") || strings.HasSuffix(name, "_key")
}

// Redact hides the secrets of a URL or of a DSN of keywords. Other text stays as it is.
func Redact(text string) string {
	scheme, rest, isURL := strings.Cut(text, "://")
	if isURL {
		return scheme + "://" + redactQuery(redactUser(scheme, rest))
	}
	if !strings.Contains(text, "=") {
		return text
	}
	// A quoted value may hold anything, and an unended quote everything.
	pair := regexp.MustCompile(`([A-Za-z_]+)(\s*=\s*)('(?:[^'\\]|\\.)*(?:'|$)|(?:\\.|\S)*)`)
	return pair.ReplaceAllStringFunc(text, func(m string) string {
		part := pair.FindStringSubmatch(m)
		if !secretName(part[1]) {
			return m
		}
		return part[1] + part[2] + hidden
	})
}

// redactUser hides the password, or a token that stands alone where the user does. Up to the last @ of all it is taken for
// one, because people forget to escape.
func redactUser(scheme, rest string) string {
	end := strings.LastIndex(rest, "@")
	if end < 0 {
		return rest
	}
	user, _, found := strings.Cut(rest[:end], ":")
	switch {
	case strings.ContainsAny(user, "/?#@"):
		return hidden + rest[end:]
	case found:
		return user + ":" + hidden + rest[end:]
	case strings.HasPrefix(scheme, "postgres"): // it knows no tokens
		return rest
	}
	return hidden + rest[end:]
}

func redactQuery(rest string) string {
	path, query, found := strings.Cut(rest, "?")
	if !found {
		return rest
	}
	pairs := strings.FieldsFunc(query, func(r rune) bool { return r == '&' || r == ';' })
	for i, p := range pairs {
		name, _, _ := strings.Cut(p, "=")
		if plain, err := url.QueryUnescape(name); err != nil || secretName(plain) {
			pairs[i] = name + "=" + hidden
		}
	}
	return path + "?" + strings.Join(pairs, "&")
}

// redacted hides what looks like a secret among a connector's keys.
func (s Source) redacted() Source {
	if s.node == nil {
		return s
	}
	budget := maxNodes
	n, err := plain(s.node, &budget)
	if err != nil {
		n = &yaml.Node{Kind: yaml.MappingNode}
	}
	redactNode(n, false)
	s.node = n
	return s
}

func redactNode(n *yaml.Node, secret bool) {
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			name := n.Content[i].Value
			redactNode(n.Content[i+1], secret || secretName(name) && !strings.HasSuffix(name, "_file"))
		}
	case yaml.SequenceNode:
		for _, item := range n.Content {
			redactNode(item, secret)
		}
	case yaml.ScalarNode:
		switch {
		case secret:
			n.Value, n.Tag, n.Style = hidden, "!!str", 0
		case n.Tag == "!!str":
			n.Value = Redact(n.Value)
		}
	}
}

// MarshalYAML prints a source as it stands in the list, without secrets.
func (s Source) MarshalYAML() (any, error) {
	n := &yaml.Node{Kind: yaml.MappingNode}
	for _, text := range []string{"name", s.Name, "kind", s.Kind} {
		n.Content = append(n.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: text})
	}
	if r := s.redacted(); r.node != nil {
		n.Content = append(n.Content, r.node.Content...)
	}
	return n, nil
}

// printed is Config without methods, so that printing it does not call them again.
type printed Config

// MarshalYAML prints without secrets.
func (c Config) MarshalYAML() (any, error) { return printed(c.Redacted()), nil }

// MarshalJSON prints without secrets, under the same keys as YAML.
func (c Config) MarshalJSON() ([]byte, error) {
	text, err := yaml.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("printing the configuration: %w", err)
	}
	var tree map[string]any
	if err := yaml.Unmarshal(text, &tree); err != nil {
		return nil, fmt.Errorf("printing the configuration: %w", err)
	}
	return json.Marshal(tree)
}

// String prints the YAML without secrets.
func (c Config) String() string {
	text, err := yaml.Marshal(c)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// String names the source; its keys may hold secrets.
func (s Source) String() string { return s.Name + " (" + s.Kind + ")" }

// LogValue keeps secrets out of logs.
func (c Config) LogValue() slog.Value { return slog.StringValue(c.String()) }
