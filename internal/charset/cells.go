package charset

import "strings"

// cellMark parts cells that are decoded together: no charset that keeps ASCII has it within a character.
const cellMark = "\x1f"

// Cells decodes the cells of one row in place, and returns their label: the other cells help to find the charset of one.
func (d *Decoder) Cells(cells []string) (label string) {
	text, label := d.Decode([]byte(strings.Join(cells, cellMark)))
	if label == "" {
		return ""
	}
	if decoded := strings.Split(text, cellMark); len(decoded) == len(cells) {
		copy(cells, decoded)
		return label
	}
	for i, c := range cells { // a cell holds the mark itself
		text, l := d.Decode([]byte(c))
		cells[i] = text
		if l != "" && l != Damaged {
			label = l
		}
	}
	return label
}
