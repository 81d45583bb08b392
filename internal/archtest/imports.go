package archtest

import (
	"go/ast"
	"path"
	"slices"
	"strconv"
	"strings"
)

// floor returns where a package belongs.
func (r Rules) floor(pkg string) (Floor, bool) {
	for _, f := range r.Floors {
		if slices.ContainsFunc(f.Packages, func(pattern string) bool { return match(pattern, family(pkg)) }) {
			return f, true
		}
	}
	return Floor{}, false
}

// match is path.Match for patterns that are known to be good.
func match(pattern, name string) bool {
	ok, err := path.Match(pattern, name)
	return ok && err == nil
}

// imports compares what a file imports with what its floor may. What is for tests may import everything but the top.
func (s *source) imports() {
	own, known := s.rules.floor(s.pkg)
	if !known && !testOnly(s.pkg) {
		s.find(s.name, 0, "package %s has no rule: on which floor does it live?", cmpEmpty(s.pkg, "main"))
		return
	}
	if s.test || testOnly(s.pkg) {
		return
	}
	for _, spec := range s.tree.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			continue // the parser has seen to it
		}
		if s.rules.bars(s.pkg, imported) {
			s.find(s.name, s.line(ast.Node(spec)), "imports %s: %s is to do without it", imported, s.pkg)
		}
		if why := s.refuses(own, s.pkg, imported); why != "" {
			s.find(s.name, s.line(ast.Node(spec)), "imports %s: %s", imported, why)
		}
	}
}

func cmpEmpty(s, instead string) string {
	if s == "" {
		return instead
	}
	return s
}

// refuses says why a package on a floor may not import another, or nothing.
func (c *checker) refuses(own Floor, pkg, imported string) string {
	r := c.rules
	below, ours := strings.CutPrefix(imported, r.Module+"/")
	if !ours {
		first, _, _ := strings.Cut(imported, "/")
		if own.StdOnly && strings.Contains(first, ".") {
			return "floor " + strconv.Itoa(own.Number) + " has the standard library only"
		}
		return ""
	}
	if testOnly(below) {
		return "it is for tests only"
	}
	other, known := r.floor(below)
	switch {
	case !known:
		return "it has no rule"
	case family(below) == family(pkg), other.Number < own.Number, other.Number == 0 && own.Number == 0:
		return ""
	case other.Number == own.Number && c.sibling(family(pkg), family(below)):
		return ""
	case other.Number == own.Number:
		return "a sibling on floor " + strconv.Itoa(own.Number)
	}
	return "it is on floor " + strconv.Itoa(other.Number) + ", above floor " + strconv.Itoa(own.Number)
}

// bars reports whether a package is not to import another, whatever their floors.
func (r Rules) bars(pkg, imported string) bool {
	imported = strings.TrimPrefix(imported, r.Module+"/")
	return slices.ContainsFunc(r.Barred, func(e Edge) bool {
		below, all := strings.CutSuffix(e.To, "/...")
		return match(e.From, pkg) && (imported == below || all && strings.HasPrefix(imported, below+"/"))
	})
}

// sibling looks for an edge between two packages of one layer, and remembers that it was needed.
func (c *checker) sibling(from, to string) bool {
	i := slices.IndexFunc(c.rules.Siblings, func(e Edge) bool { return match(e.From, from) && match(e.To, to) })
	if i < 0 {
		return false
	}
	c.edges[c.rules.Siblings[i]] = true
	return true
}
