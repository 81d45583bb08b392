package charset

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"
)

func encode(t *testing.T, e encoding.Encoding, s string) []byte {
	t.Helper()
	b, err := e.NewEncoder().Bytes([]byte(s))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestDecoder_Decode(t *testing.T) {
	for _, c := range []struct {
		label string
		e     encoding.Encoding
		text  string
	}{
		{"windows-1251", charmap.Windows1251, "12.03.2021, 10:00 - Боб: привет\n12.03.2021, 10:01 - Аня: ок"},
		{"windows-1251", charmap.Windows1251, "[10:00] <bot> Сегодня пасмурно, завтра дождь. Вася ПРИДЁТ"},
		{"koi8-r", charmap.KOI8R, "Боб: привет, как дела\nАня: хорошо, спасибо\n"},
		{"ibm866", charmap.CodePage866, "Боб: привет, как дела\nАня: хорошо, спасибо\n"},
		{"windows-1252", charmap.Windows1252, "Où es-tu? J'ai déjà mangé"},
		{"windows-1252", charmap.Windows1252, "schöne Grüße"},
		{"windows-1252", charmap.Windows1252, "café"},
		{"windows-1252", charmap.Windows1252, "Nos vemos mañana, señor"},
		{"windows-1250", charmap.Windows1250, "Dziękuję, proszę wziąć żółte łódki"},
		{"windows-1254", charmap.Windows1254, "Günaydın, şeker alır mısınız? Çığ düştü"},
		{"windows-1253", charmap.Windows1253, "Καλημέρα σε όλους"},
		{"windows-1255", charmap.Windows1255, "שלום לכולם מה שלומכם"},
		{"windows-1256", charmap.Windows1256, "مرحبا بالجميع كيف حالكم"},
		{"euc-kr", korean.EUCKR, "안녕하세요 여러분 반갑습니다"},
		{"shift_jis", japanese.ShiftJIS, "農場のチャットです。おはようございます"},
		{"gbk", simplifiedchinese.GBK, "你好，世界，今天天气很好"},
	} {
		t.Run(c.label, func(t *testing.T) {
			b := encode(t, c.e, c.text)
			d, err := NewDecoder("", func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b)), nil })
			if err != nil {
				t.Fatal(err)
			}
			if text, label := d.Decode(b); label != c.label || text != c.text {
				t.Errorf("guessed %s: %q, want %s: %q", label, text, c.label, c.text)
			}
			named, err := NewDecoder(c.label, nil)
			if err != nil {
				t.Fatal(err)
			}
			if text, label := named.Decode(b); label != c.label || text != c.text {
				t.Errorf("named %s: %q, want %q", label, text, c.text)
			}
		})
	}
	t.Run("UTF-8", func(t *testing.T) {
		d, err := NewDecoder("windows-1251", nil)
		if err != nil {
			t.Fatal(err)
		}
		if text, label := d.Decode([]byte("привет")); text != "привет" || label != "" {
			t.Errorf("%q, %q", text, label)
		}
		if text, label := d.Decode([]byte("привет, ми\xd1")); text != "привет, ми\uFFFD" || label != Damaged {
			t.Errorf("%q, %q", text, label)
		}
	})
	t.Run("unknown", func(t *testing.T) {
		if _, err := NewDecoder("windows-125l", nil); err == nil || !strings.Contains(err.Error(), "windows-125l") {
			t.Errorf("%v", err)
		}
	})
}

