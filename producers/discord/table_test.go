package discord

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/producers"
)

func TestTables_Locate(t *testing.T) {
	for path, want := range map[string]struct {
		ns, name, guild, parent string
		channel                 event.Channel
		part                    int
	}{
		"x/Allotment - Plots - beans [420000000000000001].csv":        {sourceName, "beans", "Allotment", "Plots", channelID, 1},
		"x/Allotment - beans [420000000000000001] [part 3].csv":       {sourceName, "beans", "Allotment", "", channelID, 3},
		"x/A - B - beans [420000000000000001] (after 2020-01-01).csv": {sourceName, "beans", "A", "B", channelID, 1},
		"x/420000000000000001.csv":                                    {sourceName, "420000000000000001", "", "", channelID, 1},
		"x/beans [420000000000000001]/12.csv":                         {sourceName, "beans", "", "", channelID, 12},
		"csv/plots/beans/2.csv":                                       {"", "beans", "", "", "name:beans", 2},
		`csv\plots\beans\2.csv`:                                       {"", "beans", "", "", "name:beans", 2},
		"beans.csv":                                                   {"", "beans", "", "", "name:beans", 1},
		"7.csv":                                                       {"", "7", "", "", "name:7", 1},
		"A - beans [part 2].csv":                                      {"", "A - beans", "", "", "name:A - beans", 2},
	} {
		w, part := new(tables).locate(path)
		if string(w.Namespace) != want.ns || w.Channel != want.channel || w.Name != want.name || w.Guild != want.guild ||
			w.Parent != want.parent || part != want.part {
			t.Errorf("%s: %+v, part %d", path, w, part)
		}
	}
}

func TestPartBefore(t *testing.T) {
	for part, want := range map[string]string{
		"csv/beans/2.csv": "1.csv", "csv/beans/1.csv": "", "beans [9] [part 2].csv": "beans [9].csv",
		"beans [9] [part 3].csv": "beans [9] [part 2].csv",
	} {
		_, n := new(tables).locate(part)
		if got := partBefore(part, n); got != want {
			t.Errorf("before %s stands %q, want %q", part, got, want)
		}
	}
}

func TestTable_2019(t *testing.T) {
	tbilisi := time.FixedZone("Asia/Tbilisi", 4*3600)
	all := read(t, "csv/beans/1.csv", []byte(old), producers.Options{Zone: tbilisi})
	m := ofKind(all, event.KindMessage)
	if len(m) != 6 {
		t.Fatalf("%d messages", len(m))
	}
	want := event.Instant{At: time.Date(2019, 2, 7, 12, 12, 0, 0, time.UTC), Precision: event.PrecisionMinute, Zone: "Asia/Tbilisi", Assumed: true}
	if diff := cmp.Diff(want, m[0].Sent); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(event.Person{Namespace: sourceName, ID: "111111111111111111", Name: "vera"}, m[0].Author); diff != "" {
		t.Error(diff)
	}
	if m[0].Namespace != unnumbered || m[0].Channel != "name:beans" || m[0].NativeID == m[1].NativeID {
		t.Errorf("%s %s", m[0].Namespace, m[0].Channel)
	}
	if text := m[2].Body.(*event.Message).Text; text != "a; b\nc" {
		t.Errorf("text %q", text)
	}
	utc := ofKind(read(t, "csv/beans/1.csv", []byte(old), producers.Options{}), event.KindMessage)
	if utc[0].ID != m[0].ID || utc[0].Sent.Zone != "UTC" || !utc[0].Sent.Assumed {
		t.Errorf("another zone makes another message, or an unmarked time: %+v", utc[0].Sent)
	}
}

