package normalise_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/agrichat/agrichat/consumers"
	"github.com/agrichat/agrichat/consumers/normalise"
	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/seqset"
)

func TestReports_DeadLettersIn(t *testing.T) {
	t.Parallel()
	log, sent := collectedBy(t, 1, 120, "alice")
	k := newSystem(t, database(t), newListener(log))
	if err := k.Handle(t.Context(), log[:40]); err != nil {
		t.Fatal(err)
	}
	dead := func(d consumers.Delivery, cause string) {
		t.Helper()
		if err := k.DeadLetter(t.Context(), d, errors.New(cause)); err != nil {
			t.Fatal(err)
		}
	}
	for i := 40; i < 45; i++ {
		dead(log[i], "cannot be stored")
	}
	dead(log[50], "cannot be read")
	dead(log[60], "cannot be read")
	for i := 70; i < 100; i++ {
		dead(log[i], fmt.Sprintf("the %dth cause", i))
	}
	if err := k.ResolveDeadLetter(t.Context(), log[60], "requeued"); err != nil {
		t.Fatal(err)
	}
	of := func(i int) normalise.DeadEvent {
		return normalise.DeadEvent{Position: event.At(log[i].Sequence, 0), EventID: sent[i].ID.String(), Subject: log[i].Subject}
	}
	var asked seqset.Set
	asked.Add(1, 43)
	asked.Add(51, 66)
	for name, tt := range map[string]struct {
		asked seqset.Set
		want  normalise.DeadLetters
	}{
		"none": {seqset.Of(1, 2, 3), normalise.DeadLetters{}},
		"of these sequences alone": {asked, normalise.DeadLetters{Events: 4, Causes: []normalise.DeadCause{
			{Cause: "cannot be stored", Events: 3, First: []normalise.DeadEvent{of(40), of(41), of(42)}},
			{Cause: "cannot be read", Events: 1, First: []normalise.DeadEvent{of(50)}},
		}}},
	} {
		got, err := k.DeadLettersIn(t.Context(), tt.asked)
		if diff := cmp.Diff(tt.want, got, cmpopts.EquateEmpty()); diff != "" || err != nil {
			t.Errorf("%s: %v, -want +got:\n%s", name, err, diff)
		}
	}
	got, err := k.DeadLettersIn(t.Context(), setOf(log))
	if err != nil || got.Events != 36 || len(got.Causes) != 20 || got.Causes[0].Events != 5 || len(got.Causes[0].First) != 3 {
		t.Errorf("of all sequences: %+v, %v", got, err)
	}
}
