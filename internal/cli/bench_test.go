package cli_test

import "testing"

// The whole benchmark, small: a process of its own for every part, real servers, everything durable.
func TestBenchMeasuresTheWholeWay(t *testing.T) {
	t.Parallel()
	w := newWorld(t).with(programMark + "=1")
	r := w.run("bench", "--messages", "3000", "--output", "json").want(0)
	var got struct {
		Corpus struct {
			Messages, Edited, Reactions int
		}
		Import, Verify struct {
			Seconds   float64
			Peak      int64              `json:"peak_memory_bytes"`
			Processor map[string]float64 `json:"processor_seconds"`
		}
		Postgres, ClickHouse struct{ Messages, Events int }
		Complete             bool
	}
	r.into(&got)
	if !got.Complete || got.Postgres.Messages != 3000 || got.ClickHouse.Messages != 3000 || got.Corpus.Messages != 3000 {
		t.Errorf("not every message is where it should be: %s", r.out)
	}
	if want := 3000 + got.Corpus.Reactions; got.Postgres.Events < want || got.Postgres.Events > want+2 {
		t.Errorf("there are %d events, want one a message, one a message with reactions, and the chat's", got.Postgres.Events)
	}
	for _, who := range []string{"ours", "nats", "postgres", "clickhouse"} {
		if got.Import.Processor[who] <= 0 {
			t.Errorf("%s used no processor time: %s", who, r.out)
		}
	}
	if got.Import.Seconds <= 0 || got.Verify.Seconds <= 0 || got.Import.Peak < 10<<20 {
		t.Errorf("nothing was measured: %s", r.out)
	}
}

func TestBenchRefusesAFolderThatIsThere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.run("bench", "--keep", t.TempDir()).want(2)
	w.run("bench", "--messages", "0").want(2)
}
