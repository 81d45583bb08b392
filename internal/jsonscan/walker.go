package jsonscan

// walker follows one value byte by byte. What it remembers lets it go on in the next piece.
type walker struct {
	policy  *Policy
	indent  int    // of the line on which the value begins
	inArray bool   // and not in an object
	why     string // what is wrong; while it is set, the walker only looks for a line where something else may begin
	open    bool   // the value is an object or an array, which opened
	pretty  bool   // its first line ends with the bracket, so its last line begins with the other, equally indented
	flat    bool   // it has lines, which are not indented and show nothing
	inside  bool   // the first line within it came
	scalar  bool   // a number or a word, which ends where something else begins
	started bool
	quoted  bool
	escaped bool
	fresh   bool // nothing but blanks yet on this line
	opening bool // nothing but blanks yet after the first bracket
	comma   bool // the last byte but blanks was a comma
	depth   int
	arrays  uint64 // the innermost bracket is the lowest bit, set if it is an array's; enough for 64 of them
	column  int
	trails  Trails
}

// walk follows the value into b; it returns how much of b belongs to it, and whether it ended.
func (w *walker) walk(b []byte) (int, bool) {
	i := 0
	for i < len(b) {
		if w.quoted && !w.escaped && w.why == "" {
			if w.policy.Leads != nil {
				w.trails.Leads = w.policy.Leads
				i += PlainIn(b[i:], &w.trails)
			} else {
				i += Plain(b[i:])
			}
			if i == len(b) {
				break
			}
		}
		take, done := w.step(b[i])
		if take {
			i++
		}
		if done {
			return i, true
		}
	}
	return i, false
}

// Plain returns how many bytes of a string need no thought: they neither end it, nor escape, nor show that its end was lost.
func Plain(b []byte) int {
	for i, c := range b {
		if c == '"' || c == '\\' || c == '\n' {
			return i
		}
	}
	return len(b)
}

// PlainIn is Plain for text of a charset whose characters may hold a backslash.
func PlainIn(b []byte, t *Trails) int {
	for i, c := range b {
		if !t.Trail(c) && (c == '"' || c == '\\' || c == '\n') {
			return i
		}
	}
	return len(b)
}

// step follows one byte; it reports whether the byte belongs to the value and whether the value ends with or before it.
func (w *walker) step(c byte) (take, done bool) {
	switch {
	case w.why != "":
		return w.lost(c)
	case w.quoted:
		return true, w.inString(c)
	case !w.started:
		w.start(c)
		return true, false
	case w.scalar:
		end := c == ',' || c == '}' || c == ']' || c == '\n'
		return !end, end
	case c == '\n':
		w.pretty = w.pretty || w.opening
		w.opening, w.fresh, w.column = false, true, 0
		return true, false
	case c == ' ' || c == '\t' || c == '\r':
		w.column++
		return true, false
	}
	first := w.fresh
	w.fresh, w.opening = false, false
	if first && w.overrun(c) {
		w.why, w.fresh = noEnd+": something else begins before it", true
		return w.lost(c)
	}
	return true, w.bracket(c, first)
}

// overrun reports whether a line that begins with c cannot belong to the value, by where it begins.
func (w *walker) overrun(c byte) bool {
	if !w.inside {
		w.inside = true
		w.flat = w.policy.Flat && w.column <= w.indent && c == '"'
	}
	switch {
	case w.flat || w.column > w.indent:
		return false
	case !w.pretty:
		return w.inArray && c == '{'
	}
	return w.column < w.indent || w.depth > 1 || c != '}' && (w.policy.Objects || c != ']')
}

func (w *walker) start(c byte) {
	w.started = true
	switch c {
	case '{', '[':
		w.depth, w.open, w.opening = 1, true, true
		if c == '[' {
			w.arrays = 1
		}
	case '"':
		w.quoted = true
	default:
		w.scalar = true
	}
}

func (w *walker) inString(c byte) (done bool) {
	switch {
	case c == '\n': // who writes JSON escapes it: a quotation mark was lost
		w.why, w.fresh, w.column = "a string has no end", true, 0
	case w.escaped:
		w.escaped = false
	case c == '\\':
		w.escaped = true
	case c == '"':
		w.quoted = false
		return w.depth == 0
	}
	return false
}

func (w *walker) bracket(c byte, first bool) (done bool) {
	comma := w.comma
	w.comma = c == ','
	switch c {
	case '"':
		w.quoted = true
	case '{', '[':
		if comma && w.policy.Match && w.arrays&1 == 0 {
			w.why = noEnd + ": another begins where a name should be"
			return false
		}
		w.depth++
		w.arrays <<= 1
		if c == '[' {
			w.arrays |= 1
		}
	case '}', ']':
		return w.closing(c, first)
	}
	return false
}

func (w *walker) closing(c byte, first bool) (done bool) {
	if w.policy.Match && w.depth < 64 && (c == ']') != (w.arrays&1 == 1) {
		w.why = "its brackets do not match"
		return false
	}
	w.depth--
	w.arrays >>= 1
	if w.depth > 0 {
		return false
	}
	if w.pretty && !w.flat && (!first || w.column != w.indent) {
		w.why = "the record ends before its last line"
		return false
	}
	return true
}

// lost looks for a line that is indented no more than the value was and begins as something that may follow it.
func (w *walker) lost(c byte) (take, done bool) {
	switch {
	case c == '\n':
		w.fresh, w.column = true, 0
		return true, false
	case !w.fresh:
		return true, false
	case c == ' ' || c == '\t' || c == '\r':
		w.column++
		return true, false
	}
	w.fresh = false
	if w.column > w.indent {
		return true, false
	}
	switch c {
	case '}', ']':
		return w.column == w.indent && w.own(c), true
	case '{':
		return false, w.inArray
	case '"':
		return false, !w.inArray
	}
	return true, false
}

// own reports whether c, which begins a line that is indented as the first was, is the value's last byte.
func (w *walker) own(c byte) bool {
	if w.policy.Objects {
		return c == '}'
	}
	return w.open
}
