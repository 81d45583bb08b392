package telegram

import "strings"

// element is a tag of a page and what is in it. A text is an element without a tag.
type element struct {
	tag   string
	text  string
	attrs []attribute

	first, last *element // of what is in it
	next        *element // in what it is in itself
}

type attribute struct{ key, value string }

// attr returns the value of an attribute; empty if there is none.
func (e *element) attr(key string) string {
	for i := range e.attrs {
		if e.attrs[i].key == key {
			return e.attrs[i].value
		}
	}
	return ""
}

// is reports whether the element has a class.
func (e *element) is(class string) bool {
	classes := e.attr("class")
	i := strings.Index(classes, class)
	if i < 0 {
		return false
	}
	if end := i + len(class); (i == 0 || classes[i-1] == ' ') && (end == len(classes) || classes[end] == ' ') {
		return true
	}
	for c := range strings.FieldsSeq(classes) {
		if c == class {
			return true
		}
	}
	return false
}

// child returns the first element just below that has a class; nil if there is none.
func (e *element) child(class string) *element {
	for c := e.first; c != nil; c = c.next {
		if c.tag != "" && c.is(class) {
			return c
		}
	}
	return nil
}

// find returns the first element at any depth that has a class; nil if there is none.
func (e *element) find(class string) *element {
	for c := range e.all() {
		if c.is(class) {
			return c
		}
	}
	return nil
}

// all goes through the elements at any depth below, in the order of the page, texts included.
func (e *element) all() func(yield func(*element) bool) {
	return func(yield func(*element) bool) { e.each(yield) }
}

func (e *element) each(yield func(*element) bool) bool {
	for c := e.first; c != nil; c = c.next {
		if !yield(c) || !c.each(yield) {
			return false
		}
	}
	return true
}

// words is the text of an element as a reader sees it, but for what has one of the classes. Line ends within the page are
// layout: those of the text are tags.
func (e *element) words(without ...string) string {
	if e == nil {
		return ""
	}
	if c := e.first; c != nil && c.next == nil && c.tag == "" && e.tag != "br" && !e.isOf(without) { // nearly all
		return strings.ToValidUTF8(strings.Trim(c.text, " \t\r\n"), "\uFFFD")
	}
	var b strings.Builder
	e.write(&b, without)
	return strings.ToValidUTF8(strings.Trim(b.String(), " \t\r\n"), "\uFFFD")
}

func (e *element) write(b *strings.Builder, without []string) {
	switch {
	case e.tag == "":
		b.WriteString(e.text)
	case e.tag == "br":
		b.WriteByte('\n')
	case e.isOf(without):
	default:
		for c := e.first; c != nil; c = c.next {
			c.write(b, without)
		}
	}
}

// isOf reports whether the element has one of some classes.
func (e *element) isOf(classes []string) bool {
	for _, c := range classes {
		if e.is(c) {
			return true
		}
	}
	return false
}
