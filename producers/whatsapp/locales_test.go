package whatsapp

import (
	"strings"
	"testing"

	"github.com/agrichat/agrichat/producers"
	"github.com/agrichat/agrichat/producers/producertest"
)

// TestArchive_Locales: one message, as phones of many languages print its time.
func TestArchive_Locales(t *testing.T) {
	t.Parallel()
	for _, line := range []string{
		"31.12.2023 г., 21:05 ч. - ", "31.12.2023 г., 21:05 - ", "31.12.23 г., 9:05 ч. pm - ", "[31.12.2023 г., 21:05:07 ч.] ", "31.12.2023 г. в 21:05 - ",
		"31.12.2023 klo 21.05 - ", "31.12.2023 klo 9.05 ip. - ", "[31.12.2023 klo 21.05.07] ", "31.12.2023 kl. 21.05 - ", "31.12.2023 kl. 21:05 - ",
		"2023-12-31 kl. 21:05 - ", "[2023-12-31 kl. 21:05:07] ", "2023-12-31 Kl. 09.05 PM - ", "31.12.2023, kl. 21:05 - ",
		"2023-12-31 21 h 05 - ", "[2023-12-31 21 h 05 min 07 s] ", "2023-12-31 09 h 05 p.m. - ", "2023-12-31 09 h 05 min 07 s p.m. - ", "2023-12-31 21h05 - ",
		"31/12/23, 9:05 अपराह्न - ", "31/12/23, 9:05 रात - ", "३१/१२/२३, ९:०५ म.उ. - ", "৩১/১২/২৩, ৯:০৫ অপরাহ্ণ - ", "31/12/23, இரவு 9:05 - ", "31/12/2023, பிற்பகல் 9:05 - ",
		"21:05, 31/12/2023 - ", "[21:05, 31/12/2023] ", "[21:05:07, 31/12/2023] ", "21:05 31/12/23 - ", "09:05 CH 31/12/23 - ", "9:05 CH, 31/12/2023 - ",
		"21:05 ngày 31/12/2023 - ", "2023. 12. 31. 21:05 - ", "2023. 12. 31. du. 9:05 - ", "[2023. 12. 31. 21:05:07] ", "31. 12. 2023. u 21:05 - ",
		"31. 12. 2023, 09:05 pop. - ", "31. 12. 2023 ob 21:05 - ", "31.12.2023. plkst. 21:05 - ", "31.12.23 09:05 pēcp. - ", "2023-12-31 09:05 popiet - ",
		"31.12.23, 21:05 - ", "31.12.2023 kell 21:05 - ", "31/12/23, 9:05 μ.μ. - ", "31.12.2023 ÖS 9:05 - ", "31.12.23, 9:05 m.d. - ", "31.12.23, 9:05 MD - ",
		"31/12/2023, 9:05 Jioni - ", "31/12/23, 9:05 PTG - ", "31/12/23 21.05 - ", "31/12/2023 pukul 21.05 - ", "12/31/23, 9:05 PM - ", "1402/10/10، 9:05 ب.ظ. - ",
		"31/12/23، 9:05 PM - ", "31/12/23، 9:05 بعد دوپہر - ", "31/12/23, રાત્રે 9:05 - ", "31/12/2566 21:05 น. - ", "31/12/2023 21:05 Uhr - ", "2023/12/31 (21:05) - ",
		"31.12.2023 о 21:05 - ", "31/12/2023 下午9:05 - ", "2023/12/31 夜9:05 - ", "2023年12月31日 21：05 - ",
	} {
		text := line + "Bob: hi\n"
		events := messages(t, androidPath, text)
		if len(events) != 1 {
			t.Errorf("%s has %d messages", line, len(events))
			continue
		}
		if got := show(&events[0]); strings.ReplaceAll(got, "21:05:07", "21:05") != "2023-12-31 21:05 <Bob> hi" {
			t.Errorf("%s is %s", line, got)
		}
		if c := recognise(producertest.File(androidPath, []byte(text))); c != producers.Certain {
			t.Errorf("%s is recognised as %v", line, c)
		}
	}
}

// TestArchive_Listed: what Korean phones print looks as chats of KakaoTalk do, so the name of the file decides.
func TestArchive_Listed(t *testing.T) {
	t.Parallel()
	const text = "2023년 12월 31일 오후 9:05, 철수 : 안녕: 나\n2024년 1월 1일 오전 8:00, 영희 : 네\n둘\n"
	compare(t, messages(t, androidPath, text), "2023-12-31 21:05 <철수> 안녕: 나\n2024-01-01 08:00 <영희> 네|둘")
	if c := recognise(producertest.File("chat.txt", []byte(text))); c != producers.No {
		t.Errorf("without a name it is recognised as %v", c)
	}
}

// TestArchive_Lunar: what is of the lunar calendar is named as such.
func TestArchive_Lunar(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"١٨/٦/١٤٤٥ هـ، ٩:٠٥ م - علي: مرحبا\n", "[18/6/1445 AH, 21:05:00] Ali: aa\n", "18\u200f/6\u200f/45 هـ، 9:05 م - Ali: aa\n",
	} {
		events, notices, n := read(t, text, owner())
		if len(events) != 0 || n.Unparsed != 1 || notices["date-unreadable"].Count != 1 {
			t.Errorf("%s: %d messages, %d unparsed, notices %v", text, len(events), n.Unparsed, notices)
		}
		if c := recognise(producertest.File(androidPath, []byte(text))); c != producers.Certain {
			t.Errorf("%s is recognised as %v", text, c)
		}
	}
}
