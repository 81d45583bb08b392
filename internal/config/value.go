package config

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// Size is a number of bytes. It reads "20GB" (thousands), "512MiB" (1024s) and plain bytes.
type Size int64

const gigabyte = 1_000_000_000

// unit is one way of saying so many bytes.
type unit struct {
	name  string
	bytes Size
}

// units from the largest; of two ways to print a size the first that leaves no rest is taken.
func units() []unit {
	return []unit{
		{"TiB", 1 << 40}, {"TB", 1e12}, {"GiB", 1 << 30}, {"GB", gigabyte},
		{"MiB", 1 << 20}, {"MB", 1e6}, {"KiB", 1 << 10}, {"KB", 1e3}, {"B", 1},
	}
}

// String prints the size so that ParseSize reads it back.
func (s Size) String() string {
	for _, u := range units() {
		if s != 0 && s%u.bytes == 0 {
			return strconv.FormatInt(int64(s/u.bytes), 10) + u.name
		}
	}
	return "0B"
}

// MarshalText prints the size for YAML and JSON.
func (s Size) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads a size, for connectors whose configuration has one.
func (s *Size) UnmarshalText(text []byte) (err error) {
	*s, err = ParseSize(string(text))
	return err
}

var errSize = errors.New(`is not a size; write it like 20GB, 512MiB or plain bytes`)

// ParseSize reads a size.
func ParseSize(text string) (Size, error) {
	digits := strings.TrimRight(text, "TGMKBtgmkib ")
	name := strings.TrimSpace(text[len(digits):])
	n, err := strconv.ParseFloat(digits, 64)
	if err != nil || n < 0 || math.IsNaN(n) {
		return 0, fmt.Errorf("%q %w", text, errSize)
	}
	for _, u := range units() {
		if name == "" && u.bytes == 1 || strings.EqualFold(name, u.name) {
			if n *= float64(u.bytes); n >= math.MaxInt64 {
				break
			}
			return Size(n), nil
		}
	}
	return 0, fmt.Errorf("%q %w", text, errSize)
}

// parse reads a value of a key's type from its text. All layers meet here, so that a number means the same in each.
func parse(text string, t reflect.Type) (any, error) {
	switch {
	case t == reflect.TypeFor[Size]():
		return ParseSize(text)
	case t == reflect.TypeFor[time.Duration]():
		d, err := time.ParseDuration(text)
		if err != nil {
			return nil, fmt.Errorf("%q is not a duration; write it like 5s, 250ms or 1h30m", text)
		}
		return d, nil
	case t.Kind() == reflect.Int:
		n, err := strconv.Atoi(text)
		if err != nil {
			return nil, fmt.Errorf("%q is not a whole number", text)
		}
		return n, nil
	case t.Kind() == reflect.Bool:
		b, err := strconv.ParseBool(text)
		if err != nil {
			return nil, fmt.Errorf("%q is neither true nor false", text)
		}
		return b, nil
	case t.Kind() == reflect.Slice:
		return list(text), nil
	}
	return text, nil
}

// list parts a text at its commas.
func list(text string) []string {
	parts := []string{}
	for p := range strings.SplitSeq(text, ",") {
		if p = strings.TrimSpace(p); p != "" {
			parts = append(parts, p)
		}
	}
	return parts
}
