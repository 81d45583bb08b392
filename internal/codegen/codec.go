package main

import (
	"fmt"
	"strings"
)

// codec writes the functions that put structs into JSON and read them, field by field, in the order of their declaration. They put
// out, byte for byte, what encoding/json would; the reader takes what the writer writes and gives up on all else.
//
// They build on functions that the package has by hand: appendField, appendOptional and so on, and the methods has, skip, need and
// so on of the reader.
type codec struct {
	*declarations
	*source
	reader  string            // type that the reading methods belong to
	lists   bool              // lists are written and read here too; every function returns an error, so that those of elements have one signature
	structs map[string]string // structs that are written and read field by field, by the name in their functions: Message as message
	err     error
}

// jsonField is a field as JSON has it.
type jsonField struct {
	field
	key  string // quoted, with the colon: "text":
	omit string // omitempty, omitzero or nothing
	hook string // functions by hand: appendHook, and the reader's method hook
}

// jsonFields are the fields of a struct that the tag gives a name in JSON. A type that writes itself as a text has hooks of its name;
// of other fields the codec tag names them.
func (c *codec) jsonFields(s *structType, tag string) []jsonField {
	var out []jsonField
	for _, f := range s.fields {
		name, omit, _ := strings.Cut(f.tag.Get(tag), ",")
		hook := f.tag.Get("codec")
		if name == "-" || tag != "json" && name == "" {
			continue
		}
		if name == "" {
			name = f.name
		}
		if c.methods[f.typ]["MarshalText"] {
			hook = strings.ToLower(f.typ)
		}
		out = append(out, jsonField{field: f, key: fmt.Sprintf("%q:", name), omit: omit, hook: hook})
	}
	return out
}

// literal is a Go literal of JSON text.
func literal(s string) string { return "`" + s + "`" }

// fallible says whether writing a struct can fail: where it holds a time, or what encoding/json writes.
func (c *codec) fallible(name string) bool {
	if c.lists {
		return true
	}
	for _, f := range c.jsonFields(c.declarations.structs[name], "json") {
		base := strings.TrimPrefix(f.typ, "*")
		safe := f.hook != "" || c.scalar(base) || c.structs[base] != "" && !c.fallible(base)
		if !safe {
			return true
		}
	}
	return false
}

func (c *codec) scalar(typ string) bool {
	switch c.basic(typ) {
	case "string", "bool", "int64", "uint8", "uint16", "uint32", "uint64":
		return true
	}
	return false
}

// given is the condition on which a field with omitempty or omitzero is written.
func (c *codec) given(f jsonField, value string) string {
	switch {
	case strings.HasPrefix(f.typ, "*"):
		return value + " != nil"
	case strings.HasPrefix(f.typ, "[]"), strings.HasPrefix(f.typ, "map["):
		return "len(" + value + ") > 0"
	case f.typ == "time.Time", c.methods[f.typ]["IsZero"]:
		return "!" + value + ".IsZero()"
	}
	return fmt.Sprintf("%s != (%s{})", value, f.typ)
}

func (c *codec) fail(s *structType, f jsonField) {
	if c.err == nil {
		c.err = fmt.Errorf("field %s.%s: no code for a %s (%s)", s.name, f.name, f.typ, f.omit)
	}
}

// finish adds the file to those that are generated.
func (c *codec) finish(files map[string][]byte, name string) error {
	if c.err != nil {
		return c.err
	}
	text, err := c.gofmt(name)
	files[name] = text
	return err
}
