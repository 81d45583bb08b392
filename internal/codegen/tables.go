package main

import (
	"fmt"
	"strings"
)

// table is one kind of fact: a list of a batch, a table of ClickHouse and a table of PostgreSQL.
type table struct {
	name    string // of the tables
	list    string // field of fact.Batch
	element string // struct of one fact
	place   place
	columns []column // of the fact, in the order of its fields
	derived []column // that the analytics store adds
	cut     bool     // a fact that no message can carry is truncated: the table says so
}

// place says how a fact names its channel.
type place int

const (
	inChannel  place = iota // a thing in the channel of its batch
	theChannel              // the channel itself
	noChannel               // it has a key and a namespace of its own
)

// column is a field of a fact as a column.
type column struct {
	field
	name     string // in ClickHouse
	json     string // the field's name in JSON
	optional bool
	key      bool   // 32 hexadecimal digits, kept as 16 bytes
	hash     string // place in the content that is hashed: "", "last" or "extra"
}

// isHash says whether a column is the hash of all others.
func (c column) isHash() bool { return c.typ == "Hash" }

// text says whether a column is a string that is kept as it is.
func (c column) text() bool { return c.typ == "string" && !c.key }

// tablesOf are the kinds of fact, in the order of the lists of a batch.
func tablesOf(d *declarations) ([]table, error) {
	batch, err := d.get("Batch")
	if err != nil {
		return nil, err
	}
	var out []table
	for _, f := range batch.fields {
		element, ok := strings.CutPrefix(f.typ, "[]")
		if !ok {
			continue
		}
		s, err := d.get(element)
		if err != nil {
			return nil, err
		}
		t := table{name: jsonName(f), list: f.name, element: element}
		if t.columns, err = columnsOf(s); err != nil {
			return nil, err
		}
		switch first := t.columns[0]; {
		case !first.key:
			t.place = theChannel
		case first.name == "key":
			t.place = noChannel
		}
		for _, c := range t.columns {
			t.cut = t.cut || c.tag.Get("cut") != ""
		}
		if err := t.checkCuts(); err != nil {
			return nil, err
		}
		out = append(out, t)
	}
	return out, nil
}

// checkCuts returns an error for a text or a list without a cut tag: a fact that is too large could never be published.
func (t table) checkCuts() error {
	for _, c := range t.columns {
		if tag := c.tag.Get("cut"); t.cut && (c.text() || c.typ == "[]string") && tag == "" {
			return fmt.Errorf("field %s.%s has no cut tag", t.element, c.field.name)
		}
	}
	return nil
}

func columnsOf(s *structType) ([]column, error) {
	var out []column
	for _, f := range s.fields {
		c := column{field: f, json: jsonName(f), optional: strings.Contains(f.tag.Get("json"), ",omit"), hash: f.tag.Get("hash")}
		name, option, _ := strings.Cut(f.tag.Get("ch"), ",")
		if c.name = name; name == "" {
			c.name = c.json
		}
		c.key = option == "key"
		if option != "" && !c.key || c.key && f.typ != "string" {
			return nil, fmt.Errorf("field %s.%s: ch tag %q of a %s", s.name, f.name, f.tag.Get("ch"), f.typ)
		}
		if chTypes()[f.typ] == "" {
			return nil, fmt.Errorf("field %s.%s: no column for a %s", s.name, f.name, f.typ)
		}
		out = append(out, c)
	}
	return out, nil
}

func jsonName(f field) string {
	name, _, _ := strings.Cut(f.tag.Get("json"), ",")
	return name
}

// chTypes are the constants of consumers/aggregate for the types of columns.
func chTypes() map[string]string {
	return map[string]string{
		"string": "typeString", "[]string": "typeStrings", "*time.Time": "typeTime", "bool": "typeBool", "uint8": "typeUint8",
		"uint32": "typeUint32", "uint64": "typeUint64", "Hash": "typeID",
	}
}

// before are the columns before a fact's own: they are the same for all facts of a batch.
func (t table) before() []string {
	switch t.place {
	case theChannel:
		return []string{"key", "version", "source", "namespace", "channel"}
	case noChannel:
		return []string{"key", "version", "source"}
	}
	return []string{"channel_key", "version", "source", "namespace", "channel"}
}

// own are the columns behind those: the fact's, with what is derived from it before the hash.
func (t table) own() []column {
	columns := t.columns
	if t.place == noChannel { // its key comes first
		columns = columns[1:]
	}
	last := len(columns) - 1
	out := append([]column(nil), columns[:last]...)
	return append(append(out, t.derived...), columns[last])
}

// keyName is the column that the table is sorted by, within its channel.
func (t table) keyName() string {
	if t.place == theChannel {
		return "key"
	}
	return t.columns[0].name
}

// hashed are the columns that the hash is of, in the order of its content.
func (t table) hashed() (first, extra []column) {
	columns := t.columns[:len(t.columns)-1]
	if t.place != theChannel { // the key follows from the rest
		columns = columns[1:]
	}
	var last []column
	for _, c := range columns {
		switch c.hash {
		case "last":
			last = append(last, c)
		case "extra":
			extra = append(extra, c)
		default:
			first = append(first, c)
		}
	}
	return append(first, last...), extra
}
