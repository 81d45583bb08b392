package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// place is where a value was given.
type place struct {
	layer int    // file, environment, flags: in this order mistakes are told
	name  string // of the file, the variable or the flag
	line  int    // in the file
	base  string // the folder where the file's relative paths start
}

const (
	layerDefault = iota
	layerFile
	layerEnv
	layerFlag
)

func (p place) String() string {
	if p.line > 0 {
		return fmt.Sprintf("%s:%d", p.name, p.line)
	}
	return p.name
}

// Mistake is one thing that is wrong in the configuration.
type Mistake struct {
	at   place
	text string
}

// Error tells the place, the key and what would do, in one line.
func (m Mistake) Error() string {
	if m.at.String() == "" {
		return m.text
	}
	return m.at.String() + ": " + m.text
}

// Mistakes is all that is wrong in the configuration.
type Mistakes []Mistake

// Error lists them, a line each.
func (ms Mistakes) Error() string {
	if len(ms) == 1 {
		return "the configuration has a mistake: " + ms[0].Error()
	}
	var b strings.Builder
	fmt.Fprintf(&b, "the configuration has %d mistakes:", len(ms))
	for _, m := range ms {
		b.WriteString("\n  " + m.Error())
	}
	return b.String()
}

// Unwrap gives the mistakes one by one.
func (ms Mistakes) Unwrap() []error {
	list := make([]error, len(ms))
	for i, m := range ms {
		list[i] = m
	}
	return list
}

func (ms *Mistakes) add(at place, format string, args ...any) {
	*ms = append(*ms, Mistake{at: at, text: fmt.Sprintf(format, args...)})
}

// err returns the mistakes in the order of their places, nil if there are none.
func (ms Mistakes) err() error {
	if len(ms) == 0 {
		return nil
	}
	slices.SortStableFunc(ms, func(a, b Mistake) int {
		return cmp.Or(cmp.Compare(a.at.layer, b.at.layer), cmp.Compare(a.at.line, b.at.line),
			cmp.Compare(a.at.name, b.at.name), cmp.Compare(a.text, b.text))
	})
	return slices.Compact(ms)
}
