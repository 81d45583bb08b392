package files

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"io"
	"path"
	"strings"
	"unicode/utf8"

	"github.com/agrichat/agrichat/internal/charset"
	"github.com/agrichat/agrichat/producers"
)

// NoticeZipNames is the code of the notice that names in a zip were guessed: it counts names.
const NoticeZipNames = "zip-names-guessed"

// zipNames returns the names of a zip's entries as UTF-8. Those that are not, and do not say what they are, were written by one program on
// one computer: they are in one charset, which is guessed from all of them.
func zipNames(entries []*zip.File) ([]string, producers.Notice) {
	names := make([]string, len(entries))
	var odd []int
	for i, e := range entries {
		names[i] = e.Name
		if utf8.ValidString(e.Name) {
			continue
		}
		if full, ok := unicodeName(&e.FileHeader); ok {
			names[i] = full
			continue
		}
		odd = append(odd, i)
	}
	if len(odd) == 0 {
		return names, producers.Notice{}
	}
	var raw [][]byte
	for _, i := range odd {
		raw = append(raw, []byte(names[i]))
	}
	e, label := charset.GuessNames(bytes.Join(evenly(raw, guessedFrom), []byte("\n")), mentioned(entries))
	for k, i := range odd {
		names[i] = charset.In(e, raw[k])
	}
	return names, producers.Notice{Code: NoticeZipNames, Count: len(odd), Text: fmt.Sprintf(
		"the zip does not say in which charset its names are; they were read as %s; if they are wrong, unpack it and import the folder", label)}
}

// guessedFrom bounds the names that a charset is guessed from: each is searched for in the lists of the zip, in every charset.
const guessedFrom = 64

// evenly returns at most n elements of a list at equal distances.
func evenly[T any](list []T, n int) (out []T) {
	step := max((len(list)+n-1)/n, 1)
	for i := 0; i < len(list); i += step {
		out = append(out, list[i])
	}
	return out
}

// unicodeName is the name in the extra field 0x7075, if that is of this name.
func unicodeName(h *zip.FileHeader) (string, bool) {
	const id, head = 0x7075, 5 // a version and a checksum of the other name
	for extra := h.Extra; len(extra) >= 4; {
		field, size := binary.LittleEndian.Uint16(extra), int(binary.LittleEndian.Uint16(extra[2:]))
		if extra = extra[4:]; size > len(extra) {
			return "", false
		}
		data := extra[:size]
		extra = extra[size:]
		if field == id && size > head && data[0] == 1 && binary.LittleEndian.Uint32(data[1:]) == crc32.ChecksumIEEE([]byte(h.Name)) && utf8.Valid(data[head:]) {
			return string(data[head:]), true
		}
	}
	return "", false
}

// Lists in a zip often name its folders and files: those of Slack its channels, and a chat its attachments. A name found there decides between charsets.
const (
	mentionsSize  = 1 << 20 // of one file
	mentionsFiles = 16
)

// mentioned returns how to find out whether a name is written in one of the zip's own lists.
func mentioned(entries []*zip.File) func(name string) bool {
	var text []byte
	read := 0
	for _, e := range entries {
		if read == mentionsFiles {
			break
		}
		if list(e) {
			read++
			text = append(append(text, beginning(e)...), '\n')
		}
	}
	return func(name string) bool {
		base := path.Base(strings.TrimRight(strings.ReplaceAll(name, `\`, "/"), "/"))
		for _, part := range append(strings.Split(path.Dir(strings.ReplaceAll(name, `\`, "/")), "/"), base) {
			if charset.IsASCII(part) {
				continue
			}
			if bytes.Contains(text, []byte(part)) || bytes.Contains(text, escaped(part)) {
				return true
			}
		}
		return false
	}
}

// list reports whether an entry may name others: a text at the top of the export.
func list(e *zip.File) bool {
	if e.Flags&1 != 0 || strings.Count(strings.ReplaceAll(e.Name, `\`, "/"), "/") > 1 {
		return false
	}
	switch strings.ToLower(path.Ext(e.Name)) {
	case ".json", ".html", ".txt", ".csv":
		return true
	}
	return false
}

func beginning(e *zip.File) []byte {
	r, err := e.Open()
	if err != nil {
		return nil
	}
	defer func() { _ = r.Close() }() // it was only read
	text, _ := io.ReadAll(io.LimitReader(r, mentionsSize))
	return text
}

// escaped is a name in ASCII-only JSON.
func escaped(s string) []byte {
	quoted, err := json.Marshal(s)
	if err != nil {
		return []byte(s)
	}
	var out []byte
	for _, r := range string(bytes.Trim(quoted, `"`)) {
		if r < utf8.RuneSelf {
			out = append(out, byte(r))
			continue
		}
		if r > 0xffff {
			return []byte(s)
		}
		out = fmt.Appendf(out, `\u%04x`, r)
	}
	return out
}