func TestTable_Today(t *testing.T) {
	all := read(t, "x/A - B - beans [420000000000000001].csv", []byte(today), producers.Options{Namespace: "ignored"})
	m := ofKind(all, event.KindMessage)
	if len(m) != 3 || m[0].Namespace != sourceName || m[0].Channel != channelID {
		t.Fatalf("%d messages: %+v", len(m), m)
	}
	want := event.Instant{At: time.Date(2021, 3, 4, 4, 6, 7, 890_000_000, time.UTC), Precision: event.PrecisionMilli, Zone: "+01:00"}
	if diff := cmp.Diff(want, m[0].Sent); diff != "" {
		t.Error(diff)
	}
	body := m[1].Body.(*event.Message)
	if body.Text != "line \"one\"\n\nline two" {
		t.Errorf("text %q", body.Text)
	}
	files := []event.Attachment{
		{Kind: "photo", Name: "a.png", URL: "https://cdn.discordapp.com/attachments/1/2/a.png?ex=65&is=1"},
		{Kind: "file", Name: "b,c.txt", URL: "https://cdn.discordapp.com/attachments/1/3/b,c.txt"},
	}
	if diff := cmp.Diff(files, body.Attachments); diff != "" {
		t.Error(diff)
	}
	r := ofKind(all, event.KindReactions)
	counts := []event.ReactionCount{{Emoji: "👍", Count: 2}, {Emoji: "kek", Count: 1}}
	if len(r) != 1 || r[0].Body.(*event.Reactions).Complete {
		t.Fatalf("reactions %+v", r)
	}
	if diff := cmp.Diff(counts, r[0].Body.(*event.Reactions).Counts); diff != "" {
		t.Error(diff)
	}
	info := ofKind(all, event.KindChannel)[0].Body.(*event.ChannelInfo)
	if info.Name != "beans" || info.Topic != "A / B" {
		t.Errorf("channel %+v", info)
	}
}

func TestTable_AuthorWithoutID(t *testing.T) {
	data := "Author;Date;Content;Attachments;Reactions;\n\"vera#0001\";\"07-Feb-19 04:12 PM\";\"x\";\"\";\"\";\n\"vera#0001\";\"then\";\"y\";\"\";\"\";\n"
	m := ofKind(read(t, "beans.csv", []byte(data), producers.Options{Namespace: "mine"}), event.KindMessage)
	if len(m) != 2 || m[0].Author != (event.Person{ID: "vera#0001", Name: "vera"}) || m[0].Namespace != "mine" {
		t.Fatalf("%+v", m)
	}
	if d := m[1].Body.(*event.Message).Details["date"]; !m[1].Sent.IsZero() || d != "then" {
		t.Errorf("an unreadable time is %+v, kept as %q", m[1].Sent, d)
	}
}

// A row that lost a quotation mark takes in the next ones; only it is lost.
func TestTable_BrokenRow(t *testing.T) {
	row := func(text string) string {
		return `"111111111111111111";"vera#0001";"07-Feb-19 04:12 PM";"` + text + `";"";"";` + "\n"
	}
	for name, bad := range map[string]string{
		"no closing mark":   `"111111111111111111";"vera#0001";"07-Feb-19 04:12 PM";"lost;"";"";` + "\n",
		"a cell too few":    `"111111111111111111";"vera#0001";"lost"` + "\n",
		"cells too many":    `"1";"a#1";"07-Feb-19 04:12 PM";"x";"";"";"";"";"lost"` + "\n",
		"a line of its own": "lost\n",
		"an odd mark":       `"1";"a#1";"07-Feb-19 04:12 PM";"x";"";";` + "\n",
	} {
		t.Run(name, func(t *testing.T) {
			data := "AuthorID;Author;Date;Content;Attachments;Reactions;\n" + row("a") + bad + row("b") + row("c")
			all := read(t, "beans/1.csv", []byte(data), producers.Options{})
			if m, u := len(ofKind(all, event.KindMessage)), len(ofKind(all, event.KindUnparsed)); m != 3 || u != 1 {
				t.Errorf("%d messages and %d unparsed, want 3 and 1", m, u)
			}
		})
	}
}

