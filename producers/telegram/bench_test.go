package telegram

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/agrichat/agrichat/producers"
	"github.com/agrichat/agrichat/producers/producertest"
)

// large makes an export of n messages of about 425 bytes, half of them Russian.
func large(n int) []byte {
	texts := []string{
		strings.Repeat("the beans came up after the rain ", 3),
		strings.Repeat("помидоры в теплице ", 3),
	}
	messages := make([]string, n)
	for i := range messages {
		messages[i] = fmt.Sprintf(`{
   "id": %d,
   "type": "message",
   "date": "2024-05-01T12:%02d:%02d",
   "date_unixtime": "%d",
   "from": "Участник %d",
   "from_id": "user%d",
   "reply_to_message_id": %d,
   "text": "%s",
   "text_entities": [
    {
     "type": "plain",
     "text": "%s"
    }
   ]
  }`, i+1, i/60%60, i%60, 1714554000+i, i%50, 1000+i%50, i, texts[i%2], texts[i%2])
	}
	return chatOf("public_supergroup", messages...)
}

// BenchmarkRead measures one core: nothing here runs beside anything else.
func BenchmarkRead(b *testing.B) {
	const n = 20000
	data := large(n)
	b.SetBytes(int64(len(data)))
	b.ReportMetric(float64(len(data))/n, "bytes/message")
	b.ReportAllocs()
	for b.Loop() {
		if got := drain(b, data); got != n+2 {
			b.Fatalf("%d events", got)
		}
	}
	b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "messages/s")
}

func drain(b *testing.B, data []byte) (events int) {
	src, err := Definition().Archive(producertest.File("x/result.json", data), producers.Options{})
	if err != nil {
		b.Fatal(err)
	}
	s, err := src.Connect(b.Context(), nil)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	for {
		batch, err := s.Next(b.Context())
		if errors.Is(err, io.EOF) {
			return events
		}
		if err != nil {
			b.Fatal(err)
		}
		events += len(batch.Events)
	}
}
