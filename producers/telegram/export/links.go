package export

import (
	"strings"
)

// MarkedLinks collects the links that an export marks in a text, and where the text shows them.
type MarkedLinks struct {
	Links []string
	spans []span
}

type span struct{ from, to int }

// Reset forgets all links, for the next text.
func (k *MarkedLinks) Reset() { k.Links, k.spans = k.Links[:0], k.spans[:0] }

// Add takes a link, and the words that stand for it at an offset of the text, which is negative if it is not known.
func (k *MarkedLinks) Add(to, words string, at int) {
	if n := len(k.Links); strings.Contains(to, "://") || IsAddress(to) && to != words {
		k.Links = append(k.Links, to)
	} else if k.Links = AppendBare(k.Links, to); len(k.Links) == n {
		return
	}
	if at >= 0 && (strings.Contains(words, "://") || len(words) > 4 && strings.EqualFold(words[:4], "www.")) {
		k.spans = append(k.spans, span{at, at + len(words)})
	}
}

// Touched reports whether text that is no part of a link is right before or behind one, so that a scan of the text would
// not find the link as it is.
func (k *MarkedLinks) Touched(text string) bool {
	for _, s := range k.spans {
		if s.from > 0 && isWordByte(text[s.from-1]) {
			return true
		}
		behind := text[s.to:]
		if end := strings.IndexAny(behind, " \t\n\f\r<>\""); end >= 0 {
			behind = behind[:end]
		}
		if strings.Trim(behind, `.,;:!?'»)]}`) != "" {
			return true
		}
	}
	return false
}

func isWordByte(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z'
}

// IsAddress reports whether a link leads out of the page to somewhere that its text may not show.
func IsAddress(to string) bool {
	scheme, _, ok := strings.Cut(to, ":")
	switch scheme = strings.ToLower(scheme); scheme {
	case "mailto", "tel", "javascript":
		return false
	}
	return ok && strings.Trim(scheme, "abcdefghijklmnopqrstuvwxyz0123456789+.-") == ""
}

// AppendBare adds a link that is written without a scheme. Telegram opens it by https.
func AppendBare(links []string, to string) []string {
	if !strings.Contains(to, ".") || strings.ContainsAny(to, "@ ") || strings.Contains(to, "://") || IsAddress(to) && !hasPort(to) {
		return links
	}
	return append(links, "https://"+to)
}

// hasPort reports whether what is before the first colon is a host and no scheme.
func hasPort(to string) bool {
	host, rest, ok := strings.Cut(to, ":")
	return ok && strings.Contains(host, ".") && rest != "" && rest[0] >= '0' && rest[0] <= '9'
}
