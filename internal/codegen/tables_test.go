package main

import (
	"strings"
	"testing"
)

// batchOf declares a batch with one kind of fact.
func batchOf(t *testing.T, fields string) ([]table, error) {
	t.Helper()
	return tablesOf(declare(t, "type Batch struct {\n\tV int `json:\"v\"`\n\tThings []Thing `json:\"things,omitempty\"`\n}\n"+
		"type Thing struct {\n"+fields+"\n\tHash Hash `json:\"hash,omitzero\" ch:\"content_hash\"`\n}\ntype Hash [16]byte\n"))
}

const thing = "\tID string `json:\"id\" ch:\"thing_id,key\"`\n\tName string `json:\"name,omitempty\" cut:\"text\"`\n\tText string `json:\"text\" hash:\"last\" cut:\"text\"`\n" +
	"\tBoss string `json:\"boss,omitempty\" ch:\"boss_key,key\"`\n\tCount uint32 `json:\"count\"`\n\tAt *time.Time `json:\"at,omitempty\"`\n" +
	"\tRemoved bool `json:\"removed,omitempty\"`\n\tTags []string `json:\"tags,omitempty\" cut:\"list\"`\n\tMood string `json:\"mood,omitempty\" hash:\"extra\" cut:\"-\"`"

func one(t *testing.T, fields string) table {
	t.Helper()
	tables, err := batchOf(t, fields)
	if err != nil {
		t.Fatal(err)
	}
	if len(tables) != 1 {
		t.Fatalf("%d tables", len(tables))
	}
	return tables[0]
}

func contains(t *testing.T, text string, parts ...string) {
	t.Helper()
	text = strings.Join(strings.Fields(text), " ")
	for _, p := range parts {
		if !strings.Contains(text, p) {
			t.Errorf("%s\nis not in\n%s", p, text)
		}
	}
}

func TestTablesOf(t *testing.T) {
	for name, c := range map[string]struct{ fields, want string }{
		"in a channel": {thing, "channel_key,version,source,namespace,channel,thing_id,name,text,boss_key,count,at,removed,tags,mood,content_hash,truncated"},
		"a channel":    {"\tName string `json:\"name\"`", "key,version,source,namespace,channel,name,content_hash"},
		"elsewhere":    {"\tKey string `json:\"key\" ch:\",key\"`\n\tID string `json:\"id\" ch:\"identity\"`", "key,version,source,identity,content_hash"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := strings.Join(one(t, c.fields).names(), ","); got != c.want {
				t.Errorf("%s\nand not %s", got, c.want)
			}
		})
	}
	for name, fields := range map[string]string{
		"a type without a column":    "\tF float64 `json:\"f\"`",
		"an unknown option":          "\tID string `json:\"id\" ch:\",index\"`",
		"a key that is no text":      "\tID uint64 `json:\"id\" ch:\",key\"`",
		"text that nobody says of":   "\tA string `json:\"a\" cut:\"text\"`\n\tB string `json:\"b\"`",
		"a list that nobody says of": "\tA string `json:\"a\" cut:\"text\"`\n\tB []string `json:\"b\"`",
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := batchOf(t, fields); err == nil {
				t.Error("no error")
			}
		})
	}
}

func TestCodec_setHashes(t *testing.T) {
	c := &codec{source: newSource("p")}
	c.setHashes([]table{one(t, thing)})
	contains(t, c.buf.String(), "c.begin(b.Source).text(b.Namespace, b.Channel, v.Name). key(v.Boss). number(uint64(v.Count)). time(v.At). bool(v.Removed). "+
		"list(v.Tags).text(v.Text)", `if v.Mood != "" { c.text("mood").text(v.Mood) }`, "v.Hash = c.sum()")
}

func TestStatesQuery(t *testing.T) {
	contains(t, string(statesQuery(one(t, thing))), "SELECT thing_id, generation, token, counter, removed AS gone, content_hash, truncated,",
		`concat(concatWithSeparator( '\x1f', source, namespace, channel, name, UUIDNumToString(boss_key), toString(count), `+
			`ifNull(toString(toUnixTimestamp64Micro(at)), ''), if(removed, 't', 'f'), arrayStringConcat(tags, '\x1e'), text), `+
			`if(mood = '', '', concat('\x1fmood\x1f', mood)))`, "FROM things FINAL", "ORDER BY thing_id")
	contains(t, string(statesQuery(one(t, "\tName string `json:\"name\"`"))), "SELECT key, generation, token, counter, false AS gone, content_hash, false AS truncated, content_hash =")
}

func TestCodec_truncatable(t *testing.T) {
	c := &codec{source: newSource("p")}
	c.truncatable([]table{one(t, thing)})
	contains(t, c.buf.String(), "c.Things = slices.Clone(b.Things)", "p.Texts = append(p.Texts, &v.Name, &v.Text) p.Lists = append(p.Lists, &v.Tags) }")
	c = &codec{source: newSource("p")}
	c.truncatable([]table{one(t, "\tName string `json:\"name\"`")})
	if strings.Contains(c.buf.String(), "Things") {
		t.Error("a fact of which nothing may be taken is copied")
	}
}

func TestSource_row(t *testing.T) {
	things := one(t, thing)
	things.derived = []column{{field: field{name: "Words", typ: "uint32"}, name: "words"}}
	s := newSource("p")
	s.layout(things)
	s.row(things)
	s.readIDs([]table{things})
	contains(t, s.buf.String(), `col("boss_key", typeID), col("count", typeUint32),`, `col("words", typeUint32), col("content_hash", typeID), col("truncated", typeBool),`,
		"b.text(key, f.Name, f.Text, ids.next()) b.uint32(f.Count) b.time(f.At) b.bool(f.Removed) b.lists(f.Tags) b.text(f.Mood) b.uint32(d.Words) b.text(ids.next()) b.bool(p.Truncated)",
		`r.read("things.id", v.ID, true) r.read("things.boss", v.Boss, false) r.hash(v.Hash)`)
}

func TestCodec_merges(t *testing.T) {
	c := &codec{source: newSource("p"), declarations: declare(t, "type Name string\ntype A struct {\n\tN Name\n\tOK bool\n\tX int\n\tL []string\n\tS []B\n\tP *B\n\tV B\n"+
		"\tI Instant\n\tM map[string]string\n}\ntype B struct{ N string }\nfunc mergeB(a, b *B) B { return mergeBFields(a, b) }\n")}
	c.merges([]string{"A", "B"})
	contains(t, c.buf.String(), "func mergeA(a, b *A) A { return A{ N: longer(a.N, b.N), OK: a.OK || b.OK, X: max(a.X, b.X), L: lists(a.L, b.L), S: each(a.S, b.S, mergeB), "+
		"P: both(a.P, b.P, mergeB), V: mergeB(&a.V, &b.V), I: MergeInstant(a.I, b.I), M: mergeTexts(a.M, b.M), }", "func mergeBFields(a, b *B) B {")
	c = &codec{source: newSource("p"), declarations: declare(t, "type A struct{ F func() }\n")}
	c.merges([]string{"A"})
	if c.err == nil {
		t.Error("a field that nothing joins is joined")
	}
}

func TestWrap(t *testing.T) {
	long := strings.Repeat("x", 60)
	if got, want := wrap([]string{"a", long, long, "b"}, ", "), "    a, "+long+",\n    "+long+", b"; got != want {
		t.Errorf("%q, not %q", got, want)
	}
}
