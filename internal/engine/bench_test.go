package engine_test

import (
	"fmt"
	"testing"
)

// BenchmarkClickHouse measures what the way through HTTP and the library costs, per 10,000 rows of six columns.
func BenchmarkClickHouse(b *testing.B) {
	c := newClickHouse(b, dir(b))
	start(b, c)
	conn := chOpen(b, c.URL())
	for _, sync := range []int{0, 1} {
		table := fmt.Sprint("t", sync)
		chExec(b, conn, fmt.Sprintf("CREATE TABLE %s (id FixedString(16), version UInt128, channel LowCardinality(String), "+
			"sent DateTime64(3, 'UTC'), author String, length UInt32) ENGINE = ReplacingMergeTree(version) ORDER BY id "+
			"SETTINGS fsync_after_insert = %d, fsync_part_directory = %d, non_replicated_deduplication_window = 1000", table, sync, sync))
		b.Run(fmt.Sprint("insert/fsync=", sync), func(b *testing.B) {
			for i := range b.N {
				batch, err := conn.PrepareBatch(b.Context(), "INSERT INTO "+table)
				if err != nil {
					b.Fatal(err)
				}
				for j := range 10_000 {
					if err := batch.Append(fmt.Sprintf("%016d", i*10_000+j), typesRow(1)[9], "channel", typesRow(1)[3], "author", uint32(j)); err != nil {
						b.Fatal(err)
					}
				}
				if err := batch.Send(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("select", func(b *testing.B) {
		for range b.N {
			rows, err := conn.Query(b.Context(), "SELECT number, toString(number), toFixedString(toString(number % 10), 16) FROM numbers(1000000)")
			if err != nil {
				b.Fatal(err)
			}
			for rows.Next() {
				continue
			}
			if err := rows.Err(); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("select1", func(b *testing.B) {
		for range b.N {
			if err := conn.Exec(b.Context(), "SELECT 1"); err != nil {
				b.Fatal(err)
			}
		}
	})
}
