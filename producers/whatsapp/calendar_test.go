package whatsapp

import (
	"testing"

	"github.com/agrichat/agrichat/producers"
)

// TestArchive_Calendars: dates of other calendars and digits of other scripts are read, and dates of other calendars are reported.
func TestArchive_Calendars(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ text, want string }{
		"Thai":             {"31/1/2567 21:05 - Som: aa\n1/2/2567 08:00 - Som: bb\n", "2024-01-31 21:05 <Som> aa\n2024-02-01 08:00 <Som> bb"},
		"Thai, two digits": {"31/1/67 21:05 - Som: aa\n1/2/67 08:00 - Som: bb\n", "2024-01-31 21:05 <Som> aa\n2024-02-01 08:00 <Som> bb"},
		"Thai, iPhone":     {"[29/2/2567 21:05:07] Som: aa\n", "2024-02-29 21:05:07 <Som> aa"},
		"Thai digits":      {"๓๑/๑/๒๕๖๗ ๒๑:๐๕ - Som: aa\n", "2024-01-31 21:05 <Som> aa"},
		"Persian":          {"۱۴۰۳/۲/۳۱،\u200f ۲۱:۰۵ - Ali: aa\n۱۴۰۳/۳/۱،\u200f ۰۸:۰۰ - Ali: bb\n", "2024-05-20 21:05 <Ali> aa\n2024-05-21 08:00 <Ali> bb"},
		"Persian, Latin":   {"[1403/01/02, 21:05:07] Ali: aa\n[1403/01/03, 21:05:07] Ali: bb\n", "2024-03-21 21:05:07 <Ali> aa\n2024-03-22 21:05:07 <Ali> bb"},
		"Persian, day first": {"2/1/1403, 21:05 - Ali: aa\n3/1/1403, 21:05 - Ali: bb\n",
			"2024-03-21 21:05 <Ali> aa\n2024-03-22 21:05 <Ali> bb"},
		"Devanagari": {"३१/०१/२०२४, २१:०५ - Ravi: aa\n", "2024-01-31 21:05 <Ravi> aa"},
		"Arabic":     {"٣١\u200f/١\u200f/٢٠٢٤، ٩:٠٥ م - Ali: aa\n", "2024-01-31 21:05 <Ali> aa"},
	} {
		t.Run(name, func(t *testing.T) {
			events, notices, _ := read(t, c.text, owner())
			compare(t, events, c.want)
			if len(notices) > 0 || len(events) > 0 && events[0].Reading.DateGuessed {
				t.Errorf("notices are %v, guessed: %v", notices, events[0].Reading.DateGuessed)
			}
		})
	}
	events, notices, n := read(t, "1446/9/1, 21:05 - Ali: aa\n1446/9/2, 21:05 - Ali: bb\n", producers.Options{Account: "me"})
	if len(events) != 0 || n.Unparsed != 2 || notices["date-unreadable"].Count != 2 {
		t.Errorf("a date of no calendar: %d messages, %d unparsed, notices %v", len(events), n.Unparsed, notices)
	}
}

// TestArchive_TwoDigitsOfAnotherCalendar: an implausible year is a notice, on whichever message it comes.
func TestArchive_TwoDigitsOfAnotherCalendar(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{
		"۰۳/۵/۱۲،\u200f ۲۱:۰۵ - Ali: aa\n۰۳/۵/۱۳،\u200f ۲۱:۰۵ - Ali: bb\n۰۳/۵/۱۴،\u200f ۲۱:۰۵ - Ali: cc\n": 3,
		"12/05/03, 21:05 - Ali: aa\n31/05/03, 21:05 - Ali: bb\n":                                           2,
		"12/05/99, 21:05 - Ali: aa\n30/05/99, 21:05 - Ali: bb\n":                                           2,
		"12/05/10, 21:05 - Ali: aa\n31/05/24, 21:05 - Ali: bb\n":                                           0,
	} {
		_, notices, _ := read(t, text, owner())
		if n := notices["date-implausible"]; n.Count != want {
			t.Errorf("%q: notices are %v", text, notices)
		}
	}
}

// TestArchive_ShortPersianYears: two digits of a year that come first and cannot be ours are those of the solar Hijri calendar.
func TestArchive_ShortPersianYears(t *testing.T) {
	t.Parallel()
	events, _, _ := read(t, "۰۳/۵/۱۲،\u200f ۲۱:۰۵ - Ali: aa\n۰۳/۵/۱۳،\u200f ۲۱:۰۵ - Ali: bb\n۰۳/۵/۱۴،\u200f ۲۱:۰۵ - Ali: cc\n", owner())
	compare(t, events, "2024-08-02 21:05 <Ali> aa\n2024-08-03 21:05 <Ali> bb\n2024-08-04 21:05 <Ali> cc")
	events, _, _ = read(t, "[98/12/28, 21:05:01] Ali: aa\n[98/12/29, 21:05:01] Ali: bb\n[99/01/01, 21:05:01] Ali: cc\n", owner())
	compare(t, events, "2020-03-18 21:05:01 <Ali> aa\n2020-03-19 21:05:01 <Ali> bb\n2020-03-20 21:05:01 <Ali> cc")
}
