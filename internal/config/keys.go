package config

import (
	"reflect"
	"slices"
	"strings"
)

// key is one setting.
type key struct {
	path  string // with dots
	typ   reflect.Type
	index []int // of its field in Config, for reflect.Value.FieldByIndex
}

// keySet is every setting: by its path, and in the order of the struct.
type keySet struct {
	byPath map[string]key
	order  []string
}

func newKeySet() keySet {
	s := keySet{byPath: map[string]key{}}
	for _, k := range keys() {
		s.byPath[k.path] = k
		s.order = append(s.order, k.path)
	}
	return s
}

// group reports whether keys begin with path.
func (s keySet) group(path string) bool {
	return slices.ContainsFunc(s.order, func(k string) bool { return strings.HasPrefix(k, path+".") })
}

// siblings are all names that an unknown one could have been meant to be: keys, and groups of them.
func (s keySet) siblings(path string) []string {
	names := append([]string{sourcesKey}, s.order...)
	for _, k := range s.order {
		if group, _, nested := strings.Cut(k, "."); nested && !strings.Contains(path, ".") {
			names = append(names, group)
		}
	}
	return names
}

// keys lists every setting in the order of the struct. The list of sources is not among them: it is read by itself, since
// what is in it belongs to the connectors.
func keys() []key { return appendKeys(nil, "", nil, reflect.TypeFor[Config]()) }

func appendKeys(list []key, prefix string, outer []int, t reflect.Type) []key {
	for f := range fields(t) {
		index := slices.Concat(outer, f.Index)
		switch {
		case f.Type == reflect.TypeFor[[]Source]():
		case f.Type.Kind() == reflect.Struct:
			list = appendKeys(list, prefix+f.name+".", index, f.Type)
		default:
			list = append(list, key{path: prefix + f.name, typ: f.Type, index: index})
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
	return func(yield func(field) bool) { eachField(t, nil, yield) }
}

func eachField(t reflect.Type, outer []int, yield func(field) bool) bool {
	for f := range t.Fields() {
		f.Index = slices.Concat(outer, f.Index)
		name, options, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		if name == "-" || !f.IsExported() {
			continue
		}
		if strings.Contains(options, "inline") && f.Type.Kind() == reflect.Struct {
			if !eachField(f.Type, f.Index, yield) {
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
