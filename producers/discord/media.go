package discord

import (
	"context"
	"io"
	"net/url"
	"path"
	"strings"

	"github.com/agrichat/agrichat/internal/event"
	"github.com/agrichat/agrichat/producers"
	"github.com/agrichat/agrichat/producers/filekit"
)

// attach notes the message's files.
func (m *mapping) attach(ctx context.Context, b *event.Message) error {
	for _, a := range m.r.attachments {
		out := event.Attachment{Kind: fileKind(a.name, a.url), Name: a.name, Bytes: a.bytes, NativeID: a.id}
		if a.sticker {
			out.Kind = "sticker"
		}
		if err := locate(ctx, m.sidecars, &out, a.url); err != nil {
			return err
		}
		b.Attachments = append(b.Attachments, out)
	}
	return nil
}

func isURL(s string) bool { return strings.HasPrefix(s, "https://") || strings.HasPrefix(s, "http://") }

// fileKind derives from its name what a file is: the exporter records no more of it.
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

// newSidecars opens files beside an export by their names, which older versions of the exporter wrote as parts of addresses.
func newSidecars(f producers.File) *filekit.Sidecars {
	if f.Beside == nil {
		return filekit.NewSidecars(nil)
	}
	return filekit.NewSidecars(func(name string) (io.ReadCloser, error) {
		r, err := f.Beside(name)
		if err == nil {
			return r, nil
		}
		if plain, escaped := url.PathUnescape(name); escaped == nil && plain != name {
			return f.Beside(plain)
		}
		return nil, err
	})
}

// locate says where a file is: on the network, whose addresses go out of date and are kept as they stand, or beside the
// export, whose writer used the separators of its own system.
func locate(ctx context.Context, beside *filekit.Sidecars, a *event.Attachment, where string) error {
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
	sum, ok, err := beside.Sum(ctx, a.Path)
	switch {
	case err != nil || !ok:
		return err
	case sum.Err != nil:
		a.Missing = "the export names this file, which cannot be read from it"
	default:
		a.SHA256, a.Bytes = sum.SHA256, sum.Bytes
	}
	return nil
}
