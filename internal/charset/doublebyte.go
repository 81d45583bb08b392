package charset

import "unicode/utf8"

// Leads returns a test for the first bytes of two-byte characters in the file's charset; nil: second bytes are none of ASCII's, such as its
// backslash, there. head is the start of the file: where nobody
// named a charset and that is not UTF-8, the charset is guessed.
func (d *Decoder) Leads(head []byte) func(byte) bool {
	if d.encoding == nil {
		if cut := wholeRunes(head); utf8.Valid(cut) || mostlyUTF8(cut) {
			return nil
		}
		d.encoding, d.label = d.guess()
	}
	switch d.label {
	case "shift_jis":
		return func(b byte) bool { return 0x81 <= b && b <= 0x9f || 0xe0 <= b && b <= 0xfc }
	case "gbk", "gb18030", "big5":
		return func(b byte) bool { return 0x81 <= b && b <= 0xfe }
	}
	return nil
}

// wholeRunes is b without a character at its end that may be cut.
func wholeRunes(b []byte) []byte {
	for n := 1; n < utf8.UTFMax && n <= len(b); n++ {
		if c := b[len(b)-n]; utf8.RuneStart(c) {
			if !utf8.FullRune(b[len(b)-n:]) {
				return b[:len(b)-n]
			}
			break
		}
	}
	return b
}
