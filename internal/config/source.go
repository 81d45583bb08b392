package config

import (
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// Source is one live source: its name (unique, and the key of its cursor), the kind of connector, and what the connector
// itself wants to know.
type Source struct {
	Name string
	Kind string

	at   place
	node *yaml.Node // the connector's own keys, without aliases
}

// maxNodes is how much one source may say: far more than any does, far less than aliases of aliases can blow up to.
const maxNodes = 10_000

var errBlown = errors.New("aliases make this too large")

// ParseSource reads one source as it stands in the list, such as a connector's sample.
func ParseSource(text []byte) (Source, error) {
	at := place{layer: layerFile, name: "sample", base: "."}
	root, err := document(text)
	if err == nil && root == nil {
		err = errors.New("there is nothing")
	}
	if err != nil {
		var ms Mistakes
		ms.add(syntax(at, err))
		return Source{}, ms
	}
	s, ms := newSource(at, "source", root)
	return s, ms.err()
}

func newSource(at place, path string, n *yaml.Node) (Source, Mistakes) {
	var ms Mistakes
	budget := maxNodes
	n, err := plain(n, &budget)
	if err != nil || n.Kind != yaml.MappingNode {
		ms.add(at, "%s: here must be keys and values, name and kind among them", path)
		return Source{at: at}, ms
	}
	s := Source{at: at, node: n}
	s.Name = s.take("name", path, &ms)
	s.Kind = s.take("kind", path, &ms)
	return s, ms
}

// take removes one of our own keys from the connector's.
func (s *Source) take(name, path string, ms *Mistakes) string {
	for i := 0; i < len(s.node.Content); i += 2 {
		if s.node.Content[i].Value != name {
			continue
		}
		value := s.node.Content[i+1]
		s.node.Content = slices.Delete(s.node.Content, i, i+2)
		if value.Kind != yaml.ScalarNode || null(value) || value.Value == "" {
			at := s.at
			at.line = value.Line
			ms.add(at, "%s.%s: here must be a single value", path, name)
		}
		return value.Value
	}
	ms.add(s.at, "%s: has no %s", path, name)
	return ""
}

// plain copies a node with its aliases resolved, so that it can be changed, and printed away from its file.
func plain(n *yaml.Node, budget *int) (*yaml.Node, error) {
	if *budget--; *budget < 0 {
		return nil, errBlown
	}
	if n.Kind == yaml.AliasNode {
		return plain(n.Alias, budget)
	}
	c := &yaml.Node{Kind: n.Kind, Tag: n.Tag, Value: n.Value, Style: n.Style, Line: n.Line, Column: n.Column}
	for _, inner := range n.Content {
		p, err := plain(inner, budget)
		if err != nil {
			return nil, err
		}
		c.Content = append(c.Content, p)
	}
	return c, nil
}

// Decode fills a struct that has yaml tags with the connector's own keys. It refuses unknown keys, tells all mistakes with
// their lines, and reads key_file into key where the struct has key but not key_file.
func (s Source) Decode(into any) error {
	if s.node == nil {
		return nil
	}
	d := decoding{at: s.at}
	budget := maxNodes
	n, err := plain(s.node, &budget)
	if err != nil {
		return fmt.Errorf("reading source %s: %w", s.Name, err)
	}
	d.inspect(n, reflect.TypeOf(into), s.Name)
	if err := d.mistakes.err(); err != nil {
		return err
	}
	if err := n.Decode(into); err != nil {
		return fmt.Errorf("%s: reading source %s: %w", s.at, s.Name, err)
	}
	return nil
}

// decoding holds what is wrong with one source.
type decoding struct {
	at       place
	mistakes Mistakes
}

// inspect follows nodes and types together, as far as the types say what keys there are.
func (d *decoding) inspect(n *yaml.Node, t reflect.Type, path string) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	custom := reflect.PointerTo(t).Implements(reflect.TypeFor[yaml.Unmarshaler]())
	switch {
	case !custom && t.Kind() == reflect.Struct && n.Kind == yaml.MappingNode:
		d.structure(n, t, path)
	case !custom && t.Kind() == reflect.Slice && n.Kind == yaml.SequenceNode:
		for i, item := range n.Content {
			d.inspect(item, t.Elem(), fmt.Sprintf("%s[%d]", path, i))
		}
	case !custom && t.Kind() == reflect.Map && n.Kind == yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			d.inspect(n.Content[i+1], t.Elem(), path+"."+n.Content[i].Value)
		}
	default:
		d.try(n, t, path)
	}
}

