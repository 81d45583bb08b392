package all_test

import (
	"errors"
	"io"
	"testing"

	"github.com/agrichat/agrichat/producers"
	"github.com/agrichat/agrichat/producers/all"
)

// BenchmarkRead reads a long export of each connector on one core: nothing here runs beside anything else.
func BenchmarkRead(b *testing.B) {
	for _, d := range all.Definitions() {
		if d.Archive == nil {
			continue
		}
		b.Run(string(d.Name), func(b *testing.B) {
			f := long(d.Name)
			b.SetBytes(f.Size)
			b.ReportAllocs()
			for b.Loop() {
				if n := readLong(b, d, f); n < longRecords {
					b.Fatalf("%d events", n)
				}
			}
			b.ReportMetric(float64(longRecords*b.N)/b.Elapsed().Seconds(), "messages/s")
		})
	}
}

func readLong(b *testing.B, d producers.Definition, f producers.File) (events int) {
	b.Helper()
	src, err := d.Archive(f, producers.Options{Account: "4711"})
	if err != nil {
		b.Fatal(err)
	}
	s, err := src.Connect(b.Context(), nil)
	if err != nil {
		b.Fatal(err)
	}
	for {
		batch, err := s.Next(b.Context())
		if errors.Is(err, io.EOF) {
			if err := s.Close(); err != nil {
				b.Fatal(err)
			}
			return events
		}
		if err != nil {
			b.Fatal(err)
		}
		events += len(batch.Events)
	}
}
