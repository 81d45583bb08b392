package config

import (
	"reflect"
	"strings"
)

// key is one setting.
type key struct {
	path string // with dots
	typ  reflect.Type
}

// keys lists every setting in the order of the struct. The list of sources is not among them: it is read by itself, since
// what is in it belongs to the connectors.
func keys() []key { return appendKeys(nil, "", reflect.TypeFor[Config]()) }

func appendKeys(list []key, prefix string, t reflect.Type) []key {
	for f := range fields(t) {
		switch {
		case f.Type == reflect.TypeFor[[]Source]():
		case f.Type.Kind() == reflect.Struct:
			list = appendKeys(list, prefix+f.name+".", f.Type)
		default:
			list = append(list, key{path: prefix + f.name, typ: f.Type})
		}
	}
	return list
}

// field is a field of a struct, and its name in YAML.
type field struct {
	reflect.StructField
	name string
}

// fields yields what YAML can set in a struct; fields that are inlined count as the outer struct's own.
func fields(t reflect.Type) func(yield func(field) bool) {
	return func(yield func(field) bool) { eachField(t, yield) }
}

func eachField(t reflect.Type, yield func(field) bool) bool {
	for f := range t.Fields() {
		name, options, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		if name == "-" || !f.IsExported() {
			continue
		}
		if strings.Contains(options, "inline") && f.Type.Kind() == reflect.Struct {
			if !eachField(f.Type, yield) {
				return false
			}
			continue
		}
		if name == "" {
			name = strings.ToLower(f.Name)
		}
		if !yield(field{f, name}) {
			return false
		}
	}
	return true
}

const envPrefix = "AGRICHAT_"

// variable names the environment's variable for a key. The keys are such that no two share one; a test sees to it.
func (k key) variable() string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(k.path, ".", "_"))
}

// meant adds a suggestion if a known name is close to the unknown one.
func meant(name string, known []string) string {
	best, least := "", len(name)/3+2 // a third of the letters may be wrong, one or two in short names
	for _, k := range known {
		if d := distance(name, k); d < least {
			best, least = k, d
		}
	}
	if best == "" {
		return ""
	}
	return "; did you mean " + best + "?"
}

// distance counts the letters to insert, remove or change to get from a to b, whatever their case.
func distance(a, b string) int {
	from, to := []rune(strings.ToLower(a)), []rune(strings.ToLower(b))
	row := make([]int, len(to)+1)
	for j := range row {
		row[j] = j
	}
	for i, r := range from {
		diagonal := row[0]
		row[0] = i + 1
		for j, s := range to {
			change := diagonal
			if r != s {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(to)]
}
