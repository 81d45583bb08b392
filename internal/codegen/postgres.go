package main

import (
	"fmt"
	"slices"
	"strings"
)

// rowTable is a kind of fact with the row that PostgreSQL keeps of it.
type rowTable struct {
	table
	row    string // struct of package projection
	fields []rowField
	byHand bool // the row has a method Fact of its own, which completes what is written here
}

// rowField is a field of a row.
type rowField struct {
	field
	columns []string // of PostgreSQL; an instant may have four
	facts   []string // fields of the fact that it fills; an instant may fill three
	read    bool     // facts that are made again need it
}

// sqlOf are fields of a fact that are no column of PostgreSQL: what they are made of, of the row s.
func sqlOf() map[string]string {
	return map[string]string{
		"Message.Forwarded": `coalesce(s.body ? 'forward', false)`,
		"Message.Media": `CASE WHEN s.attachments IS NULL THEN '' ELSE coalesce((SELECT string_agg(coalesce(a.value ->> 'kind', ''), E'\x1e' ORDER BY a.ordinality)
        FROM jsonb_array_elements(s.attachments) WITH ORDINALITY AS a), '') END`,
		"Message.Text": `CASE WHEN s.erased OR s.text IS NULL THEN '' ELSE s.text END`,
	}
}

// postgres writes how rows are copied into PostgreSQL, read for facts and turned into facts, and the queries that compare them with what
// ClickHouse holds.
func postgres(root string, files map[string][]byte) error {
	facts, err := load(root, "internal/fact")
	if err != nil {
		return err
	}
	tables, err := tablesOf(facts)
	if err != nil {
		return err
	}
	rows, err := load(root, "consumers/normalise/projection")
	if err != nil {
		return err
	}
	const project, store = "consumers/normalise/projection", "consumers/normalise"
	projection := newSource("projection", "github.com/agrichat/agrichat/internal/event", "github.com/agrichat/agrichat/internal/fact")
	normalise := newSource("normalise", "time", "", "github.com/jackc/pgx/v5", "", "github.com/agrichat/agrichat/consumers/normalise/projection",
		"github.com/agrichat/agrichat/internal/event", "github.com/agrichat/agrichat/internal/pg")
	for _, t := range tables {
		r, err := rowOf(rows, t)
		if err != nil {
			return err
		}
		if r == nil { // its rows are events
			continue
		}
		projection.fact(r)
		normalise.scan(r)
		if t.place == inChannel {
			normalise.copy(r)
			files[store+"/queries/"+t.name+"_copy.sql"] = copyStatement(r)
		}
		files[store+"/queries/facts_"+t.name+".sql"] = factsQuery(r)
		files["internal/verify/queries/states_"+t.name+".sql"] = rowStatesQuery(r)
	}
	if files[project+"/rows_gen.go"], err = projection.gofmt(project); err != nil {
		return err
	}
	files[store+"/columns_gen.go"], err = normalise.gofmt(store)
	return err
}

// rowOf is the row of a kind of fact; nil if it has none.
func rowOf(d *declarations, t table) (*rowTable, error) {
	s := d.structs[t.element+"Row"]
	if s == nil {
		return nil, nil
	}
	r := &rowTable{table: t, row: s.name, byHand: d.methods[s.name]["Fact"]}
	filled := map[string]bool{}
	for _, f := range s.fields {
		out := rowField{field: f}
		if tag := f.tag.Get("pg"); tag != "" {
			out.columns = strings.Split(tag, ",")
		}
		if tag := f.tag.Get("fact"); tag != "" {
			out.read = true
			if tag != "-" {
				out.facts = strings.Split(tag, ",")
			}
		}
		for _, name := range out.facts {
			filled[name] = true
		}
		r.fields = append(r.fields, out)
	}
	for _, c := range t.columns {
		if !c.isHash() && !filled[c.field.name] && sqlOf()[t.element+"."+c.field.name] == "" {
			return nil, fmt.Errorf("no field of %s fills fact.%s.%s", s.name, t.element, c.field.name)
		}
	}
	return r, nil
}

// copy writes what puts a row into a COPY.
func (s *source) copy(r *rowTable) {
	names := r.copied()
	s.line("\n// %sColumns is how many columns put%s fills, in the order of queries/%s_copy.sql.\nconst %sColumns = %d", lower(r.element), r.element, r.name, lower(r.element), len(names))
	s.line("\nfunc put%s(c *pg.Copy, r *projection.%s, v rowVersion) {\nc.Row()\nc.UUID(r.Key)", r.element, r.row)
	for _, f := range r.fields {
		value := "r." + f.name
		switch {
		case len(f.columns) == 0:
		case len(f.columns) > 1:
			s.line("putInstant(c, %s)", value)
		default:
			s.line(putForms()[f.typ], value)
		}
	}
	s.line("v.put(c)\n}")
}

