package bench

import (
	"fmt"

	"github.com/agrichat/agrichat/internal/bench/corpus"
	"github.com/agrichat/agrichat/internal/bench/measure"
)

// variant says whether a value is measured, or of the control, which is the same measured once more.
type variant bool

const (
	measured variant = false
	repeated variant = true
)

// add notes a value of a figure that the catalog has.
func (b *run) add(name string, a variant, v float64) {
	for _, f := range b.report.Figures {
		if f.Name != name {
			continue
		}
		if a == repeated {
			f.Control = append(f.Control, v)
		} else {
			f.Values = append(f.Values, v)
		}
	}
}

// The goals are for an archive of a million messages.
const (
	goalBus    = 30_000
	goalWhole  = 12_000
	goalAgain  = 4
	goalShare  = 1
	goalMemory = 300
	goalRow    = 500
	goalBusy   = 2_000 // as goalRow, while an import runs
	goalFigure = 2_000
	goalVerify = 20
	goalSize   = 1_000_000
)

// catalog is every figure there is, in the order in which they are shown.
func catalog(c *Config) []*measure.Figure {
	list := busFigures()
	list = append(list, wholeFigures(c)...)
	return append(list, otherFigures(c)...)
}

func busFigures() []*measure.Figure {
	list := []*measure.Figure{
		{Name: "bus_telegram", Title: "file to bus, durable", Unit: "messages/s", Goal: measure.AtLeast(goalBus),
			How: "reading the Telegram JSON into a new stream (NATS a process of its own, sync always) until its last event is acknowledged"},
		{Name: "bus_ours", Title: "  our processor time", Unit: "µs/message", How: "of the process that reads and publishes, in the same"},
		{Name: "bus_nats", Title: "  processor time of NATS", Unit: "µs/message", How: "of its process, in the same"},
		{Name: "limit_publish", Title: "  the machine: bare publishing", Unit: "messages/s",
			How: "the same events, encoded before, by the client library alone: atomic batches of 1000, four at a time"},
	}
	for _, f := range corpus.Formats()[1:] {
		list = append(list, &measure.Figure{Name: "bus_" + string(f), Title: "file to bus, " + string(f), Unit: "messages/s",
			How: "the same messages in this format, read as above"})
	}
	return list
}

func wholeFigures(c *Config) []*measure.Figure {
	verifying := measure.AtMost(goalVerify)
	if c.Corpus.Messages > goalSize {
		verifying = nil
	}
	return []*measure.Figure{
		{Name: "end_to_end", Title: "end to end", Unit: "messages/s", Goal: measure.AtLeast(goalWhole),
			How: "`agrichat import` from its start to its end, NATS within: bus, PostgreSQL, facts, ClickHouse; `agrichat verify` then finds all equal"},
		{Name: "end_to_end_verified", Title: "  with the verification", Unit: "messages/s", How: "messages over the time of both commands"},
		{Name: "limit_copy", Title: "  the machine: COPY", Unit: "messages/s",
			How: "the same rows by binary COPY into the same tables with all indexes, a session a table, in the same server"},
		{Name: "again", Title: "the same file again", Unit: "times as fast", Goal: measure.AtLeast(goalAgain),
			How: "time of the first import over that of the same command once more, which publishes nothing"},
		{Name: "verify", Title: "agrichat verify", Unit: "s", Goal: verifying, How: "the command from its start to its end, NATS within"},
		{Name: "cpu_ours", Title: "our processor time, NATS within", Unit: "µs/message", How: "user and system time of the process of the import"},
		{Name: "cpu_postgres", Title: "PostgreSQL's processor time", Unit: "µs/message", How: "of all its processes, while the import ran"},
		{Name: "cpu_clickhouse", Title: "ClickHouse's processor time", Unit: "µs/message", How: "of its process, while the import ran"},
		{Name: "cpu_others", Title: "processor time of all others", Unit: "µs/message", How: "of the machine, less the three"},
		{Name: "cpu_copy", Title: "PostgreSQL's processor time for COPY", Unit: "µs/message", How: "of all its processes, while the same rows were copied in"},
		{Name: "cpu_share", Title: "our processor time over PostgreSQL's", Unit: "times", Goal: measure.AtMost(goalShare), How: "the first over the second of these"},
		{Name: "memory", Title: "memory of our process, NATS within", Unit: "MB", Goal: measure.AtMost(goalMemory),
			How: "the most that was resident during the import, as the kernel tells (VmHWM)"},
		{Name: "memory_large", Title: fmt.Sprintf("  of %d messages", c.Large), Unit: "MB", Goal: measure.AtMost(goalMemory),
			How: "the same, once, with the larger archive"},
		{Name: "large", Title: fmt.Sprintf("end to end, %d messages", c.Large), Unit: "messages/s", How: "the same import"},
		{Name: "memory_clickhouse", Title: "memory of ClickHouse", Unit: "MB", How: "as above, of its process, with the verification"},
		{Name: "disk_nats", Title: "disk: NATS", Unit: "MB", How: "blocks of its folder after the imports"},
		{Name: "disk_postgres", Title: "disk: PostgreSQL", Unit: "MB", How: "the same, indexes and log included"},
		{Name: "disk_clickhouse", Title: "disk: ClickHouse", Unit: "MB", How: "the same"},
	}
}

