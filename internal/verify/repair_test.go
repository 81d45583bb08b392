package verify

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/agrichat/agrichat/consumers"
	"github.com/agrichat/agrichat/internal/event"
)

// repairer notes what it is to repair. A delivery can have written the things that its subject lists.
type repairer struct {
	batches  [][]uint64
	counters []int64
	err      error
}

func (r *repairer) Repair(_ context.Context, batch []consumers.Delivery) error {
	var sequences []uint64
	for _, d := range batch {
		sequences = append(sequences, d.Sequence)
	}
	r.batches = append(r.batches, sequences)
	return r.err
}

func (r *repairer) Republish(_ context.Context, counters []int64) error {
	r.counters = append(r.counters, counters...)
	return nil
}

func (r *repairer) AffectedIDs(d consumers.Delivery) (ids [][16]byte) {
	for _, c := range []byte(d.Subject) {
		ids = append(ids, [16]byte{c})
	}
	return ids
}

// TestVerifier_Repair holds that the sequences that are missing are applied again, with those of every event that can have made what is unexplained, each
// once and in order; and that the facts of transactions are republished.
func TestVerifier_Repair(t *testing.T) {
	t.Parallel()
	v := &Verifier{Bus: &log{messages: []consumers.Delivery{{Sequence: 1, Subject: "a"}, {Sequence: 2, Subject: "b"}, {Sequence: 3, Subject: "xa"},
		{Sequence: 5, Subject: "b"}, {Sequence: 6, Subject: "a"}}}}
	r := newReport(5)
	r.repair.sequences.Add(2, 3)
	r.repair.unexplained[[16]byte{'a'}] = struct{}{}
	r.repair.counters[9], r.repair.counters[4] = struct{}{}, struct{}{}
	to := &repairer{err: &consumers.PartialError{}} // what cannot be applied is for Run to report
	if err := v.Repair(t.Context(), r, to); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([][]uint64{{1, 2, 3}}, to.batches); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]int64{4, 9}, to.counters); diff != "" {
		t.Error(diff)
	}
	if to = (&repairer{err: errors.New("PostgreSQL is away")}); v.Repair(t.Context(), r, to) == nil || len(to.counters) > 0 {
		t.Errorf("republished %v although nothing was applied", to.counters)
	}
	if to = (&repairer{}); v.Repair(t.Context(), newReport(5), to) != nil || to.batches != nil || to.counters != nil {
		t.Errorf("of equal stores: %+v", to)
	}
}

// TestVerifier_Repair_batches holds that a batch is bounded by its events, bundles included.
func TestVerifier_Repair_batches(t *testing.T) {
	t.Parallel()
	l := &log{}
	ids := strings.TrimSuffix(strings.Repeat("i"+event.IDSeparator, repairBatch/2), event.IDSeparator)
	for n := range uint64(5) {
		l.messages = append(l.messages, consumers.Delivery{Sequence: n + 1, EventIDs: ids})
	}
	r, to := newReport(5), &repairer{}
	r.repair.sequences.Add(1, 5)
	if err := (&Verifier{Bus: l}).Repair(t.Context(), r, to); err != nil || fmt.Sprint(to.batches) != "[[1 2] [3 4] [5]]" {
		t.Errorf("applied %v, %v", to.batches, err)
	}
}
