package csv

import (
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/producers"
	"github.com/agrichat/agrichat/producers/producertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// numbered is a mapping with everything in it that most tables have.
const numbered = `
namespace: forum
channel: room
id: id
author: uid
author_name: user
time: {column: date, layout: "%Y-%m-%d %H:%M:%S", zone: Europe/Berlin}
text: message
reply_to: parent
`

const head = "id,room,uid,user,date,message,parent\n"

// table is a case of a table and its mapping.
func table(text, mapping string) producertest.Case {
	return producertest.Case{
		Path: "export/chat.csv", Data: []byte(text), Beside: map[string][]byte{"chat.csv.map.yaml": []byte(mapping)},
	}
}

func readAll(t *testing.T, c producertest.Case) []event.Event {
	t.Helper()
	return producertest.Events(producertest.Read(t, Definition(), c, nil))
}

// refused is why a table cannot be read.
func refused(t *testing.T, c producertest.Case) error {
	t.Helper()
	src, err := Definition().Archive(fileOf(c), c.Options)
	if err != nil {
		t.Fatal(err)
	}
	s, err := src.Connect(t.Context(), nil)
	if err == nil {
		t.Errorf("it is read, with the mapping %s", c.Beside["chat.csv.map.yaml"])
		_ = s.Close()
	}
	return err
}

func message(t *testing.T, e event.Event) *event.Message {
	t.Helper()
	b, ok := e.Body.(*event.Message)
	if !ok {
		t.Fatalf("%s is no message: %+v", e.Kind, e.Body)
	}
	return b
}

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func reasons(events []event.Event) string {
	var out []string
	for _, e := range events {
		if u, ok := e.Body.(*event.Unparsed); ok {
			out = append(out, u.Reason)
		}
	}
	return strings.Join(out, "; ")
}

func options(ns event.Namespace) producers.Options { return producers.Options{Namespace: ns} }
