package whatsapp

import (
	"github.com/agrichat/agrichat/producers"
	"github.com/agrichat/agrichat/producers/whatsapp/header"
)

// The codes of notices of this source alone.
const (
	noticeOrder      = "date-order-overruled"
	noticeCopy       = "copy-number"
	noticeOtherForm  = "header-other-form"
	noticeSecondForm = "header-second-form"
	noticeTime       = "time-not-understood"
	noticeDate       = "date-unreadable"
	noticeOld        = "date-implausible"
	noticeCut        = "last-line-cut"
	noticeName       = "name-guessed"
)

// unreadableDate is why a message is kept as unparsed whose date no calendar has that is read.
const unreadableDate = "line begins with a date of no calendar that is read"

// addOpeningNotices reports what concerns a whole file, once.
func (s *session) addOpeningNotices() {
	if s.archive.copied {
		s.Notices.Add(producers.Notice{
			Code: noticeCopy, Option: "--channel", Count: 1,
			Text: "the number in brackets after the name of an export is taken for that of a copy, and its messages join the chat of the name without it",
		})
	}
	if n := len(s.survey.Names); n > 0 {
		s.Notices.Add(producers.Notice{
			Code: noticeName, Count: n,
			Text: "names have a colon in them: all messages of a sender go on with the same words and a second colon, which are read as the rest of the name",
		})
	}
}

// addEndingNotices reports what shows at the end of a file.
func (s *session) addEndingNotices() {
	if s.log.records.open && s.log.records.at.Begun {
		s.Notices.Add(producers.Notice{
			Code: noticeCut, Count: 1,
			Text: "the file ends without the end of a line: its last message may be cut, and will stand beside the whole one of a later export",
		})
	}
}

// addNotices reports what was assumed of a message.
func (s *session) addNotices(e *entry) {
	if e.time.Skipped {
		s.Notices.Add(producers.SkippedHour(1))
	}
	if year := e.time.At.Year(); year < 2009 || year > 2085 { // 1388 to 1408 of the Persian calendar, in two digits
		s.Notices.Add(producers.Notice{
			Code: noticeOld, Count: 1,
			Text: "messages have dates from before there was WhatsApp, or far ahead: two digits of a year may be those of another calendar, so export the chat with the phone set to another one",
		})
	}
	if _, is := header.ShortPersian(e.header.Stamp.Numbers[0]); is && !e.header.Style.YearFirst && s.survey.Order == header.YearFirst && e.header.Style == s.survey.Style {
		s.Notices.Add(producers.Notice{
			Code: noticeOld, Option: "--date-order", Count: 1,
			Text: "two digits of a year would be from before there was WhatsApp, or far ahead, and are read as those of the solar Hijri calendar",
		})
	}
	if e.header.Style != s.survey.Style {
		s.Notices.Add(producers.Notice{
			Code: noticeSecondForm, Count: 1,
			Text: "messages begin with a date of a second form, and follow in time on those before them",
		})
	} else if s.survey.Overruled {
		s.Notices.Add(producers.Notice{
			Code: noticeOrder, Option: "--date-order", Count: 1,
			Text: "dates have another order of day and month than the one that was named, which would not fit the file",
		})
	}
}

// addHeaderNotices says how many lines of text look like headers.
func (s *session) addHeaderNotices(b *producers.Batch) {
	n, strange := s.log.records.others, s.log.records.stranges
	s.log.records.others, s.log.records.stranges = 0, 0
	if n > 0 {
		b.Notices.Add(producers.Notice{
			Code: noticeOtherForm, Count: n,
			Text: "lines look like the header of a message in another form of date, and were kept as text of the message before them",
		})
	}
	if strange > 0 {
		b.Notices.Add(producers.Notice{
			Code: noticeTime, Count: strange,
			Text: "lines begin as messages of the file do, but with a time that is not understood, and were kept as text of the message before them",
		})
	}
}
