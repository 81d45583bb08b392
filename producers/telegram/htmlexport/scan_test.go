package htmlexport

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/producers/telegram/export"
)

// TestScanner_Next reads pages longer than its room in reads of any size.
func TestScanner_Next(t *testing.T) {
	var want []string
	for i := range 2000 {
		tag := MessageTag
		if i%97 == 50 {
			tag = serviceTag
		}
		want = append(want, fmt.Sprintf("%s%d\n%s", tag, i, strings.Repeat("х", i%300)))
	}
	page := "<html>\n" + strings.Join(want, "")
	readers := map[string]func() io.Reader{
		"whole": func() io.Reader { return strings.NewReader(page) },
		"bytes": func() io.Reader { return iotest.OneByteReader(strings.NewReader(page)) },
		"ends":  func() io.Reader { return iotest.DataErrReader(strings.NewReader(page)) },
	}
	in := new(scanner)
	for name, open := range readers {
		t.Run("next/"+name, func(t *testing.T) {
			in.reset(open())
			var got []string
			for {
				raw, whole, err := in.next()
				if err != nil || !whole {
					t.Fatal(whole, err)
				}
				if len(raw) == 0 {
					break
				}
				got = append(got, string(raw))
				in.advance(len(raw))
			}
			if got := strings.Join(got[1:], "|"); got != strings.Join(want, "|") || in.at != int64(len(page)) || in.line != strings.Count(page, "\n")+1 {
				t.Errorf("%d pieces to byte %d, line %d", len(got), in.at, in.line)
			}
		})
		t.Run("seek/"+name, func(t *testing.T) {
			in.reset(open())
			for i := range want {
				if !strings.HasPrefix(want[i], serviceTag) {
					continue
				}
				if err := in.seek(serviceTag); err != nil {
					t.Fatal(err)
				}
				raw, _, err := in.next()
				if string(raw) != want[i] || err != nil {
					t.Fatalf("message %d is %q: %v", i, raw, err)
				}
				in.discard(len(raw))
			}
			if err := in.seek(serviceTag); err != nil || len(in.buf) != 0 || in.at != int64(len(page)) {
				t.Errorf("%d bytes are left at %d: %v", len(in.buf), in.at, err)
			}
		})
	}
}

func TestReadSentence(t *testing.T) {
	named := func(names ...string) (out []event.Person) {
		for _, n := range names {
			out = append(out, event.Person{Namespace: export.Source, Name: n})
		}
		return out
	}
	for text, want := range map[string]event.Service{
		"Ann invited Bob":                          {Action: event.ActionInvite, Native: "invite_members", Members: named("Bob")},
		"Ann invited Bob, Tim and Eve":             {Action: event.ActionInvite, Native: "invite_members"},
		"Ann removed Bob":                          {Action: event.ActionKick, Native: "remove_members", Members: named("Bob")},
		"Ann removed Ann":                          {Action: event.ActionLeave, Native: "remove_members"},
		"Ann joined group by link from Bob":        {Action: event.ActionJoin, Native: "join_group_by_link"},
		"Ann joined group by request":              {Action: event.ActionJoin, Native: "join_group_by_request"},
		"Ann changed group title to «Club»":        {Action: event.ActionTitle, Native: "edit_group_title", Text: "Club"},
		"Ann changed group title to «Club» now":    {Action: event.ActionOther},
		"Ann created group «A «B»» with members C": {Action: event.ActionCreate, Native: "create_group", Text: "A «B»"},
		"Ann created group «Club»":                 {Action: event.ActionCreate, Native: "create_group", Text: "Club"},
		"Ann created topic «Tools»":                {Action: event.ActionOther, Native: "topic_created", Text: "Tools"},
		"Ann invited Bob to the voice chat":        {Action: event.ActionCall, Native: "invite_to_group_call"},
		"Ann pinned this message":                  {Action: event.ActionPin, Native: "pin_message"},
		"Ann pinned this message and left":         {Action: event.ActionOther},
		"Ann invited Bob invited Tim":              {Action: event.ActionOther},
		"Ann removed Bob who invited Tim":          {Action: event.ActionOther},
		"Ann changed chat theme to 🌱":              {Action: event.ActionOther},
		"Ann converted this group to a supergroup": {Action: event.ActionOther, Native: "migrate_to_supergroup"},
		"": {Action: event.ActionOther},
	} {
		if want.Text == "" {
			want.Text = text
		}
		if diff := cmp.Diff(&want, readSentence(text)); diff != "" {
			t.Errorf("%s: %s", text, diff)
		}
	}
}
