package charset_test

import (
	"slices"
	"testing"

	"github.com/agrichat/agrichat/internal/charset"
)

func TestDecoder_Cells(t *testing.T) {
	const cyrillic = "\xcf\xf0\xe8\xe2\xe5\xf2" // Привет in windows-1251
	for name, c := range map[string]struct {
		cells, want []string
		label       string
	}{
		"UTF-8":           {[]string{"a", "б"}, []string{"a", "б"}, ""},
		"named":           {[]string{"a", cyrillic, ""}, []string{"a", "Привет", ""}, "windows-1251"},
		"a damaged byte":  {[]string{"привет", "caf\xe9"}, []string{"привет", "caf\uFFFD"}, charset.Damaged},
		"a mark in a row": {[]string{"a\x1fb", cyrillic}, []string{"a\x1fb", "Привет"}, "windows-1251"},
		"nothing":         {nil, nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			d, err := charset.NewDecoder("cp1251", nil)
			if err != nil {
				t.Fatal(err)
			}
			if label := d.Cells(c.cells); label != c.label || !slices.Equal(c.cells, c.want) {
				t.Errorf("%q, %q; want %q, %q", c.cells, label, c.want, c.label)
			}
		})
	}
}
