package jsonscan_test

import (
	"testing"

	"github.com/agrichat/agrichat/internal/charset"
	"github.com/agrichat/agrichat/internal/jsonscan"
)

func TestTrails_Trail(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, text string
		want       int // backslashes that are part of a character
	}{
		{"cp932", "\x83\\", 1}, {"cp932", "\x95\\\x8e\xa6\\n", 1}, {"cp932", "\xb1\\", 0}, {"cp932", "あ\\n", 0}, {"cp932", "\\\x83\\\\", 1},
		{"gbk", "\xd5\\", 1}, {"gbk", "\xc4\xe3\xba\xc3\\n", 0}, {"big5", "\xa6\xa8\xa5\\", 1}, {"gb18030", "\x81\x30\x81\x30\\", 0},
		{"euc-kr", "\xb0\xa1\\", 0}, {"windows-1251", "\xcf\\", 0},
	} {
		d, err := charset.NewDecoder(c.name, nil)
		if err != nil {
			t.Fatal(err)
		}
		leads, got := d.Leads(nil), 0
		if leads == nil {
			continue
		}
		trails := jsonscan.Trails{Leads: leads}
		for i := range len(c.text) {
			if trails.Trail(c.text[i]) && c.text[i] == '\\' {
				got++
			}
		}
		if got != c.want {
			t.Errorf("%q in %s holds %d backslashes, want %d", c.text, c.name, got, c.want)
		}
	}
}
