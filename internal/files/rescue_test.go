package files

import (
	"fmt"
	"io"
	"strings"
	"testing"
)

// countingReader counts the bytes that are read of it.
type countingReader struct {
	io.ReaderAt
	read int64
}

func (c *countingReader) ReadAt(b []byte, pos int64) (int, error) {
	n, err := c.ReaderAt.ReadAt(b, pos)
	c.read += int64(n)
	return n, err
}

// A zip of many small files is read about once.
func TestRescue_readsOnce(t *testing.T) {
	t.Parallel()
	var members []member
	for i := range 3000 {
		members = append(members, member{name: fmt.Sprintf("general/%d.json", i), data: "chat " + strings.Repeat("x", i%100), store: true})
	}
	whole := string(zipOf(t, members...))
	cut := strings.NewReader(whole[:strings.LastIndex(whole, "PK\x05\x06")])
	in := &countingReader{ReaderAt: cut}
	z, err := rescue(in, cut.Size())
	if err != nil {
		t.Fatal(err)
	}
	if len(z.File) != len(members) {
		t.Errorf("%d files, want %d", len(z.File), len(members))
	}
	if most := 4 * cut.Size(); in.read > most {
		t.Errorf("%d bytes read of %d, want at most %d", in.read, cut.Size(), most)
	}
}
