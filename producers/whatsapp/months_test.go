package whatsapp

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/agrichat/agrichat/producers"
	"github.com/agrichat/agrichat/producers/producertest"
)

// TestArchive_MonthWords: dates whose month is a word are read, whatever order was named, and have the ids of the same dates in numbers.
func TestArchive_MonthWords(t *testing.T) {
	t.Parallel()
	_, _, want := idsOf(t, "5/2/2023, 14:05 - Ann: aa\n31/12/2023, 14:05 - Ann: bb\n", owner())
	for language, form := range map[string][2]string{
		"English":    {"5 Feb 2023, 14:05 - ", "31 Dec 2023, 14:05 - "},
		"American":   {"[Feb 5, 2023, 2:05:00\u202fPM] ", "[Dec 31, 2023, 2:05:00\u202fPM] "},
		"American 2": {"Feb 5, 2023, 2:05\u202fPM - ", "Dec 31, 2023, 2:05\u202fPM - "},
		"Indian":     {"05-Feb-2023, 2:05 pm - ", "31-Dec-2023, 2:05 pm - "},
		"Russian":    {"5 февр. 2023 г., 14:05 - ", "31 дек. 2023 г., 14:05 - "},
		"German":     {"5. Feb. 2023, 14:05 - ", "31. Dez. 2023, 14:05 - "},
		"German 2":   {"5. Februar 2023 um 14:05 - ", "31. Dezember 2023 um 14:05 - "},
		"Spanish":    {"5 feb 2023, 14:05 - ", "31 dic 2023, 14:05 - "},
		"Spanish 2":  {"5 feb. 2023, 2:05 p. m. - ", "31 dic. 2023, 2:05 p. m. - "},
		"French":     {"5 févr. 2023, 14:05 - ", "31 déc. 2023, 14:05 - "},
		"French 2":   {"5 févr. 2023 à 14:05 - ", "31 déc. 2023 à 14:05 - "},
		"Portuguese": {"5 de fev. de 2023 14:05 - ", "31 de dez. de 2023 14:05 - "},
		"Italian":    {"5 feb 2023, 14:05 - ", "31 dic 2023, 14:05 - "},
		"Turkish":    {"5 Şub 2023 14:05 - ", "31 Ara 2023 14:05 - "},
		"Polish":     {"5 lut 2023, 14:05 - ", "31 gru 2023, 14:05 - "},
		"Dutch":      {"5 feb. 2023 14:05 - ", "31 dec. 2023 14:05 - "},
		"Ukrainian":  {"5 лют. 2023 р., 14:05 - ", "31 груд. 2023 р., 14:05 - "},
		"Hungarian":  {"2023. febr. 5. 14:05 - ", "2023. dec. 31. 14:05 - "},
	} {
		text := form[0] + "Ann: aa\n" + form[1] + "Ann: bb\n"
		for _, named := range []producers.DateOrder{"", producers.MonthFirst} {
			o := owner()
			o.DateOrder = named
			notices, times, ids := idsOf(t, text, o)
			if diff := cmp.Diff([]string{"2023-02-05 14:05", "2023-12-31 14:05"}, times); diff != "" || cmp.Diff(want, ids) != "" || len(notices) > 0 {
				t.Errorf("%s, order %q: times differ: %s; ids %v, want %v; notices %v", language, named, diff, ids, want, notices)
			}
		}
		if c := recognise(producertest.File("x/chat.txt", []byte(text+text))); c == producers.No {
			t.Errorf("%s is not recognised", language)
		}
	}
}

// TestArchive_MonthNames: texts of a chat in numbers stay texts.
func TestArchive_MonthNames(t *testing.T) {
	t.Parallel()
	events, _, _ := read(t, "5/2/2023, 14:05 - Ann: aa\nMay 5, 2023, 2:05 PM - we go\n5 apples, 2 pears - Bob: x\n6/2/2023, 14:05 - Ann: bb\n", owner())
	if len(events) != 2 {
		t.Errorf("%d messages", len(events))
	}
}

// idsOf reads a chat, and returns its notices, times and ids.
func idsOf(t *testing.T, text string, o producers.Options) (notices map[string]producers.Notice, times, ids []string) {
	t.Helper()
	events, notices, _ := read(t, text, o)
	for i := range events {
		times, ids = append(times, events[i].Sent.At.Format("2006-01-02 15:04")), append(ids, string(events[i].NativeID))
	}
	return notices, times, ids
}

// TestArchive_SkippedDay: a day that a zone left out is marked as an hour is.
func TestArchive_SkippedDay(t *testing.T) {
	t.Parallel()
	zone, err := time.LoadLocation("Pacific/Apia")
	if err != nil {
		t.Fatal(err)
	}
	o := owner()
	o.Zone = zone
	events, notices, _ := read(t, "29/12/2011, 12:00 - Ann: aa\n30/12/2011, 12:00 - Ann: bb\n31/12/2011, 12:00 - Ann: cc\n", o)
	compare(t, events, "2011-12-29 22:00 <Ann> aa\n2011-12-30 22:00 <Ann> bb skipped_hour=true\n2011-12-30 22:00 <Ann> cc")
	if notices["skipped-hour"].Count != 1 {
		t.Errorf("notices are %v", notices)
	}
}

// TestArchive_CutAtTheEnd: that the last message may be cut is a notice, and it is kept.
func TestArchive_CutAtTheEnd(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{
		"5/2/2023, 14:05 - Ann: aa\n5/2/2023, 14:06 - Ann: half of a sen": 1,
		"5/2/2023, 14:05 - Ann: aa\n5/2/2023, 14:06 - Ann: bb\nand mo":    1,
		"5/2/2023, 14:05 - Ann: aa\n5/2/2023, 14:06 - Ann: bb\n":          0,
	} {
		events, notices, _ := read(t, text, owner())
		if len(events) != 2 || notices["last-line-cut"].Count != want {
			t.Errorf("%q: %d messages, notices %v", text, len(events), notices)
		}
	}
}
