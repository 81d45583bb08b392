package aggregate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/agrichat/agrichat/consumers"
	"github.com/agrichat/agrichat/internal/ch"
	"github.com/agrichat/agrichat/internal/fact"
	"github.com/agrichat/agrichat/internal/fault"
)

const id1, id2 = "000102030405060708090a0b0c0d0e0f", "f0e0d0c0b0a090807060504030201000"

func messages(n int) *fact.Batch {
	b := &fact.Batch{Version: fact.Version{Generation: 1, Counter: 2}, Source: "irc", Namespace: "n", Channel: "c", ChannelKey: id1}
	for range n {
		b.Messages = append(b.Messages, fact.Message{Thing: id2, Text: "что-то"})
	}
	return b
}

func delivery(t *testing.T, seq uint64, b *fact.Batch) consumers.Delivery {
	t.Helper()
	data, err := fact.Encode(b)
	if err != nil {
		t.Fatal(err)
	}
	return consumers.Delivery{Sequence: seq, Data: data}
}

// recorder takes inserts in, and fails those into one table.
type recorder struct {
	tokens, tables []string
	refuse         string
	err            error
}

func (r *recorder) Insert(_ context.Context, sql, token string, columns []ch.Column) error {
	table := strings.Fields(sql)[2]
	if table == r.refuse {
		return r.err
	}
	r.tokens, r.tables = append(r.tokens, token), append(r.tables, table)
	for _, c := range columns {
		if c.Rows != columns[0].Rows {
			return errors.New("columns of unequal length")
		}
	}
	return nil
}

// TestLayouts compares the two lists of columns that must agree.
func TestLayouts(t *testing.T) {
	words := regexp.MustCompile(`\w+`)
	all := newRows()
	for _, b := range []*blocks{&all.messages, &all.versions, &all.reactions, &all.memberships, &all.channels, &all.identities, &all.sightings} {
		names := words.FindAllString(b.sql, -1)
		if names[2] != string(b.table) {
			t.Errorf("the statement for %s inserts into %s", b.table, names[2])
		}
		var layout []string
		for _, c := range b.layout() {
			layout = append(layout, c.name)
		}
		if diff := cmp.Diff(names[3:], layout); diff != "" {
			t.Errorf("%s (-statement +layout):\n%s", b.table, diff)
		}
	}
}

