package deliver

import (
	"context"
	"fmt"
	"testing"

	"github.com/agrichat/agrichat/consumers"
)

func numbered(n int) []Message {
	out := make([]Message, n)
	for i := range out {
		out[i] = Message{Delivery: consumers.Delivery{Sequence: uint64(i + 1)}, Token: fmt.Sprint(i)}
	}
	return out
}

func TestInflight_waitForSpace(t *testing.T) {
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	h := newInflight(10)
	for range 3 {
		msgs := numbered(12)
		h.add(msgs[:9])
		if err := h.waitForSpace(t.Context()); err != nil {
			t.Fatal(err)
		}
		h.add(msgs[9:])
		for _, m := range msgs[:6] {
			h.remove(m)
			if err := h.waitForSpace(gone); err == nil {
				t.Fatalf("there is room with %d in flight", h.count())
			}
		}
		h.remove(msgs[6])
		if err := h.waitForSpace(t.Context()); err != nil || len(h.all()) != 5 {
			t.Fatal(err, h.all())
		}
		for _, m := range msgs {
			h.remove(m)
		}
	}
}

func TestPoisonTracker(t *testing.T) {
	s := newPoisonTracker()
	msgs := numbered(3)
	if _, others, probe := s.failed(msgs[0]); others || len(probe) > 0 {
		t.Fatal("nothing has succeeded yet")
	}
	if alone, rest := s.separate(msgs); len(alone) != 0 || len(rest) != 3 {
		t.Fatal("a failure that proves nothing made a candidate", alone)
	}
	s.succeeded(msgs[1:2])
	x, others, _ := s.failed(msgs[0])
	if !others || s.count(x) != 1 {
		t.Fatal("another one succeeded meanwhile")
	}
	if _, others, probe := s.failed(msgs[0]); others || probe[0].Sequence != 2 {
		t.Fatal("nothing has succeeded since", probe)
	}
	if alone, rest := s.separate(msgs); len(alone) != 1 || len(rest) != 2 {
		t.Fatal(alone, rest)
	}
	s.succeeded(msgs[:1])
	if alone, _ := s.separate(msgs); len(alone) != 0 {
		t.Fatal("it succeeded, and is still a candidate")
	}
}
