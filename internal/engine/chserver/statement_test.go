package chserver

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseStatement(t *testing.T) {
	t.Parallel()
	tests := []struct {
		sql  string
		want statement
	}{
		{"SELECT 1", statement{sql: "SELECT 1", kind: "SELECT"}},
		{"select 1 format JSON", statement{sql: "select 1 format JSON", kind: "SELECT", format: "JSON"}},
		{"-- FORMAT x\n/* y */ SELECT 'FORMAT TSV' FORMAT CSV SETTINGS max_threads = 1;", statement{
			sql:  "-- FORMAT x\n/* y */ SELECT 'FORMAT TSV' FORMAT CSV SETTINGS max_threads = 1;",
			kind: "SELECT", format: "CSV",
		}},
		{"SELECT format('{}', 1)", statement{sql: "SELECT format('{}', 1)", kind: "SELECT"}},
		{`SELECT "format" x, 'it''s \' FORMAT A'`, statement{sql: `SELECT "format" x, 'it''s \' FORMAT A'`, kind: "SELECT"}},
		{"INSERT INTO t (a) FORMAT Native", statement{
			sql: "INSERT INTO t (a) ", kind: "INSERT", format: "Native", takesData: true,
		}},
		{"INSERT INTO t FORMAT CSV\n1,'FORMAT x\n2", statement{
			sql: "INSERT INTO t ", kind: "INSERT", format: "CSV", data: "1,'FORMAT x\n2", takesData: true,
		}},
		{"INSERT INTO t FORMAT TSV \r\n\t1", statement{
			sql: "INSERT INTO t ", kind: "INSERT", format: "TSV", data: "\t1", takesData: true,
		}},
		{"INSERT INTO t VALUES ('FORMAT')", statement{sql: "INSERT INTO t VALUES ('FORMAT')", kind: "INSERT VALUES"}},
		{"INSERT INTO t SELECT * FROM u FORMAT Null", statement{sql: "INSERT INTO t SELECT * FROM u FORMAT Null", kind: "INSERT SELECT"}},
		{"", statement{}},
		{"'", statement{sql: "'"}},
		{"/*", statement{sql: "/*"}},
	}
	for _, tc := range tests {
		if diff := cmp.Diff(tc.want, parseStatement(tc.sql), cmp.AllowUnexported(statement{})); diff != "" {
			t.Errorf("%q (-want +got):\n%s", tc.sql, diff)
		}
	}
}

func FuzzParseStatement(f *testing.F) {
	f.Add("INSERT INTO t (a) FORMAT CSV\n1,2")
	f.Add("SELECT '\\")
	f.Fuzz(func(t *testing.T, sql string) {
		st := parseStatement(sql)
		if len(st.sql)+len(st.data) > len(sql) {
			t.Errorf("%q grew into %q and %q", sql, st.sql, st.data)
		}
	})
}
