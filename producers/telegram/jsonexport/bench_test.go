package jsonexport

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

func BenchmarkScan(b *testing.B) {
	record := `  {"id": %d, "type": "message", "date": "2024-05-01T12:00:00", "date_unixtime": "1714554000", "from_id": "user1", "text": "%s"},` + "\n"
	var data []byte
	for i := range 20000 {
		data = fmt.Appendf(data, record, i, strings.Repeat("помидоры в теплице ", 12))
	}
	data = append(append([]byte("[\n"), data...), ']')
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		s := newScanner(bytes.NewReader(data), nil, 0, 1, 0)
		s.Next()
		if f := s.Pass(); f.Why != "" {
			b.Fatal(f.Why)
		}
	}
}
