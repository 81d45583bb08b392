package archtest

import (
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestTheHouse(t *testing.T) {
	findings, err := Check(os.DirFS("../.."), House())
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range findings {
		t.Error(f)
	}
}

// A module of its own, so that its breaches of the rules never stand in a file that the rules see.
const mod = "example.org/m"

func rules() Rules {
	r := House()
	r.Module, r.TestsToSee, r.MaxLines = mod, 1, 10
	r.Variables, r.Clocks, r.SQL, r.Words, r.Large, r.Untested, r.Dialects = nil, nil, nil, nil, nil, nil, nil
	r.Whole, r.MaxFunction, r.MaxFiles, r.MaxMethods = false, 4, 1, 2
	return r
}

func tree(files map[string]string) fs.FS {
	m := fstest.MapFS{}
	for name, text := range files {
		m[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return m
}

func check(t *testing.T, r Rules, files map[string]string) []string {
	t.Helper()
	findings, err := Check(tree(files), r)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, f := range findings {
		lines = append(lines, f.String())
	}
	return lines
}

// Each rule is seen red once, and green beside it.
func TestFindings(t *testing.T) {
	for name, tt := range map[string]struct {
		file, text string
		want       []string
	}{
		"std only": {
			"internal/event/a.go", "package event\nimport (\n\"fmt\"\n\"golang.org/x/text\"\n)\n",
			[]string{"internal/event/a.go:4: imports golang.org/x/text: floor 0 has the standard library only"},
		},
		"its own floor 0": {"internal/fact/a.go", "package fact\nimport \"" + mod + "/internal/event\"\n", nil},
		"downwards":       {"internal/ingest/a.go", "package ingest\nimport \"" + mod + "/producers\"\n", nil},
		"third party":     {"internal/obs/a.go", "package obs\nimport \"golang.org/x/text\"\n", nil},
		"upwards": {
			"internal/ingest/a.go", "package ingest\nimport \"" + mod + "/internal/bus\"\n",
			[]string{"internal/ingest/a.go:2: imports " + mod + "/internal/bus: it is on floor 3, above floor 2"},
		},
		"sibling": {
			"producers/irc/a.go", "package irc\nimport \"" + mod + "/producers/telegram\"\n",
			[]string{"producers/irc/a.go:2: imports " + mod + "/producers/telegram: a sibling on floor 3"},
		},
		"sibling on floor 1": {
			"producers/a.go", "package producers\nimport \"" + mod + "/consumers\"\n",
			[]string{"producers/a.go:2: imports " + mod + "/consumers: a sibling on floor 1"},
		},
		"allowed sibling": {"consumers/normalise/a.go", "package normalise\nimport \"" + mod + "/internal/pg\"\n", nil},
		"not the way back": {
			"internal/pg/a.go", "package pg\nimport \"" + mod + "/consumers/normalise\"\n",
			[]string{"internal/pg/a.go:2: imports " + mod + "/consumers/normalise: a sibling on floor 3"},
		},
		"the list of sources": {"producers/all/a.go", "package all\nimport \"" + mod + "/producers/irc\"\n", nil},
		"within a family":     {"producers/irc/a.go", "package irc\nimport \"" + mod + "/producers/irc/wire\"\n", nil},
		"family of another": {
			"producers/irc/wire/a.go", "package wire\nimport \"" + mod + "/producers/slack/wire\"\n",
			[]string{"producers/irc/wire/a.go:2: imports " + mod + "/producers/slack/wire: a sibling on floor 3"},
		},
		"a projection with a database": {
			"consumers/normalise/projection/a.go", "package projection\nimport \"github.com/jackc/pgx/v5\"\n",
			[]string{"consumers/normalise/projection/a.go:2: imports github.com/jackc/pgx/v5: consumers/normalise/projection is to do without it"},
		},
		"recovery with the store": {
			"consumers/normalise/recovery/a.go", "package recovery\nimport \"" + mod + "/consumers/normalise\"\n",
			[]string{"consumers/normalise/recovery/a.go:2: imports " + mod + "/consumers/normalise: consumers/normalise/recovery is to do without it"},
		},
		"recovery with a lock": {"consumers/normalise/recovery/a.go", "package recovery\nimport \"" + mod + "/consumers/normalise/lock\"\n", nil},
		"top":                  {"main.go", "package main\nimport \"" + mod + "/internal/cli\"\n", nil},
		"nothing above the top": {
			"internal/cli/a.go", "package cli\nimport \"" + mod + "/internal/elsewhere\"\n",
			[]string{"internal/cli/a.go:2: imports " + mod + "/internal/elsewhere: it has no rule"},
		},
		"flags below the command line": {
			"internal/app/replay/a.go", "package replay\nimport \"github.com/spf13/cobra\"\n",
			[]string{"internal/app/replay/a.go:2: imports github.com/spf13/cobra: internal/app/replay is to do without it"},
		},
		"test package in code": {
			"internal/bus/a.go", "package bus\nimport \"" + mod + "/internal/testenv\"\n",
			[]string{"internal/bus/a.go:2: imports " + mod + "/internal/testenv: it is for tests only"},
		},
		"test package in a test":    {"internal/bus/a_test.go", "package bus\nimport \"" + mod + "/internal/testenv\"\n", nil},
		"test package looks around": {"producers/producertest/a.go", "package producertest\nimport \"" + mod + "/internal/bus\"\n", nil},
		"no rule": {
			"internal/util/a.go", "package util\n",
			[]string{"internal/util/a.go: package internal/util has no rule: on which floor does it live?"},
		},
		"init": {
			"internal/bus/a.go", "package bus\nfunc init() {}\n",
			[]string{"internal/bus/a.go:2: init() acts behind everybody's back"},
		},
		"init in a test":   {"internal/bus/a_test.go", "package bus\nfunc init() {}\n", []string{"internal/bus/a_test.go:2: init() acts behind everybody's back"}},
		"a method is none": {"internal/bus/a.go", "package bus\ntype T int\nfunc (T) init() {}\n", nil},
		"TestMain without goleak": {
			"internal/bus/a_test.go", "package bus\nfunc TestMain(m *testing.M) { m.Run() }\n",
			[]string{"internal/bus/a_test.go:2: TestMain lets goroutines leak: use goleak, or testenv.Main"},
		},
		"TestMain of testenv": {"internal/bus/a_test.go", "package bus\nfunc TestMain(m *testing.M) { testenv.Main(m) }\n", nil},
		"variables": {
			"internal/bus/a.go", "package bus\nvar A, b = 1, 2\nvar (\n\tc map[string]int\n\t_ I = T{}\n\tErr = errors.New(\"x\")\n)\n",
			[]string{
				"internal/bus/a.go:2: package variable A can be changed", "internal/bus/a.go:2: package variable b can be changed",
				"internal/bus/a.go:4: package variable c can be changed",
			},
		},
		"compiled too": {
			"internal/bus/a.go", "package bus\nvar re = regexp.MustCompile(`x`)\n",
			[]string{"internal/bus/a.go:2: package variable re can be changed"},
		},
		"embedded files":      {"internal/bus/a.go", "package bus\n\n//go:embed x.sql\nvar x string\n", nil},
		"variables in a test": {"internal/bus/a_test.go", "package bus\nvar update = true\n", nil},
		"local variables":     {"internal/bus/a.go", "package bus\nfunc f() { var x int; _ = x }\n", nil},
		"clock": {
			"producers/irc/a.go", "package irc\nfunc f() { _ = time.Now() }\n",
			[]string{"producers/irc/a.go:2: a producer looks at our clock: a time that the network did not give is invented"},
		},
		"clock elsewhere": {"internal/bus/a.go", "package bus\nfunc f() { _ = time.Now() }\n", nil},
		"clock in a test": {"producers/irc/a_test.go", "package irc\nfunc f() { _ = time.Now() }\n", nil},
		"length":          {"internal/bus/a.go", "package bus\n" + strings.Repeat("\n", 10), []string{"internal/bus/a.go: 11 lines; 10 are enough"}},
		"long function": {
			"internal/bus/a.go", "package bus\nfunc f() {\n\n\n\n}\n",
			[]string{"internal/bus/a.go:2: function f has 5 lines; at most 4"},
		},
		"long test": {"internal/bus/a_test.go", "package bus\nfunc f() {\n\n\n\n}\n", nil},
		"names": {
			"internal/bus/a_test.go", "package bus\ntype Keeper struct{ told int }\nfunc f() { hole := told; _ = hole }\n",
			[]string{
				"internal/bus/a_test.go:2: the name Keeper: use Store, or Repairer (it has meant two to five different things here)",
				"internal/bus/a_test.go:2: the name told: use notified or the thing's name (programs publish, notify and log)",
				"internal/bus/a_test.go:3: the name hole: use gap (as in the ledger's documents)",
			},
		},
		"a name that is only used": {"internal/bus/a.go", "package bus\nfunc f() { x.Keeper(x.told) }\n", nil},
		"comments": {
			"internal/bus/a.go", "package bus\n\n// f is\n// Told so.\nfunc f() {}\n",
			[]string{"internal/bus/a.go:4: \"told\" in a comment: write notified, informed, passed or published " +
				"(programs report, return, log and publish; who searches for these words finds nothing under speech)"},
		},
		"parts of words": {"internal/bus/a.go", "package bus\n\n// f is untold, and a loophole.\nfunc f() {}\n", nil},
		"words": {
			"docs/a.md", "see\n/wo" + "rk/main and iss" + "ue 12\n",
			[]string{"docs/a.md:2: \"/wo" + "rk/main\" has no place here", "docs/a.md:2: \"iss" + "ue 12\" has no place here"},
		},
		"hosts":           {".ci/run", "curl registry.np" + "mjs.org\n", []string{".ci/run:1: \"registry.np" + "mjs.org\" has no place here"}},
		"no text":         {"a.png", "\x00/wo" + "rk/main", nil},
		"not ours":        {"x/node_modules/a.md", "/wo" + "rk/main", nil},
		"fixtures of Go":  {"internal/bus/testdata/a.go", "package nonsense\nfunc init() {}\n", nil},
		"sources as such": {"producers/a.go", "package producers\n// Session is one connection.\n", nil},
	} {
		t.Run(name, func(t *testing.T) {
			r := rules()
			if !strings.HasSuffix(tt.file, ".go") || strings.Contains(tt.file, "testdata") || strings.Contains(tt.file, "node_modules") {
				r.TestsToSee = 0
			}
			if diff := cmp.Diff(tt.want, check(t, r, map[string]string{tt.file: tt.text})); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestSQL(t *testing.T) {
	for text, want := range map[string]bool{
		"SELECT a FROM b":                       true,
		"\n\tselect a,\n b\n from b where x":    true,
		"select pg_advisory_lock($1)":           true,
		"SELECT 1":                              true,
		"insert into t values (1)":              true,
		"UPDATE t SET a = 1":                    true,
		"delete from t where a":                 true,
		"DELETE FROM t":                         true,
		"TRUNCATE t":                            true,
		"create table t (a int)":                true,
		"create unique index i on t":            true,
		"CREATE OR REPLACE VIEW v as":           true,
		"with x as (select 1)":                  true,
		"copy t from stdin":                     true,
		"SET search_path = x":                   true,
		"set local x.y to 1":                    true,
		"OPTIMIZE TABLE t":                      true,
		"select one of these":                   false,
		"update the configuration":              false,
		"delete from the list what is not used": false,
		"create a table of contents":            false,
		"with care":                             false,
		"set it":                                false,
		"copying rows into Postgres":            false,
		"listen.http":                           false,
		"the words select a from b inside":      false,
	} {
		got := check(t, rules(), map[string]string{"internal/pg/a.go": "package pg\nconst q = `" + text + "`\n"})
		if (len(got) == 1) != want || len(got) == 1 && !strings.HasPrefix(got[0], "internal/pg/a.go:2: SQL") {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}

func TestExceptions(t *testing.T) {
	r := rules()
	r.Variables = []Exception{{"internal/pg/a.go", "re", "compiled once"}}
	r.Clocks = []Exception{{"producers/irc/a.go", "", "when we saw it"}}
	r.SQL = []Exception{{"internal/pg/a.go", "", "names of settings"}}
	r.Words = []Exception{{"a.md", "iss" + "ue 1", "a rule's example"}}
	files := map[string]string{
		"internal/pg/a.go":   "package pg\nvar re = regexp.MustCompile(`x`)\nconst q = `SELECT 1`\n",
		"producers/irc/a.go": "package irc\nfunc f() { _ = time.Now() }\n",
		"a.md":               "iss" + "ue 1\n",
	}
	if got := check(t, r, files); got != nil {
		t.Errorf("excused, and yet: %v", got)
	}
	want := []string{
		`a.md: the exception for "iss` + `ue 1" excuses nothing; remove it`,
		`internal/pg/a.go: the exception for "re" excuses nothing; remove it`,
		`internal/pg/a.go: the exception for "" excuses nothing; remove it`,
		`producers/irc/a.go: the exception for "" excuses nothing; remove it`,
	}
	if diff := cmp.Diff(want, check(t, r, map[string]string{"internal/bus/a.go": "package bus\n"})); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestWrongPlace(t *testing.T) {
	r := rules()
	r.TestsToSee = 2
	if got := check(t, r, map[string]string{"internal/bus/a.go": "package bus\n"}); len(got) != 1 {
		t.Errorf("one package is enough: %v", got)
	}
}

func TestBrokenFile(t *testing.T) {
	if _, err := Check(tree(map[string]string{"a.go": "pack"}), rules()); err == nil {
		t.Error("no error")
	}
}

// A pattern that matched itself would make the rules break the rules.
func TestWordsDoNotMatchThemselves(t *testing.T) {
	for _, word := range forbidden() {
		if regexp.MustCompile(word.String()).MatchString(word.String()) {
			t.Errorf("%s matches itself", word)
		}
	}
}

// TestCheck_Whole covers what only a whole tree shows: sizes of packages and types, missing tests, and rules without a package.
func TestCheck_Whole(t *testing.T) {
	r := rules()
	r.Whole = true
	r.Floors = []Floor{{Number: 1, Packages: []string{"internal/bus", "internal/gone"}}, {Number: 2, Packages: []string{"internal/pg"}}}
	r.Siblings = []Edge{{"internal/bus", "internal/pg"}}
	files := map[string]string{
		"internal/bus/a.go":           "package bus\ntype T[V any] int\nfunc (T[V]) a() {}\nfunc (*T[V]) b() {}\n",
		"internal/bus/b.go":           "package bus\nfunc (t *T[V]) c() {}\n",
		"internal/bus/b_test.go":      "package bus\nfunc (t *T[V]) d() {}\n",
		"internal/pg/a.go":            "package pg\n",
		"internal/pg/pgtest/suite.go": "package pgtest\n",
	}
	want := []string{
		"internal/bus: 2 files without tests; at most 1: look for a package with a promise of its own",
		"internal/bus: type T has 3 methods; at most 2: split it by what it keeps",
		"internal/bus: nothing here imports internal/pg; remove the edge",
		"internal/gone: there is a rule for this package, and no package; remove the rule",
		"internal/pg: there is no test in this package",
	}
	got := check(t, r, files)
	slices.Sort(got)
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}

	r.Floors, r.Siblings = r.Floors[:1], nil
	r.Floors[0].Packages = []string{"internal/bus", "internal/pg"}
	r.Large = []Exception{{"internal/bus", "", "to be split"}, {"internal/bus", "T", "to be split"}}
	r.Untested = []Exception{{"internal/pg", "", "proved by bus"}}
	if got := check(t, r, files); got != nil {
		t.Errorf("excused, and yet: %v", got)
	}
}

func TestCheck_Dialects(t *testing.T) {
	r := rules()
	r.Dialects = []Exception{{"internal/bus", "names", "later"}, {"internal/bus", "comments", "later"}}
	files := map[string]string{"internal/bus/a.go": "package bus\n\n// The hole.\ntype hole int\n"}
	if got := check(t, r, files); got != nil {
		t.Errorf("excused, and yet: %v", got)
	}
	files["internal/bus/a.go"] = "package bus\n"
	if got := check(t, r, files); len(got) != 2 {
		t.Errorf("exceptions that excuse nothing: %v", got)
	}
}

// TestTerms holds that no term is listed twice, and that each names its replacement and its reason.
func TestTerms(t *testing.T) {
	for _, list := range [][]Term{names(), commentWords()} {
		seen := map[string]bool{}
		for _, term := range list {
			if seen[term.Word] || term.Word == "" || term.Instead == "" || term.Why == "" {
				t.Errorf("%+v", term)
			}
			seen[term.Word] = true
		}
	}
	for _, term := range commentWords() {
		if term.Word != strings.ToLower(term.Word) {
			t.Errorf("%q would never be found", term.Word)
		}
	}
}