func otherFigures(c *Config) []*measure.Figure {
	during := fmt.Sprintf("from the acknowledgement of each message, at %d/s, while `agrichat import` brings another %d in by the same `agrichat up`, for %s at least, ",
		c.Rate, c.Corpus.Messages, c.Live)
	live := fmt.Sprintf("from the acknowledgement of each of %d messages, at %d/s, ", c.liveMessages(), c.Rate)
	return []*measure.Figure{
		{Name: "apart", Title: "end to end, NATS apart", Unit: "messages/s", How: "`agrichat import` with NATS in a process of its own, by TCP"},
		{Name: "apart_ours", Title: "  our processor time", Unit: "µs/message", How: "of the process of the import"},
		{Name: "apart_nats", Title: "  processor time of NATS", Unit: "µs/message", How: "of its process"},
		{Name: "apart_postgres", Title: "  processor time of PostgreSQL", Unit: "µs/message", How: "of all its processes"},
		{Name: "apart_clickhouse", Title: "  processor time of ClickHouse", Unit: "µs/message", How: "of its process"},
		{Name: "live_row_p50", Title: "live: published to row committed, p50", Unit: "ms",
			How: live + "to when a query sees its row; asked every 5 ms; `agrichat up` works, the stores hold the archive"},
		{Name: "live_row_p99", Title: "live: published to row committed, p99", Unit: "ms", Goal: measure.AtMost(goalRow), How: "the same"},
		{Name: "live_figure_p50", Title: "live: published to figure, p50", Unit: "ms", How: live + "to when a query of ClickHouse sees it; asked every 25 ms"},
		{Name: "live_figure_p99", Title: "live: published to figure, p99", Unit: "ms", Goal: measure.AtMost(goalFigure), How: "the same"},
		{Name: "live_import_rate", Title: "the import while live messages come", Unit: "messages/s",
			How: "messages of a second archive over the time of `agrichat import`, which publishes while `agrichat up` stores and a live source speaks"},
		{Name: "live_import_row_p50", Title: "live during an import: published to row committed, p50", Unit: "ms",
			How: during + "to when a query sees its row; asked every 20 ms"},
		{Name: "live_import_row_p99", Title: "live during an import: published to row committed, p99", Unit: "ms", Goal: measure.AtMost(goalBusy), How: "the same"},
		{Name: "live_import_figure_p50", Title: "live during an import: published to figure, p50", Unit: "ms",
			How: during + "to when a query of ClickHouse sees it; asked every 100 ms"},
		{Name: "live_import_figure_p99", Title: "live during an import: published to figure, p99", Unit: "ms", How: "the same"},
		{Name: "bento", Title: "Bento: file, JetStream, one table", Unit: "messages/s",
			How: "two of its processes, the same messages as JSON lines, the same servers, until the last row is counted"},
		{Name: "bento_cpu", Title: "  processor time of Bento", Unit: "µs/message", How: "of both processes"},
		{Name: "bento_postgres", Title: "  processor time of PostgreSQL", Unit: "µs/message", How: "of all its processes"},
	}
}
