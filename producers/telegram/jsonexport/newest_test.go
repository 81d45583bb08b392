package jsonexport

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/agrichat/agrichat/producers"
)

func TestNewest(t *testing.T) {
	long := strings.Repeat("x", 3*tailRead-7)
	for name, c := range map[string]struct {
		text  string
		chats bool
		want  int64
	}{
		"the last":               {`{"date_unixtime": "1700000000"}, {"date_unixtime": "1700000009"}`, false, 1700000009},
		"an edit":                {`{"date_unixtime": "1700000000", "edited_unixtime":"1700000020"}, {"date_unixtime":1700000009}`, false, 1700000020},
		"far from the end":       {`{"date_unixtime": "1700000000"}` + long, false, 0},
		"in one of many chats":   {`{"date_unixtime": "1700000000"}` + long + `{"date_unixtime": "1600000000"}`, true, 1700000000},
		"in a text":              {`{"date_unixtime": "1700000000", "text": "\"date_unixtime\": \"1800000000\""}`, false, 1700000000},
		"no number":              {`{"date_unixtime": "", "edited_unixtime": "99999999999999999999", "x_unixtime": `, false, 0},
		"before times were told": {`{"date": "2020-01-01T00:00:00"}`, false, 0},
	} {
		f := producers.File{Size: int64(len(c.text)), Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(c.text)), nil }}
		if got := newest(f, c.chats); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
	for cut := range 60 { // wherever a block ends
		text := strings.Repeat(" ", tailRead-cut) + `{"date_unixtime": "1700000000"}` + strings.Repeat(" ", 80)
		if got, err := latestUnix(strings.NewReader(text)); err != nil || got != 1700000000 {
			t.Errorf("cut %d: %d, %v", cut, got, err)
		}
	}
}

func TestThreads_Bounded(t *testing.T) {
	var s threads
	for i := range maxThreads + 10 {
		s.add(fmt.Sprint(i+1), "7")
	}
	if len(s.topics) != maxThreads || s.of("10") != "" || s.of("11") != "7" {
		t.Errorf("%d are remembered; of the oldest %q, %q", len(s.topics), s.of("10"), s.of("11"))
	}
}
