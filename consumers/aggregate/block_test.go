package aggregate

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

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

// TestTheLayoutsAreTheStatements compares the two lists of columns that must agree.
func TestTheLayoutsAreTheStatements(t *testing.T) {
	words := regexp.MustCompile(`\w+`)
	all := newRows()
	for _, b := range []*blocks{&all.messages, &all.versions, &all.reactions, &all.memberships, &all.channels, &all.identities} {
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

func TestTheTokenNamesTheBlock(t *testing.T) {
	one := messages(1)
	newer := messages(1)
	newer.Version.Counter++
	again := messages(1)
	again.Again = "again"
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
		"another telling": tokens(t, delivery(t, 1, again)),
	} {
		if slices.Equal(a, other) {
			t.Errorf("%s has the same token", what)
		}
	}
}

func TestABlockIsClosedBeforeTheServerWouldCutIt(t *testing.T) {
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

// TestAnErrorOfTheStoreSaysNothingIsStored whatever else was wrong with the batch.
func TestAnErrorOfTheStoreSaysNothingIsStored(t *testing.T) {
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

func TestAWrongFactAddsNoRow(t *testing.T) {
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

func TestWords(t *testing.T) {
	for text, want := range map[string]uint32{
		"": 0, " . - ' ": 0, "one": 1, "don't": 1, "что-то такое": 2, "a,b;c": 3, "e\u0301te\u0301": 1, "日本語 です": 2, "- one -two": 2,
		"x1 22": 2, "👍": 0, "\xff\xfeabc": 1, "Ё́лка": 1,
	} {
		if got := words(text); got != want {
			t.Errorf("words(%q) = %d, want %d", text, got, want)
		}
	}
}

func FuzzWords(f *testing.F) {
	f.Add("don't что-то")
	f.Fuzz(func(t *testing.T, s string) {
		if words(s) > characters(s) {
			t.Errorf("%q has more words than characters", s)
		}
		if words(s+" "+s) != 2*words(s) {
			t.Errorf("%q twice has not twice the words", s)
		}
	})
}
