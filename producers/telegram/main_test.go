package telegram

import (
	"bytes"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/producers"
	"github.com/agrichat/agrichat/producers/producertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const accountFile = "testdata/account/result.json"

func account1(t testing.TB) producertest.Case {
	t.Helper()
	b, err := os.ReadFile(accountFile)
	if err != nil {
		t.Fatal(err)
	}
	return producertest.Case{Path: accountFile, Data: b, Events: 29, Unparsed: 1, Cuts: 800}
}

// chatOf makes an export of one chat with the given messages, laid out as the exporter does or on one line.
func chatOf(kind string, messages ...string) []byte {
	var b bytes.Buffer
	b.WriteString("{\n \"name\": \"Chat\",\n \"type\": \"" + kind + "\",\n \"id\": 555,\n \"messages\": [\n")
	for i, m := range messages {
		if i > 0 {
			b.WriteString(",\n")
		}
		b.WriteString("  " + m)
	}
	b.WriteString("\n ]\n}\n")
	return b.Bytes()
}

// readAll returns the events of an export by native id, channels apart, and all of them.
func readAll(t *testing.T, data []byte, o producers.Options) (map[event.NativeID]*event.Event, []event.Event) {
	t.Helper()
	c := producertest.Case{Path: "testdata/nowhere.json", Data: data, Options: o}
	all := producertest.Events(producertest.Read(t, Definition(), c, nil))
	out := map[event.NativeID]*event.Event{}
	for i := range all {
		if all[i].Kind == event.KindMessage {
			out[all[i].NativeID] = &all[i]
		}
	}
	return out, all
}

func message(t *testing.T, e *event.Event) *event.Message {
	t.Helper()
	if e == nil {
		t.Fatal("there is no such message")
	}
	return e.Body.(*event.Message)
}

func mine() producers.Options { return producers.Options{Account: "1001"} }

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}