// putForms are the calls that put a value of a type.
func putForms() map[string]string {
	return map[string]string{
		"event.ThingID": "c.UUID(%s)", "event.ID": "c.UUID(%s)", "event.Key": "c.UUID(%s)", "[16]byte": "c.UUID(%s)", "*[16]byte": "c.UUIDOrNull(%s)",
		"string": "c.Text(%s)", "*string": "c.TextOrNull(%s)", "bool": "c.Bool(%s)", "int32": "c.Int32(%s)", "event.Position": "c.Int64(int64(%s))",
		"event.Instant": "c.TimeOrNull(projection.TimeOrNil(%s))", "*time.Time": "c.TimeOrNull(%s)", "[]string": "c.Texts(%s)", "json.RawMessage": "c.JSON(%s)",
	}
}

// copied are the columns of a COPY.
func (r *rowTable) copied() []string {
	names := []string{"channel_key"}
	for _, f := range r.fields {
		names = append(names, f.columns...)
	}
	return append(names, "changed", "token")
}

func copyStatement(r *rowTable) []byte {
	return []byte("COPY agrichat." + r.name + " (\n" + wrap(r.copied(), ", ") + "\n) FROM STDIN (FORMAT binary)\n")
}

// scanned are the fields that are read for facts, but for those that every query of facts begins with.
func (r *rowTable) scanned() []rowField {
	var out []rowField
	for _, f := range r.fields {
		column := len(f.columns) > 0 && !(r.place == noChannel && slices.Contains([]string{"key", "source", "namespace", "identity"}, f.columns[0]))
		expression := len(f.columns) == 0 && len(f.facts) == 1 && f.typ == "bool" && sqlOf()[r.element+"."+f.facts[0]] != ""
		if f.read && (column || expression) {
			out = append(out, f)
		}
	}
	return out
}

// selected are the columns of an instant that facts need: without the zone's name.
func (f rowField) selected() []string {
	return slices.DeleteFunc(slices.Clone(f.columns), func(c string) bool { return c == "zone" })
}

// scan writes what reads a row for facts.
func (s *source) scan(r *rowTable) {
	s.line("\n// scan%sColumns reads a row of queries/facts_%s.sql.", r.element, r.name)
	s.line("func scan%sColumns(row pgx.CollectableRow, p *scannedPlace, r *projection.%s) error {", r.element, r.row)
	var into, after []string
	for _, f := range r.scanned() {
		value, local := "r."+f.name, lower(f.name)+"Column"
		switch f.typ {
		case "event.ThingID", "event.ID", "event.Key":
			s.line("var %s [16]byte", local)
			into, after = append(into, "&"+local), append(after, value+" = "+local)
		case "event.Position":
			s.line("var %s int64", local)
			into, after = append(into, "&"+local), append(after, value+" = event.Position("+local+")")
		case "json.RawMessage":
			s.line("var %s []byte", local)
			into, after = append(into, "&"+local), append(after, value+" = "+local)
		case "event.Instant":
			s.line("var %s *time.Time", local)
			into, after = append(into, "&"+local), append(after, "setAt(&"+value+", "+local+")")
			if len(f.columns) > 1 {
				s.line("var precision int16")
				into, after = append(into, "&precision", "&"+value+".Assumed"), append(after, value+".Precision = event.Precision(precision)")
			}
		default:
			into = append(into, "&"+value)
		}
	}
	s.line("if err := row.Scan(p.into(%s)...); err != nil {\nreturn err\n}\n%s\nreturn nil\n}", strings.Join(into, ", "), strings.Join(after, "\n"))
}

// factsQuery reads the rows that some transactions changed, with all that their facts say.
func factsQuery(r *rowTable) []byte {
	names := []string{"s.changed", "s.token", "c.key", "c.source", "c.namespace", "c.channel"}
	from := "agrichat." + r.name + " s JOIN agrichat.channels c ON c.key = s.channel_key"
	switch r.place {
	case theChannel:
		names, from = []string{"s.changed", "s.token", "s.key", "s.source", "s.namespace", "s.channel"}, "agrichat."+r.name+" s"
	case noChannel:
		names, from = []string{"s.changed", "s.token", "s.key", "s.source", "s.namespace", "s.identity"}, "agrichat."+r.name+" s"
	}
	for _, f := range r.scanned() {
		if len(f.columns) == 0 {
			names = append(names, sqlOf()[r.element+"."+f.facts[0]])
		}
		for _, c := range f.selected() {
			names = append(names, "s."+c)
		}
	}
	where := "s.changed BETWEEN $1 AND $2 AND ($3::bigint[] IS NULL OR s.changed = ANY ($3))"
	for _, f := range r.fields {
		if f.typ == "*string" && slices.Contains(f.facts, "Kind") { // a placeholder has none
			where = "s.kind IS NOT NULL AND " + where
		}
	}
	return []byte("SELECT" + strings.TrimPrefix(wrap(names, ", "), "   ") + "\nFROM " + from + "\nWHERE " + where + "\n")
}

