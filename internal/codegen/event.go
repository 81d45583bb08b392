package main

// eventCodec writes the codec of the envelope. Of bodies only a message is written and read field by field: of a million events
// hardly another has one of the others.
func eventCodec(root string, files map[string][]byte) error {
	const dir = "internal/event"
	d, err := load(root, dir)
	if err != nil {
		return err
	}
	c := &codec{
		declarations: d, source: newSource("event", "strconv", "time"), reader: "fastDecoder",
		structs: map[string]string{
			"Reading": "reading", "Printed": "printed", "Person": "person", "Instant": "instant", "Ref": "ref", "Message": "message",
		},
	}
	c.eventHeader()
	for _, name := range []string{"Reading", "Printed", "Person", "Instant", "Message", "Ref"} {
		c.writer(name)
		c.readerOf(name)
	}
	if err := c.finish(files, dir+"/codec_gen.go"); err != nil {
		return err
	}
	c.source = newSource("event")
	c.merges([]string{"Message", "Ref", "Person", "Forward", "Attachment", "Service"})
	return c.finish(files, dir+"/merge_gen.go")
}

// eventHeader writes what an envelope says before the body: the fields of Event that have a wire tag.
func (c *codec) eventHeader() {
	s, err := c.get("Event")
	if err != nil {
		c.err = err
		return
	}
	fields := c.jsonFields(s, "wire")
	c.line("\n// wireHeader is what stands in an envelope between the id and the body.\ntype wireHeader struct {")
	for _, f := range fields {
		c.line("%s %s `json:%q`", f.name, f.typ, f.tag.Get("wire"))
	}
	c.line("}\n\nfunc (h *wireHeader) event() *Event {\nreturn &Event{")
	for _, f := range fields {
		c.line("%s: h.%s,", f.name, f.name)
	}
	c.line("}\n}\n\nfunc appendHeader(b []byte, v *Event) (_ []byte, err error) {")
	for _, f := range fields {
		c.write(s, f, literal(","+f.key))
	}
	c.line("return b, nil\n}\n\nfunc (r *%s) header(v *Event) {", c.reader)
	for _, f := range fields {
		c.read(s, f, literal(","+f.key))
	}
	c.line("}")
}
