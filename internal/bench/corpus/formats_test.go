package corpus_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/agrichat/agrichat/internal/bench/corpus"
	"github.com/agrichat/agrichat/internal/bench/measure"
	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/producers"
	"github.com/agrichat/agrichat/producers/all"
)

// counted is what a reader finds in an archive.
type counted struct {
	Messages, Ids, Replies, Edited, Reactions, Unparsed, Strangers int
	Text                                                           int64 // bytes
}

// Every format is read by the source it is made for, with nothing unparsed, and has every message, and of each what it can carry.
func TestCorpus_Make(t *testing.T) {
	t.Parallel()
	const n = 2_300 // three pages of Telegram, three days of Slack
	for _, f := range corpus.Formats() {
		t.Run(string(f), func(t *testing.T) {
			t.Parallel()
			made, file, err := corpus.Corpus{Messages: n, Bytes: 425, Seed: 3}.Make(f, filepath.Join(t.TempDir(), "bench"))
			if err != nil {
				t.Fatal(err)
			}
			want := counted{Messages: n, Ids: n, Replies: made.Replies, Edited: made.Edited, Reactions: made.Reactions, Text: made.TextBytes}
			switch f {
			case corpus.WhatsApp:
				want.Replies, want.Reactions = 0, 0
				want.Edited = 0 // the mark is there, but nothing says when: it is no revision
			case corpus.DiscordCSV:
				want.Replies, want.Edited = 0, 0
			case corpus.TelegramHTML:
				want.Edited = 0
			}
			got := readAll(t, file)
			if f == corpus.Slack && got.Text > want.Text && got.Text <= want.Text+2*int64(made.Marked) {
				want.Text = got.Text // what is bold stands between asterisks
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
			if size, err := measure.Size(file); err != nil || size < made.Bytes || made.Bytes < n*50 {
				t.Errorf("%d bytes were said to be written, %d are on the disk: %v", made.Bytes, size, err)
			}
		})
	}
}

// readAll reads an archive as an import does.
func readAll(t *testing.T, root string) (c counted) {
	t.Helper()
	ids := map[event.NativeID]bool{}
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		readFile(t, name, &c, ids)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	c.Ids = len(ids)
	return c
}

func readFile(t *testing.T, name string, c *counted, ids map[event.NativeID]bool) {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	f := producers.File{Path: filepath.ToSlash(name), Size: int64(len(data)), Head: data[:min(len(data), producers.HeadSize)],
		Open:   func() (io.ReadCloser, error) { return os.Open(name) },
		Beside: func(rel string) (io.ReadCloser, error) { return os.Open(path.Join(path.Dir(name), rel)) }}
	best, sure := producers.Definition{}, producers.No
	for _, d := range all.Definitions() {
		if d.Recognise == nil {
			continue
		}
		if how := d.Recognise(f); how > sure {
			best, sure = d, how
		}
	}
	if sure < producers.Likely {
		t.Fatalf("%s is not recognised: %d", name, sure)
	}
	src, err := best.Archive(f, producers.Options{Account: "bench", Zone: time.UTC})
	if err != nil {
		t.Fatal(err)
	}
	s, err := src.Connect(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	for {
		b, err := s.Next(context.Background())
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		c.Unparsed += b.Counts.Unparsed
		for i := range b.Events {
			c.add(&b.Events[i], ids)
		}
	}
}

func (c *counted) add(e *event.Event, ids map[event.NativeID]bool) {
	first, number, _ := strings.Cut(e.Author.Name, " ")
	who, err := strconv.ParseUint(number, 10, 64)
	switch body := e.Body.(type) {
	case *event.Message:
		if e.Kind != event.KindMessage || body.Type != event.TypeMessage {
			return
		}
		c.Messages++
		c.Strangers += one(err != nil || corpus.AuthorName(who) != first+" "+number)
		c.Text += int64(len(body.Text))
		ids[e.NativeID] = true
		c.Replies += one(body.ReplyTo != nil || body.Thread != "") // Slack answers in threads
		c.Edited += one(e.Revision != event.Unedited)
	case *event.Reactions:
		c.Reactions++
	}
}

func TestCorpus_Make_refuses(t *testing.T) {
	t.Parallel()
	if _, _, err := (corpus.Corpus{Messages: 1, Bytes: 425}).Make("icq", t.TempDir()); err == nil {
		t.Error("no error")
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := (corpus.Corpus{Messages: 1, Bytes: 425}).Make(corpus.Slack, filepath.Join(file, "below")); err == nil {
		t.Error("a folder in a file was made")
	}
}

// The lines that others read hold the messages of the archive.
func TestCorpus_Make_lines(t *testing.T) {
	t.Parallel()
	made, file, err := corpus.Corpus{Messages: 400, Bytes: 425, Seed: 3}.Make(corpus.Lines, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(file)
	if err != nil || int64(len(data)) != made.Bytes {
		t.Errorf("%d bytes, said to be %d: %v", len(data), made.Bytes, err)
	}
	if n := bytes.Count(data, []byte("\n")); n != 400 {
		t.Errorf("%d lines", n)
	}
	if n := bytes.Count(data, []byte(`"reply_to":`)); n != made.Replies {
		t.Errorf("%d replies of %d", n, made.Replies)
	}
}

func one(b bool) int {
	if b {
		return 1
	}
	return 0
}
