package logs

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/agrichat/agrichat/internal/fault"
	"github.com/agrichat/agrichat/producers"
	"github.com/agrichat/agrichat/producers/irc/irctest"
	"github.com/agrichat/agrichat/producers/producertest"
)

// TestArchive_Connect_Seek: a real file is not read from its start again.
func TestArchive_Connect_Seek(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "#a_20191001.log")
	data := longLog()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	f := producertest.File(path, data)
	f.Open = func() (io.ReadCloser, error) { return os.Open(path) }
	src, err := (&Folders{}).Archive(f, producers.Options{})
	if err != nil {
		t.Fatal(err)
	}
	whole := irctest.Drain(t, src, nil)
	for i, b := range whole {
		rest := producertest.Events(irctest.Drain(t, src, b.Cursor))
		want := producertest.Events(whole[i+1:])
		if len(rest) != len(want) || len(rest) > 0 && rest[0].ID != want[0].ID {
			t.Errorf("after batch %d come %d events, want %d", i, len(rest), len(want))
		}
	}
}

// TestArchive_Connect_AnotherFile: a cursor of a file that was replaced since is a person's business.
func TestArchive_Connect_AnotherFile(t *testing.T) {
	t.Parallel()
	data := longLog()
	cursor := producertest.Read(t, definition(), producertest.Case{Path: "a.log", Data: data}, nil)[1].Cursor
	for name, other := range map[string]string{
		"shorter": string(data[:300]),
		"empty":   "",
		"other":   strings.Repeat("10:00 <a> these lines end elsewhere\n", 5000),
	} {
		src, err := (&Folders{}).Archive(irctest.File("a.log", []byte(other)), producers.Options{})
		if err != nil {
			t.Fatal(err)
		}
		s, err := src.Connect(t.Context(), cursor)
		if fault.Of(err) != fault.Fatal {
			t.Errorf("%s: going on gives %v, which is %s", name, err, fault.Of(err))
		}
		if s != nil {
			_ = s.Close()
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	src, err := (&Folders{}).Archive(irctest.File("a.log", data), producers.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := src.Connect(ctx, cursor); fault.Of(err) != fault.Stopped {
		t.Errorf("a cancelled Connect gives %v", err)
	}
}

func TestArchive_Connect_Missing(t *testing.T) {
	t.Parallel()
	f := irctest.File("a.log", nil)
	f.Open = func() (io.ReadCloser, error) { return nil, os.ErrNotExist }
	src, err := (&Folders{}).Archive(f, producers.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := src.Connect(t.Context(), nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file that is not there gives %v", err)
	}
	if _, err := (&Folders{}).Archive(f, producers.Options{Charset: "klingon-1"}); err == nil || !strings.Contains(err.Error(), "klingon-1") {
		t.Errorf("an unknown charset gives %v", err)
	}
}
