package whatsapp

import (
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/producers"
	"github.com/agrichat/agrichat/producers/producertest"
)

// FuzzRead: whatever is in a file, every event travels, ids are distinct within two days, and all of it goes on from any
// cursor as if it had not been stopped.
func FuzzRead(f *testing.F) {
	f.Add(iPhone1, 3)
	f.Add(android(30), 7)
	f.Add("12/25/23, 6:00\u202fPM - A: x\n1/2/24, 1:00\u202fAM - A: x\n12/25/23, 6:00\u202fPM - A: x", 2)
	f.Add("13.06.24, 10:00 - A: ОПРОС:\nq\nВАРИАНТ: a (1 голос)\n13.06.24, 10:00 - Ann создал(-а) группу «x: y»\n\xff\xe2", 1)
	f.Add("2024. 06. 13. 18:05 - A:\n\x00[1/2/24, 10:00:00] \u200e: <attached: ../x>\u200e", 1)
	f.Add("\u200f٢٠٢٤/٣/١٥، ٩:٠٥\u202fم - A: x\n24년 6월 13일 오후 6:05 - A: y\n", 1)
	f.Add("12.03.2021, 10:00 - \xc1\xee\xf0\xff: \xef\xf0\xe8\xe2\xe5\xf2\n03.12.2021, 10:00 - \xc1\xee\xf0\xff: \xef\xf0\xe8\xe2\xe5\xf2\n", 2)
	f.Add("13/06/24, 10:00 - A: x\r[14.06.24, 10:00:01] A: y\r[14.06.24, 10:00:02] A: y\r", 2)
	f.Fuzz(func(t *testing.T, text string, stop int) {
		whole, cursors := pieces(t, text, nil)
		for i := range whole {
			b, err := event.Encode(&whole[i])
			if err != nil {
				t.Fatal(err)
			}
			if _, err := event.Decode(b); err != nil {
				t.Fatal(err)
			}
		}
		if len(cursors) == 0 {
			return
		}
		at := cursors[max(stop, -stop, 0)%len(cursors)]
		rest, _ := pieces(t, text, at.cursor)
		if got, want := fmt.Sprint(ids(rest)), fmt.Sprint(ids(whole[at.events:])); got != want {
			t.Fatalf("going on after %d events gives %s, want %s", at.events, got, want)
		}
	})
}

type stopped struct {
	cursor producers.Cursor
	events int
}

// pieces reads a file in batches of one record, so that every place is one to stop at.
func pieces(t *testing.T, text string, from producers.Cursor) (out []event.Event, at []stopped) {
	src, err := Definition().Archive(producertest.File(androidPath, []byte(text)), owner())
	if err != nil {
		t.Fatal(err)
	}
	src.(*archive).BatchSize = 1
	opened, err := src.Connect(t.Context(), from)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = opened.Close() }()
	for {
		b, err := opened.Next(t.Context())
		if errors.Is(err, io.EOF) {
			return out, at
		}
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, b.Events...)
		at = append(at, stopped{b.Cursor, len(out)})
	}
}
