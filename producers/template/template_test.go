package template

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/producers"
	"github.com/agrichat/agrichat/producers/filekit"
	"github.com/agrichat/agrichat/producers/producertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestDefinition(t *testing.T) { producertest.Definition(t, Definition()) }

// fixture is a file of testdata, which is cut at every byte.
func fixture(t *testing.T, name string) producertest.Case {
	t.Helper()
	file := filepath.Join("testdata", name)
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return producertest.Case{Path: file, Data: b, Cuts: len(b)}
}

func TestArchive(t *testing.T) {
	for name, want := range map[string]struct{ events, unparsed int }{
		"garden.talk": {8, 0}, "windows.talk": {2, 0}, "bad/lines.talk": {5, 3},
	} {
		for _, batch := range []int{1, 2, filekit.BatchSize} { // each record may be the last of a batch
			c := fixture(t, name)
			c.Events, c.Unparsed = want.events, want.unparsed
			producertest.Archive(t, definition(batch), c)
		}
	}
}

func TestRecognise(t *testing.T) {
	producertest.Foreign(t, Definition(),
		producertest.File("irc.log", []byte("10:00 < vera> hello\n")),
		producertest.File("notes.talk", []byte("not a line of talk\n")),
		producertest.File("table.tsv", []byte("2024-05-01 12:00\tvera\thello\n")),
	)
}

// What the fixtures say, as a person reads it.
func TestReader_Step(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	c := fixture(t, "garden.talk")
	c.Options = producers.Options{Zone: berlin}
	var got []string
	for _, e := range producertest.Events(producertest.Read(t, Definition(), c, nil)) {
		m, ok := e.Body.(*event.Message)
		if !ok {
			t.Fatalf("%s is no message", e.Kind)
		}
		said := e.Sent.At.Format("01-02 15:04") + " " + string(e.Channel) + " " + e.Author.Name + ": " + m.Text
		if or := m.Details["sent_or"]; or != "" {
			said += " (or " + or + ")"
		}
		got = append(got, said)
	}
	want := strings.Split(strings.TrimSpace(`
05-01 10:00 garden vera: the beans came up
05-01 10:00 garden vera: ok
05-01 10:00 garden vera: ok
05-01 10:01 garden олег: да	и табуляция
10-27 00:30 garden vera: before clocks are set back (or 2024-10-27T01:30:00Z)
10-27 01:10 garden vera: after (or 2024-10-27T00:10:00Z)
10-27 03:00 garden vera: a day of its own
10-28 11:00 garden vera: ok`), "\n")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
