package jsonscan

import "unicode/utf8"

// Trails finds second bytes. Its zero value with Leads set begins at the start of a character.
type Trails struct {
	Leads   func(byte) bool
	lead    bool // the byte before begins a character of two
	more    int  // bytes that would end a character of UTF-8
	foreign bool // the bytes beyond ASCII before are no UTF-8
}

// Trail takes the next byte; it reports whether that is the second one of a character, and not ASCII. Where all that was beyond ASCII
// before it is UTF-8, it is ASCII.
func (t *Trails) Trail(b byte) bool {
	if b < utf8.RuneSelf {
		is := t.lead && b >= '@' && (t.foreign || t.more > 0)
		*t = Trails{Leads: t.Leads}
		return is
	}
	t.lead = !t.lead && t.Leads(b)
	switch {
	case t.more > 0 && b&0xc0 == 0x80:
		t.more--
	case t.more == 0 && 0xc2 <= b && b <= 0xf4:
		t.more = 1
		if b >= 0xe0 {
			t.more++
		}
		if b >= 0xf0 {
			t.more++
		}
	default:
		t.foreign = true
	}
	return false
}
