package crashtest

import (
	"strings"
	"testing"
)

// points are all places between two effects, in the order in which a message passes them.
func points() []string {
	return []string{
		"ingest.read", "ingest.published", "ingest.cursor",
		"normalise.fetched", "committed", "facts", "marked", "normalise.handled", "normalise.acked",
		"aggregate.fetched", "aggregate.inserted", "aggregate.handled", "aggregate.acked",
	}
}

// The program dies at a point, at once and then, in the same folder and with more to do, in the thick of it.
func TestDeath(t *testing.T) {
	t.Parallel()
	undisturbed(t)
	for _, point := range points() {
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			files := input(t).files
			h.dies(point+":1", files[:1])
			h.dies(point+":3", files[:5])
			u := h.up()
			h.imports(files)
			h.proves()
			u.stop()
		})
	}
}

// Nothing is made whole between the deaths: each finds what the ones before it left.
func TestDeathsInARow(t *testing.T) {
	t.Parallel()
	for _, row := range [][]string{
		{"aggregate.handled:2", "committed:1", "ingest.published:2", "facts:4", "normalise.fetched:3", "aggregate.inserted:5", "ingest.cursor:1"},
		// The first start: schemas, then which store it is and of which stream.
		{"migrated.postgres:1", "migrated.postgres:3", "migrated.clickhouse:3", "migrated.clickhouse:12", "generation:1", "identity:1"},
		{"facts:1", "facts:1", "marked:2", "normalise.acked:1", "aggregate.fetched:1", "committed:6", "normalise.handled:2"},
	} {
		t.Run(strings.Join(row[:2], ","), func(t *testing.T) {
			t.Parallel()
			h := newEmptyHouse(t)
			files := input(t).files
			for i, at := range row {
				h.dies(at, files[:i+2]) // one more file each time, so that there is something to do
			}
			h.imports(files)
			u := h.up()
			h.proves()
			u.stop()
		})
	}
}
