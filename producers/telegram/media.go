package telegram

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/producers"
)

// attach notes the message's files.
func (m *mapping) attach(ctx context.Context, b *event.Message) error {
	r := m.r
	var a event.Attachment
	var where string
	switch {
	case r.hasPhoto || r.photo != "":
		where = r.photo
		a = event.Attachment{Kind: "photo", Bytes: r.photoBytes, Width: r.width, Height: r.height}
	case r.file != "" || r.mediaType != "":
		where = r.file
		a = event.Attachment{
			Kind: fileKind(r.mediaType), Name: r.fileName, MIME: r.mime, Bytes: r.fileBytes,
			Width: r.width, Height: r.height, Seconds: r.seconds,
		}
	default:
		return nil
	}
	if err := m.media.locate(ctx, &a, where); err != nil {
		return err
	}
	b.Attachments = append(b.Attachments, a)
	return nil
}

func fileKind(mediaType string) string {
	switch mediaType {
	case "":
		return "file"
	case "voice_message":
		return "voice"
	case "video_file":
		return "video"
	case "audio_file":
		return "audio"
	}
	return mediaType // sticker, animation, video_message, and what is yet to come
}

// locate says where the file is, or why it is not there: the exporter writes the reason in place of the path.
func (f *folder) locate(ctx context.Context, a *event.Attachment, where string) error {
	if where == "" {
		return nil
	}
	if strings.HasPrefix(where, "(") && strings.HasSuffix(where, ")") {
		a.Missing = strings.Trim(where, "()")
		return nil
	}
	a.Path = where
	if a.Name == "" {
		a.Name = path.Base(where)
	}
	found, err := f.sum(ctx, where)
	if err != nil {
		return err
	}
	a.Missing = found.missing
	if found.hash != "" {
		a.SHA256, a.Bytes = found.hash, found.size
	}
	return nil
}

// folder is the one that the export stands in. Files are read where they stand, one piece at a time, and never outside
// of it, whatever path an export may name.
type folder struct {
	root   *os.Root                                // nil if the export stands in no folder that can be read
	beside func(rel string) (io.ReadCloser, error) // then: opens what is in the zip with it; nil: nothing does
	sums   map[string]sum
}

type sum struct {
	hash, missing string
	size          int64
}

// remembered is how many files' sums are kept: stickers come again and again.
const remembered = 4096

func openFolder(export producers.File) *folder {
	f := &folder{sums: map[string]sum{}}
	var err error
	if f.root, err = os.OpenRoot(filepath.Dir(filepath.FromSlash(export.Path))); err != nil { // an export in a zip
		f.root = nil
		if export.Beside == nil {
			return f
		}
		if self, err := export.Beside(path.Base(export.Path)); err == nil { // whoever opens that opens what is beside it
			_ = self.Close()
			f.beside = export.Beside
		}
	}
	return f
}

func (f *folder) close() {
	if f.root != nil {
		_ = f.root.Close() // it was only read
	}
}

// sum reads a file. That it cannot be read is something to note, and no reason to stop; only the end of ctx is.
func (f *folder) sum(ctx context.Context, name string) (sum, error) {
	if f.root == nil && f.beside == nil {
		return sum{}, nil
	}
	if s, known := f.sums[name]; known {
		return s, nil
	}
	s := f.read(ctx, name)
	if err := ctx.Err(); err != nil {
		return sum{}, fmt.Errorf("reading the file %s: %w", name, err)
	}
	if len(f.sums) >= remembered {
		clear(f.sums)
	}
	f.sums[name] = s
	return s, nil
}

func (f *folder) read(ctx context.Context, name string) sum {
	if f.root == nil {
		return f.readBeside(ctx, name)
	}
	info, err := f.root.Stat(filepath.FromSlash(name)) // before opening: opening a pipe would wait for a writer
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return sum{missing: notHeld}
	case err != nil:
		return sum{missing: unreadable}
	case !info.Mode().IsRegular():
		return sum{missing: "the export names something that is no file"}
	}
	file, err := f.root.Open(filepath.FromSlash(name))
	if err != nil {
		return sum{missing: unreadable}
	}
	return hash(ctx, file)
}

// Why a file is missing.
const (
	notHeld    = "the export names this file but does not hold it"
	unreadable = "the file cannot be read from the export's folder"
)

func (f *folder) readBeside(ctx context.Context, name string) sum {
	file, err := f.beside(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return sum{missing: notHeld}
	case err != nil:
		return sum{missing: unreadable}
	}
	return hash(ctx, file)
}

func hash(ctx context.Context, file io.ReadCloser) sum {
	defer func() { _ = file.Close() }() // it was only read
	h := sha256.New()
	n, err := io.Copy(h, &patient{ctx: ctx, r: file})
	if err != nil {
		return sum{missing: unreadable}
	}
	return sum{hash: hex.EncodeToString(h.Sum(nil)), size: n}
}

// patient reads until its context ends: a video may take longer than anyone wants to wait.
type patient struct {
	ctx context.Context
	r   io.Reader
}

func (p *patient) Read(b []byte) (int, error) {
	if err := p.ctx.Err(); err != nil {
		return 0, err
	}
	return p.r.Read(b)
}
