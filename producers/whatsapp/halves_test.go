package whatsapp

import (
	"strings"
	"testing"
)

// TestArchive_DayParts: a word beside a clock of twelve hours says which half of the day it is in.
func TestArchive_DayParts(t *testing.T) {
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
		h, ok := parseHeader("2024/1/2 " + printed + " - Bob: aa")
		got := ""
		if ok {
			got = clock(h.stamp.hour*60 + h.stamp.minute + 1)
		}
		if got != want || ok && h.rest != "Bob: aa" {
			t.Errorf("%s is %q, want %q, before %q", printed, got, want, h.rest)
		}
	}
}

func TestArchive_Midnight(t *testing.T) {
	t.Parallel()
	events, notices, n := read(t, strings.Join([]string{
		"2024/1/1 中午12:30 - 小明: aa", "2024/1/1 晚上11:30 - 小红: bb", "2024/1/2 半夜12:10 - 小红: cc", "",
	}, "\n"), owner())
	compare(t, events, "2024-01-01 12:30 <小明> aa\n2024-01-01 23:30 <小红> bb\n2024-01-02 00:10 <小红> cc")
	if len(notices) > 0 || n.Unparsed > 0 {
		t.Errorf("notices are %v, %d unparsed", notices, n.Unparsed)
	}
}

// TestArchive_TimeNotUnderstood: what begins as a message of the file does never becomes text in silence.
func TestArchive_TimeNotUnderstood(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{
		"2024/1/1 中午12:30 - A: aa\n2024/1/1 子時12:10 - B: bb\n":                                    1,
		"[2024/1/1 中午12:30:00] A: aa\n[2024/1/1 子時12:10:00] B: bb\n[2024/1/1 子時12:10:00] B: bb\n": 2,
		"31/12/23, 9:05 pm - A: aa\n31/12/23, 9:05 zz - B: bb\n31/12/23, 9:06 zz - You left\n":    2,
		"31/12/23, 9:05 pm - A: aa\n31/12/23, at nine - B: bb\n":                                  0,
		"31/12/23, 9:05 pm - A: aa\n31/12/23: 9:05 is when - no: more\n":                          0,
		"31/12/23, 9:05 pm - A: aa\n31/12/23, 9:05 zz - nothing\n31.12.23, 9:05 zz - B: bb\n":     0,
	} {
		events, notices, _ := read(t, text, owner())
		if len(events) != 1 || notices["time-not-understood"].Count != want {
			t.Errorf("%q has %d messages, notices %v", text, len(events), notices)
		}
	}
	events, notices, _ := read(t, "18/6/24, 9:05 - A: aa\n18/6/1445, 9:05 - B: bb\n19/13/24, 9:05 - B: cc\n", owner())
	if n := notices["header-other-form"].Count; len(events) != 1 || n != 2 {
		t.Errorf("%d messages, notices %v", len(events), notices)
	}
}
