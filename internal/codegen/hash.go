package main

import (
	"fmt"
	"strings"
)

// setHashes writes the method that sets the hash of every fact in a batch.
func (c *codec) setHashes(tables []table) {
	c.line("\n// SetHashes sets the hash of every fact in the batch.\nfunc (b *Batch) SetHashes() {\nc := content{buf: make([]byte, 0, 1024)}")
	for _, t := range tables {
		c.line("for i := range b.%s {\nv := &b.%s[i]", t.list, t.list)
		first, extra := t.hashed()
		chain := "c.begin(b.Source)"
		var texts []string
		if t.place != noChannel {
			texts = []string{"b.Namespace", "b.Channel"}
		}
		flush := func() {
			if len(texts) > 0 {
				chain += ".text(" + strings.Join(texts, ", ") + ")"
			}
			texts = nil
		}
		for _, f := range first {
			if f.text() {
				texts = append(texts, "v."+f.field.name)
				continue
			}
			flush()
			chain += ".\n" + contentCall(f)
		}
		flush()
		c.line("%s", chain)
		for _, f := range extra {
			c.line("if %s {\nc.text(%q).%s\n}", nonZero(f, "v."+f.field.name), f.json, contentCall(f))
		}
		c.line("v.Hash = c.sum()\n}")
	}
	c.line("}")
}

func contentCall(f column) string {
	value := "v." + f.field.name
	switch {
	case f.key:
		return "key(" + value + ")"
	case f.typ == "[]string":
		return "list(" + value + ")"
	case f.typ == "*time.Time":
		return "time(" + value + ")"
	case f.typ == "bool":
		return "bool(" + value + ")"
	case f.typ == "uint64":
		return "number(" + value + ")"
	case strings.HasPrefix(f.typ, "uint"):
		return "number(uint64(" + value + "))"
	}
	return "text(" + value + ")"
}

func nonZero(f column, value string) string {
	switch {
	case f.typ == "string":
		return value + ` != ""`
	case f.typ == "[]string":
		return "len(" + value + ") > 0"
	case f.typ == "bool":
		return value
	case f.typ == "*time.Time":
		return value + " != nil && InRange(*" + value + ")"
	}
	return value + " != 0"
}

// statesQuery reads, in ClickHouse, every row of a table with its hash, and whether the columns still give that hash.
func statesQuery(t table) []byte {
	first, extra := t.hashed()
	parts := []string{`'\x1f'`, "source"}
	if t.place != noChannel {
		parts = append(parts, "namespace", "channel")
	}
	for _, c := range first {
		parts = append(parts, chText(c))
	}
	content := "concatWithSeparator(\n" + indent(wrap(parts, ", "), "    ") + ")"
	if len(extra) > 0 {
		content = "concat(" + content
		for _, c := range extra {
			content += fmt.Sprintf(",\n        if(%s, '', concat('\\x1f%s\\x1f', %s))", chZero(c), c.json, chText(c))
		}
		content += ")"
	}
	gone, cut, unknown := "false", "false AS truncated", ""
	for _, c := range t.columns {
		if c.typ == "bool" && (c.json == "deleted" || c.json == "removed") {
			gone = c.name
		}
	}
	if t.cut {
		cut, unknown = "truncated", "truncated OR "
	}
	key := t.keyName()
	return []byte(fmt.Sprintf(`-- intact: the columns are what the hash is of, as fact.Hash defines it; of a truncated row and of one without a hash nobody can say.
SELECT %s, generation, token, counter, %s AS gone, content_hash, %s,
    %scontent_hash = toFixedString('', 16) OR
    content_hash = toFixedString(substring(SHA256(%s), 1, 16), 16) AS intact
FROM %s FINAL
WHERE %s >= toFixedString(unhex({from:String}), 16) AND %s <= toFixedString(unhex({to:String}), 16)
ORDER BY %s
SETTINGS query_plan_execute_functions_after_sorting = 0 -- only the columns above are sorted, not those that the hash is of
`, key, gone, cut, unknown, content, t.name, key, key, key))
}

func indent(text, by string) string { return by + strings.ReplaceAll(text, "\n", "\n"+by) }

// chText is a column of ClickHouse as text of the content.
func chText(c column) string {
	switch {
	case c.key:
		return "UUIDNumToString(" + c.name + ")"
	case c.typ == "[]string":
		return "arrayStringConcat(" + c.name + `, '\x1e')`
	case c.typ == "*time.Time":
		return "ifNull(toString(toUnixTimestamp64Micro(" + c.name + ")), '')"
	case c.typ == "bool":
		return "if(" + c.name + ", 't', 'f')"
	case c.typ == "string":
		return c.name
	}
	return "toString(" + c.name + ")"
}

func chZero(c column) string {
	switch c.typ {
	case "string":
		return c.name + " = ''"
	case "[]string":
		return "empty(" + c.name + ")"
	case "*time.Time":
		return "isNull(" + c.name + ")"
	case "bool":
		return "NOT " + c.name
	}
	return c.name + " = 0"
}
