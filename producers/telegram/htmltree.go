package telegram

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"

	"golang.org/x/net/html"
)

// element is a tag of a page and what is in it. A text is an element without a tag.
type element struct {
	tag   string
	text  string
	attrs []attribute
	in    []*element
}

type attribute struct{ key, value string }

// deepest is how many tags a message may have around one another: the exporter uses a dozen.
const deepest = 100

var (
	errUnclosed = errors.New("a tag of the message is never closed")
	errTooDeep  = errors.New("the message has more tags around one another than any message")
)

// parseElement reads the element that b begins with, and returns how long it is. What follows it is left alone.
func parseElement(b []byte) (root *element, n int, err error) {
	z := html.NewTokenizer(bytes.NewReader(b))
	var open []*element
	for {
		kind := z.Next()
		if kind == html.ErrorToken {
			if errors.Is(z.Err(), io.EOF) {
				return nil, 0, errUnclosed
			}
			return nil, 0, z.Err()
		}
		n += len(z.Raw())
		switch kind {
		case html.TextToken:
			if len(open) > 0 {
				add(open, &element{text: string(z.Text())})
			}
		case html.StartTagToken, html.SelfClosingTagToken:
			e := opened(z)
			if root == nil {
				root = e
			}
			add(open, e)
			if kind == html.StartTagToken && !isVoid(e.tag) {
				open = append(open, e)
			}
		case html.EndTagToken:
			name, _ := z.TagName()
			open = closed(open, string(name))
		}
		switch {
		case len(open) > deepest:
			return nil, 0, errTooDeep
		case root != nil && len(open) == 0:
			return root, n, nil
		}
	}
}

func add(open []*element, e *element) {
	if len(open) > 0 {
		last := open[len(open)-1]
		last.in = append(last.in, e)
	}
}

func opened(z *html.Tokenizer) *element {
	name, more := z.TagName()
	e := &element{tag: known(name)}
	for more {
		var key, value []byte
		key, value, more = z.TagAttr()
		if e.attrs == nil {
			e.attrs = make([]attribute, 0, 2)
		}
		e.attrs = append(e.attrs, attribute{known(key), strings.ToValidUTF8(string(value), "\uFFFD")})
	}
	return e
}

// known returns the name of a tag or an attribute. The common ones are not allocated: a page has a dozen of them in each message.
func known(name []byte) string {
	switch string(name) {
	case "div":
		return "div"
	case "a":
		return "a"
	case "br":
		return "br"
	case "span":
		return "span"
	case "class":
		return "class"
	case "href":
		return "href"
	case "id":
		return "id"
	case "title":
		return "title"
	case "onclick":
		return "onclick"
	}
	return string(name)
}

// attr returns the value of an attribute; empty if there is none. Of two of one name the last counts.
func (e *element) attr(key string) (value string) {
	for i := range e.attrs {
		if e.attrs[i].key == key {
			value = e.attrs[i].value
		}
	}
	return value
}

// closed takes off the elements that an end tag closes. One that closes nothing is passed over, as a browser does.
func closed(open []*element, name string) []*element {
	for i := len(open) - 1; i >= 0; i-- {
		if open[i].tag == name {
			return open[:i]
		}
	}
	return open
}

// isVoid reports whether a tag has no end tag.
func isVoid(tag string) bool {
	switch tag {
	case "br", "img", "hr", "meta", "link", "input", "wbr", "source":
		return true
	}
	return false
}

// is reports whether the element has a class.
func (e *element) is(class string) bool {
	for c := range strings.FieldsSeq(e.attr("class")) {
		if c == class {
			return true
		}
	}
	return false
}

// child returns the first element just below that has a class; nil if there is none.
func (e *element) child(class string) *element {
	for _, c := range e.in {
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
	for _, c := range e.in {
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
	case slices.ContainsFunc(without, e.is):
	default:
		for _, c := range e.in {
			c.write(b, without)
		}
	}
}
