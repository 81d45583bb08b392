package projection

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/agrichat/agrichat/internal/event"
)

func TestReferences_Links(t *testing.T) {
	for _, tt := range []struct {
		text   string
		marked []string
		want   []string
	}{
		{text: "begin with http:// or https://, not with tg://!"},
		{marked: []string{"http://", "https:///"}},
		{text: "see https://example.org/x", marked: []string{"https://example.org/y"}, want: []string{"https://example.org/y", "https://example.org/x"}},
		{text: "see www.example.org", marked: []string{"https://www.example.org"}, want: []string{"https://www.example.org"}},
		{text: "see www.example.org", want: []string{"www.example.org"}},
	} {
		links, _, _ := references(&event.Message{Text: tt.text, Links: tt.marked})
		if len(links)+len(tt.want) > 0 && !cmp.Equal(tt.want, links) {
			t.Errorf("%q and %q give %q, want %q", tt.text, tt.marked, links, tt.want)
		}
	}
}

// TestReferences_StatedLinks: where a source says where its links end, what a scan finds beyond such an end is no link.
func TestReferences_StatedLinks(t *testing.T) {
	stated := map[string]string{event.DetailLinksStated: "true"}
	for _, tt := range []struct {
		text    string
		links   []string
		details map[string]string
		want    []string
	}{
		{"https://e.example/xNow", []string{"https://e.example/x"}, stated, []string{"https://e.example/x"}},
		{"тамhttps://e.example/миртут", []string{"https://e.example/мир"}, stated, []string{"https://e.example/мир"}},
		{"www.e.exampleNow", []string{"https://www.e.example"}, stated, []string{"https://www.e.example"}},
		{"https://e.example/a https://e.example/bc", []string{"https://e.example", "https://e.example/a", "https://e.example/b"}, stated,
			[]string{"https://e.example", "https://e.example/a", "https://e.example/b"}},
		{"https://e.example/xNow https://f.example", []string{"https://e.example/x"}, stated, []string{"https://e.example/x", "https://f.example"}},
		{"https://e.example/x", []string{"", "https://"}, stated, []string{"https://e.example/x"}},
		{"e https://e.example/a", []string{"https://e.example"}, nil, []string{"https://e.example", "https://e.example/a"}},
	} {
		links, _, _ := references(&event.Message{Text: tt.text, Links: tt.links, Details: tt.details})
		if !cmp.Equal(tt.want, links) {
			t.Errorf("%q and %q give %q, want %q", tt.text, tt.links, links, tt.want)
		}
	}
}

// TestMessageRow_ReplyTo: a message of another channel may have the id of one that stands here.
func TestMessageRow_ReplyTo(t *testing.T) {
	for name, tt := range map[string]struct {
		to   event.Ref
		want string
	}{
		"here":                  {event.Ref{NativeID: "2"}, "2"},
		"here by its full name": {event.Ref{Namespace: "n", Channel: "c", NativeID: "2"}, "2"},
		"another channel":       {event.Ref{Channel: "d", NativeID: "2"}, ""},
		"another namespace":     {event.Ref{Namespace: "m", Channel: "c", NativeID: "2"}, ""},
		"the same, unnamed":     {event.Ref{Namespace: "m", NativeID: "2"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := &MessageRow{ChannelRef: ChannelRef{Source: "s", Namespace: "n", Channel: "c"}}
			if err := r.showMessage(&event.Message{Type: event.TypeMessage, ReplyTo: &tt.to}, nil); err != nil {
				t.Fatal(err)
			}
			if got := deref(r.ReplyTo); got != tt.want {
				t.Errorf("reply_to is %q, want %q", got, tt.want)
			}
			if kept := len(r.Body) > 0; kept != (tt.want == "") {
				t.Errorf("the body is %s", r.Body)
			}
		})
	}
}
