package terminal

import "strings"

// paint puts a terminal's colours around a text, or leaves it as it is.
type paint func(text string) string

// The colours of the bars, as terminals number them.
const (
	cyan   = "36"
	yellow = "33"
)

// painter returns how to paint in a colour. NO_COLOR with any value, and a terminal that knows none, mean no colours.
func painter(environ []string, colour string) paint {
	if variable(environ, "NO_COLOR") != "" || dumb(environ) {
		return func(text string) string { return text }
	}
	return func(text string) string {
		if text == "" {
			return ""
		}
		return "\x1b[" + colour + "m" + text + "\x1b[0m"
	}
}

// dumb says that the terminal cannot move its cursor: it prints, and no more.
func dumb(environ []string) bool {
	term := variable(environ, "TERM")
	return term == "" || term == "dumb"
}

// variable is the value of a variable of the environment; the last of two counts.
func variable(environ []string, name string) string {
	value := ""
	for _, e := range environ {
		if v, ok := strings.CutPrefix(e, name+"="); ok {
			value = v
		}
	}
	return value
}