// try decodes one value by itself, because the YAML library stops at the first that it dislikes, and prints it.
func (d *decoding) try(n *yaml.Node, t reflect.Type, path string) {
	err := n.Decode(reflect.New(t).Interface())
	if err == nil {
		return
	}
	at := d.at
	at.line = n.Line
	if te := (*yaml.TypeError)(nil); errors.As(err, &te) {
		d.mistakes.add(at, "%s: here must be %s", path, kindOf(t))
		return
	}
	_, _, text := syntax(at, err)
	d.mistakes.add(at, "%s: %s", path, text)
}

// kindOf says what a type takes.
func kindOf(t reflect.Type) string {
	switch k := t.Kind(); {
	case t == reflect.TypeFor[time.Duration]():
		return "a duration, like 5s, 250ms or 1h30m"
	case k >= reflect.Int && k <= reflect.Uint64:
		return "a whole number that is not too large"
	case k == reflect.Float32 || k == reflect.Float64:
		return "a number"
	case k == reflect.Bool:
		return "true or false"
	case k == reflect.Slice || k == reflect.Array:
		return "a list"
	case k == reflect.Struct || k == reflect.Map:
		return "keys and values"
	default:
		return "text"
	}
}

func (d *decoding) structure(n *yaml.Node, t reflect.Type, path string) {
	var names []string
	types := map[string]reflect.Type{}
	for f := range fields(t) {
		names = append(names, f.name)
		types[f.name] = f.Type
	}
	seen := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		name, value := n.Content[i], n.Content[i+1]
		d.at.line = name.Line
		d.readSecret(name, value, types, path)
		inner, known := types[name.Value]
		first, twice := seen[name.Value]
		switch {
		case !known:
			d.mistakes.add(d.at, "%s.%s: no such key%s", path, name.Value, meant(name.Value, names))
		case twice:
			d.mistakes.add(d.at, "%s.%s: given twice, first in line %d", path, name.Value, first)
		default:
			seen[name.Value] = name.Line
			d.inspect(value, inner, path+"."+name.Value)
		}
	}
}

// readSecret turns key_file into key, unless the connector has a key of that very name.
func (d *decoding) readSecret(name, value *yaml.Node, types map[string]reflect.Type, path string) {
	short, isFile := strings.CutSuffix(name.Value, "_file")
	if _, own := types[name.Value]; !isFile || own || types[short] == nil || value.Kind != yaml.ScalarNode {
		return
	}
	file, err := absolute(value.Value, d.at.base, "")
	if err == nil {
		value.Value, err = secret(file)
	}
	if err != nil {
		d.mistakes.add(d.at, "%s.%s: %v", path, name.Value, err)
	}
	name.Value, value.Tag, value.Style = short, "!!str", yaml.DoubleQuotedStyle
}

// checkSources sees to names and kinds.
func (l *loader) checkSources(list []Source) {
	// A name stands in metrics, file names and the keys of cursors.
	valid := regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,62}$`)
	seen := map[string]int{}
	for _, s := range list {
		switch first, twice := seen[s.Name]; {
		case s.Name == "": // told already
		case !valid.MatchString(s.Name):
			l.mistakes.add(s.at, "sources: the name %q must be of a-z, 0-9, _ and -, 63 at most", s.Name)
		case twice:
			l.mistakes.add(s.at, "sources: the name %s is taken by the source in line %d", s.Name, first)
		default:
			seen[s.Name] = s.at.line
		}
		if s.Kind != "" && len(l.Kinds) > 0 && !slices.Contains(l.Kinds, s.Kind) {
			l.mistakes.add(s.at, "sources: no source of kind %q can be live%s", s.Kind, meant(s.Kind, l.Kinds))
		}
	}
}
