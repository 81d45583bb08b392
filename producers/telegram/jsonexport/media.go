package jsonexport

import (
	"context"

	"github.com/agrichat/agrichat/internal/event"
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
	if err := m.media.Locate(ctx, &a, where); err != nil {
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
