package config

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

const sourcesKey = "sources"

// file lays the YAML file over the defaults.
func (l *loader) file() error {
	name, data, err := l.open()
	if err != nil || name == "" {
		return err
	}
	at := place{layer: layerFile, name: name, base: filepath.Dir(name)}
	root, err := document(data)
	if err != nil {
		l.mistakes.add(syntax(at, err))
		return nil
	}
	l.mapping("", at, root)
	return nil
}

var errTwo = errors.New("there is a second document; one file holds one configuration")

// document returns the file's one mapping, nil if there is nothing in it.
func document(data []byte) (*yaml.Node, error) {
	d := yaml.NewDecoder(bytes.NewReader(data))
	var first, second yaml.Node
	switch err := d.Decode(&first); {
	case errors.Is(err, io.EOF):
		return nil, nil
	case err != nil:
		return nil, err
	}
	if err := d.Decode(&second); !errors.Is(err, io.EOF) {
		if err == nil {
			err = errTwo
		}
		return nil, err
	}
	if len(first.Content) == 0 {
		return nil, nil
	}
	return first.Content[0], nil
}

// syntax moves the line that the YAML library prints to where all other mistakes have it.
func syntax(at place, err error) (place, string, string) {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	if m := regexp.MustCompile(`^line (\d+): (.*)$`).FindStringSubmatch(text); m != nil {
		at.line, _ = strconv.Atoi(m[1])
		text = m[2]
	}
	return at, "cannot be read as YAML: %s", text
}

// mapping takes the keys below prefix.
func (l *loader) mapping(prefix string, at place, n *yaml.Node) {
	if n == nil || null(n) {
		return
	}
	n = resolve(n)
	at.line = n.Line
	if n.Kind != yaml.MappingNode {
		l.mistakes.add(at, "%s: here must be keys and values", cmp.Or(strings.TrimSuffix(prefix, "."), "the file"))
		return
	}
	seen := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		name, value := n.Content[i].Value, n.Content[i+1]
		at.line = n.Content[i].Line
		if first, twice := seen[name]; twice {
			l.mistakes.add(at, "%s%s: given twice, first in line %d", prefix, name, first)
			continue
		}
		seen[name] = at.line
		l.entry(prefix+name, at, value)
	}
}

// entry takes one key, which is a value or a group of keys.
func (l *loader) entry(path string, at place, value *yaml.Node) {
	_, isKey := l.keys.byPath[path]
	switch {
	case path == sourcesKey:
		l.list(at, value)
	case isKey:
		l.value(path, at, value)
	case l.keys.group(path):
		l.mapping(path+".", at, value)
	default:
		l.mistakes.add(at, "%s: no such key%s", path, meant(path, l.keys.siblings(path)))
	}
}

func (l *loader) value(path string, at place, value *yaml.Node) {
	value = resolve(value)
	switch {
	case null(value):
	case value.Kind == yaml.ScalarNode:
		l.put(path, at, value.Value)
	case value.Kind == yaml.SequenceNode && l.keys.byPath[path].typ.Kind() == reflect.Slice:
		l.put(path, at, l.join(path, at, value))
	default:
		l.mistakes.add(at, "%s: here must be a single value", path)
	}
}

// join brings a sequence into the form that variables and flags have. None of our lists holds commas.
func (l *loader) join(path string, at place, value *yaml.Node) string {
	var parts []string
	for _, item := range value.Content {
		item = resolve(item)
		if item.Kind != yaml.ScalarNode {
			at.line = item.Line
			l.mistakes.add(at, "%s: here must be a single value", path)
			continue
		}
		parts = append(parts, item.Value)
	}
	return strings.Join(parts, ",")
}

// list takes the sources.
func (l *loader) list(at place, value *yaml.Node) {
	value = resolve(value)
	if null(value) {
		return
	}
	if value.Kind != yaml.SequenceNode {
		l.mistakes.add(at, "sources: here must be a list")
		return
	}
	for i, item := range value.Content {
		at.line = item.Line
		s, ms := newSource(at, fmt.Sprintf("sources[%d]", i), item)
		l.mistakes = append(l.mistakes, ms...)
		l.sources = append(l.sources, s)
	}
}

func null(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Tag == "!!null" }

// resolve follows an alias to what it stands for.
func resolve(n *yaml.Node) *yaml.Node {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n
}
