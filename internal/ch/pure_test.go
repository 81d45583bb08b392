package ch

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2"

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
