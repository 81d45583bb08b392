package chserver

import (
	"strings"
	"unicode/utf8"
)

// statement is what must be known about an SQL text to run it: the library runs SELECT, INSERT with data and the rest by
// three different calls.
type statement struct {
	sql    string // without FORMAT and data, if it is an insert with data
	kind   string // the first word, in capitals
	format string // as the statement names it, or empty
	// data are those behind INSERT ... FORMAT x; takesData says that there may be more in the request's body.
	data      string
	takesData bool
}

// parseStatement finds the format and the data. It knows words, quotes, comments and brackets, not the grammar: what is
// wrong the engine says itself.
func parseStatement(sql string) statement {
	sc := scanner{sql: sql}
	st := statement{sql: sql}
	previous := ""
	for {
		w, start, ok := sc.word()
		if !ok {
			return st
		}
		upper := strings.ToUpper(w)
		if st.kind == "" {
			st.kind = upper
		}
		if sc.depth == 0 && previous == "FORMAT" {
			st.format = w
			if st.kind == "INSERT" {
				return st.cut(sc.formatStart, start+len(w))
			}
		}
		if st.kind == "INSERT" && sc.depth == 0 && (upper == "SELECT" || upper == "VALUES" || upper == "WITH") {
			st.kind = "INSERT " + upper // its data, if any, are part of the statement
			return st
		}
		if upper == "FORMAT" && sc.depth == 0 {
			sc.formatStart = start
		}
		previous = upper
	}
}

// cut takes the format and the data off. One line break or space stands between them, and belongs to neither.
func (st statement) cut(formatStart, formatEnd int) statement {
	st.data = st.sql[formatEnd:]
	st.sql = st.sql[:formatStart]
	trimmed := strings.TrimLeft(st.data, " \t\r;")
	switch {
	case strings.HasPrefix(trimmed, "\n"):
		st.data = trimmed[1:]
	default:
		st.data = trimmed
	}
	st.takesData = true
	return st
}

// streams tells that the answer may be given piece by piece: the format has no head or foot around all rows.
func (st statement) streams(format string) bool {
	if st.kind != "SELECT" && st.kind != "WITH" {
		return false
	}
	switch strings.ToLower(format) {
	case "native", "tabseparated", "tsv", "tabseparatedraw", "tsvraw", "csv", "jsoneachrow", "rowbinary", "jsoncompacteachrow":
		return true
	}
	return false
}

// readOnly tells the kinds that a GET may carry.
func (st statement) readOnly() bool {
	switch st.kind {
	case "SELECT", "WITH", "SHOW", "DESCRIBE", "DESC", "EXPLAIN", "EXISTS", "":
		return true
	}
	return false
}

// scanner walks over the words of an SQL text that stand outside of quotes and comments.
type scanner struct {
	sql         string
	pos         int
	depth       int // of brackets
	formatStart int
}

func (s *scanner) word() (word string, start int, ok bool) {
	for s.pos < len(s.sql) {
		rest := s.sql[s.pos:]
		switch c := rest[0]; {
		case strings.HasPrefix(rest, "--"), c == '#' && (strings.HasPrefix(rest, "# ") || strings.HasPrefix(rest, "#!")):
			s.skipTo("\n")
		case strings.HasPrefix(rest, "/*"):
			s.skipTo("*/")
		case c == '\'', c == '"', c == '`':
			s.skipQuoted(c)
		case c == '(' || c == '[' || c == '{':
			s.depth++
			s.pos++
		case c == ')' || c == ']' || c == '}':
			s.depth--
			s.pos++
		case isWord(c):
			start = s.pos
			for s.pos < len(s.sql) && isWord(s.sql[s.pos]) {
				s.pos++
			}
			return s.sql[start:s.pos], start, true
		default:
			s.pos++
		}
	}
	return "", s.pos, false
}

func isWord(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= utf8.RuneSelf
}

func (s *scanner) skipTo(end string) {
	i := strings.Index(s.sql[s.pos:], end)
	if i < 0 {
		s.pos = len(s.sql)
		return
	}
	s.pos += i + len(end)
}

// skipQuoted passes over a quoted text, in which the quote is doubled or has a backslash before it.
func (s *scanner) skipQuoted(quote byte) {
	for s.pos++; s.pos < len(s.sql); s.pos++ {
		switch s.sql[s.pos] {
		case '\\':
			s.pos++
		case quote:
			s.pos++
			return // a doubled quote opens the next one at once
		}
	}
}