func TestPlausible(t *testing.T) {
	for text, want := range map[string]bool{
		"<josй> maсana": false, "‚®ў в\u00a0¬": false, "<Боря> привет": true, "<josé> mañana señor": true, "<ann> 你好": true, "<ann> ПРИВЕТ": true,
	} {
		if got := Plausible(text); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}

func TestKey(t *testing.T) {
	b := encode(t, charmap.Windows1251, "привет")
	if a, c := Key(b), In(charmap.Windows1252, b); a != c {
		t.Errorf("%q, want %q", a, c)
	}
	if k := Key([]byte("привет")); k != "привет" {
		t.Errorf("%q", k)
	}
}

func TestGuessNames(t *testing.T) {
	for _, c := range []struct {
		e    encoding.Encoding
		name string
	}{
		{charmap.CodePage866, "Чат WhatsApp с Зерно.txt"},
		{charmap.Windows1251, "Чат WhatsApp с Зерно.txt"},
		{charmap.Windows1251, "Чат WhatsApp с контактом Мама.txt"},
		{charmap.Windows1251, "Мама.txt"},
		{charmap.Windows1255, "שיחת WhatsApp עם אמא.txt"},
		{charmap.Windows1253, "Συνομιλία WhatsApp με Γιώργος.txt"},
		{charmap.CodePage866, "WhatsApp Chat - Чат - Дача 6384/_chat.txt"},
		{charmap.CodePage437, "WhatsApp Chat mit Jürgen Möller.txt"},
		{charmap.CodePage850, "Conversa do WhatsApp com João.txt"},
		{japanese.ShiftJIS, "農場のチャット/2024-05-01.json"},
	} {
		b := encode(t, c.e, c.name)
		e, label := GuessNames(b, nil)
		if got := In(e, b); got != c.name {
			t.Errorf("%s: %q, want %q", label, got, c.name)
		}
	}
}

func TestUTF16(t *testing.T) {
	text := "12.03.2021, 10:00 - Bob: hello\n12.03.2021, 10:01 - Аня: ок\n"
	for name, e := range map[string]encoding.Encoding{
		"little, mark":    unicode.UTF16(unicode.LittleEndian, unicode.UseBOM),
		"big, mark":       unicode.UTF16(unicode.BigEndian, unicode.UseBOM),
		"little, no mark": unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM),
		"big, no mark":    unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM),
	} {
		t.Run(name, func(t *testing.T) {
			b := encode(t, e, text)
			found := UTF16(b)
			if found == nil {
				t.Fatal("not recognised")
			}
			got, err := io.ReadAll(Reader(io.NopCloser(bytes.NewReader(b)), found))
			if err != nil || string(got) != text {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
	if UTF16([]byte(text)) != nil || UTF16([]byte("PK\x03\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00")) != nil {
		t.Error("taken for UTF-16")
	}
}

func TestGuess(t *testing.T) {
	for name, c := range map[string]struct {
		e    encoding.Encoding
		text string
	}{
		"dashes alone":                     {charmap.Windows1252, "12/03/2021, 10:00 – Bob: hello\n12/03/2021, 10:01 – Ann: ok\n"},
		"dashes and quotes beside letters": {charmap.Windows1251, "12.03.2021, 10:00 – Аня: «привет» — сказала она… “да”\n12.03.2021, 10:01 – Аня: ок\n"},
		"French spaces":                    {charmap.Windows1252, "10:00 – Ann\u00a0: ça va\u00a0? Oui\u00a0!\n10:01 – Bob\u00a0: déjà\n"},
		"one ellipsis":                     {charmap.Windows1252, "10:00 Bob: well …\n"},
		"words that both neighbours have": {charmap.Windows1252, "Grüße mañana mañana você não mañana você não où naïve mañana ça schön où mañana ça für não ça Grüße ça mañana schön " +
			"schön mañana não não José mañana você für schön für naïve où você für für naïve naïve où José für naïve naïve où José naïve não naïve schön"},
		"Czech":         {charmap.Windows1250, "příliš žluťoučký kůň – úpěl ďábelské ódy, děkuji, těším se na tebe večer"},
		"Polish":        {charmap.Windows1250, "cześć, będę później – proszę zaczekać, już idę, ślicznie dziękuję"},
		"Turkish":       {charmap.Windows1254, "günaydın, bugün işe geç kalacağım – şimdi çıkıyorum, görüşürüz"},
		"Greek":         {charmap.Windows1253, "καλημέρα – τι κάνεις σήμερα, θα έρθεις το βράδυ"},
		"code page 866": {charmap.CodePage866, "привет, как дела, завтра у нас сыро, принесите лопаты"},
	} {
		t.Run(name, func(t *testing.T) {
			b := encode(t, c.e, c.text)
			open := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b)), nil }
			d, err := NewDecoder("", open)
			if err != nil {
				t.Fatal(err)
			}
			if got, label := d.Decode(b); got != c.text {
				t.Errorf("%s: %q, want %q", label, got, c.text)
			}
		})
	}
}
