package telegram

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/producers/producertest"
)

// pollOf is a message of a page with a poll of one answer.
func pollOf(id, title string, votes int) string {
	return `<div class="message default clearfix" id="message` + id + `"><div class="body"><div class="pull_right date details" title="` +
		title + `">x</div><div class="from_name">Ann </div><div class="media_wrap clearfix"><div class="media_poll">` +
		`<div class="question bold">When?</div><div class="details">Anonymous poll</div><div class="answer">- Sat <span class="details">` +
		strconv.Itoa(votes) + ` votes</span></div><div class="total details">` + strconv.Itoa(votes) + ` votes</div></div></div></div></div>`
}

// pollsOf reads a page that is beside others, and returns its first message and its results of polls.
func pollsOf(t *testing.T, name string, data []byte, beside map[string][]byte) (*event.Event, []event.Event) {
	t.Helper()
	c := producertest.Case{Path: "x/ChatExport/" + name, Data: data, Beside: beside, Options: club()}
	var first *event.Event
	var results []event.Event
	all := producertest.Events(producertest.Read(t, Definition(), c, nil))
	for i := range all {
		switch {
		case all[i].Kind == event.KindPoll:
			results = append(results, all[i])
		case all[i].Kind == event.KindMessage && first == nil:
			first = &all[i]
		}
	}
	return first, results
}

// TestPages_Polls: the results of a poll are dated by the newest message of the whole export, whichever page they are on.
func TestPages_Polls(t *testing.T) {
	first, last := pageMessage("1", "01.05.2024 10:00:00", "Ann", "x"), "01.05.2024 12:00:00"
	export := func(pages, votes int) map[string][]byte {
		out := map[string][]byte{"messages.html": pageOf("Chat", pollOf("2", "01.05.2024 11:00:00", votes), pageMessage("3", last, "Ann", "y"))}
		for n := 2; n <= pages; n++ {
			title := fmt.Sprintf("%02d.06.2024 12:00:00", n)
			out[fmt.Sprintf("messages%d.html", n)] = pageOf("Chat", pageMessage(strconv.Itoa(n+10), title, "Ann", "z"))
		}
		return out
	}
	read := func(pages, votes int) (*event.Event, event.Event) {
		t.Helper()
		e := export(pages, votes)
		m, results := pollsOf(t, "messages.html", e["messages.html"], e)
		if len(results) != 1 {
			t.Fatalf("%d results of one poll", len(results))
		}
		return m, results[0]
	}
	t.Run("two exports", func(t *testing.T) {
		older, ten := read(1, 10)
		newer, nine := read(2, 9) // a vote was taken back
		if diff := cmp.Diff(older.Body, newer.Body); diff != "" || older.ID != newer.ID {
			t.Errorf("the message differs: %s", diff)
		}
		if !nine.Sent.Later(ten.Sent) || nine.Body.(*event.PollResults).Poll.Options[0].Votes != 9 || nine.Body.(*event.PollResults).Target != "2" {
			t.Errorf("of the results %+v and %+v the second are not later", ten, nine)
		}
	})
	t.Run("any number of pages", func(t *testing.T) {
		for pages := 1; pages <= 20; pages++ {
			want := time.Date(2024, 6, pages, 12, 0, 0, 0, time.UTC)
			if pages == 1 {
				want = time.Date(2024, 5, 1, 12, 0, 0, 0, time.UTC)
			}
			if _, got := read(pages, 1); !got.Sent.At.Equal(want) {
				t.Errorf("of %d pages: results are of %v, want %v", pages, got.Sent.At, want)
			}
		}
	})
	t.Run("another page of it", func(t *testing.T) {
		e := export(3, 1)
		e["messages2.html"] = pageOf("Chat", pollOf("20", "02.06.2024 11:00:00", 3), pollOf("21", "02.06.2024 11:00:01", 4))
		_, got := pollsOf(t, "messages2.html", e["messages2.html"], e)
		if len(got) != 2 || got[0].Sent.At.Day() != 3 || got[1].Sent.At != got[0].Sent.At || got[1].Body.(*event.PollResults).Target != "21" {
			t.Errorf("the results are %+v", got)
		}
	})
	t.Run("alone", func(t *testing.T) {
		data := pageOf("Chat", first, pollOf("2", "01.05.2024 11:00:00", 1), pageMessage("3", last, "Ann", "y"), pageService("-1", "3 May 2024"), pageService("4", "B joined"))
		for _, name := range []string{"saved.html", "messages.html", "messages3.html"} {
			beside := map[string][]byte{"messages.html": pageOf("Chat", first), "messages4.html": []byte("<html>nothing of a chat</html>")}
			if _, got := pollsOf(t, name, data, beside); len(got) != 1 || got[0].Sent.At != time.Date(2024, 5, 3, 0, 0, 0, 0, time.UTC) {
				t.Errorf("%s: the results are %+v", name, got)
			}
		}
	})
	t.Run("without a time", func(t *testing.T) {
		m, got := pollsOf(t, "messages.html", pageOf("Chat", pollOf("2", "some day", 7)), nil)
		if len(got) != 0 || m.Body.(*event.Message).Poll.Options[0].Votes != 7 {
			t.Errorf("%d results, and the message has %+v", len(got), m.Body)
		}
	})
}

// TestPages_PollsConform holds a page with more polls than batches against the suite.
func TestPages_PollsConform(t *testing.T) {
	var messages []string
	for i := range 80 {
		id, minute := strconv.Itoa(i+2), fmt.Sprintf("%02d", i%60)
		messages = append(messages, pollOf(id, "01.05.2024 1"+strconv.Itoa(i/60)+":"+minute+":00", i))
	}
	last := pageOf("Chat", pageMessage("200", "01.06.2024 10:00:00", "Ann", "x"))
	c := producertest.Case{
		Path: "x/messages.html", Data: pageOf("Chat", messages...), Beside: map[string][]byte{"messages2.html": last}, Options: club(), Events: 162,
	}
	producertest.Archive(t, definition(7), c)
}
