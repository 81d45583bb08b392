package header

import (
	"fmt"
	"strings"
	"testing"
)

// TestParse_DayParts: a word beside a clock of twelve hours says which half of the day it is in.
func TestParse_DayParts(t *testing.T) {
	t.Parallel()
	for printed, want := range map[string]string{
		"半夜12:10": "00:10", "半夜2:10": "02:10", "半夜11:10": "23:10", "深夜1:10": "01:10", "深夜11:10": "23:10", "午夜12:10": "00:10",
		"夜裡1:10": "01:10", "夜里11:10": "23:10", "凌晨12:10": "00:10", "凌晨5:10": "05:10", "清晨5:10": "05:10", "早上7:10": "07:10",
		"早晨7:10": "07:10", "上午12:10": "00:10", "上午9:10": "09:10", "中午12:10": "12:10", "中午11:10": "11:10", "中午1:10": "13:10",
		"正午12:10": "12:10", "下午1:10": "13:10", "傍晚6:10": "18:10", "黃昏6:10": "18:10", "晚上11:10": "23:10", "晚上12:10": "00:10",
		"晚間8:10": "20:10", "夜晚8:10": "20:10", "朝早8:10": "08:10", "下晝1:10": "13:10", "上晝9:10": "09:10",
		"午前12:10": "00:10", "午後0:10": "12:10", "夜8:10": "20:10", "夜中1:10": "01:10", "새벽 1:10": "01:10", "밤 9:10": "21:10", "저녁 7:10": "19:10",
		"9:10 अपराह्न": "21:10", "9:10 पूर्वाह्न": "09:10", "9:10 म.उ.": "21:10", "8:10 म.पू.": "08:10", "9:10 μ.μ.": "21:10", "12:10 π.μ.": "00:10",
		"ÖS 9:10": "21:10", "ÖÖ 9:10": "09:10", "9:10 m.d.": "21:10", "9:10 PD": "09:10", "9:10 MD": "21:10", "9:10 PTG": "21:10", "9:10 PG": "09:10",
		"9:10 ب.ظ.": "21:10", "9:10 ق.ظ.": "09:10", "9:10 pēcp.": "21:10", "9:10 popiet": "21:10", "9:10 odp.": "21:10", "9:10 dop.": "09:10",
		"9:10 em": "21:10", "9:10 e.m.": "21:10", "9:10 ip.": "21:10", "du. 9:10": "21:10", "de. 9:10": "09:10", "9:10 CH": "21:10", "9:10 SA": "09:10",
		"9:10 дп": "09:10", "9:10 пп": "21:10", "9:10 মধ্যাহ্ন": "", "9:10 রাত্রি": "21:10", "9:10 இரவு": "21:10", "9:10 காலை": "09:10",
		"12:10 பிற்பகல்": "12:10", "9:10 రాత్రి": "21:10", "9:10 রাত": "", "9:10 popo": "",
	} {
		h, ok := Parse("2024/1/2 " + printed + " - Bob: aa")
		got := ""
		if ok {
			got = fmt.Sprintf("%02d:%02d", h.Stamp.Hour, h.Stamp.Minute)
		}
		if got != want || ok && h.Rest != "Bob: aa" {
			t.Errorf("%s is %q, want %q, before %q", printed, got, want, h.Rest)
		}
	}
}

// TestParse_MonthNames: every month is known by its name.
func TestParse_MonthNames(t *testing.T) {
	t.Parallel()
	for _, names := range []string{
		"января февраля марта апреля мая июня июля августа сентября октября ноября декабря", "янв. февр. мар. апр. мая июн. июл. авг. сент. окт. нояб. дек.",
		"Jan. Feb. März Apr. Mai Juni Juli Aug. Sept. Okt. Nov. Dez.", "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
		"janv. févr. mars avr. mai juin juil. août sept. oct. nov. déc.", "jan. fev. mar. abr. mai. jun. jul. ago. set. out. nov. dez.",
		"gen feb mar apr mag giu lug ago set ott nov dic", "Oca Şub Mar Nis May Haz Tem Ağu Eyl Eki Kas Ara",
		"sty lut mar kwi maj cze lip sie wrz paź lis gru", "jan. feb. mrt. apr. mei jun. jul. aug. sep. okt. nov. dec.",
		"January February March April May June July August September October November December",
	} {
		for i, name := range strings.Fields(names) {
			h, ok := Parse(fmt.Sprintf("7 %s 2023, 14:05 - Ann: aa", name))
			if !ok || h.Stamp.Numbers != [3]int{7, i + 1, 2023} {
				t.Errorf("%s is %v, %v", name, h.Stamp.Numbers, ok)
			}
		}
	}
}

func TestGregorian(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		in   Civil
		want string
	}{
		{Civil{2567, 2, 29}, "2024-02-29"}, {Civil{2564, 12, 31}, "2021-12-31"}, {Civil{64, 3, 1}, "2021-03-01"}, {Civil{21, 3, 1}, "2021-03-01"},
		{Civil{2024, 2, 29}, "2024-02-29"}, {Civil{1400, 1, 1}, "2021-03-21"}, {Civil{1403, 1, 1}, "2024-03-20"}, {Civil{1404, 1, 1}, "2025-03-21"},
		{Civil{1402, 12, 29}, "2024-03-19"}, {Civil{1403, 12, 30}, "2025-03-20"}, {Civil{1399, 12, 30}, "2021-03-20"},
		{Civil{1389, 10, 11}, "2011-01-01"}, {Civil{1393, 1, 1}, "2014-03-21"}, {Civil{1403, 7, 1}, "2024-09-22"}, {Civil{1403, 6, 31}, "2024-09-21"},
		{Civil{1402, 12, 30}, ""}, {Civil{1403, 7, 31}, ""}, {Civil{1403, 13, 1}, ""}, {Civil{1446, 1, 1}, ""}, {Civil{2400, 1, 1}, ""},
	} {
		got, ok := gregorian(c.in)
		if ok != (c.want != "") || ok && got.String() != c.want {
			t.Errorf("%s is %s, %v, want %s", c.in, got, ok, c.want)
		}
	}
}

func TestIsMark(t *testing.T) {
	t.Parallel()
	for r := rune(0); r < 0x11000; r++ {
		if IsMark(r) != strings.ContainsRune(Marks, r) {
			t.Errorf("%U is a mark in one place and none in the other", r)
		}
	}
}
