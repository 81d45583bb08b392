package chatline

import "strings"

// Strip takes out mIRC's formatting and every other control character but the tab; a NUL would not even pass Postgres.
func Strip(s string) string {
	i := 0
	for i < len(s) && (s[i] >= ' ' && s[i] != 0x7f || s[i] == '\t') {
		i++
	}
	if i == len(s) {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	b.WriteString(s[:i])
	for i < len(s) {
		c := s[i]
		i++
		switch {
		case c == 0x03:
			i += colours(s[i:], 2, isDigit)
		case c == 0x04:
			i += colours(s[i:], 6, isHex)
		case c >= ' ' && c != 0x7f || c == '\t':
			b.WriteByte(c)
		}
	}
	return b.String()
}

// colours returns the length of what follows a colour code: a foreground, or both with a comma.
func colours(s string, width int, is func(byte) bool) int {
	n := run(s, width, is)
	if n == 0 || n >= len(s) || s[n] != ',' {
		return n
	}
	if m := run(s[n+1:], width, is); m > 0 {
		return n + 1 + m
	}
	return n
}

func run(s string, most int, is func(byte) bool) int {
	n := 0
	for n < len(s) && n < most && is(s[n]) {
		n++
	}
	return n
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isHex(c byte) bool { return isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'f' }
