// Package archtest keeps the rules of the house: who may import whom, and which habits have no exceptions but named ones.
//
// It reads the files itself, whatever their build tags, so that no rule depends on what happens to be compiled. It promises
// that a package without a rule is a finding, and so is an exception that excuses nothing any more. It does not judge tests'
// imports: they may look at anything.
package archtest

import (
	"bytes"
	"cmp"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
)

// Finding is one breach of a rule.
type Finding struct {
	File string
	Line int // zero if it is about the file, or no file
	Text string
}

func (f Finding) String() string {
	if f.Line == 0 {
		return f.File + ": " + f.Text
	}
	return fmt.Sprintf("%s:%d: %s", f.File, f.Line, f.Text)
}

// Check reads a tree and returns what breaks the rules, in the order of files and lines.
func Check(tree fs.FS, rules Rules) ([]Finding, error) {
	c := &checker{rules: rules, statement: statementPattern(), packages: map[string]*pkg{}, used: map[Exception]bool{},
		edges: map[Edge]bool{}, banned: bannedPattern(rules.Comments)}
	err := fs.WalkDir(tree, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && skipped(name):
			return fs.SkipDir
		case !d.Type().IsRegular(), name == ".git": // a file in a linked worktree
			return nil
		}
		text, err := fs.ReadFile(tree, name)
		if err != nil {
			return err
		}
		return c.file(name, text)
	})
	if err != nil {
		return nil, fmt.Errorf("checking the tree: %w", err)
	}
	c.finish()
	return c.findings, nil
}

// skipped are folders whose content is not ours, or not kept.
func skipped(dir string) bool {
	base := path.Base(dir)
	return base == "node_modules" || dir == "bin" || len(base) > 1 && base[0] == '.' && base != ".ci"
}

// checker collects findings.
type checker struct {
	rules     Rules
	statement *regexp.Regexp
	banned    *regexp.Regexp // any of the words that comments do not use
	packages  map[string]*pkg
	used      map[Exception]bool
	edges     map[Edge]bool // that let somebody import
	findings  []Finding
}

func (c *checker) find(file string, line int, format string, args ...any) {
	c.findings = append(c.findings, Finding{File: file, Line: line, Text: fmt.Sprintf(format, args...)})
}

// excused looks for an exception, and remembers that it was needed.
func (c *checker) excused(list []Exception, file, name string) bool {
	for _, e := range list {
		if e.File == file && e.Name == name && e.Why != "" {
			c.used[e] = true
			return true
		}
	}
	return false
}

// finish finds what only the whole tree shows.
func (c *checker) finish() {
	if len(c.packages) < c.rules.TestsToSee {
		c.find(".", 0, "only %d packages were found: is this the right place?", len(c.packages))
	}
	if c.rules.Whole {
		c.sizes()
		c.unmatched()
	}
	r := c.rules
	for _, e := range slices.Concat(r.Variables, r.Clocks, r.SQL, r.Words, r.Large, r.Untested, r.Dialects) {
		if !c.used[e] {
			c.find(e.File, 0, "the exception for %q excuses nothing; remove it", e.Name)
		}
	}
	slices.SortStableFunc(c.findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line))
	})
}

func (c *checker) file(name string, text []byte) error {
	if bytes.IndexByte(text, 0) < 0 { // text, not a picture
		c.words(name, text)
	}
	if path.Ext(name) != ".go" || strings.Contains("/"+name, "/testdata/") {
		return nil
	}
	files := token.NewFileSet()
	tree, err := parser.ParseFile(files, name, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	s := &source{checker: c, name: name, files: files, tree: tree, test: strings.HasSuffix(name, "_test.go")}
	s.pkg = strings.TrimPrefix(path.Dir(name), ".")
	c.count(s.pkg, s.test, tree)
	if lines := bytes.Count(text, []byte("\n")); lines > c.rules.MaxLines {
		c.find(name, 0, "%d lines; %d are enough", lines, c.rules.MaxLines)
	}
	s.check()
	return nil
}

func (c *checker) words(name string, text []byte) {
	for _, word := range c.rules.Forbidden {
		for _, at := range word.FindAllIndex(text, -1) {
			found := string(text[at[0]:at[1]])
			if !c.excused(c.rules.Words, name, found) {
				c.find(name, 1+bytes.Count(text[:at[0]], []byte("\n")), "%q has no place here", found)
			}
		}
	}
}

// source is one Go file.
type source struct {
	*checker
	name  string
	pkg   string // below the module; empty at its root
	test  bool
	files *token.FileSet
	tree  *ast.File
}

func (s *source) line(n ast.Node) int { return s.files.Position(n.Pos()).Line }

func (s *source) check() {
	s.imports()
	s.identifiers()
	s.comments()
	for _, d := range s.tree.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			s.function(d)
			s.length(d)
		case *ast.GenDecl:
			if d.Tok == token.VAR && !s.test && !testOnly(s.pkg) {
				s.variables(d)
			}
		}
	}
	if !s.test && !testOnly(s.pkg) {
		s.body()
	}
}

// function looks for init, and for a TestMain that lets goroutines leak. testenv.Main looks for leaks itself.
func (s *source) function(d *ast.FuncDecl) {
	if d.Recv != nil {
		return
	}
	switch d.Name.Name {
	case "init":
		s.find(s.name, s.line(d), "init() acts behind everybody's back")
	case "TestMain":
		leaks := true
		ast.Inspect(d, func(n ast.Node) bool {
			if id, ok := n.(*ast.Ident); ok && id.Name == "goleak" || selects(n, "testenv", "Main") {
				leaks = false
			}
			return leaks
		})
		if leaks {
			s.find(s.name, s.line(d), "TestMain lets goroutines leak: use goleak, or testenv.Main")
		}
	}
}
