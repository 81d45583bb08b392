package main

import "strings"

// merges writes the functions that join two copies of a message leaf by leaf (event.Merge). A rule that is not of one leaf alone is
// a function by hand of the name that this would have; what is written then has the suffix "Fields".
func (c *codec) merges(names []string) {
	for _, name := range names {
		s, err := c.get(name)
		if err != nil {
			c.err = err
			return
		}
		function := "merge" + name
		if c.functions[function] {
			function += "Fields"
		}
		c.line("\nfunc %s(a, b *%s) %s {\nreturn %s{", function, name, name, name)
		for _, f := range s.fields {
			c.line("%s: %s,", f.name, c.mergeLeaf(s, f))
		}
		c.line("}\n}")
	}
}

func (c *codec) mergeLeaf(s *structType, f field) string {
	a, b := "a."+f.name, "b."+f.name
	both := "(" + a + ", " + b + ")"
	element, list := strings.CutPrefix(f.typ, "[]")
	target, pointer := strings.CutPrefix(f.typ, "*")
	switch {
	case f.typ == "Instant":
		return "MergeInstant" + both
	case f.typ == "[]string":
		return "lists" + both
	case strings.HasPrefix(f.typ, "map["):
		return "mergeTexts" + both
	case list && c.declarations.structs[element] != nil:
		return "each(" + a + ", " + b + ", merge" + element + ")"
	case pointer && c.declarations.structs[target] != nil:
		return "both(" + a + ", " + b + ", merge" + target + ")"
	case c.declarations.structs[f.typ] != nil:
		return "merge" + f.typ + "(&" + a + ", &" + b + ")"
	}
	switch c.basic(f.typ) {
	case "string":
		return "longer" + both
	case "bool":
		return a + " || " + b
	case "int", "int64", "float64":
		return "max" + both
	}
	c.fail(s, jsonField{field: f})
	return ""
}
