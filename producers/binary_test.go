package producers

import "testing"

func TestJSON(t *testing.T) {
	for text, want := range map[string]bool{
		"":                                 false,
		"{":                                false,
		"{}":                               true,
		"\ufeff{\n \"name\": 1}":           true,
		"[{\"type\": \"message\"}]":        true,
		"[\r\n\t{ \"type\": \"message\"}]": true,
		"[]":                               false,
		"[12.03.24, 10:00:00] Аня: {\"a\": 1}": false,
		"{curly} joined the channel":           false,
		"{ok}: \"yes\"":                        false,
		"10:00 <{x}> {\"a\": 1}":               false,
		"id,text\n1,\"{\"\"a\"\": 1}\"":        false,
		"\"{\"":                                false,
	} {
		if JSON([]byte(text)) != want {
			t.Errorf("%q: %v", text, !want)
		}
	}
}
