package cli

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/agrichat/agrichat/internal/files"
	"github.com/agrichat/agrichat/internal/reread"
	"github.com/agrichat/agrichat/producers"
)

// notice is something that an import assumed, guessed, joined or left out.
type notice struct {
	Code      string   `json:"code"`
	Text      string   `json:"text"`
	Option    string   `json:"option,omitempty"` // what settles it
	Count     int      `json:"count"`            // records concerned
	Files     []string `json:"files"`            // the first shownPlaces
	FileCount int      `json:"file_count"`
}

// notices are those of all files of an import.
type notices []notice

// add adds what one file brought.
func (n *notices) add(path string, of []producers.Notice) {
	for _, o := range of {
		i := slices.IndexFunc(*n, func(s notice) bool { return s.Code == o.Code && s.Text == o.Text && s.Option == o.Option })
		if i < 0 {
			i = len(*n)
			*n = append(*n, notice{Code: o.Code, Text: o.Text, Option: o.Option})
		}
		s := &(*n)[i]
		s.Count += o.Count
		if s.FileCount++; len(s.Files) < shownPlaces {
			s.Files = append(s.Files, path)
		}
	}
}

// sorted returns them, those of most records first.
func (n notices) sorted() []notice {
	out := slices.Clone(n)
	slices.SortStableFunc(out, func(a, b notice) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Code, b.Code), cmp.Compare(a.Text, b.Text))
	})
	return out
}

// named is when a user named an option, which is now: the later word counts. Zero where he did not.
func named(option string) int64 {
	if option == "" {
		return 0
	}
	return time.Now().UnixMilli()
}

// printNotices prints a line for each notice.
func printNotices(w io.Writer, of []notice) {
	for i, n := range of {
		if i == shownPlaces {
			fmt.Fprintf(w, "... and %d more notices; --output json lists them\n", len(of)-i)
			return
		}
		text := fmt.Sprintf("note: %s%s: %s", counted(n.Count, unitOf(n.Code)), filesOf(n), strings.Map(printable, n.Text))
		if n.Option != "" {
			text += "; " + n.Option + " settles it"
		}
		fmt.Fprintln(w, text)
	}
}

// unitOf is what the notices of a code count.
func unitOf(code string) string {
	switch {
	case code == files.NoticeZipNames:
		return "name"
	case code == reread.NoticeZone || code == reread.NoticeCharset || code == reread.NoticeUnchanged:
		return "event"
	case strings.HasPrefix(code, "overlap-"):
		return "message"
	}
	return "record"
}

func filesOf(n notice) string {
	switch n.FileCount {
	case 0:
		return ""
	case 1:
		return " in " + strings.Map(printable, n.Files[0])
	}
	return fmt.Sprintf(" in %d files", n.FileCount)
}
