package producers

import "testing"

func TestUncopied(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"2021-03-01.log":            "2021-03-01.log",
		"2021-03-01 (1).log":        "2021-03-01.log",
		"2021-03-01(12).log":        "2021-03-01.log",
		"2021-03-01 - Copy.log":     "2021-03-01.log",
		"2021-03-01 - Copy (2).log": "2021-03-01.log",
		"2021-03-01 - Copy (2)":     "2021-03-01",
		"a copy.log":                "a.log",
		"a copy 3.log":              "a.log",
		"a (copy).log":              "a.log",
		"a (another copy).log":      "a.log",
		"a (3rd copy).log":          "a.log",
		"a (Kopie).log":             "a (Kopie).log",
		"a.log (1)":                 "a.log",
		"a.log (1).gz":              "a.log.gz",
		"a (1) (2).log":             "a.log",
		"(1).log":                   "(1).log",
		" (1).log":                  " (1).log",
		"copy.log":                  "copy.log",
		" copy.log":                 " copy.log",
		"G - T - hard copy.csv":     "G - T - hard copy.csv", // a name of several words may end so itself
		"G - T - beans - Copy.csv":  "G - T - beans.csv",
		"G - T - beans (1).csv":     "G - T - beans.csv",
		"photocopy.log":             "photocopy.log",
		"a (12345).log":             "a (12345).log",
		"a (x).log":                 "a (x).log",
		"a ().log":                  "a ().log",
		"#a":                        "#a",
		"":                          "",
	} {
		if got := Uncopied(name); got != want {
			t.Errorf("%q is %q, want %q", name, got, want)
		}
	}
}
