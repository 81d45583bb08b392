package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
)

// declarations are the types that a package declares.
type declarations struct {
	structs   map[string]*structType
	named     map[string]string          // other types, by what they are made of: a NativeID is a string
	methods   map[string]map[string]bool // by the receiver's type
	functions map[string]bool
}

// structType is a struct with its fields in the order of their declaration.
type structType struct {
	name   string
	fields []field
}

// field is one field of a struct.
type field struct {
	name string
	typ  string // as the source has it: *Ref, []Person
	tag  reflect.StructTag
}

// load reads the declarations of the package in a folder, but for its tests and its generated files.
func load(root, dir string) (*declarations, error) {
	names, err := filepath.Glob(filepath.Join(root, filepath.FromSlash(dir), "*.go"))
	if err != nil {
		return nil, fmt.Errorf("reading declarations: %w", err)
	}
	d := &declarations{structs: map[string]*structType{}, named: map[string]string{}, methods: map[string]map[string]bool{}, functions: map[string]bool{}}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") || strings.HasSuffix(name, "_gen.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			return nil, fmt.Errorf("reading declarations: %w", err)
		}
		for _, decl := range f.Decls {
			if err := d.add(decl); err != nil {
				return nil, fmt.Errorf("reading declarations of %s: %w", dir, err)
			}
		}
	}
	return d, nil
}

func (d *declarations) add(decl ast.Decl) error {
	switch decl := decl.(type) {
	case *ast.FuncDecl:
		switch {
		case decl.Recv == nil:
			d.functions[decl.Name.Name] = true
		default:
			of := strings.TrimPrefix(typeText(decl.Recv.List[0].Type), "*")
			if d.methods[of] == nil {
				d.methods[of] = map[string]bool{}
			}
			d.methods[of][decl.Name.Name] = true
		}
	case *ast.GenDecl:
		for _, spec := range decl.Specs {
			t, ok := spec.(*ast.TypeSpec)
			if !ok {
				continue
			}
			s, ok := t.Type.(*ast.StructType)
			if !ok {
				d.named[t.Name.Name] = typeText(t.Type)
				continue
			}
			parsed, err := parseStruct(t.Name.Name, s)
			if err != nil {
				return err
			}
			d.structs[parsed.name] = parsed
		}
	}
	return nil
}

func parseStruct(name string, s *ast.StructType) (*structType, error) {
	out := &structType{name: name}
	for _, f := range s.Fields.List {
		var tag string
		if f.Tag != nil {
			var err error
			if tag, err = strconv.Unquote(f.Tag.Value); err != nil {
				return nil, fmt.Errorf("the tag of a field of %s: %w", name, err)
			}
		}
		typ := typeText(f.Type)
		if len(f.Names) == 0 { // embedded
			out.fields = append(out.fields, field{name: typ, typ: typ, tag: reflect.StructTag(tag)})
		}
		for _, n := range f.Names {
			out.fields = append(out.fields, field{name: n.Name, typ: typ, tag: reflect.StructTag(tag)})
		}
	}
	return out, nil
}

// typeText is a type as the source has it; empty for forms that no declaration here uses.
func typeText(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.StarExpr:
		return "*" + typeText(e.X)
	case *ast.SelectorExpr:
		return typeText(e.X) + "." + e.Sel.Name
	case *ast.ArrayType:
		length := ""
		if n, ok := e.Len.(*ast.BasicLit); ok {
			length = n.Value
		}
		return "[" + length + "]" + typeText(e.Elt)
	case *ast.MapType:
		return "map[" + typeText(e.Key) + "]" + typeText(e.Value)
	}
	return ""
}

// basic is the predeclared type that a type is made of; itself where it is made of none.
func (d *declarations) basic(typ string) string {
	for d.named[typ] != "" {
		typ = d.named[typ]
	}
	return typ
}

// get returns a struct by its name.
func (d *declarations) get(name string) (*structType, error) {
	s := d.structs[name]
	if s == nil {
		return nil, fmt.Errorf("no struct %s is declared", name)
	}
	return s, nil
}
