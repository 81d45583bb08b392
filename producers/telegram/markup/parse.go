package markup

import (
	"errors"
	"io"
	"strings"

	"golang.org/x/net/html"
)

// deepest is how many tags a message may have around one another: the exporter uses a dozen.
const deepest = 100

var (
	errUnclosed = errors.New("a tag of the message is never closed")
	errTooDeep  = errors.New("the message has more tags around one another than any message")
)

// Parse reads the element that s begins with, and returns how long it is. What follows it is left alone. The element refers to s.
func Parse(s string) (root *Element, n int, err error) {
	if root, n = parsePrinted(s); root != nil {
		return root, n, nil
	}
	return parseAny(s)
}

// tree is an element that is being read. What it is made of is allocated in blocks: a message has some dozens of each.
type tree struct {
	root     *Element
	open     []*Element // what is not closed yet
	elements []Element  // free ones
	attrs    []attribute
}

const (
	elementBlock   = 24
	attributeBlock = 12
)

func (t *tree) add(tag, text string) *Element {
	if len(t.elements) == 0 {
		t.elements = make([]Element, elementBlock)
	}
	e := &t.elements[0]
	t.elements = t.elements[1:]
	e.Tag, e.text = tag, text
	if t.root == nil {
		t.root = e
	}
	if len(t.open) == 0 {
		return e
	}
	in := t.open[len(t.open)-1]
	if in.last == nil {
		in.First = e
	} else {
		in.last.Next = e
	}
	in.last = e
	return e
}

// addAttr adds an attribute to the element that was added last.
func (t *tree) addAttr(e *Element, key, value string) {
	if len(t.attrs) == cap(t.attrs) {
		t.attrs = append(make([]attribute, 0, attributeBlock+len(e.attrs)), e.attrs...)
	}
	t.attrs = append(t.attrs, attribute{key, strings.ToValidUTF8(value, "\uFFFD")})
	e.attrs = t.attrs[len(t.attrs)-len(e.attrs)-1 : len(t.attrs) : len(t.attrs)]
}

// close takes off the elements that an end tag closes. One that closes nothing is passed over, as a browser does.
func (t *tree) close(name string) {
	for i := len(t.open) - 1; i >= 0; i-- {
		if t.open[i].Tag == name {
			t.open = t.open[:i]
			return
		}
	}
}

// parseAny reads an element as browsers do, whatever it is written like.
func parseAny(s string) (root *Element, n int, err error) {
	z := html.NewTokenizer(strings.NewReader(s))
	var t tree
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
			if len(t.open) > 0 {
				t.add("", string(z.Text()))
			}
		case html.StartTagToken, html.SelfClosingTagToken:
			name, more := z.TagName()
			e := t.add(string(name), "")
			for more {
				var key, value []byte
				key, value, more = z.TagAttr()
				t.addAttr(e, string(key), string(value))
			}
			if kind == html.StartTagToken && !isVoid(e.Tag) {
				t.open = append(t.open, e)
			}
		case html.EndTagToken:
			name, _ := z.TagName()
			t.close(string(name))
		}
		switch {
		case len(t.open) > deepest:
			return nil, 0, errTooDeep
		case t.root != nil && len(t.open) == 0:
			return t.root, n, nil
		}
	}
}

// isVoid reports whether a tag has no end tag.
func isVoid(tag string) bool {
	switch tag {
	case "br", "img", "hr", "meta", "link", "input", "wbr", "source":
		return true
	}
	return false
}
