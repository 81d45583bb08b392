package verify

import (
	"reflect"
	"testing"
	"time"

	"github.com/agrichat/agrichat/internal/ch"
)

// TestReport_merge holds that no field is left out: what a lane counts must reach the report.
func TestReport_merge(t *testing.T) {
	t.Parallel()
	at := time.Unix(1, 0)
	part := newReport(7)
	part.Things = []Things{{Kind: ch.Messages}}
	part.Problems, part.AcceptedAt = []Problem{{What: "differs"}}, &at
	part.repair.sequences.Add(3, 4)
	part.repair.counters[5], part.repair.messages[[16]byte{6}], part.repair.unexplained[[16]byte{7}] = struct{}{}, struct{}{}, struct{}{}
	part.repair.unstored = []int64{8}
	count(reflect.ValueOf(part).Elem())
	count(reflect.ValueOf(&part.Things[0]).Elem())

	got := newReport(7)
	got.merge(part)
	part.Sequence, part.Equal = 7, false // of the whole report
	if !reflect.DeepEqual(got, part) {
		t.Errorf("merged: %+v, want %+v", got, part)
	}
	got.merge(part)
	if got.Bus != 2 || len(got.Things) != 1 || got.Things[0].Missing != 2 || len(got.Problems) != 2 {
		t.Errorf("merged twice: %+v", got)
	}
}

// count sets every exported number of a struct to one.
func count(s reflect.Value) {
	for i := range s.NumField() {
		if f := s.Field(i); f.CanSet() && f.Kind() == reflect.Uint64 {
			f.SetUint(1)
		}
	}
}
