package archtest

import (
	"go/ast"
	"go/token"
	"regexp"
	"strconv"
	"strings"
)

// variables finds package variables that could be changed. Errors made by errors.New, embedded files, and assertions that a
// type is what it should be (var _ I = T{}) pass.
func (s *source) variables(d *ast.GenDecl) {
	for _, spec := range d.Specs {
		v, ok := spec.(*ast.ValueSpec)
		if !ok || embedded(d.Doc) || embedded(v.Doc) {
			continue
		}
		for i, name := range v.Names {
			sentinel := i < len(v.Values) && call(v.Values[i], "errors", "New")
			if name.Name != "_" && !sentinel && !s.excused(s.rules.Variables, s.name, name.Name) {
				s.find(s.name, s.line(name), "package variable %s can be changed", name.Name)
			}
		}
	}
}

func embedded(doc *ast.CommentGroup) bool {
	if doc == nil {
		return false
	}
	for _, c := range doc.List {
		if strings.HasPrefix(c.Text, "//go:embed ") {
			return true
		}
	}
	return false
}

func call(e ast.Expr, pkg, function string) bool {
	c, ok := e.(*ast.CallExpr)
	return ok && selects(c.Fun, pkg, function)
}

func selects(e ast.Node, pkg, name string) bool {
	sel, ok := e.(*ast.SelectorExpr)
	if !ok || sel.Sel.Name != name {
		return false
	}
	id, ok := sel.X.(*ast.Ident)
	return ok && id.Name == pkg
}

// body looks through everything in a file that is no test.
func (s *source) body() {
	producer := strings.HasPrefix(s.pkg, "producers/")
	ast.Inspect(s.tree, func(n ast.Node) bool {
		if producer && (selects(n, "time", "Now") || selects(n, "time", "Since") || selects(n, "time", "Until")) &&
			!s.excused(s.rules.Clocks, s.name, "") {
			s.find(s.name, s.line(n), "a producer looks at our clock: a time that the network did not give is invented")
		}
		lit, ok := n.(*ast.BasicLit)
		if !ok || lit.Kind != token.STRING {
			return true
		}
		text, err := strconv.Unquote(lit.Value)
		if err == nil && s.statement.MatchString(text) && !s.excused(s.rules.SQL, s.name, "") {
			s.find(s.name, s.line(lit), "SQL in a string: it belongs into a file that a test prepares")
		}
		return true
	})
}

// statementPattern matches a string that begins with a statement.
func statementPattern() *regexp.Regexp {
	return regexp.MustCompile(`(?is)^\s*(?:` + strings.Join(statements(), "|") + `)`)
}

// statements are how statements begin, told from prose by what must follow.
func statements() []string {
	return []string{
		`select\s+[^;]+?\sfrom\s+[\w"$.]+`,
		`select\s+[\w.]+\s*\(`,
		`select\s+(?:\d|\$|\*)`,
		`insert\s+into\s+["\w$]`,
		`update\s+\S+\s+set\s`,
		`delete\s+from\s+\S+(?:\s+where\b|\s+using\b|;|\s*$)`,
		`truncate\s+(?:table\s+)?[\w"$.,]+\s*(?:;|cascade|$)`,
		`(?:create|alter|drop)\s+(?:or\s+replace\s+|if\s+exists\s+|temp(?:orary)?\s+|unlogged\s+|unique\s+|materialized\s+)*` +
			`(?:table|index|view|schema|database|function|trigger|type|role|user|extension|sequence)\s`,
		`with\s+(?:recursive\s+)?\w+\s*(?:\([^)]*\))?\s+as\s+(?:not\s+)?(?:materialized\s+)?\(`,
		`copy\s+[\w".]+\s*(?:\([^)]*\))?\s*(?:from|to)\s+std(?:in|out)`,
		`set\s+(?:local\s+|session\s+)?[\w.]+\s*(?:=|\sto\s)`,
		`optimize\s+table\s`,
		`(?:listen|unlisten)\s+\w+\s*;?\s*$`,
	}
}
