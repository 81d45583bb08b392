package archtest

import (
	"regexp"
	"strings"
)

// Rules are the house's rules. Exceptions name what they excuse and why; one that excuses nothing is a finding itself.
type Rules struct {
	Module    string
	Floors    []Floor
	Siblings  []Edge      // who may import whom on one floor
	Barred    []Edge      // what a package may not import though its floor may; To ends in /... for what is below it too
	Variables []Exception // File and Name of a package variable that nobody changes by convention
	Clocks    []Exception // File of a producer that may look at our clock
	SQL       []Exception // File that may hold SQL in strings
	Words     []Exception // File and Name (the found text) of a forbidden word that has a right to be there
	MaxLines  int         // of a Go file

	Whole       bool        // the tree is a whole repository: the limits of packages hold, and every rule has its package
	MaxFunction int         // lines of a function that is no test
	MaxFiles    int         // of a package, without tests
	MaxMethods  int         // of a type, without tests
	Large       []Exception // File (or package) and Name of a function, a type or, if empty, a package that is larger
	Untested    []Exception // package that is proved by another one's tests
	Names       []Term      // that are not declared
	Comments    []Term      // that comments do not use
	Dialects    []Exception // package, and "names" or "comments", that is not in these terms yet; see dialects

	Forbidden  []*regexp.Regexp
	TestsToSee int // fewer packages than this mean that the test looked in the wrong place
}

// Floor is a layer of the house. A package may import what is on lower floors.
type Floor struct {
	Number   int
	Packages []string // below the module; a star stands for one element
	StdOnly  bool     // nothing but the standard library and the floor's own packages
}

// Edge lets packages that match From import packages that match To.
type Edge struct{ From, To string }

// Exception excuses one thing.
type Exception struct{ File, Name, Why string }

// testOnly says that a package, or one that it lies in, is for tests: only they may import it, and it may import everything.
func testOnly(pkg string) bool {
	for name := range strings.SplitSeq(pkg, "/") {
		if name == "testenv" || strings.HasSuffix(name, "test") {
			return true
		}
	}
	return false
}

// family is the package that a package below it belongs to: producers/irc for producers/irc/wire. It shares its floor, and
// may be imported within the family.
func family(pkg string) string {
	parts := strings.SplitN(pkg, "/", 3)
	if len(parts) < 3 {
		return pkg
	}
	return parts[0] + "/" + parts[1]
}

// House returns the rules of this repository.
func House() Rules {
	return Rules{
		Module: "github.com/agrichat/agrichat",
		Floors: []Floor{
			{Number: 0, StdOnly: true, Packages: []string{"internal/event", "internal/fault", "internal/fact", "internal/seqset", "internal/codegen", "internal/sqlfile", "internal/clock", "schemas/*"}},
			{Number: 1, Packages: []string{"producers", "consumers", "internal/gate", "internal/charset", "internal/jsonscan", "internal/obs"}},
			{Number: 2, Packages: []string{"internal/ingest", "internal/deliver", "internal/supervise", "internal/config", "producers/filekit"}},
			{Number: 3, Packages: []string{
				"producers/*", "consumers/*", "internal/bus", "internal/pg", "internal/ch", "internal/engine",
				"internal/archive", "internal/files", "internal/verify", "internal/patroni", "internal/reread",
			}},
			{Number: 4, Packages: []string{"internal/app", "internal/importer"}},
			{Number: 5, Packages: []string{"internal/cli", "internal/bench"}},
			{Number: 6, Packages: []string{""}}, // main
		},
		Siblings: []Edge{
			{"consumers/*", "internal/pg"}, {"consumers/*", "internal/ch"}, {"consumers/control", "internal/patroni"},
			{"internal/archive", "internal/ch"},
			{"internal/verify", "internal/pg"}, {"internal/verify", "internal/ch"},
			{"producers/all", "producers/*"}, {"internal/importer", "internal/app"},
		},
		Barred:    barred(),
		Variables: constants(),
		Clocks:    clocks(),
		MaxLines:  600,

		Whole:       true,
		MaxFunction: 80,
		MaxFiles:    15,
		MaxMethods:  25,
		Large:       large(),
		Untested:    untested(),
		Names:       names(),
		Comments:    commentWords(),
		Dialects:    dialects(),

		Forbidden:  forbidden(),
		TestsToSee: 8,
	}
}

// barred keeps computing apart from storing, recovery apart from the store that it repairs, and flags and printing out of what a
// command line calls.
func barred() []Edge {
	const projection, recovery = "consumers/normalise/projection", "consumers/normalise/recovery"
	return []Edge{
		{projection, "github.com/jackc/..."}, {projection, "database/sql/..."}, {projection, "internal/pg"}, {projection, "internal/ch"},
		{projection, "consumers/normalise"}, {projection, recovery},
		{recovery, "github.com/jackc/..."}, {recovery, "internal/pg"}, {recovery, "consumers/normalise"},
		{"internal/app", "github.com/spf13/..."}, {"internal/app/*", "github.com/spf13/..."}, {"internal/importer", "github.com/spf13/..."},
		{"internal/app", "github.com/vbauerster/..."}, {"internal/app/*", "github.com/vbauerster/..."}, {"internal/importer", "github.com/vbauerster/..."},
	}
}

