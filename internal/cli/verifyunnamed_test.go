package cli_test

import (
	"testing"

	"github.com/agrichat/agrichat/internal/event"
)

// TestVerify_Unnamed: an event whose message has no header with its id is known by its envelope.
func TestVerify_Unnamed(t *testing.T) {
	t.Parallel()
	w := newOutside(t)
	w.run("import", sample(t, "jsonl")).want(0)
	before := w.equal()
	for _, native := range []event.NativeID{"1", "2"} {
		e := &event.Event{Source: "test", Namespace: "net", Account: "me", Channel: "c", NativeID: native, Kind: event.KindMessage, Revision: "0",
			Author: event.Person{ID: "a"}, Body: &event.Message{Text: "of a foreign publisher"}}
		if err := e.Seal(); err != nil {
			t.Fatal(err)
		}
		data, err := event.Encode(e)
		if err != nil {
			t.Fatal(err)
		}
		w.publish("chat.test.me.c", string(data))
	}
	if c := w.equal(); c.Bus != before.Bus+2 || c.Postgres != c.Bus || c.ClickHouse != c.Bus {
		t.Errorf("before %+v, with two events more %+v", before, c)
	}
}
