package main

import "strings"

// readerOf writes the method that reads a struct. A field is read if its key comes next. Where the first field may be missing, any
// may be the first: the keys up to the first one that must be there are read with or without their comma.
func (c *codec) readerOf(name string) {
	s, err := c.get(name)
	if err != nil {
		c.err = err
		return
	}
	fields := c.jsonFields(s, "json")
	c.line("\nfunc (r *%s) %s(v *%s) {", c.reader, c.structs[name], name)
	first := fields[0].omit != ""
	if first {
		c.line("r.skip(`{`)\nfirst := true")
	}
	for i, f := range fields {
		key := literal("," + f.key)
		switch {
		case first:
			c.readEither(s, f, key)
			first = f.omit != ""
		case i == 0:
			c.read(s, f, literal("{"+f.key))
		default:
			c.read(s, f, key)
		}
	}
	c.line("r.skip(`}`)\n}")
}

// read reads a field behind another.
func (c *codec) read(s *structType, f jsonField, key string) {
	value := "v." + f.name
	basic := c.basic(f.typ)
	base := strings.TrimPrefix(f.typ, "*")
	optional := f.omit != ""
	switch {
	case f.hook != "":
		c.line("%s = r.%s(%s)", value, f.hook, key)
	case f.typ == "*time.Time":
		c.line("%s = r.time(%s)", value, key)
	case c.structs[base] != "" || base == "time.Time":
		if optional {
			c.line("if r.has(%s) {", key)
		} else {
			c.line("r.skip(%s)", key)
		}
		c.readValue(f, base, value)
		if optional {
			c.line("}")
		}
	case strings.HasPrefix(f.typ, "[]") && c.structs[f.typ[2:]] != "" && c.lists:
		c.line("%s = readList(r, %s, &r.lists.%s, (*%s).%s)", value, open(key), f.name, c.reader, c.structs[f.typ[2:]])
	case f.typ == "[]string" && c.lists:
		c.line("%s = r.list(%s)", value, open(key))
	case !c.scalar(f.typ):
		// the reader gives up
	case basic == "string" && optional:
		c.line("%s = %s", value, convert(f.typ, basic, "r.text("+key+")"))
	case basic == "string":
		c.line("%s = %s", value, convert(f.typ, basic, "r.need("+key+")"))
	case basic == "bool" && optional:
		c.line("%s = r.has(%s)", value, strings.TrimSuffix(key, "`")+"true`")
	case basic == "int64" && optional:
		c.line("%s = r.number(%s)", value, key)
	case basic == "int64":
		c.line("r.skip(%s)\n%s = r.int()", key, value)
	case strings.HasPrefix(basic, "uint") && !optional:
		c.line("%s = %s", value, convert(f.typ, "uint64", "r.number("+key+", "+bits(basic)+")"))
	default:
		c.fail(s, f)
	}
}

func (c *codec) readValue(f jsonField, base, value string) {
	switch {
	case base == "time.Time":
		c.line("%s = r.time()", value)
	case f.typ != base:
		c.line("%s = new(%s)\nr.%s(%s)", value, base, c.structs[base], value)
	default:
		c.line("r.%s(&%s)", c.structs[base], value)
	}
}

// readEither reads a field that may be the first.
func (c *codec) readEither(s *structType, f jsonField, key string) {
	value := "v." + f.name
	basic := c.basic(f.typ)
	base := strings.TrimPrefix(f.typ, "*")
	if basic == "bool" {
		c.line("%s = r.hasEither(%s, &first)", value, strings.TrimSuffix(key, "`")+"true`")
		return
	}
	if f.omit == "" {
		c.line("r.ok = r.hasEither(%s, &first)", key)
	} else {
		c.line("if r.hasEither(%s, &first) {", key)
	}
	switch {
	case f.hook != "":
		c.line("%s = r.%sValue()", value, f.hook)
	case c.structs[base] != "" || base == "time.Time":
		c.readValue(f, base, value)
	case basic == "string":
		c.line("%s = %s", value, convert(f.typ, basic, "r.str()"))
	case basic == "int64":
		c.line("%s = r.int()", value)
	default:
		c.fail(s, f)
	}
	if f.omit != "" {
		c.line("}")
	}
}
