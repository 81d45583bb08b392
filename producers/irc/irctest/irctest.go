// Package irctest has what the tests of the packages below producers/irc share.
package irctest

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/agrichat/agrichat/internal/charset"
	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/producers"
	"github.com/agrichat/agrichat/producers/producertest"
)

// Keyed makes the content keys that tests expect.
type Keyed struct{ tally producers.Tally }

// Next returns the next key.
func (k *Keyed) Next(day, minute string, author event.AuthorID, text string) event.NativeID {
	id, _ := k.tally.Next(day, minute, author, text)
	return id
}

// File is producertest.File.
func File(path string, data []byte) producers.File { return producertest.File(path, data) }

// UTF8Only is a decoder without a named charset.
func UTF8Only(t testing.TB) *charset.Decoder {
	t.Helper()
	cs, err := charset.NewDecoder("", nil)
	if err != nil {
		t.Fatal(err)
	}
	return cs
}

// List writes events, each on a line.
func List(events []event.Event) string {
	var b strings.Builder
	for i := range events {
		b.WriteString(Show(&events[i]) + "\n")
	}
	return b.String()
}

// Show writes an event so that a table can hold it: who, what kind, what.
func Show(e *event.Event) string {
	switch body := e.Body.(type) {
	case *event.Message:
		out := fmt.Sprintf("%s <%s> %s", body.Type, e.Author.Name, body.Text)
		if s := body.Service; s != nil {
			out = fmt.Sprintf("%s/%s <%s> %s", s.Action, s.Native, e.Author.Name, s.Text)
			if body.Text != "" {
				out += " : " + body.Text
			}
			for _, m := range s.Members {
				out += " -> " + m.Name
			}
		}
		return strings.TrimSpace(out)
	case *event.ChannelInfo:
		return strings.TrimSpace("channel " + body.Name + " " + body.Topic)
	case *event.Unparsed:
		return "unparsed " + body.Reason
	}
	return string(e.Kind)
}

// Drain reads a source from a cursor to its end.
func Drain(t *testing.T, src producers.Source, from producers.Cursor) (out []producers.Batch) {
	t.Helper()
	s, err := src.Connect(t.Context(), from)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for {
		b, err := s.Next(t.Context())
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, b)
	}
}
