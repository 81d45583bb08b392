package charset

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"
)

func TestLookup(t *testing.T) {
	for name, want := range map[string]string{
		"windows-1251": "windows-1251", "cp1251": "windows-1251", "CP1251": "windows-1251", "KOI8-R": "koi8-r", "latin1": "windows-1252",
		"cp932": "shift_jis", "CP936": "gbk", "cp949": "euc-kr", "cp950": "big5", "IBM850": "ibm850", "utf-8": "utf-8",
		"klingon-1": "", "": "", "windows 1251": "",
	} {
		_, label, err := Lookup(name)
		if label != want || (err == nil) != (want != "") {
			t.Errorf("%q is %q, %v, want %q", name, label, err, want)
		}
		if err != nil && !strings.Contains(err.Error(), "windows-1251") {
			t.Errorf("the error of %q names no charset that would do: %v", name, err)
		}
	}
}

func TestNewDecoder(t *testing.T) {
	named, err := NewDecoder("koi8-r", nil)
	if err != nil || !named.Named() {
		t.Errorf("a named charset: %v, %v", named, err)
	}
	if _, err := NewDecoder("klingon-1", nil); err == nil {
		t.Error("an unknown charset is taken")
	}
	for name, open := range map[string]func() (io.ReadCloser, error){
		"no file":             nil,
		"a file that is gone": func() (io.ReadCloser, error) { return nil, errors.New("gone") },
	} {
		d, err := NewDecoder("", open)
		if err != nil || d.Named() {
			t.Fatalf("%s: %v", name, err)
		}
		if text, label := d.Decode([]byte("caf\xe9")); text != "café" || label != "windows-1252" {
			t.Errorf("%s: %q in %q", name, text, label)
		}
	}
}

// TestDecoder_Leads: brackets and backslashes may be second bytes of a character in the charsets of East Asia.
func TestDecoder_Leads(t *testing.T) {
	for name, tt := range map[string]struct {
		charset      string
		head         []byte
		leads, other string // bytes that lead a character, and bytes that do not
	}{
		"Japanese, named":                 {"shift_jis", nil, "\x81\x9f\xe0\xfc", "\x80\xa0\xdf\xfd["},
		"Japanese, guessed":               {"", encode(t, japanese.ShiftJIS, "農場のチャットです。おはようございます"), "\x81\x9f\xe0", "\xa0["},
		"Chinese, named":                  {"gbk", nil, "\x81\xfe", "\x80\xff["},
		"Chinese, guessed":                {"", encode(t, simplifiedchinese.GBK, "你好，世界，今天天气很好"), "\x81\xfe", "\x80["},
		"traditional Chinese":             {"big5", encode(t, traditionalchinese.Big5, "你好"), "\x81\xfe", "\x80["},
		"Cyrillic":                        {"", encode(t, charmap.Windows1251, "Боб: привет, как дела"), "", ""},
		"UTF-8":                           {"", []byte("Боб: привет"), "", ""},
		"UTF-8 cut within its last rune":  {"", []byte("Боб: приве\xd1"), "", ""},
		"UTF-8 with a broken byte within": {"", []byte("Боб: при\xffвет"), "", ""},
		"ASCII":                           {"", []byte("Bob: hi"), "", ""},
		"nothing":                         {"", nil, "", ""},
	} {
		d, err := NewDecoder(tt.charset, func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(tt.head)), nil })
		if err != nil {
			t.Fatal(err)
		}
		leads := d.Leads(tt.head)
		if (leads != nil) != (tt.leads != "") {
			t.Errorf("%s: leads %v", name, leads != nil)
			continue
		}
		for _, b := range []byte(tt.leads) {
			if !leads(b) {
				t.Errorf("%s: %#x leads no character", name, b)
			}
		}
		for _, b := range []byte(tt.other) {
			if leads(b) {
				t.Errorf("%s: %#x leads a character", name, b)
			}
		}
	}
}

func TestReadings(t *testing.T) {
	name := string(encode(t, charmap.CodePage866, "Чат.txt"))
	if got := Readings(name); !slices.Contains(got, "Чат.txt") {
		t.Errorf("%q may be %q", name, got)
	}
	if got := Readings("plain.txt"); len(got) == 0 || slices.ContainsFunc(got, func(s string) bool { return s != "plain.txt" }) {
		t.Errorf("an ASCII name may be %q", got)
	}
}

func TestMisreadName(t *testing.T) {
	raw := encode(t, charmap.CodePage866, "Чат.txt")
	if got, ok := MisreadName(In(charmap.CodePage437, raw)); !ok || got != string(raw) {
		t.Errorf("%q, %v, want %q", got, ok, raw)
	}
	if got, ok := MisreadName("Чат.txt"); ok {
		t.Errorf("a name that code page 437 does not have is %q", got)
	}
}

func TestIsASCII(t *testing.T) {
	for s, want := range map[string]bool{"": true, "abc\x7f": true, "é": false, "\x80": false} {
		if got := IsASCII(s); got != want {
			t.Errorf("%q: %v", s, got)
		}
	}
}
