package whatsapp

import (
	"fmt"
	"strings"
	"testing"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/korean"

	"github.com/agrichat/agrichat/internal/charset"
	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/fault"
	"github.com/agrichat/agrichat/producers"
	"github.com/agrichat/agrichat/producers/producertest"
)

const russian = `12.03.2021, 10:00 - Боря: привет, как дела
12.03.2021, 10:01 - Аня: всё хорошо, спасибо
второй строкой
12.03.2021, 10:02 - Дача: Петя: приеду завтра
12.03.2021, 10:03 - Дача: Петя: в обед
12.03.2021, 10:04 - Дача: Петя: наверное
12.03.2021, 10:05 - Боря: Данное сообщение удалено
12.03.2021, 10:06 - Аня добавил(-а) Боря
`

func encoded(t *testing.T, e encoding.Encoding, text string) string {
	t.Helper()
	out, err := e.NewEncoder().String(text)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestArchive_Charset(t *testing.T) {
	t.Parallel()
	want := texts(messages(t, androidPath, russian))
	raw := encoded(t, charmap.Windows1251, russian)
	var before []event.ID
	for _, c := range []struct{ named, label string }{
		{"", "windows-1251"}, {"windows-1251", "windows-1251"}, {"cp1251", "windows-1251"}, {"koi8-r", "koi8-r"}, {"ibm866", "ibm866"},
	} {
		o := owner()
		o.Charset = c.named
		var got []event.Event
		for _, e := range producertest.Events(batches(t, androidPath, raw, o)) {
			if e.Kind == event.KindMessage {
				got = append(got, e)
			}
		}
		if c.label == "windows-1251" && fmt.Sprint(texts(got)) != fmt.Sprint(want) {
			t.Errorf("named %q: %q, want %q", c.named, texts(got), want)
		}
		for i, e := range got {
			if e.Reading.Charset != c.label || !strings.Contains(raw, string(e.Raw)) {
				t.Errorf("named %q: message %d is of charset %q, its bytes are %q", c.named, i, e.Reading.Charset, e.Raw)
			}
		}
		if before != nil && fmt.Sprint(before) != fmt.Sprint(ids(got)) {
			t.Errorf("named %q: other ids", c.named)
		}
		before = ids(got)
	}
	if got := Definition().Recognise(producertest.File(androidPath, []byte(raw))); got != producers.Certain {
		t.Errorf("recognised with confidence %d", got)
	}
	o := owner()
	o.Charset = "no-such"
	if _, err := Definition().Archive(producertest.File(androidPath, []byte(raw)), o); fault.Of(err) != fault.Fatal {
		t.Errorf("a charset that is not known gives %v", err)
	}
}

func texts(events []event.Event) (out []string) {
	for _, e := range events {
		out = append(out, show(&e))
	}
	return out
}

// TestArchive_CharsetOfHeaders: spaces and words of a header beyond ASCII.
func TestArchive_CharsetOfHeaders(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		charset encoding.Encoding
		text    string
	}{
		{korean.EUCKR, "2024년 6월 13일 오후 6:05 - 김철수: 안녕하세요 반갑습니다\n2024년 6월 13일 오후 6:06 - 이영희: 네 반갑습니다\n"},
		{charmap.Windows1252, "13/06/2024, 6:05\u00a0p.\u00a0m. - José: será otro día\n13/06/2024, 6:06\u00a0p.\u00a0m. - Ana: sí, así es\n"},
		{charmap.Windows1256, "13/06/2024، 6:05 م - سلمى: مرحبا كيف الحال\n13/06/2024، 6:06 م - عمر: الحمد لله بخير\n"},
	} {
		raw := encoded(t, c.charset, c.text)
		want := texts(messages(t, androidPath, c.text))
		if got := texts(messages(t, androidPath, raw)); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%v: %q, want %q", c.charset, got, want)
		}
		if got := Definition().Recognise(producertest.File("renamed.txt", []byte(raw))); got < producers.Likely {
			t.Errorf("%v: recognised with confidence %d", c.charset, got)
		}
	}
}

func TestArchive_DamagedBytes(t *testing.T) {
	t.Parallel()
	events := messages(t, iPhonePath, "\u200e[13.06.24, 18:05:09] Боря: привет \xffмир\r\n[13.06.24, 18:06:00] Аня: ок\r\n")
	compare(t, events, "2024-06-13 18:05:09 <Боря> привет \ufffdмир\n2024-06-13 18:06:00 <Аня> ок")
	if e := events[0]; e.Reading.Charset != charset.Damaged || !strings.Contains(string(e.Raw), "\xff") {
		t.Errorf("the damaged one is of charset %q and has the bytes %q", e.Reading.Charset, e.Raw)
	}
	if e := events[1]; e.Reading.Charset != "" {
		t.Errorf("the other one is of charset %q", e.Reading.Charset)
	}
}

func TestArchive_CarriageReturns(t *testing.T) {
	t.Parallel()
	text := "21/12/2020, 18:51 - Ana: one\rmore of it\r21/12/2020, 18:52 - Ben: two\r"
	compare(t, messages(t, androidPath, text), "2020-12-21 18:51 <Ana> one|more of it\n2020-12-21 18:52 <Ben> two")
	producertest.Archive(t, Definition(), producertest.Case{Path: androidPath, Data: []byte(text), Events: 4, Options: owner()})
	feeds := strings.ReplaceAll(text, "\r", "\n")
	if a, b := ids(messages(t, androidPath, text)), ids(messages(t, androidPath, feeds)); fmt.Sprint(a) != fmt.Sprint(b) {
		t.Errorf("ids hang on the ends of lines: %v, %v", a, b)
	}
}

func TestArchive_CharsetConformance(t *testing.T) {
	t.Parallel()
	producertest.Archive(t, Definition(), producertest.Case{
		Path: androidPath, Data: []byte(encoded(t, charmap.Windows1251, russian)), Events: 9, Options: owner(), Cuts: 40,
	})
}
