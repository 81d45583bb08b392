package main

import (
	"fmt"
	"strings"
)

// writer writes the function that appends a struct. Where the first field may be missing, any may be the first: each is written with a
// comma, and the brace then takes the place of the first comma.
func (c *codec) writer(name string) {
	s, err := c.get(name)
	if err != nil {
		c.err = err
		return
	}
	fields := c.jsonFields(s, "json")
	fallible := c.fallible(name)
	result := "[]byte"
	if fallible {
		result = "(_ []byte, err error)"
	}
	c.line("\nfunc append%s(b []byte, v *%s) %s {", name, name, result)
	open := fields[0].omit == ""
	if !open {
		c.line("start := len(b)")
	}
	for i, f := range fields {
		key := literal("," + f.key)
		if open && i == 0 {
			key = literal("{" + f.key)
		}
		c.write(s, f, key)
	}
	if !open {
		c.line("if len(b) == start {\nb = append(b, ',')\n}")
		c.line("b[start] = '{'")
	}
	if fallible {
		c.line("return append(b, '}'), nil\n}")
	} else {
		c.line("return append(b, '}')\n}")
	}
}

// write appends one field.
func (c *codec) write(s *structType, f jsonField, key string) {
	value := "v." + f.name
	base := strings.TrimPrefix(f.typ, "*")
	call := func(form string, args ...any) { // a call that may fail
		c.line("if b, err = "+form+"; err != nil {\nreturn nil, err\n}", args...)
	}
	switch {
	case f.hook != "":
		c.line("b = append%s(b, %s, %s)", title(f.hook), key, value)
	case f.typ == "*time.Time":
		call("appendTime(b, %s, %s)", key, value)
	case c.structs[base] != "" || base == "time.Time":
		if f.omit != "" {
			c.line("if %s {", c.given(f, value))
		}
		switch {
		case base == "time.Time":
			call("appendTime(b, %s, %s)", key, value)
		case c.fallible(base):
			call("append%s(append(b, %s...), %s)", base, key, address(f, value))
		default:
			c.line("b = append%s(append(b, %s...), %s)", base, key, address(f, value))
		}
		if f.omit != "" {
			c.line("}")
		}
	case strings.HasPrefix(f.typ, "[]") && c.structs[f.typ[2:]] != "" && c.lists:
		call("appendList(b, %s, %s, append%s)", open(key), value, f.typ[2:])
	case f.typ == "[]string" && c.lists:
		c.line("b = appendStrings(b, %s, %s)", open(key), value)
	case !c.scalar(f.typ):
		if f.omit != "" {
			c.line("if %s {", c.given(f, value))
		}
		call("appendAny(append(b, %s...), %s)", key, value)
		if f.omit != "" {
			c.line("}")
		}
	default:
		c.writeScalar(s, f, key, value)
	}
}

func (c *codec) writeScalar(s *structType, f jsonField, key, value string) {
	basic := c.basic(f.typ)
	text := value
	if f.typ != "string" {
		text = "string(" + value + ")"
	}
	switch {
	case basic == "string" && f.omit == "":
		c.line("b = appendField(b, %s, %s)", key, text)
	case basic == "string":
		c.line("b = appendOptional(b, %s, %s)", key, text)
	case basic == "bool" && f.omit != "":
		c.line("b = appendTrue(b, %s, %s)", strings.TrimSuffix(key, "`")+"true`", value)
	case basic == "int64" && f.omit == "":
		c.line("b = strconv.AppendInt(append(b, %s...), %s, 10)", key, value)
	case basic == "int64":
		c.line("b = appendNumber(b, %s, %s)", key, value)
	case strings.HasPrefix(basic, "uint") && f.omit == "":
		if basic != "uint64" {
			value = "uint64(" + value + ")"
		}
		c.line("b = strconv.AppendUint(append(b, %s...), %s, 10)", key, value)
	default:
		c.fail(s, f)
	}
}

// open makes the key of a list's beginning of a field's key.
func open(key string) string { return strings.TrimSuffix(key, "`") + "[`" }

// address is a pointer to a field.
func address(f jsonField, value string) string {
	if strings.HasPrefix(f.typ, "*") {
		return value
	}
	return "&" + value
}

func title(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// bits is how many bits a whole number has.
func bits(typ string) string { return strings.TrimPrefix(typ, "uint") }

// convert turns an expression of a basic type into a field's type.
func convert(typ, basic, expr string) string {
	if typ == basic {
		return expr
	}
	return fmt.Sprintf("%s(%s)", typ, expr)
}
