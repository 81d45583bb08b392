package telegram

import (
	"bytes"
	"testing"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"

	"github.com/agrichat/agrichat/producers"
)

// TestCharset_DoubleBytes: second bytes of characters that are ASCII's backslash escape nothing.
func TestCharset_DoubleBytes(t *testing.T) {
	for _, c := range []struct {
		charset, name, text string
		encoding            encoding.Encoding
		guessed             bool
	}{
		{"cp932", "ミソ", "こんにちは、これは時刻表", japanese.ShiftJIS, true},
		{"shift_jis", "表", "能\\n「表」\\\\ソ", japanese.ShiftJIS, false},
		{"gbk", "誠", "你好 \\\"誠\\\" 誠", simplifiedchinese.GBK, false},
		{"cp950", "許功蓋", "大家好，我很成功", traditionalchinese.Big5, false},
	} {
		data := []byte("{\n \"name\": \"" + c.name + "\",\n \"type\": \"private_group\",\n \"id\": 5,\n \"messages\": [\n  " +
			pretty(`"id": 1`, `"type": "message"`, `"date": "2021-03-12T10:00:00"`, `"from": "`+c.name+`"`, `"from_id": "user7"`, `"text": "`+c.text+`"`) + ",\n  " +
			pretty(`"id": 2`, `"type": "message"`, `"date": "2021-03-12T10:01:00"`, `"from": "`+c.name+`"`, `"from_id": "user7"`, `"text": "x"`) + "\n ]\n}\n")
		_, want := readAll(t, data, mine())
		stored, err := c.encoding.NewEncoder().Bytes(data)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Contains(stored, []byte("\\\"")) {
			t.Fatalf("%s: no backslash before a quotation mark", c.charset)
		}
		named := []string{c.charset}
		if c.guessed {
			named = append(named, "")
		}
		for _, o := range named {
			for name, file := range map[string][]byte{"stored": stored, "UTF-8": data} {
				_, got := readAll(t, file, producers.Options{Account: "1001", Charset: o})
				if len(got) != len(want) {
					t.Errorf("%s as %q, %s: %d events, want %d", c.charset, o, name, len(got), len(want))
					continue
				}
				for i := range got {
					if got[i].ID != want[i].ID {
						t.Errorf("%s as %q, %s: event %d has another id", c.charset, o, name, i)
					}
					sameTexts(t, &want[i], &got[i])
				}
			}
		}
	}
}
