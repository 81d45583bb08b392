package producers

import (
	"path"
	"strings"
)

// Uncopied takes off a file's name what a browser or a file manager put there to distinguish a copy from its original: " (1)", " - Copy",
// " copy 2", " (copy)". It stands before the extension, or at the end.
func Uncopied(name string) string {
	ext := path.Ext(name)
	if strings.ContainsAny(ext, " ()") {
		ext = ""
	}
	for base := strings.TrimSuffix(name, ext); ; {
		less := withoutCopyMark(base)
		if less == base || strings.Trim(less, " ") == "" {
			return base + ext
		}
		base = less
	}
}

func withoutCopyMark(s string) string {
	if i := strings.LastIndexByte(s, '('); i > 0 && strings.HasSuffix(s, ")") {
		inside := strings.ToLower(s[i+1 : len(s)-1])
		if isCopyNumber(inside) || s[i-1] == ' ' && (inside == "copy" || strings.HasSuffix(inside, " copy")) {
			return strings.TrimRight(s[:i], " ")
		}
		return s
	}
	rest := s
	if i := strings.LastIndexByte(s, ' '); i > 0 && isCopyNumber(s[i+1:]) {
		rest = s[:i]
	}
	const word = " copy"
	if cut := len(rest) - len(word); cut > 0 && strings.EqualFold(rest[cut:], word) {
		less := rest[:cut]
		if dashed, ok := strings.CutSuffix(less, " -"); ok {
			return dashed
		}
		if !strings.Contains(less, " ") { // a name of several words may end so itself
			return less
		}
	}
	return s
}

// isCopyNumber reports whether s is a number that a copy may have. A longer one is something else, as a year.
func isCopyNumber(s string) bool {
	return 0 < len(s) && len(s) <= 3 && strings.Trim(s, "0123456789") == ""
}
