package whatsapp

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"golang.org/x/text/unicode/norm"

	"github.com/agrichat/agrichat/internal/event"
)

// locate reads the files that lie beside the export. That one cannot be read is something to note, and no reason to stop.
func (a *archive) locate(ctx context.Context, attachments []event.Attachment) error {
	if a.file.Beside == nil {
		return nil
	}
	for i := range attachments {
		at := &attachments[i]
		if at.Path == "" || at.Missing != "" {
			continue
		}
		if err := a.sum(ctx, at); ctx.Err() != nil {
			return fmt.Errorf("reading the file %s: %w", at.Path, ctx.Err())
		} else if errors.Is(err, fs.ErrNotExist) {
			at.Missing = "the export names this file but does not hold it"
		} else if err != nil {
			at.Missing = "the file cannot be read from the export"
		}
	}
	return nil
}

func (a *archive) sum(ctx context.Context, at *event.Attachment) (err error) {
	r, err := a.beside(at.Path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	h := sha256.New()
	n, err := io.Copy(h, &patient{ctx: ctx, r: r})
	if err != nil {
		return err
	}
	at.SHA256, at.Bytes = hex.EncodeToString(h.Sum(nil)), n
	return nil
}

// beside opens a file of the export. Zips of a Mac write accents apart from their letters, others do not, whatever the text does.
func (a *archive) beside(name string) (io.ReadCloser, error) {
	r, err := a.file.Beside(name)
	if !errors.Is(err, fs.ErrNotExist) {
		return r, err
	}
	for _, form := range [...]norm.Form{norm.NFC, norm.NFD} {
		if other := form.String(name); other != name {
			if r, err := a.file.Beside(other); err == nil {
				return r, nil
			}
		}
	}
	return nil, err
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
