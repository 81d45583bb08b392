package whatsapp

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/producers/producertest"
)

// pollOf is a poll as an export prints it.
func pollOf(votes int) string {
	return fmt.Sprintf("13.06.24, 10:00 - A: \u200eОПРОС:\nСажаем?\n\u200eВАРИАНТ: да (бобы) (%d голосов)\n\u200eВАРИАНТ: нет (0 голосов)\n", votes)
}

// TestPolls_TwoExports: a vote taken back between two exports makes later results and the same message.
func TestPolls_TwoExports(t *testing.T) {
	t.Parallel()
	read := func(votes int, more string) (event.Event, event.Event) {
		events := messages(t, androidPath, pollOf(votes)+more)
		if len(events) < 2 || events[1].Kind != event.KindPoll {
			t.Fatal("there are no results")
		}
		return events[0], events[1]
	}
	older, ten := read(10, "")
	newer, nine := read(9, "15.06.24, 09:00 - B: x\n14.06.24, 10:00 - A: came late\n")
	if diff := cmp.Diff(older.Body, newer.Body); diff != "" || older.ID != newer.ID {
		t.Errorf("the message differs: %s", diff)
	}
	asked := &event.Poll{Question: "Сажаем?", Options: []event.PollOption{{Text: "да (бобы)"}, {Text: "нет"}}}
	if diff := cmp.Diff(asked, newer.Body.(*event.Message).Poll); diff != "" {
		t.Errorf("the message's poll differs: %s", diff)
	}
	if text := newer.Body.(*event.Message).Text; text != "ОПРОС:\nСажаем?\nВАРИАНТ: да (бобы)\nВАРИАНТ: нет" || !strings.Contains(string(newer.Raw), "(9 голосов)") {
		t.Errorf("the text is %q, the line %q", text, newer.Raw)
	}
	want := &event.PollResults{Target: newer.NativeID, Poll: event.Poll{Question: "Сажаем?", Options: []event.PollOption{{Text: "да (бобы)", Votes: 9}, {Text: "нет"}}}}
	if diff := cmp.Diff(event.Body(want), nine.Body); diff != "" || nine.NativeID != newer.NativeID {
		t.Errorf("the results differ: %s", diff)
	}
	if got := nine.Sent.At.Format("2006-01-02 15:04"); got != "2024-06-15 09:00" || !nine.Sent.Later(ten.Sent) {
		t.Errorf("the results are as of %s", got)
	}
}

// TestPolls_Conform holds an export of many polls against the suite: going on anywhere emits the results of each once.
func TestPolls_Conform(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	for i := range 600 {
		fmt.Fprintf(&b, "%d.06.24, 10:%02d - A: POLL:\nWhen %d?\nOPTION: Sat (%d votes)\nOPTION: Sun (1 vote)\n", 13+i/300, i%60, i, i)
	}
	b.WriteString("16.06.24, 10:00 - A: end\n")
	c := producertest.Case{Path: androidPath, Data: []byte(b.String()), Options: owner(), Events: 1203, Cuts: 40}
	producertest.Archive(t, Definition(), c)
	at := map[string]bool{}
	for _, e := range producertest.Events(producertest.Read(t, Definition(), c, nil)) {
		if e.Kind == event.KindPoll {
			at[e.Sent.At.Format("2006-01-02 15:04")] = true
		}
	}
	if diff := cmp.Diff(map[string]bool{"2024-06-16 10:00": true}, at); diff != "" {
		t.Errorf("the results are of other times: %s", diff)
	}
}

// TestPolls_OldCursor goes on from a cursor of a program that kept results in the message.
func TestPolls_OldCursor(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("13.06.24, 09:00 - A: x\n", 600) + pollOf(3) + "15.06.24, 09:00 - B: x\n"
	c := producertest.Case{Path: androidPath, Data: []byte(text), Options: owner()}
	all := producertest.Read(t, Definition(), c, nil)
	if strings.Contains(string(all[0].Cursor), "observed") {
		t.Fatalf("without a poll the cursor is %s", all[0].Cursor)
	}
	if diff := cmp.Diff(producertest.Events(all[1:]), producertest.Events(producertest.Read(t, Definition(), c, all[0].Cursor))); diff != "" {
		t.Error(diff)
	}
}
