package ch

import (
	"errors"
	"fmt"
	"math/big"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/column"

	"github.com/agrichat/agrichat/internal/fault"
	schema "github.com/agrichat/agrichat/schemas/clickhouse"
)

func TestSupportedVersions(t *testing.T) {
	for version, want := range map[string]bool{
		"18.16.1": false, "24.3.1.1": false, "24.8.1": true, "24.10.2.80": true, "25.1": true, "26.7.2.1": true, "": false, "x": false,
	} {
		if got := supported(version); got != want {
			t.Errorf("supported(%q) = %v", version, got)
		}
	}
}

func TestClasses(t *testing.T) {
	for code, want := range map[int32]fault.Class{
		252: fault.Transient, 241: fault.Transient, 159: fault.Transient, 516: fault.Fatal, 81: fault.Fatal, 60: fault.Fatal,
		53: fault.Poison, 117: fault.Poison, 999: fault.Transient,
	} {
		err := Classify(fmt.Errorf("inserting: %w", &clickhouse.Exception{Code: code}))
		if got := fault.Of(err); got != want {
			t.Errorf("code %d is %v, want %v", code, got, want)
		}
	}
	if err := Classify(&clickhouse.Exception{Code: codeTooManyParts}); fault.RetryAfter(err) != partsDelay {
		t.Errorf("too many parts: to be tried again after %v", fault.RetryAfter(err))
	}
	if err := Classify(nil); err != nil {
		t.Error(err)
	}
	if err := Classify(fault.AsPoison(errors.New("x"))); fault.Of(err) != fault.Poison {
		t.Errorf("a mark was lost: %v", err)
	}
}

// TestEveryStatementMayRunAgain holds what Migrate's safety rests on.
func TestEveryStatementMayRunAgain(t *testing.T) {
	all, err := migrations(schema.FS)
	if err != nil {
		t.Fatal(err)
	}
	for i, m := range all {
		if m.number != uint32(i+1) {
			t.Errorf("%s is number %d in the order", m.name, i+1)
		}
		for _, s := range m.statements {
			if !repeatable(s) {
				t.Errorf("%s: cannot be run twice: %.80s", m.name, s)
			}
			if !strings.Contains(s, "/* ON CLUSTER */") {
				t.Errorf("%s: has no place for a cluster: %.80s", m.name, s)
			}
			if strings.Contains(s, "ENGINE") && !strings.Contains(s, "/* Replicated */") {
				t.Errorf("%s: has no place for replicas: %.80s", m.name, s)
			}
		}
	}
}

func repeatable(statement string) bool {
	var lines []string
	for l := range strings.Lines(statement) {
		if !strings.HasPrefix(l, "--") && strings.TrimSpace(l) != "" {
			lines = append(lines, l)
		}
	}
	s := strings.Join(lines, "")
	if strings.HasPrefix(s, "ALTER ") {
		return strings.Contains(s, " IF EXISTS") || strings.Contains(s, " IF NOT EXISTS") || strings.Contains(s, " MODIFY ")
	}
	for _, p := range []string{"CREATE TABLE IF NOT EXISTS ", "CREATE VIEW IF NOT EXISTS ", "CREATE OR REPLACE VIEW ", "DROP VIEW IF EXISTS "} {
		if strings.HasPrefix(s, p) {
			return true
		}
	}
	return false
}

func TestOnCluster(t *testing.T) {
	const single = "CREATE TABLE t /* ON CLUSTER */ (a Int8) ENGINE = /* Replicated */ReplacingMergeTree(v)"
	if got := onCluster(single, ""); got != single {
		t.Errorf("without a cluster: %s", got)
	}
	want := "CREATE TABLE t ON CLUSTER `all` (a Int8) ENGINE = ReplicatedReplacingMergeTree(v)"
	if got := onCluster(single, "all"); got != want {
		t.Errorf("with a cluster: %s", got)
	}
}

func newColumn(t *testing.T, name, kind string) column.Interface {
	t.Helper()
	c, err := column.Type(kind).Column(name, &column.ServerContext{})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// fillColumn appends every value of a slice.
func fillColumn(t *testing.T, c column.Interface, values any) column.Interface {
	t.Helper()
	v := reflect.ValueOf(values)
	for i := range v.Len() {
		if err := c.AppendRow(v.Index(i).Interface()); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

func columnRows(c column.Interface) []any {
	out := make([]any, c.Rows())
	for i := range out {
		out[i] = c.Row(i, false)
	}
	return out
}

// TestARoomIsEmpty of what was in it, whichever type its column is of.
func TestARoomIsEmpty(t *testing.T) {
	t.Parallel()
	at, later := time.Unix(1, 0).UTC(), time.Unix(2, 0).UTC()
	for kind, values := range map[string][2]any{
		"String":                         {[]string{"first", "", "third"}, []string{"", "x"}},
		"FixedString(4)":                 {[]string{"abcd", "efgh", "ijkl"}, []string{"", "x"}},
		"UInt128":                        {[]*big.Int{big.NewInt(1), big.NewInt(2)}, []*big.Int{big.NewInt(3)}},
		"Nullable(DateTime64(6, 'UTC'))": {[]*time.Time{&at, nil, &at}, []*time.Time{nil, &later}},
		"DateTime64(6, 'UTC')":           {[]time.Time{at, at}, []time.Time{later}},
		"Array(String)":                  {[][]string{{"a", "b"}, nil, {"c"}}, [][]string{nil, {"d"}}},
		"Bool":                           {[]bool{true, true}, []bool{false}},
		"UInt8":                          {[]uint8{1, 2}, []uint8{3}},
		"UInt32":                         {[]uint32{1, 2}, []uint32{3}},
		"UInt64":                         {[]uint64{1, 2}, []uint64{3}},
	} {
		var r Room
		r.keep(fillColumn(t, newColumn(t, "c", kind), values[0]))
		if r.kept == nil {
			t.Errorf("a column of %s was not kept", kind)
		}
		got, want := newColumn(t, "c", kind), fillColumn(t, newColumn(t, "c", kind), values[1])
		r.lend(got)
		if r.kept != nil {
			t.Errorf("a column of %s was lent, and kept too", kind)
		}
		fillColumn(t, got, values[1])
		if g, w := columnRows(got), columnRows(want); !reflect.DeepEqual(g, w) || got.Name() != "c" || got.Type() != want.Type() {
			t.Errorf("%s: in a room are %v, want %v", kind, g, w)
		}
	}
}

func TestARoomIsForOneColumn(t *testing.T) {
	t.Parallel()
	for _, other := range []column.Interface{newColumn(t, "d", "String"), newColumn(t, "c", "FixedString(4)"), newColumn(t, "c", "UInt8")} {
		var r Room
		r.keep(fillColumn(t, newColumn(t, "c", "String"), []string{"x"}))
		name, kind := other.Name(), other.Type()
		r.lend(other)
		if other.Name() != name || other.Type() != kind || other.Rows() != 0 {
			t.Errorf("%s of %s became %s of %s", name, kind, other.Name(), other.Type())
		}
	}
	var r Room
	for _, kind := range []string{"LowCardinality(String)", "Array(LowCardinality(String))"} {
		if r.keep(newColumn(t, "c", kind)); r.kept != nil {
			t.Errorf("a column of %s was kept", kind)
		}
	}
	var none *Room
	none.keep(newColumn(t, "c", "String"))
	none.lend(newColumn(t, "c", "String"))
}
