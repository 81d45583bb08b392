package archive_test

import (
	"flag"
	"io/fs"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/google/go-cmp/cmp"

	"github.com/agrichat/agrichat/internal/archive"
	"github.com/agrichat/agrichat/internal/ch"
	"github.com/agrichat/agrichat/internal/fault"
	"github.com/agrichat/agrichat/internal/testenv"
	"github.com/agrichat/agrichat/schemas/clickhouse"
)

func TestMain(m *testing.M) {
	flag.Parse()
	if !enginesInstalled() {
		_ = flag.Set("test.skip", "^Example") // an Example cannot skip itself
	}
	testenv.Main(m)
}

func store(t testing.TB) *ch.DB {
	t.Helper()
	db, err := ch.Open(t.Context(), ch.Config{URL: testenv.ClickHouse(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := db.Migrate(t.Context(), clickhouse.FS); err != nil {
		t.Fatal(err)
	}
	return db
}

func filled(t testing.TB) *archive.Archive {
	t.Helper()
	db := store(t)
	names, err := fs.Glob(os.DirFS("testdata"), "fill_*.sql")
	if err != nil || len(names) == 0 {
		t.Fatalf("there is nothing to fill the store with: %v", err)
	}
	for _, name := range names {
		sql, err := os.ReadFile("testdata/" + name)
		if err != nil {
			t.Fatal(err)
		}
		if err := db.Exec(t.Context(), string(sql)); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	return archive.New(db)
}

// TestQueries holds that a migrated, empty database plans every query.
func TestQueries(t *testing.T) {
	t.Parallel()
	db := store(t)
	names, err := fs.Glob(os.DirFS("queries"), "*.sql")
	if err != nil || len(names) == 0 {
		t.Fatalf("there are no queries: %v", err)
	}
	for _, name := range names {
		sql, err := os.ReadFile("queries/" + name)
		if err != nil {
			t.Fatal(err)
		}
		params := ch.Params{"source": "", "namespace": "", "channel": "", "from": "", "to": "", "limit": "5", "zone": "UTC",
			"keys": "['00']", "asked": "['00']", "key": "00", "keyed": "1", "firsts": "[0]", "lasts": "[1]", "author": "", "first": "0", "last": "1"}
		for p := range params {
			if !strings.Contains(string(sql), "{"+p+":") {
				delete(params, p)
			}
		}
		err = db.Each(t.Context(), "EXPLAIN "+string(sql), params, func(driver.Rows) error { return nil })
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestArchive_empty(t *testing.T) {
	t.Parallel()
	a := archive.New(store(t))
	total, err := a.Totals(t.Context(), archive.Filter{})
	if diff := cmp.Diff(archive.Counts{}, total); err != nil || diff != "" {
		t.Errorf("the totals of nothing: %v (-want +got):\n%s", err, diff)
	}
	authors, err := a.Authors(t.Context(), archive.Filter{}, 10)
	if err != nil || len(authors) != 0 {
		t.Errorf("the authors of nothing: %v, %v", authors, err)
	}
}

func at(day, hour, minute, second int) *time.Time {
	t := time.Date(2024, 1, day, hour, minute, second, 0, time.UTC)
	return &t
}

func libera() archive.Counts {
	return archive.Counts{
		Messages: 3, Deleted: 1, Edited: 1, Service: 1, Characters: 15, Words: 4, Reactions: 8, People: 2, Chats: 1,
		First: at(6, 23, 30, 0), Last: at(7, 10, 59, 59),
	}
}

func telegram() archive.Counts {
	return archive.Counts{
		Messages: 2, Unparsed: 1, Characters: 4, Words: 2, People: 1, Chats: 1, First: at(8, 0, 0, 0), Last: at(8, 0, 0, 0),
	}
}

func TestArchive_Totals(t *testing.T) {
	t.Parallel()
	a := filled(t)
	total, err := a.Totals(t.Context(), archive.Filter{})
	want := archive.Counts{
		Messages: 5, Deleted: 1, Edited: 1, Service: 1, Unparsed: 1, Characters: 19, Words: 6, Reactions: 8, People: 3, Chats: 2,
		First: at(6, 23, 30, 0), Last: at(8, 0, 0, 0),
	}
	check(t, "totals", want, total, err)
	networks, err := a.Networks(t.Context(), archive.Filter{})
	check(t, "networks", []archive.Network{
		{Source: "irc", Namespace: "libera", Counts: libera()}, {Source: "telegram", Namespace: "telegram", Counts: telegram()},
	}, networks, err)
	chats, err := a.Chats(t.Context(), archive.Filter{}, archive.Everyone)
	wantChats := []archive.Chat{
		{Source: "irc", Namespace: "libera", Channel: "#go\t'", Name: "Gophers", Type: "group", Counts: libera()},
		{Source: "telegram", Namespace: "telegram", Channel: "user:5", Counts: telegram()},
	}
	check(t, "chats", wantChats, chats, err)
	chats, err = a.Chats(t.Context(), archive.Filter{}, 1)
	check(t, "the busiest chat", wantChats[:1], chats, err)
	chats, err = a.Chats(t.Context(), archive.Filter{Source: "irc", Namespace: "libera", Channel: "#go\t'"}, 9)
	check(t, "one chat", wantChats[:1], chats, err)
}

func TestArchive_Authors(t *testing.T) {
	t.Parallel()
	a := filled(t)
	got, err := a.Authors(t.Context(), archive.Filter{}, archive.Everyone)
	check(t, "authors", []archive.Author{
		{Source: "irc", Namespace: "libera", ID: "boris", Name: "Boris B.", Bot: true, Counts: archive.Counts{
			Messages: 2, Service: 1, Characters: 7, Words: 2, People: 1, Chats: 1, First: at(7, 10, 0, 0), Last: at(7, 10, 59, 59),
		}},
		{Source: "irc", Namespace: "libera", ID: "anna", Name: "Anna", Counts: archive.Counts{
			Messages: 1, Deleted: 1, Edited: 1, Characters: 8, Words: 2, Reactions: 8, People: 1, Chats: 1,
			First: at(6, 23, 30, 0), Last: at(6, 23, 30, 0),
		}},
		{Source: "telegram", Namespace: "telegram", ID: "user7", Name: "Vera", Counts: archive.Counts{
			Messages: 1, Characters: 2, Words: 1, People: 1, Chats: 1, First: at(8, 0, 0, 0), Last: at(8, 0, 0, 0),
		}},
	}, got, err)
}

func TestArchive_HoursOfDay(t *testing.T) {
	t.Parallel()
	a := filled(t)
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	day, err := a.HoursOfDay(t.Context(), archive.Filter{}, time.UTC)
	check(t, "hours of the day", []archive.Hour{
		{Hour: 10, Messages: 2, Characters: 7, Words: 2}, {Hour: 23, Messages: 1, Characters: 8, Words: 2, Reactions: 8},
	}, day, err)
	week, err := a.HoursOfWeek(t.Context(), archive.Filter{}, berlin)
	check(t, "hours of the week", []archive.Hour{
		{Weekday: time.Sunday, Hour: 0, Messages: 1, Characters: 8, Words: 2, Reactions: 8},
		{Weekday: time.Sunday, Hour: 11, Messages: 2, Characters: 7, Words: 2},
	}, week, err)
	days, err := a.Days(t.Context(), archive.Filter{From: *at(7, 0, 0, 0), To: *at(8, 0, 0, 0)}, berlin)
	check(t, "days", []archive.Day{{Day: "2024-01-07", Counts: archive.Counts{
		Messages: 2, Deleted: 1, Service: 1, Characters: 7, Words: 2, People: 1, Chats: 1,
		First: at(7, 10, 0, 0), Last: at(7, 10, 59, 59),
	}}}, days, err)
	if _, err := a.Days(t.Context(), archive.Filter{}, time.Local); time.Local.String() == "Local" && fault.Of(err) != fault.Poison {
		t.Errorf("the days of a zone without a name: %v", err)
	}
}

func TestArchive_Zoneless(t *testing.T) {
	t.Parallel()
	a := filled(t)
	got, err := a.Zoneless(t.Context(), archive.Filter{})
	check(t, "messages without a zone", archive.Zoneless{Messages: 0, Of: 4}, got, err)
	got, err = a.Zoneless(t.Context(), archive.Filter{Source: "nobody"})
	check(t, "messages of nobody", archive.Zoneless{}, got, err)
}

func check(t *testing.T, what string, want, got any, err error) {
	t.Helper()
	if err != nil {
		t.Errorf("%s: %v", what, err)
		return
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}
