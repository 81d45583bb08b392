package whatsapp

import (
	"context"
	"errors"
	"io"
	"io/fs"

	"golang.org/x/text/unicode/norm"

	"github.com/agrichat/agrichat/internal/event"
)

// locate hashes the files that lie beside the export. That one cannot be read is something to note, and no reason to stop.
func (s *session) locate(ctx context.Context, attachments []event.Attachment) error {
	for i := range attachments {
		at := &attachments[i]
		if at.Path == "" || at.Missing != "" {
			continue
		}
		sum, ok, err := s.sidecars.Sum(ctx, at.Path)
		switch {
		case err != nil:
			return err
		case !ok:
		case errors.Is(sum.Err, fs.ErrNotExist):
			at.Missing = "the export names this file but does not hold it"
		case sum.Err != nil:
			at.Missing = "the file cannot be read from the export"
		default:
			at.SHA256, at.Bytes = sum.SHA256, sum.Bytes
		}
	}
	return nil
}

// beside opens a file of the export. Zips of a Mac write accents apart from their letters, others do not, whatever the text does.
func (a *archive) beside(name string) (io.ReadCloser, error) {
	r, err := a.File.Beside(name)
	if !errors.Is(err, fs.ErrNotExist) {
		return r, err
	}
	for _, form := range [...]norm.Form{norm.NFC, norm.NFD} {
		if other := form.String(name); other != name {
			if r, err := a.File.Beside(other); err == nil {
				return r, nil
			}
		}
	}
	return nil, err
}
