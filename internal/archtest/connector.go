package archtest

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

// templateConnector is the connector that new ones begin from. It has no users, so no list and no README names it.
const templateConnector = "template"

// Connectors checks the form of each connector's folder: a package comment, fixtures and damaged ones, conformance tests, a line in the list
// of sources, a row in both READMEs, and a sample configuration of what runs live. A folder below producers is a connector if its package
// has a function Definition without parameters.
func Connectors(tree fs.FS) ([]Finding, error) {
	folders, err := fs.ReadDir(tree, "producers")
	if err != nil {
		return nil, fmt.Errorf("listing connectors: %w", err)
	}
	list, err := fs.ReadFile(tree, "producers/all/all.go")
	if err != nil {
		return nil, fmt.Errorf("reading the list of sources: %w", err)
	}
	var findings []Finding
	for _, f := range folders {
		if !f.IsDir() {
			continue
		}
		c := connector{tree: tree, name: f.Name(), dir: path.Join("producers", f.Name())}
		if err := c.parse(); err != nil {
			return nil, err
		}
		if c.definition == nil {
			continue
		}
		if err := c.check(string(list)); err != nil {
			return nil, err
		}
		findings = append(findings, c.findings...)
	}
	return findings, nil
}

// connector is one folder.
type connector struct {
	tree      fs.FS
	name, dir string

	documented bool
	definition *ast.FuncDecl
	literal    map[string]string // keys of its producers.Definition, with strings that stand there
	tests      string            // all of its tests, those of packages below it too
	findings   []Finding
}

func (c *connector) find(format string, args ...any) {
	c.findings = append(c.findings, Finding{File: c.dir, Text: fmt.Sprintf(format, args...)})
}

// parse reads the package, and the tests of the packages below it.
func (c *connector) parse() error {
	return fs.WalkDir(c.tree, c.dir, func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && d.Name() == "testdata":
			return fs.SkipDir
		case d.IsDir() || path.Ext(name) != ".go":
			return nil
		}
		text, err := fs.ReadFile(c.tree, name)
		if err != nil {
			return err
		}
		if strings.HasSuffix(name, "_test.go") {
			c.tests += string(text)
			return nil
		}
		if path.Dir(name) != c.dir {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, text, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		c.file(file)
		return nil
	})
}

func (c *connector) file(file *ast.File) {
	c.documented = c.documented || strings.HasPrefix(file.Doc.Text(), "Package ")
	for _, d := range file.Decls {
		if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "Definition" && f.Type.Params.NumFields() == 0 {
			c.definition = f
		}
	}
	ast.Inspect(file, func(n ast.Node) bool {
		lit, ok := n.(*ast.CompositeLit)
		if !ok || !selects(lit.Type, "producers", "Definition") {
			return true
		}
		c.literal = map[string]string{}
		for _, e := range lit.Elts {
			pair, ok := e.(*ast.KeyValueExpr)
			if !ok {
				continue
			}
			if key, ok := pair.Key.(*ast.Ident); ok {
				c.literal[key.Name] = stringIn(pair.Value)
			}
		}
		return false
	})
}

// stringIn is a string that stands in the code; empty for anything else.
func stringIn(e ast.Expr) string {
	lit, ok := e.(*ast.BasicLit)
	if !ok {
		return ""
	}
	s, err := strconv.Unquote(lit.Value)
	if err != nil {
		return ""
	}
	return s
}

func (c *connector) check(list string) error {
	if !c.documented {
		c.find("it has no package comment: what does it read, and what not?")
	}
	if _, live := c.literal["Live"]; live {
		c.need("Sample", "a connector that runs live has a sample configuration")
	}
	calls := []string{"producertest.Definition("}
	if _, archive := c.literal["Archive"]; archive {
		c.need("Recognise", "a connector that reads archives recognises them")
		calls = append(calls, "producertest.Archive(")
		c.fixtures()
	}
	for _, call := range calls {
		if !strings.Contains(c.tests, call) {
			c.find("no test calls %s...)", call)
		}
	}
	if c.name == templateConnector {
		return nil
	}
	if !strings.Contains(list, "/producers/"+c.name+`"`) {
		c.find("producers/all does not list it")
	}
	return c.rows()
}

func (c *connector) need(key, why string) {
	if _, ok := c.literal[key]; !ok {
		c.find("its Definition has no %s: %s", key, why)
	}
}

// fixtures looks for files that are read and for damaged ones.
func (c *connector) fixtures() {
	var good, bad bool
	_ = fs.WalkDir(c.tree, path.Join(c.dir, "testdata"), func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		damaged := slices.Contains(strings.Split(name, "/"), "bad")
		good, bad = good || !damaged, bad || damaged
		return nil
	}) // a folder that is not there has no fixtures
	if !good {
		c.find("it has no fixtures in testdata")
	}
	if !bad {
		c.find("it has no damaged fixtures in testdata/bad")
	}
}

// rows looks for the rows of the tables that say what can be read.
func (c *connector) rows() error {
	title := c.literal["Title"]
	for _, readme := range []string{"README.md", "README.ru.md"} {
		text, err := fs.ReadFile(c.tree, readme)
		if err != nil {
			return fmt.Errorf("looking for a row of %s: %w", c.dir, err)
		}
		if title == "" || !strings.Contains(string(text), "\n| "+title) {
			c.find("%s has no row that begins with its title %q", readme, title)
		}
	}
	return nil
}
