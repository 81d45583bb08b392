package main

import "strings"

// analytics writes how consumers/aggregate puts facts into the tables of ClickHouse: the columns, the statements, and what fills a row.
func analytics(root string, files map[string][]byte) error {
	const dir = "consumers/aggregate"
	d, err := load(root, "internal/fact")
	if err != nil {
		return err
	}
	tables, err := tablesOf(d)
	if err != nil {
		return err
	}
	own, err := load(root, dir)
	if err != nil {
		return err
	}
	s := newSource("aggregate", "embed", "", "github.com/agrichat/agrichat/internal/fact")
	for i := range tables {
		t := &tables[i]
		if derived := own.structs["derived"+t.element]; derived != nil {
			if t.derived, err = columnsOf(derived); err != nil {
				return err
			}
		}
	}
	s.line("var (")
	for _, t := range tables {
		s.line("//go:embed queries/insert_%s.sql\ninsert%s string", t.name, t.list)
	}
	s.line(")")
	for _, t := range tables {
		s.layout(t)
		files[dir+"/queries/insert_"+t.name+".sql"] = insertStatement(t)
	}
	for _, t := range tables {
		s.row(t)
	}
	s.addFacts(tables)
	s.readIDs(tables)
	name := dir + "/rows_gen.go"
	files[name], err = s.gofmt(name)
	return err
}

func (t table) names() []string {
	names := t.before()
	for _, c := range t.own() {
		names = append(names, c.name)
	}
	if t.cut {
		names = append(names, "truncated")
	}
	return names
}

func insertStatement(t table) []byte {
	return []byte("INSERT INTO " + t.name + " (\n" + wrap(t.names(), ", ") + "\n)\n")
}

// wrap breaks a list into lines.
func wrap(items []string, separator string) string {
	const width, indent = 124, "    "
	var b strings.Builder
	line := indent
	for i, item := range items {
		if i < len(items)-1 {
			item += separator
		}
		if len(line)+len(strings.TrimRight(item, " ")) > width {
			b.WriteString(strings.TrimRight(line, " ") + "\n")
			line = indent
		}
		line += item
	}
	return b.String() + line
}

func (s *source) layout(t table) {
	s.line("\nfunc %sLayout() []column {\nreturn []column{", lower(t.element))
	for i, name := range t.before() {
		kind := "typeString"
		switch i {
		case 0:
			kind = "typeID"
		case 1:
			kind = "typeVersion"
		}
		s.line("col(%q, %s),", name, kind)
	}
	for _, c := range t.own() {
		kind := chTypes()[c.typ]
		if c.key {
			kind = "typeID"
		}
		s.line("col(%q, %s),", c.name, kind)
	}
	if t.cut {
		s.line(`col("truncated", typeBool),`)
	}
	s.line("}\n}")
}

// row writes the method that appends a fact to the open block of its table. Columns of one type that follow each other are one call.
func (s *source) row(t table) {
	s.line("\nfunc (r *rows) %s(p place, f *fact.%s, ids *ids) {", lower(t.element), t.element)
	switch t.place {
	case inChannel:
		s.line("key := ids.next()\nb := p.begin(r.%s.open(), key)", t.name)
	case theChannel:
		s.line("b := p.begin(r.%s.open(), p.key)", t.name)
	case noChannel:
		s.line("key := ids.next()\nb := r.%s.open().row(key, p.Version).text(key).version(p.number).text(p.Source)", t.name)
	}
	if len(t.derived) > 0 {
		s.line("d := derive%s(f)", t.element)
	}
	derived := map[string]bool{}
	for _, c := range t.derived {
		derived[c.field.name] = true
	}
	var call string
	var values []string
	flush := func() {
		if call != "" {
			s.line("b.%s(%s)", call, strings.Join(values, ", "))
		}
		call, values = "", nil
	}
	for i, c := range t.own() {
		value := "f." + c.field.name
		method := blockCalls()[c.typ]
		switch {
		case i == 0 && t.place == inChannel:
			value = "key"
		case c.key || c.isHash():
			value = "ids.next()"
		case derived[c.field.name]:
			value = "d." + c.field.name
		}
		if method != call || method != "text" && method != "lists" {
			flush()
		}
		call, values = method, append(values, value)
	}
	flush()
	if t.cut {
		s.line("b.bool(p.Truncated)")
	}
	s.line("}")
}

// blockCalls are the methods of a block that append a value.
func blockCalls() map[string]string {
	return map[string]string{
		"string": "text", "[]string": "lists", "*time.Time": "time", "bool": "bool", "uint8": "uint8", "uint32": "uint32", "uint64": "uint64",
		"Hash": "text",
	}
}

func (s *source) addFacts(tables []table) {
	s.line("\n// addFacts appends every fact of a batch.\nfunc (r *rows) addFacts(p place, ids *ids) {")
	for _, t := range tables {
		s.line("for i := range p.%s {\nr.%s(p, &p.%s[i], ids)\n}", t.list, lower(t.element), t.list)
	}
	s.line("}")
}

// readIDs writes what reads the ids of a batch in the order in which the rows take them.
func (s *source) readIDs(tables []table) {
	s.line("\nfunc (r *idReader) facts(f *fact.Batch) {")
	var inside []string
	for _, t := range tables {
		if t.place != noChannel {
			inside = append(inside, "len(f."+t.list+")")
		}
	}
	s.line("r.read(\"channel_key\", f.ChannelKey, %s > 0)", strings.Join(inside, "+"))
	for _, t := range tables {
		s.line("for i := range f.%s {\nv := &f.%s[i]", t.list, t.list)
		for _, c := range t.columns {
			switch {
			case c.isHash():
				s.line("r.hash(v.%s)", c.field.name)
			case c.key:
				s.line("r.read(%q, v.%s, %t)", t.name+"."+c.json, c.field.name, !c.optional)
			}
		}
		s.line("}")
	}
	s.line("}")
}

func lower(s string) string { return strings.ToLower(s[:1]) + s[1:] }
