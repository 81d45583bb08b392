package jsonscan_test

import (
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/agrichat/agrichat/internal/jsonscan"
)

// flat reads an object as far as it has plain values and lists of them.
func flat(raw []byte) (map[string][]string, error) {
	d, out := jsonscan.NewDecoder(), map[string][]string{}
	d.Reset(jsonscan.ValidUTF8(raw))
	err := d.Object(func(key []byte) error {
		name := string(key)
		add := func() error {
			s, err := d.Text()
			out[name] = append(out[name], s)
			return err
		}
		switch d.Kind() {
		case '[':
			return d.Array(add)
		case '{':
			return d.Skip()
		}
		return add()
	})
	return out, err
}

func TestDecoder_OtherTypes(t *testing.T) {
	got, err := flat([]byte(`{"n": 1234567890123456789.50, "s": "a\nb\ud83d", "t": true, "z": null, "l": [1, "x", {}], "s": "` +
		"\xff" + `", "o": {"p": 1}}`))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string][]string{
		"n": {"1234567890123456789.50"}, "s": {"a\nb\uFFFD", "\uFFFD"}, "t": {"true"}, "z": {""}, "l": {"1", "x", ""},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for _, other := range []string{`[1]`, `"x"`, `1`, `null`} {
		if got, err := flat([]byte(other)); err != nil || len(got) > 0 {
			t.Errorf("%s has members %v, error %v", other, got, err)
		}
	}
	for _, broken := range []string{`{"a": 1`, `{"a" 1}`, `{"a": [1}`, `{"a": "\x"}`, ``} {
		if _, err := flat([]byte(broken)); err == nil {
			t.Errorf("%q is no error", broken)
		}
	}
}

func TestDecoder_Number(t *testing.T) {
	d := jsonscan.NewDecoder()
	for raw, want := range map[string]int64{"12": 12, `"13"`: 13, "1.5": 7, "null": 7, "[1]": 7, "{}": 7} {
		n := int64(7)
		d.Reset([]byte(raw))
		if err := d.Number(&n); err != nil || n != want {
			t.Errorf("%s is %d, %v, want %d", raw, n, err, want)
		}
		if d.Offset() != int64(len(raw)) {
			t.Errorf("%s: %d bytes were read", raw, d.Offset())
		}
	}
}

func FuzzDecoder(f *testing.F) {
	f.Add([]byte(`{"a": "\ud83d", "b": [1, null, "x"], "a": {"c": []}}`))
	f.Add([]byte(`{"a": "\x"`))
	f.Add([]byte("{\"\xff\": \"\xfe\"}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		got, _ := flat(data) // what is no JSON is an error, and no more
		for name, values := range got {
			for _, v := range values {
				if !utf8.ValidString(name) || !utf8.ValidString(v) {
					t.Errorf("%q: %q is no text", name, v)
				}
			}
		}
	})
}