func tokens(t *testing.T, batch ...consumers.Delivery) []string {
	t.Helper()
	var r recorder
	h, err := New(&r, Config{})
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Handle(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	return r.tokens
}

func TestBlock_token(t *testing.T) {
	one := messages(1)
	newer := messages(1)
	newer.Version.Counter++
	again := messages(1)
	again.RepublishID = "again"
	reaction := &fact.Batch{
		Version: one.Version, Source: "irc", Namespace: "n", Channel: "c", ChannelKey: id1,
		Reactions: []fact.Reaction{{Thing: id2, Message: id1}},
	}
	a := tokens(t, delivery(t, 1, one))
	if same := tokens(t, delivery(t, 9, one)); !slices.Equal(a, same) {
		t.Errorf("the same facts have the tokens %v and %v", a, same)
	}
	for what, other := range map[string][]string{
		"another version": tokens(t, delivery(t, 1, newer)),
		"another table":   tokens(t, delivery(t, 1, reaction)),
		"more rows":       tokens(t, delivery(t, 1, messages(2))),
		"a republication": tokens(t, delivery(t, 1, again)),
	} {
		if slices.Equal(a, other) {
			t.Errorf("%s has the same token", what)
		}
	}
}

func TestBlocks_open_limits(t *testing.T) {
	all := newRows()
	for range 3 {
		if err := all.add(messages(maxRows/2 + 1)); err != nil {
			t.Fatal(err)
		}
	}
	var sizes []int
	for _, b := range all.blocks() {
		sizes = append(sizes, b.rows())
	}
	if diff := cmp.Diff([]int{maxRows, maxRows/2 + 3}, sizes); diff != "" {
		t.Errorf("the rows by block (-want +got):\n%s", diff)
	}
}

// TestHandler_Handle_insertFails whatever else was wrong with the batch.
func TestHandler_Handle_insertFails(t *testing.T) {
	r := recorder{refuse: "messages", err: fault.AsTransient(errors.New("too many parts"), time.Second)}
	reg := prometheus.NewRegistry()
	h, err := New(&r, Config{Metrics: reg})
	if err != nil {
		t.Fatal(err)
	}
	err = h.Handle(t.Context(), []consumers.Delivery{delivery(t, 1, messages(1)), {Sequence: 2, Data: []byte("?")}})
	var partial *consumers.PartialError
	if errors.As(err, &partial) || fault.Of(err) != fault.Transient || fault.RetryAfter(err) != time.Second {
		t.Errorf("a store that refuses: %v (%v)", err, fault.Of(err))
	}
	if n, err := reg.Gather(); err != nil || len(n) < 4 {
		t.Errorf("%d metrics were registered: %v", len(n), err)
	}
	if _, err := New(&r, Config{Metrics: reg}); err == nil {
		t.Error("the metrics were registered twice")
	}
}

func TestHandler_Handle_undecodable(t *testing.T) {
	for what, spoil := range map[string]func(*fact.Batch){
		"id too short":      func(b *fact.Batch) { b.Messages[1].Thing = "00" },
		"id not hex":        func(b *fact.Batch) { b.Messages[1].Thing = strings.Repeat("x", 32) },
		"no id":             func(b *fact.Batch) { b.Messages[1].Thing = "" },
		"no channel":        func(b *fact.Batch) { b.ChannelKey = "" },
		"author key":        func(b *fact.Batch) { b.Messages[1].AuthorKey = "1" },
		"counter too large": func(b *fact.Batch) { b.Version.Counter = fact.MaxPart + 1 },
		"token too large":   func(b *fact.Batch) { b.Version.Token = fact.MaxPart + 1 },
	} {
		b := messages(2)
		spoil(b)
		all := newRows()
		if err := all.add(b); err == nil || len(all.blocks()) != 0 {
			t.Errorf("%s: %v, and %d blocks", what, err, len(all.blocks()))
		}
	}
}

// values is a copy of what the columns of blocks hold.
func values(t *testing.T, all *rows) map[string][]string {
	t.Helper()
	out := make(map[string][]string)
	for i, b := range all.blocks() {
		for _, c := range b.columns() {
			text, err := json.Marshal(c.Values)
			if err != nil {
				t.Fatal(err)
			}
			name := fmt.Sprint(i, b.table, c.Name)
			out[name] = []string{string(text), fmt.Sprint(c.Rows), b.token(all.republishID)}
		}
	}
	return out
}

// TestRows_empty_shrinks, and of nothing else.
func TestRows_empty_shrinks(t *testing.T) {
	all := newRows()
	room := func(n int) int {
		t.Helper()
		if err := all.add(messages(n)); err != nil {
			t.Fatal(err)
		}
		all.empty()
		if len(all.messages.pool) == 0 {
			return 0
		}
		return cap(all.messages.pool[0].cols[0].strings)
	}
	large := room(maxRows / 2)
	if large < maxRows/2 {
		t.Errorf("%d rows left room for %d", maxRows/2, large)
	}
	if got := room(maxRows / 10); got != large {
		t.Errorf("a tenth of the room of %d rows left %d of it", large, got)
	}
	if got := room(1); got != 0 {
		t.Errorf("one row kept the room of %d", got)
	}
	if got := room(1); got == 0 || got > 1000 {
		t.Errorf("one row left room for %d", got)
	}
}

// TestRows_empty whatever was in them, and whether or not it could be read.
func TestRows_empty(t *testing.T) {
	at := time.Unix(1, 0).UTC()
	whole := messages(3)
	whole.RepublishID = "again"
	whole.Messages[1].SentAt, whole.Messages[1].Links, whole.Messages[2].Accounts = &at, []string{"x"}, []string{"me"}
	whole.Versions = []fact.Edition{{Event: id1, Thing: id2, SentAt: &at}}
	whole.Reactions = []fact.Reaction{{Thing: id1, Message: id2, Count: 7, Removed: true}}
	whole.Identities = []fact.Identity{{Key: id1, Bot: true}}
	wrong := messages(2)
	wrong.Messages[1].Thing = "00"
	other := messages(1)
	other.Memberships, other.Channels = []fact.Membership{{Thing: id1, IdentityKey: id2, At: &at}}, []fact.Channel{{Name: "c"}}
	used := newRows()
	for i, batch := range [][]*fact.Batch{{whole}, {other}, {wrong}, {whole, wrong, other}, {}, {messages(maxRows + 1)}, {whole, other}} {
		var deliveries []consumers.Delivery
		for _, b := range batch {
			deliveries = append(deliveries, delivery(t, 1, b))
		}
		fresh := newRows()
		failed, err := fresh.decode(deliveries)
		if got, gotErr := used.decode(deliveries); err != nil || gotErr != nil || len(got) != len(failed) {
			t.Errorf("batch %d: %d failed, and of new rows %d: %v, %v", i, len(got), len(failed), gotErr, err)
		}
		if diff := cmp.Diff(values(t, fresh), values(t, used)); diff != "" {
			t.Errorf("batch %d (-new rows +emptied ones):\n%s", i, diff)
		}
		used.empty()
		if left := used.blocks(); len(left) != 0 || used.republishID != "" {
			t.Errorf("batch %d left %d blocks", i, len(left))
		}
	}
}

func TestMeasure(t *testing.T) {
	for text, want := range map[string]uint32{
		"": 0, " . - ' ": 0, "one": 1, "don't": 1, "что-то такое": 2, "a,b;c": 3, "e\u0301te\u0301": 1, "日本語 です": 2, "- one -two": 2,
		"x1 22": 2, "👍": 0, "\xff\xfeabc": 1, "Ё́лка": 1,
	} {
		if _, got := measure(text); got != want {
			t.Errorf("%q has %d words, want %d", text, got, want)
		}
	}
}

// countedPlainly counts as measure should, rune by rune.
func countedPlainly(s string) (characters, words uint32) {
	inside := false
	for _, r := range s {
		characters++
		switch {
		case unicode.IsLetter(r) || unicode.IsDigit(r):
			if !inside {
				words++
			}
			inside = true
		case !strings.ContainsRune("'’ʼ-‐", r) && !unicode.IsMark(r):
			inside = false
		}
	}
	return characters, words
}

func TestMeasure_characters(t *testing.T) {
	for r := range rune(0x30000) {
		for _, s := range []string{string(r), "a" + string(r) + "b", "- " + string(r) + "-д"} {
			characters, words := measure(s)
			if wantCharacters, wantWords := countedPlainly(s); characters != wantCharacters || words != wantWords {
				t.Fatalf("%q has %d characters and %d words, want %d and %d", s, characters, words, wantCharacters, wantWords)
			}
		}
	}
}

func FuzzWords(f *testing.F) {
	for _, s := range []string{"don't что-то", "\xd0", "\xd1\xa5x", "\xd0abc\xd1\xff", "Ё\u0301лка"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		characters, words := measure(s)
		if wantCharacters, wantWords := countedPlainly(s); characters != wantCharacters || words != wantWords {
			t.Errorf("%q has %d characters and %d words, want %d and %d", s, characters, words, wantCharacters, wantWords)
		}
		if words > characters {
			t.Errorf("%q has more words than characters", s)
		}
		if _, twice := measure(s + " " + s); twice != 2*words {
			t.Errorf("%q twice has not twice the words", s)
		}
	})
}
