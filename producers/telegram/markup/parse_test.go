package markup

import (
	"math/rand/v2"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// shapes are pieces of which elements are put together, well or badly.
// messageStart is how a message begins.
const messageStart = `<div class="message `

func shapes() []string {
	return []string{
		`<div class="message default clearfix" id="message7">`, `</div>`, `</div>`, `</div>`, "\n\n      ", `<div class="body">`, `<div class="text">`, `<br>`, `<br/>`, `<br />`,
		`<a href="https://example.org/?a=1&amp;b=2" onclick="return ShowHashtag(&quot;x&quot;)">`, `</a>`, `<span>`, `</span>`, `<img src="a.jpg" style="width: 1px"/>`,
		`<a href="?a&copy=1">`, `<a href='x' class=y hidden>`, `<A HREF="x">`, `<a class="a" class="b">`, `<a title="x"href="y">`, `<div/>`, `<a href="x"/>`, `<a / href="x">`, `<p a=/>`,
		`</div >`, `</DIV>`, `</>`, `</ x>`, `<!-- <div> -->`, `<!DOCTYPE html>`, `<?x?>`, `< b`, `<3`, `<`, `>`, `"`, `=`, `/`, `&`, `&amp;`, `&lt`, `&nbsp;`, `&ampx;`, `&#39;`, `&#x41;`, `&bogus;`,
		`<script>`, `</script>`, `<title>`, `</title>`, `<textarea>`, `<plaintext>`, `<tg-emoji emoji-id="5">`, `</tg-emoji>`, `<h1>`, `</h1>`, "\r\n", "\r", "\x00", "\xff", "\t", "\f",
		"текст", "text", " ", "\n", `<div title="`, `<div title="a` + "\xff\n" + `b">`, `<div ключ="x">`, `<div a-b="1" c2="2">`, `<i><b></i></b>`, strings.Repeat("<u>", 60), strings.Repeat("<u>", 102),
	}
}

// sameElements fails if an element that parsePrinted takes is another to parseAny.
func sameElements(t *testing.T, s string) (taken bool) {
	t.Helper()
	got, n := parsePrinted(s)
	if got == nil {
		return false
	}
	want, m, err := parseAny(s)
	if err != nil || m != n {
		t.Fatalf("%q: %d bytes are taken, %d should be: %v", s, n, m, err)
	}
	if !reflect.DeepEqual(plainTree(got), plainTree(want)) {
		t.Fatalf("%q is read as %v, and is %v", s, plainTree(got), plainTree(want))
	}
	return true
}

// plainTree is an element in the form in which two can be compared.
func plainTree(e *Element) any {
	type node struct {
		Tag, Text string
		Attrs     []attribute
		In        []any
	}
	out := node{Tag: e.Tag, Text: e.text, Attrs: slices.Clip(e.attrs)}
	for c := e.First; c != nil; c = c.Next {
		out.In = append(out.In, plainTree(c))
	}
	return out
}

func TestParsePrinted(t *testing.T) {
	t.Run("what the exporter writes is taken", func(t *testing.T) {
		for _, name := range []string{"messages.html", "messages2.html"} {
			b, err := os.ReadFile("../testdata/page/" + name)
			if err != nil {
				t.Fatal(err)
			}
			page := string(b)
			parts := strings.Split(page, messageStart)
			taken := 0
			for _, part := range parts[1:] {
				if sameElements(t, messageStart+part) {
					taken++
				}
			}
			if taken < len(parts)*3/4 {
				t.Errorf("%s: of %d messages only %d are taken", name, len(parts)-1, taken)
			}
		}
	})
	t.Run("what is taken is what a browser reads", func(t *testing.T) {
		r, parts, taken := rand.New(rand.NewPCG(1, 2)), shapes(), 0
		for range 200_000 {
			var b strings.Builder
			few := 1 + r.IntN(len(parts)) // of so many kinds, so that many are well formed
			b.WriteString(parts[r.IntN(min(few, 7))])
			for range r.IntN(14) {
				b.WriteString(parts[r.IntN(few)])
			}
			if sameElements(t, b.String()) {
				taken++
			}
		}
		if taken < 10_000 {
			t.Errorf("only %d were taken", taken)
		}
	})
}

func FuzzParsePrinted(f *testing.F) {
	for _, s := range shapes() {
		f.Add(s)
		f.Add(messageStart + `">` + s + "</div>")
	}
	f.Fuzz(func(t *testing.T, s string) { sameElements(t, s) })
}
