package cli

import (
	"testing"
	"testing/synctest"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/agrichat/agrichat/internal/ingest"
)

// TestImporting_Series imports many files: the number of metric series must not grow with them.
func TestImporting_Series(t *testing.T) {
	t.Parallel()
	count := func(t *testing.T, files int) (n int) {
		i, _, list := crowded(files, 8)
		reg := prometheus.NewRegistry()
		if err := i.readAll(t.Context(), list, ingest.Config{Publisher: nowhere{}, Metrics: ingest.NewMetrics(reg)}); err != nil {
			t.Fatal(err)
		}
		families, err := reg.Gather()
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range families {
			n += len(f.GetMetric())
		}
		return n
	}
	synctest.Test(t, func(t *testing.T) {
		if few, many := count(t, 10), count(t, 1000); few == 0 || many != few {
			t.Errorf("%d series after ten files, %d after 1000", few, many)
		}
	})
}
