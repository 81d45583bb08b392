package archtest

import (
	"go/ast"
	"go/token"
	"slices"
	"strings"
)

// pkg is what is counted of one directory while the tree is read.
type pkg struct {
	files   int // without tests
	tests   int
	methods map[string]int // by receiver type, without tests
}

// count adds a file to its package.
func (c *checker) count(dir string, test bool, tree *ast.File) {
	p := c.packages[dir]
	if p == nil {
		p = &pkg{methods: map[string]int{}}
		c.packages[dir] = p
	}
	if test {
		p.tests++
		return
	}
	p.files++
	for _, d := range tree.Decls {
		if f, ok := d.(*ast.FuncDecl); ok && f.Recv != nil && len(f.Recv.List) == 1 {
			p.methods[receiver(f.Recv.List[0].Type)]++
		}
	}
}

// receiver is the name of a method's type, without pointer and type parameters.
func receiver(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.StarExpr:
		return receiver(e.X)
	case *ast.IndexExpr:
		return receiver(e.X)
	case *ast.IndexListExpr:
		return receiver(e.X)
	case *ast.Ident:
		return e.Name
	}
	return ""
}

// sizes finds packages and types that have grown too large, and packages without a test.
func (c *checker) sizes() {
	for dir, p := range c.packages {
		at := cmpEmpty(dir, "main")
		if p.files > c.rules.MaxFiles && !c.excused(c.rules.Large, at, "") {
			c.find(at, 0, "%d files without tests; at most %d: look for a package with a promise of its own", p.files, c.rules.MaxFiles)
		}
		if p.tests == 0 && !testOnly(dir) && !c.excused(c.rules.Untested, at, "") {
			c.find(at, 0, "there is no test in this package")
		}
		for name, n := range p.methods {
			if n > c.rules.MaxMethods && !c.excused(c.rules.Large, at, name) {
				c.find(at, 0, "type %s has %d methods; at most %d: split it by what it keeps", name, n, c.rules.MaxMethods)
			}
		}
	}
}

// unmatched finds rules for packages that do not exist.
func (c *checker) unmatched() {
	matched := func(pattern string) bool {
		for dir := range c.packages {
			if match(pattern, dir) || match(pattern, family(dir)) {
				return true
			}
		}
		return false
	}
	for _, f := range c.rules.Floors {
		for _, pattern := range f.Packages {
			if !matched(pattern) {
				c.find(cmpEmpty(pattern, "main"), 0, "there is a rule for this package, and no package; remove the rule")
			}
		}
	}
	for _, e := range c.rules.Siblings {
		if !c.edges[e] {
			c.find(e.From, 0, "nothing here imports %s; remove the edge", e.To)
		}
	}
}

// length finds functions that are too long to be read at once. Tests and their cases may be longer.
func (s *source) length(d *ast.FuncDecl) {
	if n := s.files.Position(d.End()).Line - s.line(d) + 1; !s.test && n > s.rules.MaxFunction && !s.excused(s.rules.Large, s.name, d.Name.Name) {
		s.find(s.name, s.line(d), "function %s has %d lines; at most %d", d.Name.Name, n, s.rules.MaxFunction)
	}
}

// identifiers finds names that are declared with a banned word. Where they are used, the declaration has been found already.
func (s *source) identifiers() {
	declared := func(id *ast.Ident) {
		if i := slices.IndexFunc(s.rules.Names, func(t Term) bool { return t.Word == id.Name }); i >= 0 {
			t := s.rules.Names[i]
			s.word("names", s.line(id), "the name %s: use %s (%s)", id.Name, t.Instead, t.Why)
		}
	}
	ast.Inspect(s.tree, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			declared(n.Name)
		case *ast.TypeSpec:
			declared(n.Name)
		case *ast.ValueSpec:
			each(n.Names, declared)
		case *ast.Field:
			each(n.Names, declared)
		case *ast.AssignStmt:
			for _, e := range n.Lhs {
				if id, ok := e.(*ast.Ident); ok && n.Tok == token.DEFINE {
					declared(id)
				}
			}
		}
		return true
	})
}

func each(names []*ast.Ident, do func(*ast.Ident)) {
	for _, id := range names {
		do(id)
	}
}

// comments finds banned words in comments.
func (s *source) comments() {
	for _, group := range s.tree.Comments {
		for _, c := range group.List {
			if strings.HasPrefix(c.Text, "//go:") {
				continue
			}
			for _, at := range s.banned.FindAllStringIndex(c.Text, -1) {
				found := strings.ToLower(c.Text[at[0]:at[1]])
				i := slices.IndexFunc(s.rules.Comments, func(t Term) bool { return t.Word == found })
				t := s.rules.Comments[i]
				line := s.line(c) + strings.Count(c.Text[:at[0]], "\n")
				s.word("comments", line, "%q in a comment: write %s (%s)", found, t.Instead, t.Why)
			}
		}
	}
}

// word reports a banned word, unless its package is still to be renamed: then it has an entry in dialects, which moves with the
// code and is removed with the last of the words.
func (s *source) word(kind string, line int, format string, args ...any) {
	if !s.excused(s.rules.Dialects, cmpEmpty(s.pkg, "main"), kind) {
		s.find(s.name, line, format, args...)
	}
}
