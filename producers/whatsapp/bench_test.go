package whatsapp

import (
	"fmt"
	"strings"
	"testing"

	"github.com/agrichat/agrichat/producers/producertest"
)

// large makes an export of n messages of about 140 bytes, half of them Russian, one in ten with a file, one in five of two
// lines.
func large(n int, layout string) string {
	texts := []string{strings.Repeat("the beans came up ", 5), strings.Repeat("помидоры ", 5)}
	var b strings.Builder
	for i := range n {
		text := texts[i%2]
		if i%10 == 0 {
			text = "<Media omitted>"
		} else if i%5 == 0 {
			text += "\nand more of it"
		}
		m := i / 4
		fmt.Fprintf(&b, layout, 1+m/1440%28, 1+m/1440/28%12, m/60%24, m%60, i%50, text)
	}
	return b.String()
}

// BenchmarkRead measures one core: nothing here runs beside anything else.
func BenchmarkRead(b *testing.B) {
	const n = 50000
	for name, c := range map[string]struct{ path, layout string }{
		"android": {androidPath, "%02d/%02d/24, %02d:%02d - Участник %d: %s\n"},
		"iphone":  {iPhonePath, "[%02d.%02d.24, %02d:%02d:01] Участник %d: %s\r\n"},
	} {
		b.Run(name, func(b *testing.B) {
			text := large(n, c.layout)
			f := producertest.File(c.path, []byte(text))
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				if events, _ := drain(b, f, owner()); len(events) != n+2 {
					b.Fatalf("%d events", len(events))
				}
			}
			b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "messages/s")
			b.ReportMetric(float64(strings.Count(text, "\n")*b.N)/b.Elapsed().Seconds(), "lines/s")
		})
	}
}
