package whatsapp

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"

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
	r, err := a.file.Beside(at.Path)
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
