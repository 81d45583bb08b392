package discord

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/agrichat/agrichat/producers"
	"github.com/agrichat/agrichat/producers/producertest"
)

// BenchmarkRead measures one core: nothing here runs beside anything else.
func BenchmarkRead(b *testing.B) {
	const n = 20000
	texts := []string{strings.Repeat("the beans came up after the rain ", 3), strings.Repeat("помидоры в теплице ", 3)}
	messages := make([]string, n)
	rows := []string{"AuthorID,Author,Date,Content,Attachments,Reactions"}
	for i := range messages {
		messages[i] = typed(i, "Default", texts[i%2], `"attachments": []`, `"embeds": []`, `"stickers": []`, `"reactions": []`,
			`"mentions": []`, `"inlineEmojis": []`)
		rows = append(rows, fmt.Sprintf(`"11111111111111%04d","vera","%s","%s","",""`, i%50,
			noon().Add(time.Duration(i)*time.Second).Format("2006-01-02T15:04:05.0000000-07:00"), texts[i%2]))
	}
	b.Run("json", func(b *testing.B) { bench(b, jsonPath, export(messages...), n) })
	b.Run("csv", func(b *testing.B) { bench(b, "beans.csv", []byte(strings.Join(rows, "\r\n")), n) })
}

func bench(b *testing.B, path string, data []byte, n int) {
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		src, err := Definition().Archive(producertest.File(path, data), producers.Options{})
		if err != nil {
			b.Fatal(err)
		}
		if got := len(producertest.Events(drainFrom(b, src, nil))); got != n+2 {
			b.Fatalf("%d events", got)
		}
	}
	b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "messages/s")
}
