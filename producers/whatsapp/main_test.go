package whatsapp

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/google/go-cmp/cmp"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/producers"
	"github.com/agrichat/agrichat/producers/producertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	iPhonePath  = "WhatsApp Chat - Farm.zip/_chat.txt"
	androidPath = "WhatsApp Chat with Farm.txt"
)

func owner() producers.Options { return producers.Options{Account: "me"} }

// show writes what an event says, in one line.
func show(e *event.Event) string {
	when := "-"
	if !e.Sent.IsZero() {
		when = e.Sent.At.Format("2006-01-02 15:04")
		if e.Sent.Precision == event.PrecisionSecond {
			when = e.Sent.At.Format("2006-01-02 15:04:05")
		}
		if !e.Sent.Assumed {
			when += "!"
		}
	}
	switch b := e.Body.(type) {
	case *event.ChannelInfo:
		return when + " channel " + b.Name
	case *event.Unparsed:
		return "unparsed " + b.Reason
	case *event.Message:
		return when + " " + showMessage(e.Author, b)
	}
	return string(e.Kind)
}

func showMessage(author event.Person, b *event.Message) string {
	var out strings.Builder
	fmt.Fprintf(&out, "<%s>", author.ID)
	if b.Service != nil {
		fmt.Fprintf(&out, " %s/%s", b.Service.Action, b.Service.Native)
		for _, m := range b.Service.Members {
			fmt.Fprintf(&out, " +%s", m.ID)
		}
		if b.Service.Text != "" {
			fmt.Fprintf(&out, " =%s", b.Service.Text)
		}
	} else {
		out.WriteString(" " + strings.ReplaceAll(b.Text, "\n", "|"))
	}
	for _, a := range b.Attachments {
		fmt.Fprintf(&out, " [%s %s %s]", a.Kind, a.Path, a.Missing)
	}
	for _, k := range []string{"skipped_hour", "deleted", "edited", "location", "view_once"} {
		if v, ok := b.Details[k]; ok {
			fmt.Fprintf(&out, " %s=%s", k, v)
		}
	}
	return strings.ReplaceAll(out.String(), "the export names this file but does not hold it", "")
}

func batches(t *testing.T, path, text string, o producers.Options) []producers.Batch {
	t.Helper()
	return producertest.Read(t, Definition(), producertest.Case{Path: path, Data: []byte(text), Options: o}, nil)
}

// messages reads an export, and returns what is between the two events that name the chat.
func messages(t *testing.T, path, text string) []event.Event {
	t.Helper()
	all := producertest.Events(batches(t, path, text, owner()))
	var out []event.Event
	for i := range all {
		if all[i].Kind != event.KindChannel {
			out = append(out, all[i])
		}
	}
	return out
}

func compare(t *testing.T, events []event.Event, want string) {
	t.Helper()
	var got []string
	for i := range events {
		got = append(got, strings.TrimRight(show(&events[i]), " "))
	}
	if diff := cmp.Diff(strings.Split(strings.TrimSpace(want), "\n"), got); diff != "" {
		t.Errorf("events differ: %s", diff)
	}
}

func ids(events []event.Event) []event.ID {
	var out []event.ID
	for _, e := range events {
		if e.Kind == event.KindMessage {
			out = append(out, e.ID)
		}
	}
	return out
}

// folder makes an export's folder.
func folder(path, text string, files map[string]string) producers.File {
	f := producertest.File(path, []byte(text))
	f.Beside = func(rel string) (io.ReadCloser, error) {
		if data, ok := files[rel]; ok {
			return io.NopCloser(bytes.NewReader([]byte(data))), nil
		}
		return nil, fmt.Errorf("opening %s: %w", rel, fs.ErrNotExist)
	}
	return f
}

func drain(t testing.TB, f producers.File, o producers.Options) (out []event.Event, n producers.Counts) {
	t.Helper()
	src, err := Definition().Archive(f, o)
	if err != nil {
		t.Fatal(err)
	}
	s, err := src.Connect(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	for {
		b, err := s.Next(t.Context())
		if errors.Is(err, io.EOF) {
			return out, n
		}
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, b.Events...)
		n.Add(b.Counts)
	}
}

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatalf("loading a zone: %v", err)
	}
	return z
}
