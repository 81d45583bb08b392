package main

import "strings"

// factCodec writes the codec of a batch of facts, and what else follows from the lists in it.
func factCodec(root string, files map[string][]byte) error {
	const dir = "internal/fact"
	d, err := load(root, dir)
	if err != nil {
		return err
	}
	c := &codec{
		declarations: d, source: newSource("fact", "strconv"), reader: "Reader", lists: true,
		structs: map[string]string{"Batch": "readBatch", "Version": "version"},
	}
	batch, err := c.get("Batch")
	if err != nil {
		return err
	}
	names := []string{"Batch", "Version"}
	var lists []field
	for _, f := range batch.fields {
		if element, ok := strings.CutPrefix(f.typ, "[]"); ok {
			lists, names = append(lists, f), append(names, element)
			c.structs[element] = strings.ToLower(element)
		}
	}
	for _, name := range names {
		c.writer(name)
		c.readerOf(name)
	}
	if err := c.finish(files, dir+"/codec_gen.go"); err != nil {
		return err
	}
	tables, err := tablesOf(d)
	if err != nil {
		return err
	}
	c.source = newSource("fact", "slices")
	c.batchLists(lists)
	c.setHashes(tables)
	c.truncatable(tables)
	for _, t := range tables {
		files["internal/ch/queries/states_"+t.name+".sql"] = statesQuery(t)
	}
	return c.finish(files, dir+"/batch_gen.go")
}

func (c *codec) batchLists(lists []field) {
	c.line("\n// Len returns how many facts the batch holds.\nfunc (b *Batch) Len() int {")
	sum := make([]string, len(lists))
	for i, f := range lists {
		sum[i] = "len(b." + f.name + ")"
	}
	c.line("return %s\n}", strings.Join(sum, " + "))
	c.line("\n// clearFacts drops what the lists refer to, and keeps their memory.\nfunc (b *Batch) clearFacts() {")
	for _, f := range lists {
		c.line("clear(b.%s)", f.name)
	}
	c.line("}")
}
