package normalise_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/agrichat/agrichat/consumers"
	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/internal/fault"
	"github.com/agrichat/agrichat/internal/gate"
)

func TestStore_Handle_foreign(t *testing.T) {
	t.Parallel()
	t.Run("a time that is of the year 10000 in UTC", func(t *testing.T) {
		t.Parallel()
		pool := database(t)
		k := newSystem(t, pool, newListener(nil))
		for i, body := range []event.Body{&event.Message{Text: "x"}, &event.Reactions{Target: "m", People: []event.ReactionPerson{
			{Person: event.Person{ID: "ann"}, Emoji: "👍", Sent: event.Instant{At: sealed(t, "m", event.Unedited, &event.Message{}, event.Person{}).Sent.At, Precision: event.PrecisionSecond}}}}} {
			d := delivery(t, uint64(i+1), sealed(t, "m", event.Unedited, body, event.Person{ID: "ann"}))
			late := bytes.ReplaceAll(d.Data, []byte("2024-05-06T07:08:09Z"), []byte("9999-12-31T23:59:59-05:00"))
			if bytes.Equal(late, d.Data) {
				t.Fatalf("no time in %s", d.Data)
			}
			d.Data = late
			if err := k.Handle(t.Context(), []consumers.Delivery{d, d}); err != nil {
				t.Fatal(err)
			}
		}
		var n int
		if err := pool.QueryRow(t.Context(), "SELECT count(*) FROM agrichat.messages WHERE sent_at IS NULL").Scan(&n); err != nil || n != 1 {
			t.Errorf("%d messages: %v", n, err)
		}
	})
	t.Run("NUL in the keys of details", func(t *testing.T) {
		t.Parallel()
		pool := database(t)
		m := &event.Message{Text: "x", Details: map[string]string{"a\x00": "1\x00", "a\uFFFD": "2", "\x00": "3", "b": "4", "c\x00\x00": "5", "c\x00\uFFFD": "6"}}
		d := delivery(t, 1, sealed(t, "m", event.Unedited, m, event.Person{ID: "ann"}))
		if err := newSystem(t, pool, newListener(nil)).Handle(t.Context(), []consumers.Delivery{d}); err != nil {
			t.Fatal(err)
		}
		const want = `{"b": "4", "a` + "\uFFFD" + `": "2", "` + "\uFFFD" + `": "3", "a` + "\uFFFD" + ` (2)": "1` + "\uFFFD" + `", "c` + "\uFFFD\uFFFD" + `": "5", "c` + "\uFFFD\uFFFD" + ` (2)": "6"}`
		var same bool
		var got string
		if err := pool.QueryRow(t.Context(), "SELECT body->'details' = $1::jsonb, body->'details' FROM agrichat.messages", want).Scan(&same, &got); err != nil || !same {
			t.Errorf("got %s: %v", got, err)
		}
	})
	t.Run("a header that is absent, or names another event", func(t *testing.T) {
		t.Parallel()
		pool := database(t)
		log := newWorld(5, 4).deliveries()
		log[0].EventIDs = ""
		log[1].EventIDs = strings.Repeat("0", 32)
		log[2].EventIDs = "x"
		err := newSystem(t, pool, newListener(log)).Handle(t.Context(), log)
		var partial *consumers.PartialError
		if !errors.As(err, &partial) || len(partial.Failed) != 2 || fault.Of(partial.Failed[1]) != fault.Poison || !strings.Contains(partial.Failed[2].Error(), `header names event "x"`) {
			t.Fatal(err)
		}
	})
}

