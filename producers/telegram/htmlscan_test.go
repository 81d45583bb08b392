package telegram

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

// TestPieces reads pages longer than its room in reads of any size.
func TestPieces(t *testing.T) {
	var want []string
	for i := range 2000 {
		tag := messageTag
		if i%97 == 50 {
			tag = serviceTag
		}
		want = append(want, fmt.Sprintf("%s%d\n%s", tag, i, strings.Repeat("х", i%300)))
	}
	page := "<html>\n" + strings.Join(want, "")
	readers := map[string]func() io.Reader{
		"whole": func() io.Reader { return strings.NewReader(page) },
		"bytes": func() io.Reader { return iotest.OneByteReader(strings.NewReader(page)) },
		"ends":  func() io.Reader { return iotest.DataErrReader(strings.NewReader(page)) },
	}
	in := new(pieces)
	for name, open := range readers {
		t.Run("next/"+name, func(t *testing.T) {
			in.again(open())
			var got []string
			for {
				raw, whole, err := in.next()
				if err != nil || !whole {
					t.Fatal(whole, err)
				}
				if len(raw) == 0 {
					break
				}
				got = append(got, string(raw))
				in.pass(len(raw))
			}
			if got := strings.Join(got[1:], "|"); got != strings.Join(want, "|") || in.at != int64(len(page)) || in.line != strings.Count(page, "\n")+1 {
				t.Errorf("%d pieces to byte %d, line %d", len(got), in.at, in.line)
			}
		})
		t.Run("seek/"+name, func(t *testing.T) {
			in.again(open())
			for i := range want {
				if !strings.HasPrefix(want[i], serviceTag) {
					continue
				}
				if err := in.seek(serviceTag); err != nil {
					t.Fatal(err)
				}
				raw, _, err := in.next()
				if string(raw) != want[i] || err != nil {
					t.Fatalf("message %d is %q: %v", i, raw, err)
				}
				in.drop(len(raw))
			}
			if err := in.seek(serviceTag); err != nil || len(in.buf) != 0 || in.at != int64(len(page)) {
				t.Errorf("%d bytes are left at %d: %v", len(in.buf), in.at, err)
			}
		})
	}
}