// fact writes what makes a fact of a row.
func (s *source) fact(r *rowTable) {
	name := "Fact"
	if r.byHand {
		name = "factFields"
	}
	s.line("\nfunc (r *%s) %s() fact.%s {\nreturn fact.%s{", r.row, name, r.element, r.element)
	for _, f := range r.fields {
		value := "r." + f.name
		for i, to := range f.facts {
			from := fmt.Sprintf(factForms()[f.typ], value)
			switch i {
			case 1:
				from = "uint8(" + value + ".Precision)"
			case 2:
				from = value + ".Assumed"
			}
			s.line("%s: %s,", to, from)
		}
	}
	s.line("}\n}")
}

// factForms make of a field of a row what a fact holds.
func factForms() map[string]string {
	return map[string]string{
		"event.ThingID": "%s.String()", "event.ID": "%s.String()", "event.Key": "%s.String()", "[16]byte": "event.ThingID(%s).String()", "*[16]byte": "keyText(%s)",
		"string": "%s", "*string": "deref(%s)", "bool": "%s", "int32": "uint32(%s)", "event.Position": "uint64(%s)", "event.Instant": "TimeOrNil(%s)",
		"*time.Time": "%s", "[]string": "%s", "event.Namespace": "string(%s)", "event.AuthorID": "string(%s)",
	}
}

// rowStatesQuery reads, in PostgreSQL, every row of a table with the hash that its fact has.
func rowStatesQuery(r *rowTable) []byte {
	first, extra := r.hashed()
	parts := []string{`E'\x1f'`}
	switch r.place {
	case inChannel:
		parts = append(parts, "c.source", "c.namespace", "c.channel")
	case theChannel:
		parts = append(parts, "s.source", "s.namespace", "s.channel")
	case noChannel:
		parts = append(parts, "s.source")
	}
	for _, c := range first {
		parts = append(parts, r.pgText(c))
	}
	content := "concat_ws(\n" + wrap(parts, ", ") + ")"
	for _, c := range extra {
		content += fmt.Sprintf(" ||\n    CASE WHEN %s THEN '' ELSE concat_ws(E'\\x1f', '', '%s', %s) END", r.pgZero(c), c.json, r.pgText(c))
	}
	hash := "substring(sha256(convert_to(" + content + ", 'UTF8')) FOR 16)"
	known, from := "", "agrichat."+r.name+" s"
	if r.place == inChannel {
		hash, known = "CASE WHEN c.key IS NOT NULL THEN "+hash+" END", ", if the channel is known"
		from += " LEFT JOIN agrichat.channels c ON c.key = s.channel_key"
	}
	if sqlOf()[r.element+".Text"] != "" {
		from += " WHERE s.kind IS NOT NULL"
	}
	key := r.keyName()
	return []byte(fmt.Sprintf(`-- $1 and $2 are taken for the sake of one form for all kinds. The last column: the hash of the fact (fact.Hash)%s.
SELECT s.%s, s.changed, s.token, $1::int IS NULL AND $2::bigint IS NULL, %s
FROM %s ORDER BY s.%s
`, known, key, hash, from, key))
}

// from is the field of the row that fills a column's field, and its column.
func (r *rowTable) from(c column) (f rowField, name string) {
	for _, f := range r.fields {
		if i := slices.Index(f.facts, c.field.name); i >= 0 && len(f.columns) > 0 {
			return f, "s." + f.selected()[i]
		}
	}
	return rowField{}, ""
}

// pgText is a column of PostgreSQL as text of the content.
func (r *rowTable) pgText(c column) string {
	if sql := sqlOf()[r.element+"."+c.field.name]; sql != "" {
		return sql
	}
	f, name := r.from(c)
	switch {
	case f.typ == "*[16]byte":
		return "coalesce(" + name + ", '00000000-0000-0000-0000-000000000000'::uuid)"
	case f.typ == "*string":
		return "coalesce(" + name + ", '')"
	case f.typ == "[]string":
		return "array_to_string(" + name + `, E'\x1e')`
	case c.typ == "*time.Time":
		return fmt.Sprintf("coalesce((CASE WHEN %s >= '1900-01-01 00:00Z' AND %s < '2262-01-01 00:00Z' THEN (extract(epoch FROM %s) * 1000000)::bigint END)::text, '')", name, name, name)
	}
	return name
}

// pgZero says whether an extra field is not set.
func (r *rowTable) pgZero(c column) string {
	_, name := r.from(c)
	switch c.typ {
	case "string":
		return r.pgText(c) + " = ''"
	case "[]string":
		return "cardinality(" + name + ") = 0"
	case "*time.Time":
		return r.pgText(c) + " = ''"
	case "bool":
		return "NOT " + name
	}
	return name + " = 0"
}
