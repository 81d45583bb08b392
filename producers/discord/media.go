package discord

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/url"
	"path"
	"strings"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/producers"
)

// attach notes the message's files.
func (m *mapping) attach(ctx context.Context, b *event.Message) error {
	for _, a := range m.r.attachments {
		out := event.Attachment{Kind: fileKind(a.name, a.url), Name: a.name, Bytes: a.bytes, NativeID: a.id}
		if a.sticker {
			out.Kind = "sticker"
		}
		if err := m.media.locate(ctx, &out, a.url); err != nil {
			return err
		}
		b.Attachments = append(b.Attachments, out)
	}
	return nil
}

func isURL(s string) bool { return strings.HasPrefix(s, "https://") || strings.HasPrefix(s, "http://") }

// fileKind tells by the name what a file is: the exporter says no more of it.
func fileKind(name, where string) string {
	if name == "" {
		name, _, _ = strings.Cut(where, "?")
	}
	if name == "voice-message.ogg" { // what the network calls them all
		return "voice"
	}
	switch strings.ToLower(path.Ext(name)) {
	case ".png", ".jpg", ".jpeg", ".webp", ".bmp", ".heic", ".avif":
		return "photo"
	case ".gif":
		return "animation"
	case ".mp4", ".mov", ".webm", ".mkv", ".avi", ".m4v":
		return "video"
	case ".mp3", ".ogg", ".wav", ".flac", ".m4a", ".opus":
		return "audio"
	}
	return "file"
}

// media reads the files that stand beside an export.
type media struct {
	beside func(string) (io.ReadCloser, error) // nil if nothing does
	sums   map[string]sum
}

type sum struct {
	hash string // empty if the file cannot be read
	size int64
}

// remembered is how many files' sums are kept: stickers come again and again.
const remembered = 4096

func newMedia(f producers.File) *media { return &media{beside: f.Beside, sums: map[string]sum{}} }

// locate says where a file is: on the network, whose addresses go out of date and are kept as they stand, or beside the
// export, whose writer used the separators of its own system.
func (m *media) locate(ctx context.Context, a *event.Attachment, where string) error {
	if where == "" {
		return nil
	}
	if isURL(where) {
		a.URL = where
		if a.Name == "" {
			name, _, _ := strings.Cut(where, "?")
			a.Name = path.Base(name)
		}
		return nil
	}
	a.Path = strings.ReplaceAll(where, `\`, "/")
	if a.Name == "" {
		a.Name = path.Base(a.Path)
	}
	if m.beside == nil {
		return nil
	}
	s, err := m.sum(ctx, a.Path)
	if err != nil {
		return err
	}
	if s.hash == "" {
		a.Missing = "the export names this file, which cannot be read from it"
		return nil
	}
	a.SHA256, a.Bytes = s.hash, s.size
	return nil
}

// sum reads a file. That it cannot be read is something to note, and no reason to stop; only the end of ctx is.
func (m *media) sum(ctx context.Context, name string) (sum, error) {
	if s, known := m.sums[name]; known {
		return s, nil
	}
	s := m.read(ctx, name)
	if plain, err := url.PathUnescape(name); s.hash == "" && err == nil && plain != name { // as older versions wrote them
		s = m.read(ctx, plain)
	}
	if err := ctx.Err(); err != nil {
		return sum{}, fmt.Errorf("reading the file %s: %w", name, err)
	}
	if len(m.sums) >= remembered {
		clear(m.sums)
	}
	m.sums[name] = s
	return s, nil
}

func (m *media) read(ctx context.Context, name string) sum {
	file, err := m.beside(name)
	if err != nil {
		return sum{}
	}
	defer func() { _ = file.Close() }() // it was only read
	h := sha256.New()
	n, err := io.Copy(h, &patient{ctx: ctx, r: file})
	if err != nil {
		return sum{}
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
