package csv

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/agrichat/agrichat/producers"
)

// mapping is the YAML file as it stands.
type mapping struct {
	Namespace  string   `yaml:"namespace"`
	Channel    field    `yaml:"channel"`
	ID         field    `yaml:"id"`
	Author     field    `yaml:"author"`
	AuthorName field    `yaml:"author_name"`
	Time       timeSpec `yaml:"time"`
	Text       field    `yaml:"text"`
	ReplyTo    field    `yaml:"reply_to"`
	Delimiter  string   `yaml:"delimiter"`
	Quote      *string  `yaml:"quote"`
	Charset    string   `yaml:"charset"`
	Header     *bool    `yaml:"header"`
}

// keys are those of a mapping, as errors name them.
const keys = "namespace, channel, id, author, author_name, time, text, reply_to, delimiter, quote, charset, header"

// field says where a value stands: in a column, by its name or number, or the same in every row.
type field struct {
	Column string `yaml:"column"`
	Value  string `yaml:"value"`
}

// UnmarshalYAML takes a column's name alone too.
func (f *field) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		f.Column = n.Value
		return nil
	}
	if err := known(n, "column", "value"); err != nil {
		return err
	}
	type plain field
	if err := n.Decode((*plain)(f)); err != nil {
		return err
	}
	if (f.Column == "") == (f.Value == "") {
		return fmt.Errorf("line %d: say either column or value", n.Line)
	}
	return nil
}

func (f field) named() bool { return f != field{} }

// timeSpec says where a time stands, and how it is written.
type timeSpec struct {
	Column columns `yaml:"column"`
	Layout string  `yaml:"layout"`
	Zone   string  `yaml:"zone"`
}

// UnmarshalYAML refuses what it does not know: strictness does not reach down to here by itself.
func (s *timeSpec) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		s.Column = columns{n.Value}
		return nil
	}
	if err := known(n, "column", "layout", "zone"); err != nil {
		return err
	}
	type plain timeSpec
	return n.Decode((*plain)(s))
}

// columns is one column, or several that are read as one text with spaces between them: a date and a time.
type columns []string

// UnmarshalYAML takes one alone too.
func (c *columns) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		*c = columns{n.Value}
		return nil
	}
	return n.Decode((*[]string)(c))
}

func known(n *yaml.Node, names ...string) error {
	if n.Kind != yaml.MappingNode {
		return fmt.Errorf("line %d: expected a column's name, or keys %s", n.Line, strings.Join(names, ", "))
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		ok := false
		for _, name := range names {
			ok = ok || n.Content[i].Value == name
		}
		if !ok {
			return fmt.Errorf("line %d: key %q is not known here: there are %s",
				n.Content[i].Line, n.Content[i].Value, strings.Join(names, ", "))
		}
	}
	return nil
}

// longestMapping is more than anybody writes.
const longestMapping = 64 << 10

// written is a mapping as it lies beside a table; its name is empty if there is none.
type written struct {
	name string
	text []byte
	at   int64 // when, in Unix milliseconds, at least 1
}

// readMapping finds the mapping of a table: its own, or the folder's.
func readMapping(f producers.File) (written, error) {
	if f.Beside == nil {
		return written{}, nil
	}
	for _, name := range mappingNames(f) {
		w, err := readBeside(f, name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return w, fmt.Errorf("reading the mapping %s: %w", name, err)
		}
		return w, nil
	}
	return written{}, nil
}

// mappingNames are the names a mapping may have, the table's own first. That of a folder is for what is surely a table.
func mappingNames(f producers.File) []string {
	base := path.Base(f.Path)
	names := []string{base + ".map.yaml", base + ".map.yml"}
	switch strings.ToLower(path.Ext(base)) {
	case ".csv", ".tsv", ".tab":
		return append(names, "mapping.yaml", "mapping.yml")
	}
	return names
}

func readBeside(f producers.File, name string) (w written, err error) {
	r, err := f.Beside(name)
	if err != nil {
		return written{}, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	w.name, w.at = name, 1
	if s, ok := r.(interface{ Stat() (fs.FileInfo, error) }); ok {
		if info, err := s.Stat(); err == nil {
			w.at = max(w.at, info.ModTime().UnixMilli())
		}
	}
	w.text, err = io.ReadAll(io.LimitReader(r, longestMapping+1))
	if err == nil && len(w.text) > longestMapping {
		err = fmt.Errorf("it is longer than %d bytes", longestMapping)
	}
	return w, err
}

func parseMapping(text []byte) (*mapping, error) {
	m := &mapping{}
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	switch err := d.Decode(m); {
	case errors.Is(err, io.EOF):
		return nil, errors.New("it is empty")
	case err != nil:
		return nil, fmt.Errorf("%s (its keys are %s)", plainWords(err), keys)
	}
	return m, nil
}

// plainWords takes out of the parser's error what only its programmer understands.
func plainWords(err error) string {
	s := strings.ReplaceAll(err.Error(), "\n  ", " ")
	s = strings.ReplaceAll(s, " not found in type csv.mapping", " is not known")
	s = strings.ReplaceAll(s, "yaml: unmarshal errors:", "cannot be read:")
	if strings.Contains(s, "found character that cannot start any token") || strings.Contains(s, "did not find expected node content") {
		s += "; a sign that stands alone needs quotation marks, or its name: comma, semicolon, tab, pipe"
	}
	return s
}