// large are the packages and types that are still to be split. The list only shrinks: remove an entry with the split; one that
// excuses nothing any more is a finding.
func large() []Exception {
	const todo = "to be split"
	return []Exception{
		{"internal/labtest", "Lab", todo},
		{"internal/patroni", "Follower", todo},
		{"producers/slack", "reader", todo},
	}
}

// untested are packages without tests of their own.
func untested() []Exception {
	return []Exception{
		{"internal/bench/cmd", "", "?"},
		{"main", "", "it calls cli.Main and nothing else"},
	}
}

// dialects are the packages whose names or comments are not in the trade's words yet. The list only shrinks: rename, then
// remove the package's entry; one that excuses nothing any more is a finding. A package that is moved takes its entry along.
func dialects() []Exception {
	const todo = "not renamed yet"
	return []Exception{
		{"consumers/control", "comments", todo}, {"consumers/control", "names", todo},
		{"consumers/normalise", "names", todo},
		{"internal/archtest", "comments", todo},
		{"internal/bench", "comments", todo}, {"internal/bench", "names", todo},
		{"internal/bench/corpus", "comments", todo},
		{"internal/ch", "comments", todo}, {"internal/ch", "names", todo},
		{"internal/cli", "comments", todo}, {"internal/cli", "names", todo},
		{"internal/cli/report", "names", todo},
		{"internal/cli/terminal", "names", todo},
		{"internal/config", "comments", todo}, {"internal/config", "names", todo},
		{"internal/crashtest", "comments", todo}, {"internal/crashtest", "names", todo},
		{"internal/deploytest", "comments", todo}, {"internal/deploytest", "names", todo},
		{"internal/difftest", "names", todo},
		{"internal/engine", "comments", todo}, {"internal/engine", "names", todo},
		{"internal/engine/chserver", "comments", todo},
		{"internal/event", "comments", todo},
		{"internal/hatest", "comments", todo}, {"internal/hatest", "names", todo},
		{"internal/ingest", "comments", todo}, {"internal/ingest", "names", todo},
		{"internal/labtest", "comments", todo}, {"internal/labtest", "names", todo},
		{"internal/obs", "comments", todo},
		{"internal/patroni", "comments", todo},
		{"internal/pg", "comments", todo}, {"internal/pg", "names", todo},
		{"internal/supervise", "comments", todo}, {"internal/supervise", "names", todo},
		{"internal/testenv", "comments", todo},
		{"producers/csv", "comments", todo},
		{"producers/discord", "comments", todo}, {"producers/discord", "names", todo},
		{"producers/irc/live", "names", todo},
		{"producers/producertest", "comments", todo},
		{"producers/slack", "comments", todo},
		{"producers/telegram", "comments", todo},
		{"producers/telegram/export", "comments", todo},
		{"producers/template", "names", todo},
		{"producers/whatsapp", "comments", todo},
	}
}

// constants are variables only because the language has no constants of their types. Nobody assigns to them.
func constants() []Exception {
	const pattern = "a compiled pattern, which nothing can change"
	return []Exception{
		{"consumers/normalise/projection/text.go", "linkPattern", pattern},
		{"consumers/normalise/projection/text.go", "hashtagPattern", pattern},
		{"internal/engine/chserver/exception.go", "exceptionCode", pattern},
		{"internal/event/time.go", "precisionNames", "an array of names"},
	}
}

// clocks are files of producers that need our clock for what is ours. None of it becomes the time of a message.
func clocks() []Exception {
	return []Exception{
		{"producers/irc/logs/session.go", "", "how long nobody has written to a log"},
		{"producers/irc/live/config.go", "", "when an event was seen, which is our clock's by definition"},
		{"producers/irc/live/conn.go", "", "deadlines of the connection"},
		{"producers/irc/live/register.go", "", "deadlines of the connection"},
		{"producers/irc/live/session.go", "", "deadlines of the connection"},
	}
}

// forbidden are words that say where and how this was made instead of what it does, and addresses that belong into the
// settings of whoever builds. They are written so that they do not match themselves.
func forbidden() []*regexp.Regexp {
	return []*regexp.Regexp{
		regexp.MustCompile(`/work/(?:main|shared|\.[a-z]+)`),
		regexp.MustCompile(`/root/[a-z.]+`),
		regexp.MustCompile(`(?:registry|proxy|sum|deb|security)\.(?:npm[j]s|golang|debian|yarnpkg)\.[a-z]+`),
		regexp.MustCompile(`(?:HOUSE|OPS|FORMATS)[.]md\b`),
		regexp.MustCompile(`[Ii]ssues? #?[0-9]+\b`),
		regexp.MustCompile(`(?:[Cc]laud[e]|[Aa]nthropi[c]|[Cc]hatGP[T]|[Cc]opilo[t])\b`),
		regexp.MustCompile(`[Tt]his (?:coding )?sessio[n] of\b`),
	}
}
