package slack

import (
	"strings"

	"github.com/agrichat/agrichat/internal/event"
)

// attached is the files of a message. An export has no files, only where they are.
func attached(r *record) []event.Attachment {
	files := r.Files
	if f := r.File.it; f != nil && len(files) == 0 {
		files = list[file]{*f}
	}
	var out []event.Attachment
	for i := range files {
		out = append(out, files[i].attachment())
	}
	return out
}

func (f *file) attachment() event.Attachment {
	return event.Attachment{
		Kind: f.kind(), Name: firstOf(f.Name, f.Title), MIME: string(f.MIME), URL: firstOf(f.Private, f.Permalink),
		Bytes: f.Size.number(), Width: int(f.Width.number()), Height: int(f.Height.number()),
		Seconds: float64(f.Duration.number()) / 1000, Missing: f.missing(), NativeID: string(f.ID),
	}
}

func (f *file) kind() string {
	switch class, _, _ := strings.Cut(string(f.MIME), "/"); {
	case f.Subtype == "slack_audio":
		return "voice"
	case class == "image":
		return "photo"
	case class == "video" || class == "audio":
		return class
	}
	return "file"
}

// missing says why nobody can have the file any more.
func (f *file) missing() string {
	switch {
	case f.Mode == "tombstone":
		return "the file was deleted"
	case f.Mode == "hidden_by_limit":
		return "the file is hidden by the limits of the workspace's plan"
	case f.Access == "file_not_found" || f.Access == "access_denied":
		return strings.ReplaceAll(string(f.Access), "_", " ")
	}
	return ""
}
