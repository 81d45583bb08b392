package slack

import "bytes"

// scrub cuts off the tokens with which an export signs the addresses of files (?t=xoxe-...): whoever has one can read the
// workspace's files. It works on JSON as it stands, so that a record need not be valid to be safe. Tokens that people wrote
// into their messages are content, and stay.
func scrub(raw []byte) []byte {
	sign := []byte("t=xox")
	if !bytes.Contains(raw, sign) {
		return raw
	}
	out := make([]byte, 0, len(raw))
	for {
		i := bytes.Index(raw, sign)
		if i < 0 {
			return append(out, raw...)
		}
		end := i + len("t=")
		for end < len(raw) && isToken(raw[end]) {
			end++
		}
		mark, more := separator(raw[:i]), separatorAfter(raw[end:])
		switch {
		case mark == 0: // not a parameter
			out = append(out, raw[:end]...)
		case more == 0:
			out = append(out, raw[:i-mark]...)
		default: // the next parameter takes the place
			out = append(out, raw[:i]...)
			end += more
		}
		raw = raw[end:]
	}
}

func isToken(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '-' || c == '.' || c == '_' || c == '%'
}

// separators of parameters, as they may stand in JSON and in text that is escaped within it.
func separators() []string { return []string{"?", "&amp;", `\u0026amp;`, `\u0026`, "&"} }

func separator(before []byte) int {
	for _, s := range separators() {
		if bytes.HasSuffix(before, []byte(s)) {
			return len(s)
		}
	}
	return 0
}

func separatorAfter(rest []byte) int {
	for _, s := range separators()[1:] {
		if bytes.HasPrefix(rest, []byte(s)) {
			return len(s)
		}
	}
	return 0
}
