package event_test

import (
	"fmt"
	"time"

	"github.com/agrichat/agrichat/internal/event"
)

func Example() {
	e := &event.Event{
		Source: "irc", Namespace: "libera", Account: "bot", Channel: "#go", NativeID: "1001",
		Author: event.Person{ID: "anna", Name: "Anna"},
		Kind:   event.KindMessage, Revision: event.Unedited,
		Sent: event.NewInstant(time.Date(2024, 5, 1, 9, 0, 0, 0, time.UTC), event.PrecisionSecond),
		Body: &event.Message{Type: event.TypeMessage, Text: "hello"},
	}
	if err := e.Seal(); err != nil { // checks the parts and derives the id
		fmt.Println(err)
		return
	}
	envelope, err := event.Encode(e)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(string(envelope))
	back, err := event.Decode(envelope)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(back.Body.(*event.Message).Text)
	// Output:
	// {"v":1,"id":"3b09bbce393802e3ff21ab9c10348040","source":"irc","namespace":"libera","account":"bot","channel":"#go","native_id":"1001","author":{"id":"anna","name":"Anna"},"kind":"message","revision":"0","sent":{"at":"2024-05-01T09:00:00Z","precision":"second"},"body":{"type":"message","text":"hello"}}
	// hello
}

// The id is derived from what the network calls the message: a second collector, or a second import, gives the same one.
func ExampleEvent_Seal() {
	message := func(account event.Account, text string) *event.Event {
		return &event.Event{
			Source: "slack", Namespace: "T024BE7LD", Account: account, Channel: "C061EG9SL", NativeID: "1714550400.000100",
			Kind: event.KindMessage, Revision: event.Unedited, Body: &event.Message{Type: event.TypeMessage, Text: text},
		}
	}
	first, second := message("alice", "hi"), message("bob", "hi")
	edited := message("alice", "hi there")
	edited.Revision = event.RevisionAt(time.Date(2024, 5, 1, 9, 5, 0, 0, time.UTC))
	for _, e := range []*event.Event{first, second, edited} {
		if err := e.Seal(); err != nil {
			fmt.Println(err)
			return
		}
	}
	fmt.Println(first.ID == second.ID)
	fmt.Println(first.ID == edited.ID, first.Thing() == edited.Thing())
	// Output:
	// true
	// false true
}

// Copies of one event are joined leaf by leaf, in any order.
func ExampleMerge() {
	sent := event.NewInstant(time.Date(2024, 5, 1, 9, 0, 0, 0, time.UTC), event.PrecisionMinute)
	copyOf := func(sent event.Instant, m *event.Message) *event.Event {
		return &event.Event{Kind: event.KindMessage, Sent: sent, Body: m}
	}
	a := copyOf(sent, &event.Message{Type: event.TypeMessage, Text: "hi", Thread: "7"})
	exact := event.NewInstant(sent.At.Add(42*time.Second), event.PrecisionSecond)
	b := copyOf(exact, &event.Message{Type: event.TypeMessage, Text: "hi", Links: []string{"https://example.org"}})
	m := event.Merge(a, b)
	fmt.Println(m.Sent.At.Format(time.TimeOnly), m.Body.(*event.Message).Thread, m.Body.(*event.Message).Links)
	// Output:
	// 09:00:42 7 [https://example.org]
}