func TestStore_Handle_newerVersion(t *testing.T) {
	t.Parallel()
	for name, data := range map[string]string{
		"of a form that can be read": "", "of another form": `{"v":3,"id":["a"],"source":{"x":1}}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := database(t)
			log := newWorld(6, 9).deliveries()
			if data == "" {
				log[4].Data = bytes.Replace(log[4].Data, []byte(`{"v":1`), []byte(`{"v":3`), 1)
			} else {
				log[4].Data = []byte(data)
			}
			l := newListener(log)
			k := newSystem(t, pool, l)
			_, recovered := k.RecoverAfterFailover(t.Context(), gate.Open{}, 9)
			_, swept := k.Reconcile(t.Context(), 9, false)
			for where, err := range map[string]error{"handle": k.Handle(t.Context(), log), "recover": recovered, "sweep": swept} {
				if fault.Of(err) != fault.Fatal || !strings.Contains(err.Error(), "upgrade") {
					t.Errorf("%s: %v", where, err)
				}
			}
			if len(l.deadLettered) != 0 || len(state(t, pool)["events"]) != 0 {
				t.Errorf("buried %v, stored %d", l.deadLettered, len(state(t, pool)["events"]))
			}
		})
	}
}

// rejecting has Postgres reject some of what is stored, with an unmarked error.
const rejecting = `CREATE FUNCTION agrichat.reject() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
	IF NEW.body::text LIKE '%%reject%%' THEN RAISE EXCEPTION 'rejected' USING ERRCODE = '%s'; END IF; RETURN NEW; END $$;
	CREATE TRIGGER reject BEFORE INSERT ON agrichat.events FOR EACH ROW EXECUTE FUNCTION agrichat.reject()`

// TestRecovery_AfterFailover_rejected holds that recovery ends, and leaves a gap for what cannot be stored, whatever the error.
func TestRecovery_AfterFailover_rejected(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		code string
		bad  int
		hold uint64
	}{
		"a duplicate key": {"23505", 3, 197}, "an error of no class": {"P0001", 3, 197}, "more than it believes": {"22000", 150, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := database(t)
			if _, err := pool.Exec(t.Context(), fmt.Sprintf(rejecting, tt.code)); err != nil {
				t.Fatal(err)
			}
			var log []consumers.Delivery
			for i := range 200 {
				text := "good"
				if i >= 20 && i < 20+tt.bad {
					text = "reject"
				}
				log = append(log, delivery(t, uint64(i+1), sealed(t, event.NativeID(fmt.Sprint(i)), event.Unedited, &event.Message{Text: text}, event.Person{})))
			}
			k := newSystem(t, pool, newListener(log))
			if _, err := k.RecoverAfterFailover(t.Context(), gate.Open{}, 200); err != nil {
				t.Fatal(err)
			}
			held, err := k.LedgerRange(t.Context(), 1, 200)
			if err != nil || tt.hold > 0 && held.Len() != tt.hold || held.Has(21) {
				t.Errorf("the ledger holds %s: %v", held, err)
			}
		})
	}
}

// TestStore_DeadLetter_duplicateKey holds that a bundle is split whatever the class of the error is.
func TestStore_DeadLetter_duplicateKey(t *testing.T) {
	t.Parallel()
	pool := database(t)
	if _, err := pool.Exec(t.Context(), fmt.Sprintf(rejecting, "23505")); err != nil {
		t.Fatal(err)
	}
	var ids []string
	var lines [][]byte
	for i := range 50 {
		d := delivery(t, 1, sealed(t, event.NativeID(fmt.Sprint(i)), event.Unedited, &event.Message{Text: []string{"good", "reject"}[min(i/49, 1)]}, event.Person{}))
		ids, lines = append(ids, d.EventIDs), append(lines, d.Data)
	}
	bundle := consumers.Delivery{Sequence: 1, EventIDs: strings.Join(ids, event.IDSeparator), Data: bytes.Join(lines, []byte(event.LineEnd))}
	l := newListener([]consumers.Delivery{bundle})
	k := newSystem(t, pool, l)
	err := k.Handle(t.Context(), []consumers.Delivery{bundle})
	if !fault.Unmarked(err) {
		t.Fatal(err)
	}
	if err := k.DeadLetter(t.Context(), bundle, err); err != nil {
		t.Fatal(err)
	}
	if n := len(state(t, pool)["events"]); n != 49 || len(l.deadLettered) != 1 || l.deadLettered[event.At(1, 49)] == "" {
		t.Errorf("%d stored, dead: %v", n, l.deadLettered)
	}
}