// Quotation marks that are not doubled are a fault of other tools, and of no consequence.
func TestTable_StrayQuotes(t *testing.T) {
	data := "AuthorID,Author,Date,Content,Attachments,Reactions\n" +
		`"111111111111111111","v","2021-03-04T05:06:07.89+01:00","say "hi" now","",""` + "\n" +
		`111111111111111111,v,2021-03-04T05:06:07.89+01:00,plain,,` + "\n"
	m := ofKind(read(t, "beans.csv", []byte(data), producers.Options{}), event.KindMessage)
	if len(m) != 2 || m[0].Body.(*event.Message).Text != `say "hi" now` || m[1].Body.(*event.Message).Text != "plain" {
		t.Errorf("%+v", m)
	}
}

// An export in parts may cut a minute in two: equal lines on both sides are two messages.
func TestTable_PartContinuesCounts(t *testing.T) {
	head := "AuthorID;Author;Date;Content;Attachments;Reactions;\n"
	row := func(at string) string {
		return `"111111111111111111";"vera#0001";"07-Feb-19 ` + at + `";"ok";"";"";` + "\n"
	}
	files := map[string]string{"1.csv": head + row("04:12 PM") + row("04:13 PM"), "2.csv": head + row("04:13 PM") + row("04:14 PM")}
	whole := head + row("04:12 PM") + row("04:13 PM") + row("04:13 PM") + row("04:14 PM")
	var parts []event.Event
	for _, name := range []string{"csv/beans/1.csv", "csv/beans/2.csv"} {
		parts = append(parts, ofKind(readFile(t, folder(name, files)), event.KindMessage)...)
	}
	want := ofKind(read(t, "csv/beans/1.csv", []byte(whole), producers.Options{}), event.KindMessage)
	if diff := cmp.Diff(want, parts); diff != "" {
		t.Errorf("in parts it is something else: %s", diff)
	}
}

// The hour that comes twice is read in the order of the file.
func TestClock_ReadAmbiguous(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	c := clock{zone: berlin}
	first := c.read("27-Oct-19 02:30 AM", time.Time{})
	second := c.read("27-Oct-19 02:10 AM", first.At)
	if first.At.Hour() != 0 || second.At.Hour() != 1 || first.Other.Hour() == first.At.Hour() {
		t.Errorf("%v (or %v), then %v", first.At, first.Other, second.At)
	}
	if once := c.read("27-Oct-19 04:30 AM", time.Time{}); !once.Other.IsZero() {
		t.Errorf("an hour that came once may be %v", once.Other)
	}
}

// A reading that goes on in a part must have counted what the part before it ended with, and what it read itself.
func TestTable_PartResumes(t *testing.T) {
	head := "AuthorID;Author;Date;Content;Attachments;Reactions;\n"
	row := func(at string) string { return `"111111111111111111";"vera#0001";"` + at + `";"ok";"";"";` + "\n" }
	first, second, third := row("07-Feb-19 04:13 PM"), row("08-Feb-19 04:13 PM"), row("09-Feb-19 04:13 PM")
	f := folder("beans/2.csv", map[string]string{
		"1.csv": head + first + first, "2.csv": head + first + second + first + second + third + second + first + third,
	})
	src, err := definition(1).Archive(f, producers.Options{})
	if err != nil {
		t.Fatal(err)
	}
	whole := drainFrom(t, src, nil)
	for i, b := range whole {
		if diff := cmp.Diff(whole[i+1:], drainFrom(t, src, b.Cursor)); diff != "" {
			t.Fatalf("going on after batch %d: %s", i, diff)
		}
	}
}

// TestTable_ReactionsOfOneName: a guild may have two emoji of one name, and the table prints no ids.
func TestTable_ReactionsOfOneName(t *testing.T) {
	all := read(t, "x/A - B - beans [420000000000000001].csv", []byte(strings.Replace(today, "kek (1)", "kek (1),kek (3)", 1)), producers.Options{})
	counts := ofKind(all, event.KindReactions)[0].Body.(*event.Reactions).Counts
	if last := counts[len(counts)-1]; last != (event.ReactionCount{Emoji: "kek#2", Count: 3}) {
		t.Errorf("reactions %+v", counts)
	}
}
