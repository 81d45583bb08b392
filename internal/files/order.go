package files

import (
	"cmp"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// sortEntries sorts names as a person would: 1, 2, 10, and a name before the same one with more after it, whatever its ending is. Exports
// in several parts name these so, and messages of one minute keep the order in which they are read.
func sortEntries(list []fs.DirEntry) {
	slices.SortStableFunc(list, func(a, b fs.DirEntry) int { return compareNames(a.Name(), b.Name()) })
}

func compareNames(a, b string) int {
	extA, extB := path.Ext(withoutGzip(a)), path.Ext(withoutGzip(b))
	return cmp.Or(
		natural(strings.TrimSuffix(withoutGzip(a), extA), strings.TrimSuffix(withoutGzip(b), extB)),
		natural(extA, extB), strings.Compare(a, b))
}

// natural compares runs of digits by their number.
func natural(a, b string) int {
	for a != "" && b != "" {
		x, y := digits(a), digits(b)
		if x > 0 && y > 0 {
			n, m := strings.TrimLeft(a[:x], "0"), strings.TrimLeft(b[:y], "0")
			if c := cmp.Or(cmp.Compare(len(n), len(m)), strings.Compare(n, m)); c != 0 {
				return c
			}
			a, b = a[x:], b[y:]
			continue
		}
		if a[0] != b[0] {
			return cmp.Compare(a[0], b[0])
		}
		a, b = a[1:], b[1:]
	}
	return cmp.Compare(len(a), len(b))
}

// digits is how many digits s begins with.
func digits(s string) int {
	n := 0
	for n < len(s) && '0' <= s[n] && s[n] <= '9' {
		n++
	}
	return n
}
