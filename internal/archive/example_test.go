package archive_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"testing"
	"time"

	"github.com/agrichat/agrichat/internal/archive"
	"github.com/agrichat/agrichat/internal/testenv"
)

// exampleT lets an Example use the servers of the tests. Its other methods are not called.
type exampleT struct {
	testing.TB
	cleanups []func()
}

func (*exampleT) Helper()                       {}
func (*exampleT) Context() context.Context      { return context.Background() }
func (t *exampleT) Cleanup(f func())            { t.cleanups = append(t.cleanups, f) }
func (*exampleT) Error(args ...any)             { panic(fmt.Sprint(args...)) }
func (*exampleT) Fatal(args ...any)             { panic(fmt.Sprint(args...)) }
func (*exampleT) Fatalf(f string, a ...any)     { panic(fmt.Sprintf(f, a...)) }
func (*exampleT) Skipf(format string, a ...any) { panic(fmt.Sprintf(format, a...)) }

// close runs what was given to Cleanup, the last first.
func (t *exampleT) close() {
	for i := len(t.cleanups) - 1; i >= 0; i-- {
		t.cleanups[i]()
	}
}

// enginesInstalled reports whether there is a ClickHouse for Examples. Where real servers are required, the Example itself fails without.
func enginesInstalled() (ok bool) {
	defer func() { ok = ok || recover() == nil || os.Getenv("REQUIRE_REAL") == "1" }()
	testenv.Binaries(&exampleT{})
	return true
}

// Who wrote most, over all networks and chats.
func ExampleArchive_Authors() {
	t := &exampleT{}
	defer t.close()
	a := filled(t) // archive.New(db) with some messages of IRC and Telegram

	authors, err := a.Authors(context.Background(), archive.Filter{}, 2)
	if err != nil {
		log.Fatal(err)
	}
	for _, who := range authors {
		fmt.Printf("%s on %s: %d messages, %d words\n", who.Name, who.Source, who.Messages, who.Words)
	}
	// Output:
	// Boris B. on irc: 2 messages, 2 words
	// Anna on irc: 1 messages, 2 words
}

// The busiest hours of one network, as clocks in Berlin showed them.
func ExampleArchive_HoursOfWeek() {
	t := &exampleT{}
	defer t.close()
	a := filled(t)

	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		log.Fatal(err)
	}
	hours, err := a.HoursOfWeek(context.Background(), archive.Filter{Source: "irc"}, berlin)
	if err != nil {
		log.Fatal(err)
	}
	for _, h := range hours {
		fmt.Printf("%s %02d:00 %d\n", h.Weekday, h.Hour, h.Messages)
	}
	// Output:
	// Sunday 00:00 1
	// Sunday 11:00 2
}
