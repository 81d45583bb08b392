package telegram

import "bytes"

// repairEscapes turns escapes in the manner of C (\x1F), which the exporter writes for control characters and which no JSON
// has, into JSON's own. A backslash that is itself escaped escapes nothing.
func repairEscapes(raw []byte) []byte {
	out := make([]byte, 0, len(raw)+64)
	for i := 0; i < len(raw); i++ {
		if raw[i] != '\\' || i+1 == len(raw) {
			out = append(out, raw[i])
			continue
		}
		if raw[i+1] == 'x' && i+3 < len(raw) && isHex(raw[i+2]) && isHex(raw[i+3]) {
			out = append(out, '\\', 'u', '0', '0', raw[i+2], raw[i+3])
			i += 3
			continue
		}
		out = append(out, raw[i], raw[i+1])
		i++
	}
	return out
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

// repairPaths puts the quotation marks around document_id that one version of the exporter forgot, when it writes there the
// path of a file, or why there is none.
func repairPaths(raw []byte) []byte {
	key := []byte(`"document_id":`)
	var out []byte
	for {
		i := bytes.Index(raw, key)
		if i < 0 {
			return append(out, raw...)
		}
		out = append(out, raw[:i+len(key)]...)
		raw = raw[i+len(key):]
		rest := bytes.TrimLeft(raw, " \t")
		end := bytes.IndexAny(rest, ",}\r\n")
		if end <= 0 || rest[0] == '"' || isNumber(string(rest[:end])) {
			continue
		}
		out = append(out, '"')
		out = append(out, bytes.ReplaceAll(bytes.TrimRight(rest[:end], " \t"), []byte(`"`), []byte(`\"`))...)
		out = append(out, '"')
		raw = rest[end:]
	}
}
