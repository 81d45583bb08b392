// Package markup parses one element of a page of Telegram Desktop into a small tree.
//
// It promises the tree that a browser would make, and takes a fast path where the text is written as the exporter writes it. It parses elements,
// not documents: the caller finds where one begins.
package markup

import (
	"strings"
)

// Element is a tag of a page and what is in it. A text is an element without a tag.
type Element struct {
	Tag   string
	text  string
	attrs []attribute

	First, last *Element // of what is in it
	Next        *Element // in what it is in itself
}

type attribute struct{ key, value string }

// Attr returns the value of an attribute; empty if there is none.
func (e *Element) Attr(key string) string {
	for i := range e.attrs {
		if e.attrs[i].key == key {
			return e.attrs[i].value
		}
	}
	return ""
}

// Is reports whether the element has a class.
func (e *Element) Is(class string) bool {
	classes := e.Attr("class")
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

// Child returns the first element just below that has a class; nil if there is none.
func (e *Element) Child(class string) *Element {
	for c := e.First; c != nil; c = c.Next {
		if c.Tag != "" && c.Is(class) {
			return c
		}
	}
	return nil
}

// Find returns the first element at any depth that has a class; nil if there is none.
func (e *Element) Find(class string) *Element {
	for c := range e.All() {
		if c.Is(class) {
			return c
		}
	}
	return nil
}

// All goes through the elements at any depth below, in the order of the page, texts included.
func (e *Element) All() func(yield func(*Element) bool) {
	return func(yield func(*Element) bool) { e.each(yield) }
}

func (e *Element) each(yield func(*Element) bool) bool {
	for c := e.First; c != nil; c = c.Next {
		if !yield(c) || !c.each(yield) {
			return false
		}
	}
	return true
}

// Words is the text of an element as a reader sees it, but for what has one of the classes. Line ends within the page are
// layout: those of the text are tags.
func (e *Element) Words(without ...string) string {
	if e == nil {
		return ""
	}
	if c := e.First; c != nil && c.Next == nil && c.Tag == "" && e.Tag != "br" && !e.isOf(without) { // nearly all
		return strings.ToValidUTF8(strings.Trim(c.text, " \t\r\n"), "\uFFFD")
	}
	var b strings.Builder
	e.write(&b, without)
	return strings.ToValidUTF8(strings.Trim(b.String(), " \t\r\n"), "\uFFFD")
}

func (e *Element) write(b *strings.Builder, without []string) {
	switch {
	case e.Tag == "":
		b.WriteString(e.text)
	case e.Tag == "br":
		b.WriteByte('\n')
	case e.isOf(without):
	default:
		for c := e.First; c != nil; c = c.Next {
			c.write(b, without)
		}
	}
}

// isOf reports whether the element has one of some classes.
func (e *Element) isOf(classes []string) bool {
	for _, c := range classes {
		if e.Is(c) {
			return true
		}
	}
	return false
}
