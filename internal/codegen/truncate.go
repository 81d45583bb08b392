package main

import "strings"

// truncatable writes the method that says what may be taken from a fact that is too large for a message: the fields with a cut tag.
func (c *codec) truncatable(tables []table) {
	c.line("\n// Truncatable returns a copy of the batch that is marked as truncated, and what may be taken from the copy.")
	c.line("func (b *Batch) Truncatable() (*Batch, *Parts) {\nc, p := *b, &Parts{}\nc.Truncated = true")
	for _, t := range tables {
		if !t.cut {
			continue
		}
		c.line("c.%s = slices.Clone(b.%s)\nfor i := range c.%s {\nv := &c.%s[i]", t.list, t.list, t.list, t.list)
		for _, part := range []struct{ tag, list string }{{"reference", "References"}, {"text", "Texts"}, {"list", "Lists"}, {"id", "IDs"}} {
			var fields []string
			for _, f := range t.columns {
				if f.tag.Get("cut") == part.tag {
					fields = append(fields, "&v."+f.field.name)
				}
			}
			if len(fields) > 0 {
				c.line("p.%s = append(p.%s, %s)", part.list, part.list, strings.Join(fields, ", "))
			}
		}
		c.line("}")
	}
	c.line("return &c, p\n}")
}
